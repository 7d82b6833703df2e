package report_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// suspect makes an inventory in which rules of the list match: components with
// the very values that rules look for, alone and in company, beside clean ones.
func suspect(seed uint64, list *denylist.List, n int) *sbom.Inventory {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var rules []denylist.Rule
	for _, v := range list.Vendors {
		rules = append(rules, v.Rules...)
	}
	inv := &sbom.Inventory{
		Subject:  sbom.Subject{Kind: sbom.Image, Name: "app", Digest: diffID(9)},
		Tool:     sbom.Tool{Name: "interdict", Version: "1", Watched: list.Watch().Fingerprints},
		Layers:   []sbom.Layer{{DiffID: diffID(1)}, {DiffID: diffID(2)}},
		Coverage: sbom.Coverage{FilesSeen: 10, FilesExamined: 10},
	}
	for i := range n {
		path := fmt.Sprintf("/opt/app%d/file%d.so", i, i)
		c := sbom.Component{
			Type: sbom.ComponentType([]string{"library", "application", "device-driver", "file"}[rnd.IntN(4)]), Name: fmt.Sprintf("part%d", i),
			Occurrences: []sbom.Occurrence{{Path: path, Layer: diffID(1 + rnd.IntN(2)), Hidden: rnd.IntN(3) == 0}},
		}
		for range rnd.IntN(4) {
			r := rules[rnd.IntN(len(rules))]
			values := append(append([]string{}, r.Values...), r.All...)
			if r.AtLeast != nil {
				values = append(values, r.AtLeast.Of...)
			}
			for _, v := range values[:min(len(values), 3)] {
				switch e := (sbom.Evidence{Kind: r.Kind, Value: v, Path: path, Layer: c.Occurrences[0].Layer, Detector: "t@1", Count: rnd.IntN(20)}); r.Kind {
				case sbom.PURL:
					c.PURL = v
				case sbom.EntityName:
					c.Supplier, c.Manufacturer, c.Authors = v, v, []string{v}
				default:
					c.Evidence = append(c.Evidence, e)
				}
			}
		}
		inv.Components = append(inv.Components, c)
	}
	inv.Normalize()
	return inv
}

// TestBOMIsTheEvidence is the first law of the design: a verdict from a stored
// document is the verdict of the scan, in every version and format.
func TestBOMIsTheEvidence(t *testing.T) {
	list := builtin.List()
	denied := 0
	for seed := range uint64(25) {
		inv := suspect(seed, list, 12)
		want := list.Judge(inv, denylist.Policy{Mentions: true})
		if want.Outcome == denylist.Deny {
			denied++
		}
		for _, v := range cyclonedx.SpecVersions() {
			for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
				var b bytes.Buffer
				if err := cyclonedx.Encode(&b, inv, cyclonedx.Options{Format: format, SpecVersion: v}); err != nil {
					t.Fatal(err)
				}
				back, err := cyclonedx.Decode(&b)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, list.Judge(back, denylist.Policy{Mentions: true}), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("seed %d, %s %s: the verdict differs:\n%s", seed, v, format, diff)
				}
			}
		}
	}
	if denied < 5 {
		t.Errorf("only %d inventories are denied: the test sees too little", denied)
	}
}
