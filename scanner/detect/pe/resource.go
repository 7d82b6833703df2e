package pe

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/interdict/interdict/sbom"
)

// Types of resource (winuser.h).
const (
	rtVersion  = 16
	rtManifest = 24
)

const (
	maxResourceEntries = 16 << 10 // walked, in all
	maxVersions        = 128      // resources of one type
	maxVersionSize     = 1 << 20
	maxManifestSize    = 4 << 20
)

// resource is one resource in one language.
type resource struct {
	id   uint32
	lang uint32
	rva  uint32
	size uint32
}

// resources walks the resource tree, which has three levels: type, name and
// language. Only the wanted types are followed.
func (l *look) resources() error {
	dir := l.im.dirs[dirResource]
	if dir.rva == 0 {
		return nil
	}
	if len(l.im.rva(dir.rva, 16)) < 16 {
		l.gap(sbom.Malformed, "the resource directory is not in the file")
		return l.im.err
	}
	w := &resourceWalk{im: l.im, root: dir.rva}
	for _, typ := range w.entries(0) {
		if typ.id != rtVersion && typ.id != rtManifest || typ.offset&subdirectory == 0 {
			continue
		}
		for _, r := range w.leaves(typ.offset &^ subdirectory) {
			if typ.id == rtVersion {
				l.version(r)
			} else {
				l.manifest(r)
			}
		}
	}
	if w.excess {
		l.gap(sbom.Limit, "too many resources: not all were read")
	}
	return l.im.err
}

const subdirectory = 1 << 31

type resourceEntry struct{ id, offset uint32 }

type resourceWalk struct {
	im     *image
	root   uint32
	seen   int
	excess bool
}

// entries reads one directory of the tree. The name of an entry that is no
// number has its highest bit set, and is none of those that we want.
func (w *resourceWalk) entries(off uint32) []resourceEntry {
	b := w.im.rva(w.root+off, 16)
	if len(b) < 16 {
		return nil
	}
	n := int(le.Uint16(b[12:])) + int(le.Uint16(b[14:]))
	if w.seen+n > maxResourceEntries {
		w.excess = true
		n = maxResourceEntries - w.seen
	}
	w.seen += n
	var es []resourceEntry
	for table := w.im.rva(w.root+off+16, 8*n); len(table) >= 8; table = table[8:] {
		es = append(es, resourceEntry{le.Uint32(table), le.Uint32(table[4:])})
	}
	return es
}

// leaves returns the resources below a type.
func (w *resourceWalk) leaves(off uint32) []resource {
	var rs []resource
	for _, name := range w.entries(off) {
		langs := []resourceEntry{name}
		if name.offset&subdirectory != 0 {
			langs = w.entries(name.offset &^ subdirectory)
		}
		for _, lang := range langs {
			if lang.offset&subdirectory != 0 {
				continue // no resource is deeper
			}
			if len(rs) >= maxVersions {
				w.excess = true
				return rs
			}
			if b := w.im.rva(w.root+lang.offset, 16); len(b) == 16 {
				rs = append(rs, resource{name.id, lang.id, le.Uint32(b), le.Uint32(b[4:])})
			}
		}
	}
	return rs
}

// version reads one version resource.
func (l *look) version(r resource) {
	if r.size > maxVersionSize {
		l.gap(sbom.Limit, fmt.Sprintf("a version resource of %d bytes", r.size))
		return
	}
	v, ok := parseVersion(l.im.rva(r.rva, int(r.size)), &l.stringsRead)
	if !ok {
		l.gap(sbom.Malformed, fmt.Sprintf("the version resource of language %04X is not readable", r.lang))
	}
	if l.stringsRead >= maxVersionStrings {
		l.gap(sbom.Limit, fmt.Sprintf("more than %d version strings", maxVersionStrings))
	}
	if l.fixed == "" {
		l.fixed = v.fixed
	}
	for _, t := range v.tables {
		for _, s := range t.strings {
			if kind, ok := versionKinds[s.key]; ok {
				l.note(kind, s.value, "VersionInfo "+t.lang)
			}
		}
		l.tables = append(l.tables, t)
	}
}

// versionKinds are the strings that identify (winver.h, StringFileInfo).
var versionKinds = map[string]sbom.Kind{
	"CompanyName":      sbom.PECompanyName,
	"ProductName":      sbom.PEProductName,
	"LegalCopyright":   sbom.PELegalCopyright,
	"LegalTrademarks":  sbom.PELegalTrademarks,
	"FileDescription":  sbom.PEFileDescription,
	"OriginalFilename": sbom.PEOriginalFilename,
	"InternalName":     sbom.PEInternalName,
}

// versionString is a string in the first table that has it, English first.
func (l *look) versionString(key string) string {
	tables := slices.Clone(l.tables)
	slices.SortStableFunc(tables, func(a, b stringTable) int { return english(a.lang) - english(b.lang) })
	for _, t := range tables {
		for _, s := range t.strings {
			if s.key == key && s.value != "" {
				return s.value
			}
		}
	}
	return ""
}

func english(lang string) int {
	if len(lang) >= 4 && lang[2:4] == "09" { // primary language of a LANGID
		return 0
	}
	return 1
}

// manifest reads the identity of a side-by-side manifest: that of the file
// itself, not of the assemblies that it depends on.
func (l *look) manifest(r resource) {
	if r.size > maxManifestSize {
		l.gap(sbom.Limit, fmt.Sprintf("a manifest of %d bytes", r.size))
		return
	}
	name := assemblyIdentity(l.im.rva(r.rva, int(r.size)))
	l.note(sbom.PEAssembly, name, "manifest assemblyIdentity")
}

func assemblyIdentity(text []byte) string {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) {
		text = []byte(string(utf16.Decode(units(text[2:]))))
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth := 0
	for n := 0; n < 4096; n++ {
		t, err := d.RawToken()
		if err != nil && !errors.Is(err, io.EOF) {
			return ""
		}
		switch e := t.(type) {
		case xml.StartElement:
			depth++
			if depth != 2 || e.Name.Local != "assemblyIdentity" {
				continue
			}
			for _, a := range e.Attr {
				if a.Name.Local == "name" {
					return a.Value
				}
			}
			return ""
		case xml.EndElement:
			depth--
		case nil:
			return ""
		}
	}
	return ""
}

// units splits bytes into UTF-16 code units.
func units(b []byte) []uint16 {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return u
}
