package denylist_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/spdx"
)

// TestTheBOMIsTheEvidence: judging what was written and read back gives the
// same verdict (design, law 1).
func TestTheBOMIsTheEvidence(t *testing.T) {
	for seed := range uint64(100) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 3)))
		var c, s bytes.Buffer
		if err := cyclonedx.Encode(&c, inv, cyclonedx.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := spdx.Encode(&s, inv, spdx.Options{}); err != nil {
			t.Fatal(err)
		}
		p := denylist.Policy{AllEffects: true, Mentions: true, AsOf: today}
		want := builtin.List().Judge(inv, p)
		for _, doc := range []*bytes.Buffer{&c, &s} {
			read, format, err := document.Decode(doc)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, builtin.List().Judge(read, p)); d != "" {
				t.Fatalf("seed %d, %s: %s", seed, format, d)
			}
		}
	}
}

// TestMergeDenies: what is denied alone is denied in a collection.
func TestMergeDenies(t *testing.T) {
	denied := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		a, b := randomInventory(r), randomInventory(r)
		p := denylist.Policy{AllEffects: true, AsOf: today}
		all := builtin.List().Judge(sbom.Merge("", []*sbom.Inventory{a, b}), p).Outcome
		for _, part := range []*sbom.Inventory{a, b} {
			if builtin.List().Judge(part, p).Outcome == denylist.Deny {
				denied++
				if all != denylist.Deny {
					t.Fatalf("seed %d: a part is denied, the whole is %s", seed, all)
				}
			}
		}
	}
	if denied < 50 {
		t.Fatalf("only %d parts were denied: the test saw too little", denied)
	}
}
