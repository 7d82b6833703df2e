package main

import "fmt"

// system makes a folder the root of a Debian.
func system(dir string, b *bench) error {
	return texts("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")(b, dir)
}

// stanza is a package's entry in dpkg's database.
func stanza(name, maintainer string) string {
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nMaintainer: %s\nArchitecture: amd64\nVersion: 12.1.0-1543\nDescription: x\n\n", name, maintainer)
}

// unit is a systemd unit that starts a program.
func unit(program string) string {
	return "[Unit]\nDescription=x\n\n[Service]\nExecStart=" + program + "\n\n[Install]\nWantedBy=multi-user.target\n"
}

// vendorLayouts are the vendors' products as they lie installed on Linux, each
// a root file system of its own.
func vendorLayouts() []probe {
	program := func(name string) builder { return elf{name: name, exports: []string{"main"}}.build }
	ls := func(vendor, name string, f ...builder) probe {
		return probe{name: name, kind: "layout", vendor: vendor, target: "dir:", build: func(b *bench, dir string) error {
			return both(append(f, func(b *bench, dir string) error { return system(dir, b) })...)(b, dir)
		}}
	}
	weak := func(p probe) probe { p.level = review; return p }
	return []probe{
		ls("kaspersky", "kesl", program("opt/kaspersky/kesl/libexec/kesl"), program("opt/kaspersky/kesl/bin/kesl-control"), texts("etc/init.d/kesl-supervisor", "#!/bin/sh\n", "var/opt/kaspersky/kesl/common/kesl.ini", "[General]\n")),
		ls("kaspersky", "kesl-payload", program("var/opt/kaspersky/kesl/install/opt/kaspersky/kesl/libexec/kesl")),
		ls("kaspersky", "kesl-installed-deb", texts("var/lib/dpkg/status", stanza("kesl", "Kaspersky Lab <x@kaspersky.com>"))),
		ls("kaspersky", "kesl-ini-only", texts("var/opt/kaspersky/kesl/common/kesl.ini", "[General]\n")),
		weak(ls("kaspersky", "kesl-unit-only", texts("usr/lib/systemd/system/kesl.service", unit("/opt/kaspersky/kesl/libexec/kesl")))),
		ls("kaspersky", "kesl-container", texts("root/kesl-service/kesl-service.config", "x")),
		ls("kaspersky", "klnagent", program("opt/kaspersky/klnagent64/sbin/klnagent"), texts("usr/lib/systemd/system/klnagent64.service", unit("/opt/kaspersky/klnagent64/sbin/klnagent"))),
		ls("kaspersky", "klnagent-installed-deb", texts("var/lib/dpkg/status.d/klnagent64", stanza("klnagent64", "x"))),
		ls("kaspersky", "kav4fs", program("opt/kaspersky/kav4fs/bin/kav4fs-kavscanner")),
		ls("kaspersky", "kav4mailservers", program("opt/kav/5.5/kav4mailservers/bin/kavscanner")),
		ls("kaspersky", "scan-engine", program("opt/kaspersky/ScanEngine/bin/kavhttpd"), texts("opt/kaspersky/ScanEngine/bin/bases/appinfo.kli", "x", "etc/systemd/system/kavhttpd.service", unit("/opt/kaspersky/ScanEngine/bin/kavhttpd"))),
		weak(ls("kaspersky", "scan-engine-bundled", program("srv/mail/av/kavhttpd"), texts("srv/mail/av/bases/appinfo.kli", "x"))),
		ls("kaspersky", "kics", program("opt/kaspersky/kics/bin/kics")),
		ls("kaspersky", "kess", program("opt/kaspersky/kess/bin/kess")),
		ls("kaspersky", "kwts", texts("var/lib/dpkg/status", stanza("kwts", "x"))),
		weak(ls("kaspersky", "kaspersky-24", program("var/opt/kaspersky/Kaspersky 24.0/bin/avp"))),
		ls("kaspersky", "web-console", texts("etc/systemd/system/KSCWebConsole.service", unit("/var/opt/x"))),
		ls("kaspersky", "macos", texts("Library/Application Support/Kaspersky Lab/KAV/x", "x", "Library/LaunchDaemons/com.kaspersky.kav.plist", plist("Label", "com.kaspersky.kav"))),
		weak(ls("kaspersky", "windows-folder", pe{name: "Program Files (x86)/Kaspersky Lab/Kaspersky 21.3/x.exe"}.build)),
		weak(ls("kaspersky", "kuma", texts("var/lib/dpkg/status", stanza("ksc64", "x")))),
		ls("acronis", "acronis-agent", program("usr/lib/Acronis/BackupAndRecovery/mms"), texts("etc/Acronis/BackupAndRecovery.config", "<registry/>")),
		ls("acronis", "acronis-config", texts("etc/Acronis/BackupAndRecovery.config", "<registry/>")),
		weak(ls("acronis", "acronis-units", texts("etc/systemd/system/acronis_mms.service", unit("/usr/sbin/acronis_mms")))),
		weak(ls("acronis", "acronis-installer", program("tmp/Cyber_Protection_Agent_for_Linux_x86_64.bin"))),
		weak(ls("acronis", "acronis-white-label", program("srv/Backup_Agent_for_Linux_x86_64.bin"))),
		weak(ls("acronis", "snapapi", elf{name: "lib/modules/6.1.0/extra/snapapi26.ko", modinfo: []string{"name=snapapi26", "license=Proprietary", "author=Acronis"}}.build)),
		ls("doctor-web", "drweb", program("opt/drweb.com/bin/drweb-configd"), texts("etc/opt/drweb.com/drweb.ini", "[Root]\n", "lib/systemd/system/drweb-configd.service", unit("/opt/drweb.com/bin/drweb-configd"))),
		ls("doctor-web", "drweb-unit", texts("lib/systemd/system/drweb-configd.service", unit("/x"))),
		weak(ls("doctor-web", "drweb-package", texts("var/lib/dpkg/status", stanza("drweb-common", "Doctor Web, Ltd. <x@drweb.com>")))),
		ls("huawei", "hostguard", program("usr/local/hostguard/bin/hostguard"), texts("etc/init.d/hostguard", "#!/bin/sh\n")),
		weak(ls("huawei", "hostguard-unit", texts("etc/systemd/system/hostguard.service", unit("/x")))),
		ls("qihoo-360", "360safe", program("opt/360safe/360entclient/360entclient")),
		ls("qihoo-360", "360safe-unit", texts("etc/systemd/system/service360safe_linux.service", unit("/x"))),
		weak(ls("positive-technologies", "ptaf", texts("var/pt/ptaf-deploy/config.yml", "x", "var/pt/infra/x", "x"))),
		weak(ls("hikvision", "mvs", texts("opt/MVS/bin/MVS.sh", "#!/bin/sh\n"))),
		ls("hikvision", "sdk-tree", program("srv/app/lib/HCNetSDKCom/libHCAlarm.so"), elf{name: "srv/app/lib/libcrypto.so.1.0.0", soname: "libcrypto.so.1.0.0", exports: []string{"SSLeay"}}.build),
		ls("hikvision", "npm-with-sdk", texts("app/node_modules/hikopenapi-node/package.json", `{"name":"hikopenapi-node","version":"1.1.0","author":"x"}`),
			pe{name: "app/node_modules/hikopenapi-node/lib/HttpUtillib.dll", library: "HttpUtillib.dll", exports: []string{"HTTPUTIL_Get", "HTTPUTIL_Post", "HTTPUTIL_GetLastStatus"}, info: info("Hangzhou Hikvision Digital Technology Co., Ltd.", "", "")}.build),
		weak(ls("kaspersky", "trust-store-module", elf{name: "boot/efi/EFI/kav/bootx64.so", exports: []string{"efi_main"}, vendorCert: kasperskyAO}.build)),
	}
}
