package document_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/spdx"
)

// wrapped is a document as it comes from where people get them.
func wrapped(t testing.TB, doc []byte) map[document.Wrapping][]byte {
	t.Helper()
	statement := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"https://cyclonedx.org/bom","predicate":%s}`, doc)
	envelope := fmt.Appendf(nil, `{"payload":%q,"payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}`, base64.StdEncoding.EncodeToString(statement))
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := w.Write(envelope); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[document.Wrapping][]byte{
		document.ForgeExport: fmt.Appendf(nil, `{"sbom":%s}`, doc), document.Statement: statement, document.Envelope: envelope,
		document.SigstoreBundle: fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":%s}`, envelope),
		document.Gzip:           gz.Bytes(), document.Zstandard: zs.Bytes(),
	}
}

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
	for wrapping, doc := range wrapped(t, c.Bytes()) {
		got, err := document.Read(bytes.NewReader(doc))
		if err != nil || got.Format != document.CycloneDXJSON || got.Wrappings[0] != wrapping {
			t.Errorf("%s: %+v, %v", wrapping, got, err)
			continue
		}
		if diff := cmp.Diff(inv, got.Inventory, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", wrapping, diff)
		}
		if !document.Sniff(doc) {
			t.Errorf("%s: it is not taken for a document", wrapping)
		}
	}
	for _, doc := range []string{"", "x", "[]", "{}", "<html/>", "\x7fELF", `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}`} {
		if _, _, err := document.Decode(strings.NewReader(doc)); !errors.Is(err, document.ErrUnknown) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}
