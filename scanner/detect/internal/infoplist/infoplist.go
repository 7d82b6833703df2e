// Package infoplist reads the Info.plist of a macOS or iOS bundle, XML or
// binary, whether it is a file or embedded in a program.
//
// Only the strings of the outermost dictionary are read: what is nested is
// passed over without recursion, so that no document is too deep or too wide.
// Source: Apple, "Information Property List"; the binary form is described in
// CoreFoundation's CFBinaryPList.c.
package infoplist

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/interdict/interdict/sbom"
)

// MaxSize bounds a property list in bytes. Real ones have a few kilobytes.
const MaxSize = 4 << 20

// maxKeys bounds how many entries of the outermost dictionary are read, and
// maxString the length of each in bytes.
const (
	maxKeys   = 4096
	maxString = 64 << 10
)

// ErrFormat tells that the bytes are no property list with a dictionary.
var ErrFormat = errors.New("not a property list with a dictionary")

// Info is what a bundle says of itself. Fields that it does not state are empty.
type Info struct {
	Identifier  string // CFBundleIdentifier
	Name        string // CFBundleDisplayName, CFBundleName or CFBundleExecutable
	Version     string // CFBundleShortVersionString or CFBundleVersion
	Copyright   string // NSHumanReadableCopyright or CFBundleGetInfoString
	PackageType string // CFBundlePackageType: "APPL", "FMWK", "KEXT", "BNDL", "XPC!"
}

// IsPlist reports whether head begins as a property list of either form.
func IsPlist(head []byte) bool {
	if bytes.HasPrefix(head, []byte("bplist0")) {
		return true
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, p := range []string{"<?xml", "<!DOCTYPE plist", "<plist", "\xff\xfe<", "\xfe\xff\x00<"} {
		if bytes.HasPrefix(text, []byte(p)) {
			return true
		}
	}
	return false
}

// Parse reads a property list.
func Parse(b []byte) (Info, error) {
	read := fromXML
	if bytes.HasPrefix(b, []byte("bplist0")) {
		read = fromBinary
	}
	m, err := read(b)
	if err != nil {
		return Info{}, err
	}
	return Info{
		Identifier:  m["CFBundleIdentifier"],
		Name:        cmp.Or(m["CFBundleDisplayName"], m["CFBundleName"], m["CFBundleExecutable"]),
		Version:     cmp.Or(m["CFBundleShortVersionString"], m["CFBundleVersion"]),
		Copyright:   cmp.Or(m["NSHumanReadableCopyright"], m["CFBundleGetInfoString"]),
		PackageType: m["CFBundlePackageType"],
	}, nil
}

// Empty reports that nothing in it names a bundle.
func (i Info) Empty() bool { return i.Identifier == "" && i.Name == "" }

// Evidence is what the property list tells, read from where.
func (i Info) Evidence(where string) []sbom.Evidence {
	var es []sbom.Evidence
	for _, e := range []sbom.Evidence{
		{Kind: sbom.BundleID, Value: i.Identifier, Where: where + " CFBundleIdentifier"},
		{Kind: sbom.BundleName, Value: i.Name, Where: where + " CFBundleName"},
		{Kind: sbom.BundleCopyright, Value: i.Copyright, Where: where + " NSHumanReadableCopyright"},
	} {
		if e.Value != "" {
			es = append(es, e)
		}
	}
	return es
}

// fromXML reads the keys and strings of the dictionary below the root.
func fromXML(b []byte) (map[string]string, error) {
	d := xml.NewDecoder(strings.NewReader(text(b)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // text made it UTF-8
	m := map[string]string{}
	var path []string // names of the open elements; deeper ones are only counted
	depth := 0
	key, value := "", ""
	for len(m) < maxKeys {
		tok, err := d.RawToken()
		if err != nil {
			break // whatever is wrong, what came before it stands
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth++; depth <= 3 {
				path = append(path[:depth-1], t.Name.Local)
			}
			value = ""
		case xml.CharData:
			if depth == 3 && len(value) < maxString {
				value += string(t)
			}
		case xml.EndElement:
			if depth == 3 && path[0] == "plist" && path[1] == "dict" {
				if path[2] == "key" {
					key = strings.TrimSpace(value)
				} else {
					if path[2] == "string" && key != "" {
						m[key] = strings.TrimSpace(value)
					}
					key = ""
				}
			}
			if depth--; depth < 0 {
				return nil, ErrFormat
			}
		}
	}
	if len(path) < 2 || path[0] != "plist" {
		return nil, ErrFormat
	}
	return m, nil
}

// text returns an XML document as UTF-8.
func text(b []byte) string {
	if len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
		big := 0
		if b[0] == 0xff {
			big = 1
		}
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i+big])<<8|uint16(b[i+1-big]))
		}
		return string(utf16.Decode(units))
	}
	s := strings.TrimPrefix(string(b), "\xef\xbb\xbf")
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
