// Package cyclonedx writes an inventory as a CycloneDX bill of materials and
// reads one back, in JSON and XML, specification 1.4 to 1.7
// (https://cyclonedx.org/specification/overview/).
//
// The document is the evidence: all that a judgement needs is in it, in every
// version and format, so that Decode(Encode(inv)) equals inv once normalized.
// What the specification has a field for is in that field, for other readers;
// what it has none for, or only in later versions, is in properties whose
// names begin with "interdict:" (see property.go for all of them).
package cyclonedx

import (
	"bufio"
	"fmt"
	"io"
	"unsafe"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// Format is the form of a document.
type Format string

// The formats.
const (
	JSON Format = "json"
	XML  Format = "xml"
)

// DefaultSpecVersion is the version that Encode writes unless told otherwise.
const DefaultSpecVersion = "1.6"

// SpecVersions returns the versions that Encode writes, oldest first.
func SpecVersions() []string { return []string{"1.4", "1.5", "1.6", "1.7"} }

// Options say how to write. The zero value writes compact JSON of
// [DefaultSpecVersion] without file components.
type Options struct {
	Format      Format // JSON when empty
	SpecVersion string // "1.4", "1.5", "1.6" or "1.7"; DefaultSpecVersion when empty
	Pretty      bool   // indent by two spaces
	// Files keeps components of type file that tell nothing but that they are
	// there: no evidence, purl, CPE or name of a maker. Without it they are left
	// out: an image has tens of thousands.
	Files bool
	// Declarations are written as attestations (specification 1.6 and later);
	// nil writes none. Decode ignores them: a judgement never reads judgements.
	Declarations *Declarations
	// Annotations are what people say of components (specification 1.5 and
	// later). Decode ignores them too.
	Annotations []Annotation
}

// Encode writes the inventory as one document. It does not change inv, which
// must be normalized. Equal inventories give equal bytes.
func Encode(w io.Writer, inv *sbom.Inventory, opt Options) error {
	bom, err := build(inv, opt)
	if err != nil {
		return err
	}
	format := cdx.BOMFileFormatJSON
	switch opt.Format {
	case JSON, "":
	case XML:
		format = cdx.BOMFileFormatXML
	default:
		return fmt.Errorf("encoding CycloneDX: no such format: %q", opt.Format)
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	write := cdx.NewBOMEncoder(buf, format).SetPretty(opt.Pretty).SetEscapeHTML(false).Encode
	if format == cdx.BOMFileFormatXML && bom.Declarations != nil {
		write = func(bom *cdx.BOM) error { return encodeDeclared(buf, bom, opt.Pretty) }
	}
	if err := write(bom); err != nil {
		return fmt.Errorf("encoding CycloneDX: %w", err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("writing CycloneDX: %w", err)
	}
	return nil
}

// Decode reads one document, JSON or XML by its first byte, within the default
// bounds of a [Decoder].
func Decode(r io.Reader) (*sbom.Inventory, error) {
	return Decoder{}.Decode(r)
}

// The default bounds of a Decoder.
const (
	MaxSize       = 512 << 20 // bytes
	MaxComponents = 2_000_000
	maxDepth      = 256 // of nested JSON values or XML elements
)

// Decoder reads documents within bounds. The zero value has the default bounds.
// It may be used by many goroutines.
type Decoder struct {
	MaxSize       int64 // bytes; MaxSize when zero
	MaxComponents int   // MaxComponents when zero
}

// Decode reads one document. A document of another tool becomes an inventory
// whose Foreign names that tool, with what that tool recorded of places and
// layers. The result is normalized. An error names the line where it can.
func (d Decoder) Decode(r io.Reader) (*sbom.Inventory, error) {
	limit := d.MaxSize
	if limit <= 0 {
		limit = MaxSize
	}
	text, err := sbom.ReadDocument(r, limit)
	if err != nil {
		return nil, fmt.Errorf("reading CycloneDX: %w", err)
	}
	return d.decode(unsafe.String(unsafe.SliceData(text), len(text))) // nobody writes to it again
}

func (d Decoder) decode(text string) (*sbom.Inventory, error) {
	n := d.MaxComponents
	if n <= 0 {
		n = MaxComponents
	}
	doc, err := parse(text, n)
	if err != nil {
		return nil, fmt.Errorf("decoding CycloneDX: %w", err)
	}
	inv, err := doc.inventory()
	if err != nil {
		return nil, fmt.Errorf("decoding CycloneDX: %w", err)
	}
	inv.Normalize()
	return inv, nil
}
