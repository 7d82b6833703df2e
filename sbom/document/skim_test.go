package document_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/spdx"
)

// TestSkim: one Skimmer reads documents of every format, and what is none, as
// Decode does.
func TestSkim(t *testing.T) {
	inv := &sbom.Inventory{
		Subject:    sbom.Subject{Kind: sbom.Image, Name: "app"},
		Components: []sbom.Component{{Type: sbom.Library, Name: "a", Manufacturer: "Acme"}, {Type: sbom.Library, Name: "b"}},
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
	foreign := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"z"}]}`
	late := `{"components":[{"type":"library","name":"` + strings.Repeat("x", 1<<17) + `"}],"bomFormat":"CycloneDX","specVersion":"1.6"}`
	var k document.Skimmer
	for _, doc := range []string{c.String(), x.String(), s.String(), c.String(), foreign, late, c.String()[:c.Len()-9], "", "x"} {
		got, format, err := k.Skim(strings.NewReader(doc))
		want, wantFormat, wantErr := document.Decode(strings.NewReader(doc))
		if format != wantFormat || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%.40q: %q, %v; want %q, %v", doc, format, err, wantFormat, wantErr)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%.40q: %s", doc, diff)
		}
	}
}
