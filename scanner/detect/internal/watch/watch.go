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
	"context"
	"io"
	"iter"

	"github.com/interdict/interdict/sbom"
)

// Matcher is a compiled Watch. It is not changed after New and may be shared
// by goroutines.
type Matcher struct {
	symbols    map[string]bool
	prefixes   []string // sorted
	namespaces map[string]bool
	needles    *needles
}

// New compiles w. A nil or zero w makes a Matcher that finds nothing.
func New(w *sbom.Watch) *Matcher { return compile(w) }

// Families reads symbol names (mangled or not, with Mach-O's or i386's leading
// underscore or without) and returns, sorted, one Evidence for each watched
// symbol, each watched prefix (SymbolFamily, Count says how many distinct
// names have it) and each watched C++ namespace that encloses at least one of
// the symbols (Count as well). where goes into Evidence.Where. At most
// [MaxNames] names are read: the caller notes the Gap, if it has more.
func (m *Matcher) Families(names iter.Seq[string], where string) []sbom.Evidence {
	return m.families(names, where)
}

// MaxNames is how many symbol names of one file are read.
const MaxNames = 1 << 20

// Strings streams size bytes of r and returns, sorted, one BinaryString
// Evidence for each watched string that occurs in UTF-8 or UTF-16LE: Where
// tells the first offset, Count how often. Memory does not grow with size. The
// error is ctx's or r's, never one of contents.
func (m *Matcher) Strings(ctx context.Context, r io.ReaderAt, size int64) ([]sbom.Evidence, error) {
	return m.strings(ctx, r, size)
}
