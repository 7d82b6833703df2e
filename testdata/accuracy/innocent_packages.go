package main

import "strings"

// debian are packages of Debian that mislead: they name the vendors, their
// devices or files, or sound like them.
const debian = `ieee-data hwdata usb-modeswitch-data nmap-common libwireshark-data libwireshark16 modemmanager clamav-base libclamav12 yara libyara9
	amavisd-new ca-certificates libtrilinos-aztecoo-13.2 ztex-bmp bleachbit rkhunter libmariadb3 libvulkan1 libssl3 usbutils
	vulkan-validationlayers p0f arp-scan tshark sane-airscan usb-modeswitch wvdial spice-vdagent fwupd shim-signed shim-unsigned`

// public are packages of the npm registry that sound like the vendors'.
const public = `node-hikvision-api@0.0.2 360-image-viewer@1.0.1 consolidate@1.0.4 @aztec/foundation@5.2.0 electron-winstaller@5.4.0 node-notifier@10.0.1`

// innocentPackages are files of public packages, and a whole image of such.
func innocentPackages() []probe {
	var ps []probe
	for name := range strings.FieldsSeq(debian) {
		ps = append(ps, probe{name: "debian-" + name, kind: "debian", build: func(b *bench, dir string) error {
			from, err := b.fetchDeb(name)
			if err != nil {
				return err
			}
			return b.sh(dir, "cp -r "+from+"/. .")
		}})
	}
	for spec := range strings.FieldsSeq(public) {
		ps = append(ps, probe{name: "npm-" + strings.ReplaceAll(spec, "/", "-"), kind: "npm", build: npm(spec)})
	}
	return append(ps, probe{name: "debian-image", kind: "debian image", target: "docker-archive:image.tar", build: func(b *bench, dir string) error {
		return b.tool(".", "go", "run", "github.com/interdict/interdict/testdata/bench/mkimage", "-o", dir+"/image.tar",
			"clamav", "wireshark-common,tshark", "nmap", "modemmanager,usb-modeswitch", "hwdata,ieee-data", "yara", "linux-image-amd64")
	}})
}
