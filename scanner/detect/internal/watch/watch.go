// Package watch looks for the symbols, namespaces and strings of an
// [sbom.Watch] in a program, whatever its format.
//
// A detector compiles its Watch once, in its New, and shares the Matcher:
//
//	m := watch.New(w)
//	evidence := m.Families(symbolNames, "dynamic symbols")
//	found, err := m.Strings(ctx, file, file.Size)
package watch

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// MaxNames is how many symbol names of one file are read.
const MaxNames = 1 << 20

// Matcher is a compiled Watch. It is not changed after New and may be shared
// by goroutines.
type Matcher struct {
	symbols    map[string]bool
	prefixes   map[string]bool
	lengths    []int     // of the prefixes, distinct, ascending
	first      [256]bool // first bytes of symbols and prefixes
	namespaces map[string]bool
	needles    *needles // nil when no string is watched
}

// New compiles w. A nil or zero w makes a Matcher that finds nothing.
func New(w *sbom.Watch) *Matcher {
	m := &Matcher{}
	if w == nil {
		return m
	}
	m.symbols = m.set(w.Symbols)
	m.prefixes = m.set(w.SymbolPrefixes)
	for p := range m.prefixes {
		m.lengths = append(m.lengths, len(p))
	}
	slices.Sort(m.lengths)
	m.lengths = slices.Compact(m.lengths)
	m.namespaces = make(map[string]bool, len(w.Namespaces))
	for _, n := range w.Namespaces {
		m.namespaces[strings.TrimSuffix(n, "::")] = true
	}
	delete(m.namespaces, "")
	m.needles = newNeedles(w.Strings)
	return m
}

func (m *Matcher) set(words []string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, w := range words {
		if w != "" {
			s[w] = true
			m.first[w[0]] = true
		}
	}
	return s
}

// Families reads symbol names (mangled or not, with Mach-O's or i386's leading
// underscore or without) and returns, sorted, one Evidence for each watched
// symbol, each watched prefix (SymbolFamily, Count says how many distinct
// names have it) and each watched C++ namespace that encloses at least one of
// the symbols (Count as well). where goes into Evidence.Where. At most
// [MaxNames] names are read: the caller notes the Gap, if it has more.
func (m *Matcher) Families(names iter.Seq[string], where string) []sbom.Evidence {
	if len(m.symbols)+len(m.prefixes)+len(m.namespaces) == 0 {
		return nil
	}
	symbols := map[string]bool{}
	families := map[string]map[string]bool{}
	spaces := map[string]map[string]bool{}
	read := 0
	for name := range names {
		if read++; read > MaxNames {
			break
		}
		m.plain(plainName(name), symbols, families)
		if len(m.namespaces) > 0 {
			for s := range scopes(name) {
				if m.namespaces[s] {
					add(spaces, s, name)
				}
			}
		}
	}
	return collect(symbols, families, spaces, where)
}

func (m *Matcher) plain(name string, symbols map[string]bool, families map[string]map[string]bool) {
	// A leading underscore is either the compiler's or the name's own: both are tried.
	for range 2 {
		if name == "" {
			return
		}
		if m.first[name[0]] {
			if m.symbols[name] {
				symbols[name] = true
			}
			for _, n := range m.lengths {
				if n > len(name) {
					break
				}
				if m.prefixes[name[:n]] {
					add(families, name[:n], name)
				}
			}
		}
		if name[0] != '_' {
			return
		}
		name = name[1:]
	}
}

func add(sets map[string]map[string]bool, key, name string) {
	if sets[key] == nil {
		sets[key] = map[string]bool{}
	}
	sets[key][name] = true
}

func collect(symbols map[string]bool, families, spaces map[string]map[string]bool, where string) []sbom.Evidence {
	var es []sbom.Evidence
	for s := range symbols {
		es = append(es, sbom.Evidence{Kind: sbom.Symbol, Value: s, Where: where})
	}
	for p, names := range families {
		es = append(es, sbom.Evidence{Kind: sbom.SymbolFamily, Value: p, Where: where, Count: len(names)})
	}
	for n, names := range spaces {
		es = append(es, sbom.Evidence{Kind: sbom.CXXNamespace, Value: n, Where: where, Count: len(names)})
	}
	slices.SortFunc(es, func(a, b sbom.Evidence) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return es
}
