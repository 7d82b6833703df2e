package report_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
)

func diffID(n int) string {
	return fmt.Sprintf("sha256:%s", strings.Repeat(fmt.Sprintf("%x", n), 64)[:64])
}

func day(s string) denylist.Date {
	d, err := denylist.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// fixture is one report with everything in it: an image that is denied, with a
// product in a hidden layer, an engine inside another product, an open-source
// package that only some regimes ban, a mention, hostile names and gaps; a
// folder that passes; a stored bill of materials of another tool; and a target
// that could not be opened.
func fixture() *report.Report {
	list := denylist.ListID{Name: "interdict builtin", Version: "2026.11.1", Digest: diffID(0xe)}
	r := &report.Report{
		SchemaVersion: report.SchemaVersion,
		Tool:          sbom.Tool{Name: "interdict", Version: "0.9.0", Detectors: []string{"elf@1", "pe@2"}},
		List:          list, AsOf: day("2026-11-23"),
		Created: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Regimes: regimes(),
	}
	image := imageInventory()
	asked := []string{"us-bod-17-01", "us-far-52-204-23", "us-ndaa2018-1634"}
	r.Targets = []report.Target{
		{
			Target: "registry.example.com/shop:1.0", Digest: diffID(0xd), Platform: "linux/amd64", Inventory: image,
			Verdict: denylist.Verdict{Outcome: denylist.Deny, Findings: findings(), Regimes: asked, AsOf: r.AsOf, List: list, Gaps: image.Coverage.Gaps},
		},
		{
			Target: "dir:./plain", Inventory: &sbom.Inventory{
				Subject: sbom.Subject{Kind: sbom.Directory, Name: "./plain"}, Tool: r.Tool, Created: r.Created, Layers: []sbom.Layer{{}},
				Coverage: sbom.Coverage{FilesSeen: 1, FilesExamined: 1, BytesSeen: 12},
			},
			Verdict: denylist.Verdict{Outcome: denylist.Pass, Regimes: asked, AsOf: r.AsOf, List: list},
		},
		{
			Target: "peer.json", Digest: diffID(0xc), Inventory: &sbom.Inventory{
				Subject: sbom.Subject{Kind: sbom.Image, Name: "peer", Digest: diffID(0xc)}, Tool: r.Tool, Created: r.Created, Foreign: "syft 1.54.1",
			},
			Verdict: denylist.Verdict{
				Outcome: denylist.Incomplete, Regimes: asked, AsOf: r.AsOf, List: list,
				Gaps: []sbom.Gap{{Reason: sbom.NotEvaluated, Detail: "412 rules need evidence from inside binaries"}},
			},
		},
		{
			Target: "file:setup.exe", Digest: diffID(0xa), Inventory: &sbom.Inventory{
				Subject: sbom.Subject{Kind: sbom.Binary, Name: "setup.exe", Digest: diffID(0xa)}, Tool: r.Tool, Created: r.Created, Layers: []sbom.Layer{{}},
				Coverage: sbom.Coverage{FilesSeen: 1, FilesExamined: 1, BytesSeen: 4096},
			},
			Verdict: denylist.Verdict{Outcome: denylist.NeedsReview, Regimes: asked, AsOf: r.AsOf, List: list, Findings: []denylist.Finding{claimed()}},
		},
		{Target: "registry.example.com/gone:1", Error: "reading manifest: 401 unauthorized"},
	}
	return r
}

func imageInventory() *sbom.Inventory {
	inv := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Image, Name: "registry.example.com/shop:1.0", Digest: diffID(0xd), ImageID: diffID(0xb), Platform: "linux/amd64", PURL: "pkg:oci/shop@sha256%3Add"},
		Tool:    sbom.Tool{Name: "interdict", Version: "0.9.0"},
		Created: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Layers: []sbom.Layer{
			{DiffID: diffID(1), Digest: diffID(4), Size: 31_400_000, CreatedBy: "ADD rootfs.tar / # buildkit"},
			{DiffID: diffID(2), Digest: diffID(5), Size: 88_000_000, CreatedBy: "RUN dpkg -i kesl.deb"},
			{DiffID: diffID(3), Digest: diffID(6), Size: 1_024, CreatedBy: "RUN rm -rf /opt/kaspersky <b>\x1b[31m"},
		},
		Components: []sbom.Component{
			{Type: sbom.Application, Name: "kesl", Version: "11.2.0", PURL: "pkg:deb/kesl@11.2.0", Occurrences: []sbom.Occurrence{{Path: "/opt/kaspersky/kesl/bin/kesl", Layer: diffID(2), Hidden: true}}},
		},
		Coverage: sbom.Coverage{
			FilesSeen: 54_483, FilesExamined: 1_204, BytesSeen: 1_912_345_678,
			Gaps: []sbom.Gap{
				{Path: "/opt/secret.zip", Layer: diffID(2), Reason: sbom.Encrypted, Detail: "3 members need a password", Detector: "zip@1"},
				{Path: "/srv/\x1b]0;owned\x07<img src=x onerror=alert(1)>.7z", Layer: diffID(3), Reason: sbom.Limit, Detail: "more than 100,000 members"},
				{Path: "/usr/share/doc/odd.exe", Layer: diffID(1), Reason: sbom.Malformed, Detail: "no PE header", Detector: "pe@2"},
			},
		},
	}
	inv.Normalize()
	return inv
}

