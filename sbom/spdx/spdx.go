// Package spdx writes an inventory as an SPDX 2.3 document in JSON, and reads
// SPDX 2.2 and 2.3 documents in JSON and in tag-value form
// (https://spdx.github.io/spdx-spec/v2.3/).
//
// What SPDX has a field for is in that field. What its fields would not give
// back as it was is in annotations whose comments begin with
// "interdict:inventory " and "interdict:component ", so that Decode(Encode(inv))
// equals inv once normalized, and is judged as inv is.
package spdx

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// Version is the version of SPDX that Encode writes.
const Version = "2.3"

// Options say how to write. The zero value writes compact JSON without file
// components.
type Options struct {
	Pretty bool // indent by two spaces
	// Files keeps components that say no more than that a file is there, see
	// [sbom.Component.Bare].
	Files bool
}

// Encode writes the inventory as one JSON document. It does not change inv,
// which must be normalized. Equal inventories give equal bytes.
func Encode(w io.Writer, inv *sbom.Inventory, opt Options) error {
	doc, err := build(inv, opt.Files)
	if err != nil {
		return fmt.Errorf("encoding SPDX: %w", err)
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if opt.Pretty {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encoding SPDX: %w", err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("writing SPDX: %w", err)
	}
	return nil
}

// The default bounds of a Decoder.
const (
	MaxSize       = 512 << 20 // bytes
	MaxComponents = 2_000_000 // packages and files
)

// Decoder reads documents within bounds. The zero value has the default
// bounds. It may be used by many goroutines.
type Decoder struct {
	MaxSize       int64 // bytes; MaxSize when zero
	MaxComponents int   // MaxComponents when zero
}

// Decode reads one document, JSON or tag-value by its first byte, within the
// default bounds of a [Decoder].
func Decode(r io.Reader) (*sbom.Inventory, error) { return Decoder{}.Decode(r) }

// Decode reads one document. A document of another tool becomes an inventory
// whose Foreign names that tool; its files are components of type file. The
// result is normalized.
func (d Decoder) Decode(r io.Reader) (*sbom.Inventory, error) {
	limit := d.MaxSize
	if limit <= 0 {
		limit = MaxSize
	}
	data, err := sbom.ReadDocument(r, limit)
	if err != nil {
		return nil, fmt.Errorf("reading SPDX: %w", err)
	}
	inv, err := d.decode(data)
	if err != nil {
		return nil, fmt.Errorf("decoding SPDX: %w", err)
	}
	inv.Normalize()
	return inv, nil
}

func (d Decoder) decode(data []byte) (*sbom.Inventory, error) {
	text := strings.TrimPrefix(string(data), "\xef\xbb\xbf") // byte order mark
	head := strings.TrimLeft(text, " \t\r\n")
	var doc document
	switch {
	case head == "":
		return nil, errors.New("the document is empty")
	case head[0] == '{':
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return nil, err
		}
	default:
		var err error
		if doc, err = parseTags(text); err != nil {
			return nil, err
		}
	}
	switch doc.Version {
	case "SPDX-2.2", "SPDX-2.3":
	case "":
		return nil, errors.New("not an SPDX document: it states no version")
	default:
		return nil, fmt.Errorf("the version %q is not read: 2.2 and 2.3 are", doc.Version)
	}
	limit := d.MaxComponents
	if limit <= 0 {
		limit = MaxComponents
	}
	if len(doc.Packages)+len(doc.Files) > limit {
		return nil, fmt.Errorf("more than %d packages and files", limit)
	}
	return doc.inventory()
}
