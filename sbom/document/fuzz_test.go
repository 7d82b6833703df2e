package document_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/document"
)

// FuzzRead: what is read has an inventory and a format, is told by its beginning,
// and is read alike a second time; what is none is told so.
func FuzzRead(f *testing.F) {
	for _, doc := range wrapped(f, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}]}`)) {
		f.Add(doc)
	}
	f.Add([]byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := document.Read(bytes.NewReader(text))
		if err != nil {
			if doc != nil || errors.Is(err, document.ErrNotRead) && !errors.Is(err, document.ErrUnknown) {
				t.Fatal("an error beside a document, or without its kind")
			}
			return
		}
		if doc.Inventory == nil || doc.Format == "" || !document.Sniff(text[:min(len(text), document.SniffLen)]) {
			t.Fatalf("%+v", doc)
		}
		again, err := document.Read(bytes.NewReader(text))
		if err != nil || !sbom.Diff(doc.Inventory, again.Inventory).Empty() {
			t.Fatal(err, "a second reading differs")
		}
	})
}
