package denylist_test

import (
	"strings"
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
)

// host is another vendor's product with the vendor's engine inside.
func engineInHost() *sbom.Inventory {
	host := pkg("pkg:deb/acme/mailguard@3", func(c *sbom.Component) { c.Supplier = "Acme Ltd"; c.Ref = "host"; c.Contains = []string{"engine"} })
	engine := file("/usr/lib/mailguard/prremote.dll", named("pe", "prremote.dll"), ev{sbom.PEExport, "PRGetAPI", "", 0}, ev{sbom.SignerO, "Kaspersky Lab", "", 0})
	engine.Ref = "engine"
	return inventory(host, engine)
}

// TestRulings: the same thing gets different answers under different laws
// (denylist-facts, section 0).
func TestRulings(t *testing.T) {
	tests := []struct {
		name string
		inv  *sbom.Inventory
		want map[string]denylist.RulingVerdict
	}{
		{"product", inventory(pkg("pkg:deb/kesl@12", nil)), map[string]denylist.RulingVerdict{
			"us-bod-17-01": denylist.RulingDenied, "us-ndaa2018-1634": denylist.RulingDenied, "us-far-52-204-23": denylist.RulingDenied,
			"us-bis-fd-kaspersky": denylist.RulingDenied, "us-fcc-covered-list": denylist.RulingDenied, "au-pspf-002-2025": denylist.RulingDenied, "ca-2023": denylist.RulingReview,
		}},
		{"engine in another's product", engineInHost(), map[string]denylist.RulingVerdict{
			"us-bod-17-01": denylist.RulingNotCovered, "us-ndaa2018-1634": denylist.RulingDenied, "us-far-52-204-23": denylist.RulingDenied,
			"us-bis-fd-kaspersky": denylist.RulingDenied, "us-fcc-covered-list": denylist.RulingDenied, "au-pspf-002-2025": denylist.RulingNotCovered,
		}},
		{"open source", inventory(pkg("pkg:npm/%40kaspersky/hexa-ui@5", nil)), map[string]denylist.RulingVerdict{
			"us-bod-17-01": denylist.RulingNotCovered, "us-ndaa2018-1634": denylist.RulingDenied, "us-far-52-204-23": denylist.RulingDenied,
			"us-bis-fd-kaspersky": denylist.RulingNotCovered, "us-fcc-covered-list": denylist.RulingNotCovered, "au-pspf-002-2025": denylist.RulingReview,
		}},
		{"open source of a maker of equipment", inventory(pkg("pkg:npm/%40huaweicloud/sdk@1", nil)), map[string]denylist.RulingVerdict{
			"us-ndaa2019-889": denylist.RulingReview, "us-fcc-covered-list": denylist.RulingReview,
		}},
		{"weak identity", inventory(file("/a.dll", ev{sbom.PECompanyName, "AO Kaspersky Lab", "", 0})), map[string]denylist.RulingVerdict{
			"us-bod-17-01": denylist.RulingReview, "us-ndaa2018-1634": denylist.RulingReview,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(t, tt.inv, denylist.Policy{AllEffects: true})
			if len(v.Findings) != 1 {
				t.Fatalf("%d findings: %+v", len(v.Findings), v.Findings)
			}
			got := map[string]denylist.RulingVerdict{}
			for _, r := range v.Findings[0].Rulings {
				got[r.Regime] = r.Verdict
				if r.Citation == "" || r.Reason == "" {
					t.Errorf("%s: no citation or reason", r.Regime)
				}
			}
			for id, want := range tt.want {
				if got[id] != want {
					t.Errorf("%s: %q, want %q", id, got[id], want)
				}
			}
		})
	}
}