func findings() []denylist.Finding {
	ban := func(id, citation string) denylist.Ruling {
		return denylist.Ruling{Regime: id, Verdict: denylist.RulingDenied, Citation: citation, Reason: "It names all products of the vendor."}
	}
	all := []denylist.Ruling{
		ban("us-bod-17-01", "BOD 17-01; 44 U.S.C. 3553(b)(2)"),
		ban("us-far-52-204-23", "48 CFR 52.204-23, 4.2001-4.2004"),
		ban("us-ndaa2018-1634", "Pub. L. 115-91, div. A, sec. 1634(a)-(c)"),
	}
	embedded := append([]denylist.Ruling{{Regime: "us-bod-17-01", Verdict: denylist.RulingNotCovered, Citation: all[0].Citation, Reason: "It leaves out code embedded in the products of other companies."}}, all[1:]...)
	proof := func(kind sbom.Kind, value, path, layer, where, rule string, s denylist.Strength, verified bool) denylist.Match {
		return denylist.Match{
			Evidence: sbom.Evidence{Kind: kind, Value: value, Path: path, Layer: layer, Where: where, Detector: "pe@2"},
			Rule:     rule, Strength: s, Identifies: denylist.Product, Source: "https://example.com/source", Verified: verified,
		}
	}
	kesl, engine := "/opt/kaspersky/kesl/bin/kesl", "/opt/other/av.jar!/native/kave.dll"
	return []denylist.Finding{
		{
			ID: "kaspersky-3f2a9c1b77aa0001", Vendor: "kaspersky", VendorName: "AO Kaspersky Lab", Level: denylist.Denied, Identity: denylist.Denied,
			Identifies: denylist.Product, Rulings: all,
			Component:   denylist.ComponentRef{Ref: "pkg:deb/kesl@11.2.0", Type: "application", Name: "kesl", Version: "11.2.0", PURL: "pkg:deb/kesl@11.2.0"},
			Occurrences: []sbom.Occurrence{{Path: kesl, Layer: diffID(2), Hidden: true, Digest: diffID(7)}},
			Matches: []denylist.Match{
				proof(sbom.Path, kesl, kesl, diffID(2), "", "kaspersky/kesl-path", denylist.Decisive, true),
				proof(sbom.PackageVendor, "AO Kaspersky Lab", "/var/lib/dpkg/status", diffID(2), "Maintainer", "kaspersky/maker#AO Kaspersky Lab", denylist.Strong, true),
			},
			Why: "One decisive evidence: a file of the product is there.", Change: "Build the image without the package; deleting it in a later layer does not take it out.",
		},
		{
			ID: "kaspersky-77b0e4d2c3aa0002", Vendor: "kaspersky", VendorName: "AO Kaspersky Lab", Level: denylist.Denied, Identity: denylist.Denied,
			Identifies: denylist.Engine, Rulings: embedded,
			Component:   denylist.ComponentRef{Ref: "file:1", Type: "library", Name: "kave.dll"},
			EmbeddedIn:  &denylist.ComponentRef{Ref: "pkg:maven/other/av@2", Type: "application", Name: "Other AV", Version: "2.0", PURL: "pkg:maven/other/av@2"},
			Occurrences: []sbom.Occurrence{{Path: engine, Layer: diffID(1)}},
			Matches: []denylist.Match{
				proof(sbom.SignerO, "Kaspersky Lab JSC", engine, diffID(1), "certificate 1", "kaspersky/signer", denylist.Strong, true),
				proof(sbom.PECompanyName, "=cmd|'/C calc'!A0 \u202egpj.exe", engine, diffID(1), "VersionInfo 040904B0", "kaspersky/company", denylist.Strong, true),
				proof(sbom.BinaryString, "klscan", engine, diffID(1), "offset 0x4f00", "kaspersky/strings", denylist.Corroborating, false),
			},
			Why: "Two independent strong evidences.", Change: "Take a release of Other AV that does not embed the engine.",
		},
		{
			ID: "hikvision-90aa11bbccdd0003", Vendor: "hikvision", VendorName: "Hangzhou Hikvision | <script>alert(1)</script>", Level: denylist.Review, Identity: denylist.Review,
			Identifies: denylist.Product, Rulings: []denylist.Ruling{{Regime: "us-far-52-204-23", Verdict: denylist.RulingReview, Citation: "48 CFR 52.204-25", Reason: "A person must decide whether the use is covered."}},
			Component: denylist.ComponentRef{Ref: "file:2", Type: "library", Name: "HCNetSDK.dll", Version: "5.2.3.3"},
			Occurrences: []sbom.Occurrence{
				{Path: "/srv/sdk/HCNetSDK.dll", Layer: diffID(1)}, {Path: "/srv/sdk/copy of\x1b[2J HCNetSDK.dll", Layer: diffID(3)},
			},
			Matches: []denylist.Match{proof(sbom.SymbolFamily, "NET_DVR_", "/srv/sdk/HCNetSDK.dll", diffID(1), "export directory", "hikvision/sdk-exports", denylist.Strong, true)},
			Why:     "One strong evidence.",
		},
		{
			ID: "kaspersky-a1b2c3d4e5f60004", Vendor: "kaspersky", VendorName: "AO Kaspersky Lab", Level: denylist.Mention, Identity: denylist.Denied,
			Identifies: denylist.OpenSource, Rulings: embedded[:1],
			Component:   denylist.ComponentRef{Ref: "pkg:npm/%40kaspersky/hexa-ui@1.0.0", Type: "library", Name: "@kaspersky/hexa-ui", Version: "1.0.0", PURL: "pkg:npm/%40kaspersky/hexa-ui@1.0.0"},
			Occurrences: []sbom.Occurrence{{Path: "/app/node_modules/@kaspersky/hexa-ui/package.json", Layer: diffID(3)}},
			Matches:     []denylist.Match{proof(sbom.NPMPackage, "@kaspersky/hexa-ui", "/app/node_modules/@kaspersky/hexa-ui/package.json", diffID(3), "name", "kaspersky/npm", denylist.Decisive, true)},
			Why:         "It is the vendor's, but no regime that was asked bans it.",
		},
		{
			ID: "kaspersky-ffee000000000005", Vendor: "kaspersky", VendorName: "AO Kaspersky Lab", Level: denylist.Mention, Identity: denylist.Mention,
			Identifies: denylist.Data, Component: denylist.ComponentRef{Ref: "subject", Name: "mail filter configuration"},
			Occurrences: []sbom.Occurrence{{Path: "/etc/amavis/conf.d/15-av_scanners", Layer: diffID(1)}},
			Matches:     []denylist.Match{proof(sbom.BinaryString, "kav4fs", "/etc/amavis/conf.d/15-av_scanners", diffID(1), "", "kaspersky/name", denylist.Weak, true)},
		},
	}
}

