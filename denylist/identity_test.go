package denylist_test

import (
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// TestIdentity: what the evidence alone says, whatever the law.
func TestIdentity(t *testing.T) {
	tests := []struct {
		name   string
		c      sbom.Component
		vendor string
		want   denylist.Level
		is     denylist.Identifies
	}{
		{"driver with nested signature", file("/klif.sys", named("pe", "klif.sys"),
			ev{sbom.SignerO, "Microsoft Windows Hardware Compatibility Publisher", "certificate 1", 0},
			ev{sbom.SignerO, "AO Kaspersky Lab", "certificate 1, nested", 0}),
			"kaspersky", denylist.Denied, denylist.Driver},
		{"renamed driver", file("/x.bin", ev{sbom.PEOriginalFilename, "KLIF.SYS", "", 0}, ev{sbom.PEPDBPath, `d:\build\klif.pdb`, "", 0}),
			"kaspersky", denylist.Denied, denylist.Driver},
		{"driver by name alone", file("/klif.sys", named("pe", "klif.sys")), "kaspersky", denylist.Review, denylist.Driver},
		{"company name alone", file("/a.dll", ev{sbom.PECompanyName, "AO Kaspersky Lab", "", 0}), "kaspersky", denylist.Review, denylist.Product},
		{"company name and claimed signer", file("/a.dll", ev{sbom.PECompanyName, "AO Kaspersky Lab", "", 0}, ev{sbom.SignerOClaimed, "AO Kaspersky Lab", "", 0}),
			"kaspersky", denylist.Review, denylist.Product},
		{"file name and claimed signer", file("/klif.sys", ev{sbom.Filename, "klif.sys", "pe", 0}, ev{sbom.SignerOClaimed, "AO Kaspersky Lab", "", 0}),
			"kaspersky", denylist.Denied, denylist.Driver},
		{"debian package", pkg("pkg:deb/kesl@12.0.0-1?arch=amd64", nil), "kaspersky", denylist.Denied, denylist.Product},
		{"rpm by vendor alone", pkg("pkg:rpm/unknown@1", func(c *sbom.Component) { c.Publisher = "AO Kaspersky Lab" }), "kaspersky", denylist.Review, denylist.Product},
		{"npm scope", pkg("pkg:npm/%40kaspersky/hexa-ui@5.0.0", nil), "kaspersky", denylist.Denied, denylist.OpenSource},
		{"npm author", pkg("pkg:npm/unknown@1.0.0", func(c *sbom.Component) { c.Authors = []string{"AO Kaspersky Lab <x@kaspersky.com>"} }),
			"kaspersky", denylist.Review, denylist.OpenSource},
		{"maven", pkg("pkg:maven/com.kaspersky.android-components/kaspresso@1.5.3", nil), "kaspersky", denylist.Denied, denylist.OpenSource},
		{"android kit in an app", file("/app.apk", ev{sbom.AndroidPackage, "com.example.bank", "", 0}, ev{sbom.JavaPackage, "com/kavsdk/", "", 0}),
			"kaspersky", denylist.Denied, denylist.Engine},
		{"apple team", file("/k", ev{sbom.AppleTeamID, "2Y8XE5CQ94", "", 0}), "kaspersky", denylist.Denied, denylist.Product},
		{"apple team, claimed", file("/k", ev{sbom.AppleTeamClaimed, "2Y8XE5CQ94", "", 0}), "kaspersky", denylist.Review, denylist.Product},
		{"installation", file("/opt/kaspersky/kesl/bin/kesl-control", ev{sbom.Path, "/opt/kaspersky/kesl/bin/kesl-control", "elf", 0}), "kaspersky", denylist.Denied, denylist.Product},
		{"payload of the package", file("/var/opt/kaspersky/kesl/install/opt/kaspersky/kesl/x", ev{sbom.Path, "/var/opt/kaspersky/kesl/install/opt/kaspersky/kesl/x", "data", 0}), "kaspersky", denylist.Denied, denylist.Product},
		{"windows folder", file("/Files/Program Files (x86)/Kaspersky Lab/KES/avp.exe", ev{sbom.Path, "/Files/Program Files (x86)/Kaspersky Lab/KES/avp.exe", "pe", 0}), "kaspersky", denylist.Review, denylist.Product},
		{"unit", file("/lib/systemd/system/kavhttpd.service", ev{sbom.SystemdUnit, "kavhttpd", "", 0}), "kaspersky", denylist.Denied, denylist.Product},
		{"root certificate", file("/etc/ssl/certs/ca.crt", ev{sbom.X509Subject, "CN=Kaspersky Anti-Virus Personal Root Certificate,O=AO Kaspersky Lab", "", 0}), "kaspersky", denylist.Review, denylist.Residue},
		{"russian name", file("/a", ev{sbom.MSIVendor, `ЗАО «Лаборатория Касперского»`, "", 0}), "kaspersky", denylist.Review, denylist.Product},
		{"qihoo by site", file("/a.exe", ev{sbom.PECompanyName, "360.CN", "", 0}), "qihoo-360", denylist.Denied, denylist.Product},
		{"qihoo center", file("/a.exe", ev{sbom.PECompanyName, "360互联网安全中心", "", 0}), "qihoo-360", denylist.Denied, denylist.Product},
		{"qihoo signer", file("/a.exe", ev{sbom.SignerO, "Qihoo 360 Software (Beijing) Company Limited", "", 0}), "qihoo-360", denylist.Denied, denylist.Product},
		{"jiagu", file("/app.apk!/assets/libjiagu_x86.so", named("elf", "libjiagu_x86.so")), "qihoo-360", denylist.Review, denylist.Engine},
		{"network sdk", file("/HCNetSDK.dll", named("pe", "HCNetSDK.dll"), ev{sbom.PEExportName, "HCNetSDK.dll", "", 0}, ev{sbom.SymbolFamily, "NET_DVR_", "exports", 762}),
			"hikvision", denylist.Denied, denylist.Product},
		{"network sdk, renamed", file("/x.dll", ev{sbom.SymbolFamily, "NET_DVR_", "exports", 40}), "hikvision", denylist.Denied, denylist.Product},
		{"player", file("/libp.so", ev{sbom.SymbolFamily, "PlayM4_", "exports", 120}), "hikvision", denylist.Denied, denylist.Product},
		{"soname", file("/y", ev{sbom.ELFSoname, "libhcnetsdk.so", "", 0}), "hikvision", denylist.Denied, denylist.Product},
		{"dahua sdk", file("/x.so", ev{sbom.SymbolFamily, "CLIENT_LoginEx", "exports", 3}, ev{sbom.Symbol, "CLIENT_Cleanup", "exports", 0}), "dahua", denylist.Denied, denylist.Product},
		{"dahua player", file("/x.dll", ev{sbom.PEExport, "PLAY_InputData", "", 0}, ev{sbom.PEExport, "PLAY_OpenStream", "", 0}, ev{sbom.PEExport, "PLAY_GetFreePort", "", 0}, ev{sbom.PEExport, "PLAY_Play", "", 0}), "dahua", denylist.Denied, denylist.Product},
		{"dahua namespace", file("/x.so", ev{sbom.CXXNamespace, "Dahua", "", 7}), "dahua", denylist.Review, denylist.Product},
		{"dahua nested namespace", file("/x.so", ev{sbom.CXXNamespace, "Dahua", "", 70}, ev{sbom.CXXNamespace, "NetFramework", "", 60}), "dahua", denylist.Denied, denylist.Product},
		{"portable runtime", file("/libhpr.so.1", named("elf", "libhpr.so.1"), ev{sbom.SymbolFamily, "HPR_", "exports", 150}, ev{sbom.Symbol, "HPR_MutexCreate", "exports", 0}), "hikvision", denylist.Denied, denylist.Product},
		{"mac library by install name", file("/x", ev{sbom.MachOInstallName, "@rpath/libhcnetsdk.dylib", "", 0}), "hikvision", denylist.Review, denylist.Product},
		{"hisilicon media", file("/libmpi.so", ev{sbom.SymbolFamily, "HI_MPI_", "exports", 300}), "huawei", denylist.Denied, denylist.Product},
		{"object storage client", file("/libeSDKOBS.so", named("elf", "libeSDKOBS.so"), ev{sbom.Symbol, "obs_initialize", "exports", 0}, ev{sbom.Symbol, "init_obs_options", "exports", 0}, ev{sbom.Symbol, "initialize_break_point_lock", "exports", 0}), "huawei", denylist.Denied, denylist.OpenSource},
		{"huawei go module", pkg("pkg:golang/github.com/huaweicloud/huaweicloud-sdk-go-v3@v0.1.207", nil), "huawei", denylist.Denied, denylist.OpenSource},
		{"acronis scope", pkg("pkg:npm/%40acronis-platform/shadcn-uikit@1.0.0", nil), "acronis", denylist.Denied, denylist.OpenSource},
		{"acronis mac", file("/a", ev{sbom.CodesignCN, "Developer ID Application: Acronis International GmbH (ZU2TV78AA6)", "", 0}), "acronis", denylist.Denied, denylist.Product},
		{"ptsecurity scope", pkg("pkg:npm/%40ptsecurity/mosaic@15.0.0", nil), "positive-technologies", denylist.Denied, denylist.OpenSource},
		{"drweb", file("/opt/drweb.com/bin/drweb-ctl", ev{sbom.Path, "/opt/drweb.com/bin/drweb-ctl", "elf", 0}), "doctor-web", denylist.Denied, denylist.Product},
		{"drweb driver, signed", file("/dwprot.sys", named("pe", "dwprot.sys"), ev{sbom.SignerO, "Doctor Web Ltd.", "", 0}), "doctor-web", denylist.Denied, denylist.Driver},
		{"group-ib driver, signed", file("/gibepcore.sys", named("pe", "gibepcore.sys"), ev{sbom.SignerO, "Group-IB LTD", "", 0}), "group-ib", denylist.Denied, denylist.Driver},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(t, inventory(tt.c), denylist.Policy{AllEffects: true, Mentions: true})
			if got := strictest(v, tt.vendor, identity); got != tt.want {
				t.Fatalf("identity %q, want %q: %+v", got, tt.want, v.Findings)
			}
			for _, f := range v.Findings {
				if f.Vendor == tt.vendor && f.Identity == tt.want && f.Identifies == tt.is {
					return
				}
			}
			t.Errorf("identifies %v, want %s", v.Findings[0].Identifies, tt.is)
		})
	}
}