// TestPolicy: which law is asked, on which day.
func TestPolicy(t *testing.T) {
	kesl := inventory(pkg("pkg:deb/kesl@12", nil))
	hexa := inventory(pkg("pkg:npm/%40kaspersky/hexa-ui@5", nil))
	qihoo := inventory(file("/a.exe", ev{sbom.PECompanyName, "360.cn", "", 0}))
	tests := []struct {
		name    string
		inv     *sbom.Inventory
		policy  denylist.Policy
		outcome denylist.Outcome
		rulings int
	}{
		{"by default", kesl, denylist.Policy{}, denylist.Deny, 10},
		{"every effect", kesl, denylist.Policy{AllEffects: true}, denylist.Deny, 15},
		{"before any law", kesl, denylist.Policy{AsOf: day("2016-01-01")}, denylist.Pass, 0},
		{"between directive and act", hexa, denylist.Policy{AsOf: day("2017-10-01")}, denylist.NeedsReview, 2},
		{"from the act on", hexa, denylist.Policy{AsOf: day("2018-10-01")}, denylist.Deny, 6},
		{"one that does not cover it", hexa, denylist.Policy{Regimes: []string{"us-bod-17-01"}}, denylist.Pass, 1},
		{"listed by the FCC later than the list began", kesl, denylist.Policy{Regimes: []string{"us-fcc-covered-list"}, AsOf: day("2022-03-24")}, denylist.Pass, 0},
		{"listed by the FCC", kesl, denylist.Policy{Regimes: []string{"us-fcc-covered-list"}, AsOf: day("2022-03-25")}, denylist.Deny, 1},
		{"no ban of use names it", qihoo, denylist.Policy{AsOf: day("2026-06-29")}, denylist.Pass, 0},
		{"contract ban begins", qihoo, denylist.Policy{AsOf: day("2026-06-30")}, denylist.Deny, 1},
		{"export control, selected", qihoo, denylist.Policy{Regimes: []string{"us-bis-el-2020-qihoo"}}, denylist.Deny, 1},
		{"unknown regime", inventory(), denylist.Policy{Regimes: []string{"us-bod-17-02"}}, denylist.Incomplete, 0},
		{"persons and not the company", kesl, denylist.Policy{Regimes: []string{"us-ofac-kaspersky-execs"}}, denylist.Pass, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(t, tt.inv, tt.policy)
			if v.Outcome != tt.outcome {
				t.Errorf("outcome %s, want %s; gaps %+v", v.Outcome, tt.outcome, v.Gaps)
			}
			if len(v.Findings) > 0 && len(v.Findings[0].Rulings) != tt.rulings {
				t.Errorf("%d rulings, want %d: %+v", len(v.Findings[0].Rulings), tt.rulings, v.Findings[0].Rulings)
			}
			if len(v.Findings) == 0 && len(tt.inv.Components) > 0 {
				t.Error("what was identified is not kept")
			}
		})
	}
}

func TestSelectHints(t *testing.T) {
	_, ps := builtin.List().Select(denylist.Policy{Regimes: []string{"us-bod-17-02", "us-tiktok"}, AsOf: day("2020-01-01")})
	if len(ps) != 2 || !strings.Contains(ps[0].Hint, "us-bod-17-01") || ps[1].Severity != denylist.SeverityWarning {
		t.Errorf("%+v", ps)
	}
}

// TestEngineHost: an engine inside another's product says which.
func TestEngineHost(t *testing.T) {
	apk := file("/app.apk", ev{sbom.AndroidPackage, "com.example.bank", "", 0}, ev{sbom.JavaPackage, "com/kavsdk/", "", 0})
	nested := inventory(
		file("/setup.msi", ev{sbom.MSIVendor, "Acme Ltd", "", 0}),
		file("/setup.msi!/data.cab!/prremote.dll", named("pe", "prremote.dll"), ev{sbom.PEExport, "PRGetAPI", "", 0}))
	own := inventory(
		file("/k.msi", ev{sbom.MSIVendor, "AO Kaspersky Lab", "", 0}),
		file("/k.msi!/prremote.dll", named("pe", "prremote.dll"), ev{sbom.PEExport, "PRGetAPI", "", 0}))
	npm := inventory(
		pkg("pkg:npm/hikopenapi-node@1", func(c *sbom.Component) { c.Occurrences[0].Path = "/app/node_modules/hikopenapi-node/package.json" }),
		file("/app/node_modules/hikopenapi-node/lib/x.dll", ev{sbom.SymbolFamily, "NET_DVR_", "exports", 400}))
	for _, tt := range []struct {
		name string
		inv  *sbom.Inventory
		host string
	}{
		{"contained", engineInHost(), "mailguard"}, {"nested", nested, "setup.msi"}, {"vendor's own installer", own, ""},
		{"the app itself", inventory(apk), "app.apk"}, {"package around it", npm, "hikopenapi-node"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(t, tt.inv, denylist.Policy{AllEffects: true})
			for _, f := range v.Findings {
				got := ""
				if f.EmbeddedIn != nil {
					got = f.EmbeddedIn.Name
				}
				if f.Identity == denylist.Denied && got != tt.host {
					t.Errorf("host %q, want %q", got, tt.host)
				}
			}
			if strictest(v, v.Findings[0].Vendor, identity) != denylist.Denied {
				t.Errorf("not identified: %+v", v.Findings)
			}
		})
	}
}
