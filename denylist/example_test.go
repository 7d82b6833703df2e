package denylist_test

import (
	"fmt"
	"log"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
)

// An inventory may come from anywhere. Each law gives an answer of its own.
func ExampleList_Judge() {
	inv := &sbom.Inventory{
		Subject:    sbom.Subject{Kind: sbom.Image, Name: "registry.example/shop/web:1.3.0"},
		Components: []sbom.Component{{Type: sbom.Library, Group: "@kaspersky", Name: "hexa-ui", PURL: "pkg:npm/%40kaspersky/hexa-ui@6.0.0"}},
	}
	inv.Normalize()
	asOf, err := denylist.ParseDate("2026-11-01")
	if err != nil {
		log.Fatal(err)
	}
	verdict := builtin.List().Judge(inv, denylist.Policy{Regimes: []string{"us-ndaa2018-1634", "us-bod-17-01"}, AsOf: asOf})
	for _, f := range verdict.Findings {
		for _, r := range f.Rulings {
			fmt.Println(f.Component.Name, r.Regime, r.Verdict)
		}
	}
	// Output:
	// @kaspersky/hexa-ui us-bod-17-01 not-covered
	// @kaspersky/hexa-ui us-ndaa2018-1634 denied
}
