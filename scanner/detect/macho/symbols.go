package macho

import (
	"fmt"
	"iter"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

// maxStrings bounds the string table in bytes, maxSymbol one name in it: longer
// C++ names are cut, and what encloses them comes first.
const (
	maxStrings = 128 << 20
	maxSymbol  = 4096
)

// families notes the watched symbols: those that the slice defines, and apart
// from them those that it takes from others.
func (l *look) families() error {
	if err := l.symtab(); err != nil {
		return err
	}
	s := l.h.exports
	if s.size == 0 {
		return nil
	}
	if s.size > maxTrie {
		l.gap(sbom.Limit, "more than %d bytes of exports", maxTrie)
	}
	b, err := l.data(s, maxTrie)
	if err != nil {
		return err
	}
	l.add(l.matcher.Families(exports(b), l.arch+"export trie"))
	return nil
}

func (l *look) symtab() error {
	h := l.h
	if h.symbols.size == 0 || h.symbols.off >= uint64(l.size) || h.strings.off >= uint64(l.size) {
		return nil
	}
	if h.strings.size > maxStrings || h.symbols.size > watch.MaxNames {
		l.gap(sbom.Limit, "%d symbols with names of %d bytes", h.symbols.size, h.strings.size)
	}
	names, err := l.text(h.strings)
	if err != nil {
		return err
	}
	t := &table{l: l, names: names}
	// Most files have none: one walk tells that.
	if any := l.matcher.Families(t.walk(func(bool) bool { return true }), ""); len(any) > 0 {
		l.add(l.matcher.Families(t.walk(func(defined bool) bool { return defined }), l.arch+"symbol table"))
		imports := l.matcher.Families(t.walk(func(defined bool) bool { return !defined }), l.arch+"undefined symbols")
		for i := range imports {
			imports[i].Kind = sbom.SymbolImport
		}
		l.add(imports)
	}
	return t.err
}

// add takes over evidence that is not known: the symbol table and the export
// trie name the same symbols.
func (l *look) add(es []sbom.Evidence) {
	l.c.Evidence = join(&l.c, &sbom.Component{Evidence: es}).Evidence
}

// text reads a string table; names cut from it cost nothing more.
func (l *look) text(s span) (string, error) {
	n := min(s.size, uint64(l.size)-s.off, maxStrings)
	var b strings.Builder
	b.Grow(int(n))
	buf := make([]byte, min(n, 256<<10))
	for off := s.off; n > 0; {
		p := buf[:min(n, uint64(len(buf)))]
		if err := readFull(l.r, p, int64(off)); err != nil {
			return "", fmt.Errorf("reading symbol names: %w", err)
		}
		b.Write(p)
		off, n = off+uint64(len(p)), n-uint64(len(p))
	}
	return b.String(), nil
}

// table walks the symbol table. Source: Apple, mach-o/nlist.h.
type table struct {
	l     *look
	names string
	err   error
}

func (t *table) walk(want func(defined bool) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		h := t.l.h
		size := uint64(12)
		if h.wide {
			size = 16
		}
		left := min(h.symbols.size, (uint64(t.l.size)-h.symbols.off)/size)
		buf := make([]byte, min(left, 4096)*size)
		for at := h.symbols.off; left > 0; {
			n := min(left, uint64(len(buf))/size)
			b := buf[:n*size]
			if err := readFull(t.l.r, b, int64(at)); err != nil {
				t.err = fmt.Errorf("reading symbols: %w", err)
				return
			}
			for ; len(b) > 0; b = b[size:] {
				name, defined := t.entry(b)
				if name != "" && want(defined) && !yield(name) {
					return
				}
			}
			at, left = at+n*size, left-n
		}
	}
}

// entry reads one nlist. Debugging entries have no name of interest.
func (t *table) entry(b []byte) (name string, defined bool) {
	const nStab, nType, nUndefined, nPreboundUndefined = 0xe0, 0x0e, 0x0, 0xc
	o := t.l.h.order
	strx, kind := uint64(o.Uint32(b)), b[4]
	if kind&nStab != 0 || strx >= uint64(len(t.names)) {
		return "", false
	}
	value := uint64(o.Uint32(b[8:]))
	if t.l.h.wide {
		value = o.Uint64(b[8:])
	}
	name = t.names[strx:min(strx+maxSymbol, uint64(len(t.names)))]
	if i := strings.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	undefined := kind&nType == nUndefined || kind&nType == nPreboundUndefined
	return name, !undefined || value != 0 // with a value: a common symbol
}
