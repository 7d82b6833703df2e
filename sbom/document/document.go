// Package document reads a bill of materials of any format that is known:
// CycloneDX JSON and XML, SPDX JSON and tag-value, and syft's JSON.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/spdx"
	"github.com/interdict/interdict/sbom/syftjson"
)

// Format names a format of documents.
type Format string

// The formats.
const (
	CycloneDXJSON Format = "cyclonedx-json"
	CycloneDXXML  Format = "cyclonedx-xml"
	SPDXJSON      Format = "spdx-json"
	SPDXTagValue  Format = "spdx-tag-value"
	SyftJSON      Format = "syft-json"
)

// ErrUnknown is what Decode's error wraps when the input is of no known format.
var ErrUnknown = errors.New("no known format of a bill of materials")

// Document is one document, read.
type Document struct {
	Inventory *sbom.Inventory
	Format    Format
	Wrappings []Wrapping // what the document lay in, outermost first
}

// Decode reads one document of any format, as [Read] does, and tells which it
// was. The result is normalized.
func Decode(r io.Reader) (*sbom.Inventory, Format, error) {
	doc, err := Read(r)
	if err != nil {
		return nil, "", err
	}
	return doc.Inventory, doc.Format, nil
}

// decode reads what lay in the wrappings.
func (d *Document) decode(text []byte) (err error) {
	d.Format = Detect(text)
	switch d.Format {
	case CycloneDXJSON, CycloneDXXML:
		d.Inventory, err = cyclonedx.Decode(bytes.NewReader(text))
	case SPDXJSON, SPDXTagValue:
		d.Inventory, err = spdx.Decode(bytes.NewReader(text))
	case SyftJSON:
		d.Inventory, err = syftjson.Decode(bytes.NewReader(text))
	default:
		head := bytes.TrimSpace(text[:min(len(text), 64)])
		err = fmt.Errorf("%w: it begins with %.16q", ErrUnknown, head)
	}
	return err
}

// Detect tells a document's format by its beginning: a JSON document by the
// first of its fields that only one format has. It returns "" when it does not
// know.
func Detect(head []byte) Format {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	switch {
	case begins(head, '{'):
		return detectJSON(head)
	case begins(head, '<'):
		if bytes.Contains(head, []byte("http://cyclonedx.org/schema/bom/")) {
			return CycloneDXXML
		}
	case isTagValue(head):
		return SPDXTagValue
	}
	return ""
}

func begins(head []byte, c byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && head[0] == c
}

// isTagValue reports whether the first line that is no comment is one of SPDX.
func isTagValue(head []byte) bool {
	for line := range strings.Lines(string(head)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return strings.HasPrefix(line, "SPDXVersion:")
		}
	}
	return false
}

// detectJSON reads the names of the outermost object, as far as head goes.
func detectJSON(head []byte) Format {
	dec := json.NewDecoder(bytes.NewReader(head))
	depth, name := 0, false
	for {
		tok, err := dec.Token()
		if err != nil {
			return ""
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
			name = depth == 1
			continue
		}
		if depth != 1 {
			continue
		}
		if s, ok := tok.(string); ok && name {
			switch s {
			case "bomFormat":
				return CycloneDXJSON
			case "spdxVersion", "SPDXID":
				return SPDXJSON
			case "artifacts", "artifactRelationships", "descriptor":
				return SyftJSON
			}
		}
		name = !name
	}
}
