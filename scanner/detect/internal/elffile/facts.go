package elffile

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

// Symbols and comments as evidence, the same for programs and kernel modules.

// Families returns the watched symbols that the file defines and those that it
// imports. The first are what the file is; the second only say what it calls:
// they are of the kind SymbolImport. limit says which bound was reached.
func (f *File) Families(m *watch.Matcher, d *Dynamic) (es []sbom.Evidence, limit string, err error) {
	static, err := f.StaticSymbols()
	if err != nil {
		return nil, "", err
	}
	tables := []struct {
		*Symbols
		where string
	}{{d.Symbols(), "dynamic symbols"}, {static, "symbol table"}}
	for _, t := range tables {
		if t.Count() > watch.MaxNames {
			limit = fmt.Sprintf("more than %d symbols", watch.MaxNames)
		}
		// Most files have none: one walk tells that.
		if any := m.Families(t.All(), ""); len(any) == 0 {
			continue
		}
		es = mergeFamilies(es, m.Families(t.Defined(), t.where))
		imports := m.Families(t.Undefined(), "undefined symbols")
		for i := range imports {
			imports[i].Kind = sbom.SymbolImport
		}
		es = mergeFamilies(es, imports)
		if t.Err() != nil {
			return nil, "", t.Err()
		}
	}
	return es, limit, nil
}

// mergeFamilies adds what b knows and a does not: the two tables of a file
// name the same symbols, which do not count twice.
func mergeFamilies(a, b []sbom.Evidence) []sbom.Evidence {
	for _, e := range b {
		known := false
		for i := range a {
			if a[i].Kind == e.Kind && a[i].Value == e.Value {
				a[i].Count = max(a[i].Count, e.Count)
				known = true
				break
			}
		}
		if !known {
			a = append(a, e)
		}
	}
	return a
}

// maxComment bounds the .comment section in bytes.
const maxComment = 64 << 10

// Comments returns those strings of .comment that are worth noting. They name
// the compiler and never the maker.
func (f *File) Comments(w *sbom.Watch) ([]sbom.Evidence, error) {
	b, err := f.Data(f.Section(".comment"), maxComment)
	if err != nil {
		return nil, err
	}
	var es []sbom.Evidence
	for line := range strings.SplitSeq(string(b), "\x00") {
		if line != "" && w.Matches(sbom.ELFComment, line) {
			es = append(es, sbom.Evidence{Kind: sbom.ELFComment, Value: line, Where: ".comment"})
		}
	}
	return es, nil
}

// BuildID returns the build-id among notes as evidence, or nil.
// Source: NT_GNU_BUILD_ID of binutils' include/elf/common.h.
func BuildID(notes []Note) []sbom.Evidence {
	for _, n := range notes {
		if n.Owner == "GNU" && n.Type == 3 && len(n.Desc) > 0 && len(n.Desc) <= 64 {
			return []sbom.Evidence{{Kind: sbom.ELFBuildID, Value: hex.EncodeToString(n.Desc), Where: ".note.gnu.build-id"}}
		}
	}
	return nil
}
