// Package document reads a bill of materials of any format that is known:
// CycloneDX JSON and XML, SPDX JSON and tag-value, and syft's JSON.
package document

import (
	"bufio"
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

// peek is how much of a document is looked at to tell its format, in bytes.
const peek = 64 << 10

// Decode reads one document of any format, within the bounds of that format's
// decoder, and tells which it was. The result is normalized.
func Decode(r io.Reader) (*sbom.Inventory, Format, error) {
	buf := bufio.NewReaderSize(r, peek)
	head, err := buf.Peek(peek)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("reading a bill of materials: %w", err)
	}
	format := Detect(head)
	var from io.Reader = buf
	if format == "" && err == nil && begins(head, '{') {
		// The field that tells the format comes late: all has to be read first.
		all, err := io.ReadAll(io.LimitReader(buf, cyclonedx.MaxSize+1))
		if err != nil {
			return nil, "", fmt.Errorf("reading a bill of materials: %w", err)
		}
		format, from = Detect(all), bytes.NewReader(all)
	}
	var inv *sbom.Inventory
	switch format {
	case CycloneDXJSON, CycloneDXXML:
		inv, err = cyclonedx.Decode(from)
	case SPDXJSON, SPDXTagValue:
		inv, err = spdx.Decode(from)
	case SyftJSON:
		inv, err = syftjson.Decode(from)
	default:
		err = fmt.Errorf("%w: it begins with %.16q", ErrUnknown, bytes.TrimSpace(head))
	}
	return inv, format, err
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