// claimed is a finding of an unsigned program that names its vendor.
func claimed() denylist.Finding {
	rulings := []denylist.Ruling{{Regime: "us-bod-17-01", Verdict: denylist.RulingDenied, Citation: "BOD 17-01; 44 U.S.C. 3553(b)(2)", Reason: "It names all products of the vendor."}}
	return denylist.Finding{
		ID: "kaspersky-0c0ffee000000006", Vendor: "kaspersky", VendorName: "AO Kaspersky Lab", Level: denylist.Review, Identity: denylist.Review,
		Identifies: denylist.Product, Rulings: rulings, Component: denylist.ComponentRef{Ref: "file:3", Type: "file", Name: "setup.exe"},
		Occurrences: []sbom.Occurrence{{Path: "setup.exe", Digest: diffID(0xa)}},
		Matches: []denylist.Match{{
			Evidence: sbom.Evidence{Kind: sbom.PECompanyName, Value: "AO Kaspersky Lab", Path: "setup.exe", Where: "VersionInfo 040904B0", Detector: "pe@2"},
			Rule:     "kaspersky/company", Strength: denylist.Strong, Identifies: denylist.Product, Source: "https://example.com/source", Verified: true,
		}},
		Why: "One strong evidence, which nobody signed.",
	}
}

func regimes() []denylist.Regime {
	return []denylist.Regime{
		{
			ID: "us-bod-17-01", Name: "Removal of Kaspersky-branded products", Authority: "US DHS", Citation: "BOD 17-01; 44 U.S.C. 3553(b)(2)",
			Effects: []denylist.Effect{denylist.UseBan}, Who: "Federal executive departments and agencies",
			Issued: day("2017-09-13"), Effective: day("2017-09-13"),
			Deadlines: []denylist.Deadline{
				{Date: day("2017-10-13"), What: "identify presence; report the number of endpoints and the method used"},
				{Date: day("2017-12-12"), What: "begin to implement the removal plan"},
			},
			Remedy: "identify, plan, remove, report", Exceptions: []string{"code embedded in the products of other companies"},
			Sources: []string{"https://www.cisa.gov/news-events/directives/binding-operational-directive-17-01"}, Verified: true,
		},
		{
			ID: "us-far-52-204-23", Name: "Prohibition on contracting for Kaspersky Lab covered entities", Authority: "FAR Council", Citation: "48 CFR 52.204-23, 4.2001-4.2004",
			Effects: []denylist.Effect{denylist.ProcurementBan}, Who: "All federal contractors and subcontractors", Effective: day("2018-07-16"),
			Deadlines: []denylist.Deadline{
				{Period: "P3BD", What: "report to the contracting officer from the day of identification"},
				{Period: "P10BD", What: "further information about mitigation"},
			},
			Reporting: "Report a covered article within 3 business days, and again within 10.", Remedy: "do not provide or use it",
			Sources: []string{"javascript:alert(1)", "48 CFR 4.2004"}, Verified: true,
		},
		{
			ID: "us-ndaa2018-1634", Name: "NDAA FY2018 section 1634", Authority: "US Congress", Citation: "Pub. L. 115-91, div. A, sec. 1634(a)-(c)",
			Effects: []denylist.Effect{denylist.UseBan}, Who: "Every department of the Federal Government", Effective: day("2018-10-01"), Verified: false,
		},
	}
}
