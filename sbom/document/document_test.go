package document_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/spdx"
)

// TestDecode: each format is told, and ours say the same in each.
func TestDecode(t *testing.T) {
	inv := &sbom.Inventory{
		Subject:    sbom.Subject{Kind: sbom.Image, Name: "app"},
		Components: []sbom.Component{{Type: sbom.Library, Name: "a", Description: strings.Repeat("long ", 100_000)}},
	}
	inv.Normalize()
	var c, x, s bytes.Buffer
	for _, err := range []error{
		cyclonedx.Encode(&c, inv, cyclonedx.Options{}), cyclonedx.Encode(&x, inv, cyclonedx.Options{Format: cyclonedx.XML}),
		spdx.Encode(&s, inv, spdx.Options{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	late := `{"components":[{"type":"library","name":"` + strings.Repeat("x", 1<<17) + `"}],"bomFormat":"CycloneDX","specVersion":"1.6"}`
	for _, tt := range []struct {
		doc  string
		want document.Format
		same bool
	}{
		{c.String(), document.CycloneDXJSON, true},
		{x.String(), document.CycloneDXXML, true},
		{s.String(), document.SPDXJSON, true},
		{late, document.CycloneDXJSON, false},
		{"\ufeff\n" + `{"metadata":{"spdxVersion":1},"a":"spdxVersion","bomFormat":"CycloneDX","specVersion":"1.4"}`, document.CycloneDXJSON, false},
		{"# a comment\nSPDXVersion: SPDX-2.3\nPackageName: x\nSPDXID: SPDXRef-x\n", document.SPDXTagValue, false},
		{`{"artifacts":[],"schema":{"version":"16"}}`, document.SyftJSON, false},
	} {
		got, format, err := document.Decode(strings.NewReader(tt.doc))
		if err != nil || format != tt.want {
			t.Errorf("%.40q: %q, %v, want %q", tt.doc, format, err, tt.want)
			continue
		}
		if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); tt.same && diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
	for _, doc := range []string{"", "x", "[]", "{}", "<html/>", "\x7fELF", `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}`} {
		if _, _, err := document.Decode(strings.NewReader(doc)); !errors.Is(err, document.ErrUnknown) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}
