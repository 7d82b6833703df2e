package denylist_test

import (
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// TestTraps: what names a vendor, or looks like its software, and is not. None
// of it may be denied; want is the strictest level that it may have.
func TestTraps(t *testing.T) {
	openssl := []ev{{sbom.PECompanyName, "The OpenSSL Project, https://www.openssl.org/", "", 0}, {sbom.PEProductName, "The OpenSSL Toolkit", "", 0}}
	tests := []struct {
		name string
		cs   []sbom.Component
		want denylist.Level
	}{
		{"device tables as data", []sbom.Component{file("/usr/share/ieee-data/oui.txt"), file("/usr/lib/libwireshark.so.16",
			ev{sbom.BinaryString, "HANGZHOU HIKVISION DIGITAL TECHNOLOGY CO.,LTD", "offset 0x100", 1}, ev{sbom.BinaryString, "Zhejiang Dahua Technology", "", 1})}, denylist.Mention},
		{"in-tree kernel module", []sbom.Component{file("/lib/modules/6.1/hinic.ko", ev{sbom.ModinfoAuthor, "Huawei Technologies CO., Ltd", ".modinfo", 0}, ev{sbom.ModinfoInTree, "Y", ".modinfo", 0},
			ev{sbom.ModinfoLicense, "GPL", "", 0}, ev{sbom.ModinfoName, "hinic", "", 0}, ev{sbom.KmodSigner, "Debian Secure Boot CA", "", 0})}, denylist.Mention},
		{"in-tree kernel module, its author in the component too", []sbom.Component{func() sbom.Component {
			c := file("/hinic.ko", ev{sbom.ModinfoAuthor, "Huawei Technologies CO., Ltd", ".modinfo", 0}, ev{sbom.ModinfoInTree, "Y", ".modinfo", 0}, ev{sbom.ModinfoLicense, "GPL", "", 0}, ev{sbom.EntityName, "Huawei Technologies CO., Ltd", "author", 0})
			c.Authors = []string{"Huawei Technologies CO., Ltd"}
			return c
		}()}, denylist.Mention},
		{"named after the hardware", []sbom.Component{file("/huawei_cdc_ncm.ko", ev{sbom.ModinfoAuthor, "Enrico Mioso <mrkiko.rs@gmail.com>", "", 0}, ev{sbom.ModinfoName, "huawei_cdc_ncm", "", 0})}, ""},
		{"modem plug-ins", []sbom.Component{file("/libmm-plugin-huawei.so", named("elf", "libmm-plugin-huawei.so")), file("/libmm-plugin-zte.so", ev{sbom.ELFSoname, "libmm-plugin-zte.so", "", 0})}, ""},
		{"three letters", []sbom.Component{pkg("pkg:npm/%40aztec/sdk@1.0.0", nil), pkg("pkg:deb/debian/libtrilinos-aztecoo-13.2@13", nil), pkg("pkg:npm/console-consolidate@1", nil),
			pkg("pkg:npm/zte@1", func(c *sbom.Component) { c.Authors = []string{"zte"} })}, ""},
		{"the number 360", []sbom.Component{pkg("pkg:npm/360-image-viewer@1", func(c *sbom.Component) {
			c.CPEs = []string{"cpe:2.3:a:360:image-viewer:1:*:*:*:*:*:*:*", "cpe:2.3:a:360-image-viewer:360-image-viewer:1:*:*:*:*:*:*:*"}
		}), file("/n360.exe", ev{sbom.PECompanyName, "NortonLifeLock Inc.", "", 0}, ev{sbom.PEProductName, "Norton 360", "", 0})}, denylist.Mention},
		{"owners' names", []sbom.Component{pkg("pkg:golang/github.com/kaspersky/gengine@v1.0.0", func(c *sbom.Component) {
			c.CPEs = []string{"cpe:2.3:a:kaspersky:gengine:1.0.0:*:*:*:*:*:*:*"}
		}), pkg("pkg:github/KasperSkytte/ampvis2@1", nil), pkg("pkg:golang/github.com/lindahua/light-matrix@v0.1.0", nil)}, denylist.Mention},
		{"clients of the vendor's services", []sbom.Component{pkg("pkg:pypi/kasperskytip@1", nil), pkg("pkg:pypi/pyacronis@1", func(c *sbom.Component) {
			c.CPEs = []string{"cpe:2.3:a:acronis:pyacronis:1:*:*:*:*:*:*:*"}
			c.References = []sbom.Reference{{Type: "website", URL: "https://developer.acronis.com/"}}
		}), pkg("pkg:npm/node-hikvision-api@1", func(c *sbom.Component) {
			c.Authors = []string{"hiron"}
			c.CPEs = []string{"cpe:2.3:a:hikvision:node-hikvision-api:1:*:*:*:*:*:*:*"}
		})}, denylist.Mention},
		{"a root certificate", []sbom.Component{file("/etc/ssl/ca.pem", ev{sbom.X509Subject, "CN=Kaspersky Anti-Virus Personal Root Certificate,O=AO Kaspersky Lab", "", 0})}, denylist.Review},
		{"a certificate of the vendor", []sbom.Component{file("/etc/ssl/ct.pem", ev{sbom.X509Subject, "C=CN, O=Huawei Technologies Co., Ltd, CN=Huawei Equipment CA", "", 0})}, denylist.Mention},
		{"forged signer", []sbom.Component{file("/evil.exe", ev{sbom.SignerOClaimed, "Kaspersky Lab", "self-signed", 0}, ev{sbom.SignerCNClaimed, "Kaspersky Lab", "self-signed", 0})}, denylist.Review},
		{"library of a listed company", []sbom.Component{pkg("pkg:golang/github.com/bytedance/sonic@v1.15.5", nil)}, ""},
		{"client flags of a database", []sbom.Component{file("/libmysqlclient.so", ev{sbom.SymbolFamily, "CLIENT_", "exports", 30}, ev{sbom.ELFSoname, "libmysqlclient.so.21", "", 0})}, ""},
		{"many client symbols without the login", []sbom.Component{file("/libx.so", ev{sbom.SymbolFamily, "CLIENT_", "exports", 90}, ev{sbom.Symbol, "CLIENT_Cleanup", "exports", 0})}, ""},
		{"prefix of another", []sbom.Component{file("/libparse.so", ev{sbom.SymbolFamily, "HPR_", "exports", 40})}, ""},
		{"kav of another", []sbom.Component{file("/kavbootc64.sys", named("pe", "KAVBootC64.sys"), ev{sbom.PECompanyName, "Kingsoft Corporation", "", 0})}, ""},
		{"kes of minio", []sbom.Component{pkg("pkg:golang/github.com/minio/kes@v0.1", nil), file("/kes.service", ev{sbom.SystemdUnit, "kes", "", 0})}, ""},
		{"data files", []sbom.Component{file("/a/base.avc", named("data", "base.avc")), file("/x/klif.sys", named("data", "klif.sys")), file("/kl_scanengine_db.key", named("data", "kl_scanengine_db.key"))}, denylist.Review},
		{"compiler's own string", []sbom.Component{file("/libx.so", ev{sbom.ELFComment, "GCC: (Hisilicon_v300) 4.8.3", "", 0})}, ""},
		{"graphics interface", []sbom.Component{file("/libvulkan.so", ev{sbom.Symbol, "vkCmdSubpassShadingHUAWEI", "", 0})}, ""},
		{"client of the sdk", []sbom.Component{file("/viewer.exe", ev{sbom.PEImport, "HCNetSDK.dll", "", 0}, ev{sbom.SymbolImport, "NET_DVR_", "imports", 60}, ev{sbom.PECompanyName, "Acme Ltd", "", 0})}, denylist.Mention},
		{"openssl that the vendor built", []sbom.Component{file("/sdk/libeay32.dll", append(openssl, ev{sbom.PEPDBPath, `D:\HCNetSDK\openssl\out\libeay32.pdb`, "", 0})...)}, denylist.Review},
		{"neighbour in the sdk's folder", []sbom.Component{file("/app/HCNetSDKCom/libcrypto.so", ev{sbom.Path, "/app/HCNetSDKCom/libcrypto.so", "elf", 0}, ev{sbom.ELFSoname, "libcrypto.so.1.0.0", "", 0})}, denylist.Review},
		{"file name that another uses", []sbom.Component{file("/EventMon.sys", named("pe", "EventMon.sys"), ev{sbom.PEOriginalFilename, "EventMon.sys", "", 0}, ev{sbom.PECompanyName, "Acme Ltd", "", 0})}, denylist.Mention},
		{"vendors name each other", []sbom.Component{file("/dh.dll", ev{sbom.BinaryString, "HANGZHOU HIKVISION DIGITAL TECHNOLOGY CO.,LTD", "", 1})}, denylist.Mention},
		{"test tools of others with the vendor's words", []sbom.Component{file("/t.apk", ev{sbom.AndroidPackage, "com.example.kaspersky", "", 0})}, ""},
		{"a repository of packages only", []sbom.Component{file("/etc/apt/sources.list.d/k.list", ev{sbom.RepoURL, "https://repo.kaspersky.com/apt", "", 0})}, denylist.Review},
	}
	order := map[denylist.Level]int{"": 0, denylist.Mention: 1, denylist.Review: 2, denylist.Denied: 3}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, all := range []bool{false, true} {
				v := judge(t, inventory(tt.cs...), denylist.Policy{AllEffects: all, Mentions: true})
				for _, f := range v.Findings {
					if order[f.Identity] > order[tt.want] {
						t.Errorf("%s %s: %s\nproofs %+v", f.Vendor, f.Identity, f.Why, f.Matches)
					}
				}
				if v.Outcome == denylist.Deny {
					t.Errorf("outcome %s", v.Outcome)
				}
			}
		})
	}
}
