package denylist_test

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
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/facts"
	"github.com/interdict/interdict/sbom/spdx"
)

// TestTheBOMIsTheEvidence: judging what was written and read back, or reduced
// to what a verdict is made of, or stored as facts, gives the same verdict (design, law 1).
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
		if d := cmp.Diff(want, builtin.List().Judge(inv.Reduce(), p)); d != "" {
			t.Fatalf("seed %d, reduced: %s", seed, d)
		}
		stored, err := facts.Decode(facts.Encode(inv))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, builtin.List().Judge(stored, p)); d != "" {
			t.Fatalf("seed %d, from stored facts: %s", seed, d)
		}
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

// TestWhereDecidesNothing: Evidence.Where is for people. Whatever text stands
// there in a stored document, the verdict is the same; and a document that was
// written when the format of a file stood there is judged as one of today.
func TestWhereDecidesNothing(t *testing.T) {
	p := denylist.Policy{AllEffects: true, Mentions: true, AsOf: today}
	forPeople := cmpopts.IgnoreFields(sbom.Evidence{}, "Where")
	named := 0
	for seed := range uint64(100) {
		inv := randomInventory(rand.New(rand.NewPCG(seed, 6)))
		want := builtin.List().Judge(inv, p)
		for _, rewrite := range []func(e *sbom.Evidence, n int){
			func(e *sbom.Evidence, _ int) { e.Where = "" },
			func(e *sbom.Evidence, n int) { e.Where = fmt.Sprintf("place %d", n) },
			func(e *sbom.Evidence, n int) { e.Where = string(sbom.FileFormats()[n%len(sbom.FileFormats())]) },
			asOnceWritten,
		} {
			n := 0
			for i := range inv.Components {
				for j := range inv.Components[i].Evidence {
					rewrite(&inv.Components[i].Evidence[j], n)
					n++
				}
			}
			named += n
			if d := cmp.Diff(want, builtin.List().Judge(reread(t, inv), p), forPeople); d != "" {
				t.Fatalf("seed %d: %s", seed, d)
			}
		}
	}
	if named < 1000 {
		t.Fatalf("only %d evidences were rewritten", named)
	}
}

// asOnceWritten gives an evidence the form that it had before it had a format.
func asOnceWritten(e *sbom.Evidence, _ int) {
	e.Where, e.Format = string(e.Format), ""
}

// reread is an inventory written and read.
func reread(t *testing.T, inv *sbom.Inventory) *sbom.Inventory {
	t.Helper()
	var b bytes.Buffer
	if err := cyclonedx.Encode(&b, inv, cyclonedx.Options{}); err != nil {
		t.Fatal(err)
	}
	read, err := cyclonedx.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return read
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
