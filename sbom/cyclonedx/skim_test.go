package cyclonedx_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// skimmed is what of an inventory Skim promises.
func skimmed(inv *sbom.Inventory) *sbom.Inventory {
	for i := range inv.Components {
		c := &inv.Components[i]
		c.Licenses, c.Hashes, c.Properties, c.DependsOn = nil, nil, nil, nil
		c.Copyright, c.Description, c.FoundBy, c.Language = "", "", "", ""
		c.References = slices.DeleteFunc(c.References, func(r sbom.Reference) bool { return r.Type != "website" && r.Type != "vcs" })
	}
	return inv
}

// TestSkim: one Skimmer reads many documents as Decode does, and nearly all of
// ours in the fast way.
func TestSkim(t *testing.T) {
	var k cyclonedx.Skimmer
	var memory []byte // of all texts, as in document.Skimmer
	docs, fast := 0, 0
	check := func(doc string) {
		t.Helper()
		want, wantErr := cyclonedx.Decode(strings.NewReader(doc))
		for range 3 { // the third time, it knows all components
			memory = append(memory[:0], doc...)
			got, err := k.Skim(unsafe.String(unsafe.SliceData(memory), len(memory)))
			if err != nil || wantErr != nil {
				t.Fatal(err, wantErr)
			}
			if diff := cmp.Diff(skimmed(want), skimmed(got), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s:\n%s", doc, diff)
			}
		}
		docs++
		if k.Skims(doc) {
			fast++
		}
	}
	for seed := range uint64(150) {
		g := newGen(seed)
		inv := g.inventory()
		for _, v := range cyclonedx.SpecVersions() {
			for _, opt := range []cyclonedx.Options{{}, {Pretty: true}, {Files: true, Declarations: g.declarations(), Annotations: g.annotations(inv)}} {
				var b bytes.Buffer
				opt.SpecVersion = v
				if err := cyclonedx.Encode(&b, inv, opt); err != nil {
					t.Fatal(err)
				}
				check(b.String())
			}
		}
	}
	if fast < docs*9/10 {
		t.Errorf("only %d of %d documents are read in the fast way", fast, docs)
	}
	if k.Recalled() < docs {
		t.Errorf("%d components of %d documents were known", k.Recalled(), docs)
	}
}

// TestSkimNearlyKnown: a document that differs by few bytes from one that is
// known by heart is not taken for it, and does not spoil what is known.
func TestSkimNearlyKnown(t *testing.T) {
	pieces := []string{`"`, `,`, `}`, `{`, ` `, `\"`, `\\`, `x`, `"name":"z",`, `"bom-ref":"q",`, `:`, `]`, "\n"}
	taken := 0
	for seed := range uint64(10) {
		var b bytes.Buffer
		if err := cyclonedx.Encode(&b, newGen(seed).inventory(), cyclonedx.Options{}); err != nil {
			t.Fatal(err)
		}
		doc, k := b.String(), new(cyclonedx.Skimmer)
		first := strings.Index(doc, `"components":[{"bom-ref"`)
		if first < 0 {
			continue
		}
		agree := func(doc string) {
			want, err := cyclonedx.Decode(strings.NewReader(doc))
			if err != nil {
				return
			}
			taken++
			got, err := k.Skim(doc)
			if err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			if diff := cmp.Diff(skimmed(want), skimmed(got), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s:\n%s", doc, diff)
			}
		}
		r := rand.New(rand.NewPCG(seed, 9))
		for range 80 {
			agree(doc)
			at := first + r.IntN(len(doc)-first)
			end := min(len(doc), at+r.IntN(8))
			agree(doc[:at] + pieces[r.IntN(len(pieces))] + doc[at:])
			agree(doc[:at] + doc[end:])
			agree(doc[:at] + string(doc[at]^byte(1+r.IntN(255))) + doc[at+1:])
		}
	}
	if taken < 1200 {
		t.Errorf("Decode took only %d documents", taken)
	}
}

// TestSkimMemory: components of few bytes of text are not taken to be small.
func TestSkimMemory(t *testing.T) {
	var inv sbom.Inventory
	for i := range 5000 {
		inv.Components = append(inv.Components, sbom.Component{Type: sbom.Library, Name: strconv.Itoa(i),
			Evidence: []sbom.Evidence{{Kind: sbom.Filename, Value: "x"}}})
	}
	inv.Normalize()
	var doc bytes.Buffer
	if err := cyclonedx.Encode(&doc, &inv, cyclonedx.Options{}); err != nil {
		t.Fatal(err)
	}
	var k cyclonedx.Skimmer
	for range 2 {
		if !k.Skims(doc.String()) {
			t.Fatal("the document is not read in the fast way")
		}
	}
	n, size := k.Remembered()
	if least := n * int(unsafe.Sizeof(sbom.Component{})+unsafe.Sizeof(sbom.Evidence{})); n < 4000 || size < least || size > 4*least {
		t.Errorf("%d components are taken to be %d bytes, and are %d at least", n, size, least)
	}
}

// FuzzSkim: what Decode takes, Skim takes, and to the same effect. Skim takes
// more: it does not look at what it skips.
func FuzzSkim(f *testing.F) {
	for seed := range uint64(4) {
		for _, pretty := range []bool{false, true} {
			var b bytes.Buffer
			if err := cyclonedx.Encode(&b, newGen(seed).inventory(), cyclonedx.Options{Pretty: pretty}); err != nil {
				f.Fatal(err)
			}
			f.Add(b.String())
		}
	}
	f.Fuzz(func(t *testing.T, doc string) {
		want, err := cyclonedx.Decode(strings.NewReader(doc))
		if err != nil {
			return
		}
		skimmed(want)
		for k, n := new(cyclonedx.Skimmer), 0; n < 3; n++ {
			got, err := k.Skim(doc)
			if err != nil {
				t.Fatalf("Decode reads it: %v", err)
			}
			if diff := cmp.Diff(want, skimmed(got), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the %d. time: %s", n+1, diff)
			}
		}
	})
}

// TestEnormousComponents: what is larger than most of what may be remembered is
// read and written as ever, and not remembered.
func TestEnormousComponents(t *testing.T) {
	inv := &sbom.Inventory{Tool: sbom.Tool{Name: "interdict"}, Components: []sbom.Component{
		{Ref: "enormous", Type: sbom.Library, Name: "enormous", Description: strings.Repeat("x", 9<<20)},
	}}
	var k cyclonedx.Skimmer
	var e cyclonedx.Encoder
	for range 3 {
		var doc bytes.Buffer
		if err := e.Encode(&doc, inv, cyclonedx.Options{}); err != nil {
			t.Fatal(err)
		}
		got, err := k.Skim(doc.String())
		if err != nil || len(got.Components) != 1 || got.Components[0].Name != "enormous" {
			t.Fatalf("%v, %v", got.Components, err)
		}
	}
	if n, _ := k.Remembered(); n > 0 || e.Size() > 0 {
		t.Errorf("a Skimmer remembers %d components, an Encoder %d bytes", n, e.Size())
	}
}
