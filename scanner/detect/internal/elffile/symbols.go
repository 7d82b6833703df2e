package elffile

import (
	"debug/elf"
	"fmt"
	"iter"
	"strings"
)

// Symbols is one symbol table, to be walked.
type Symbols struct {
	f     *File
	off   uint64
	count uint64
	names string
	err   error
}

// Count is how many entries the table has.
func (s *Symbols) Count() uint64 { return s.count }

// Err is what went wrong in the walks so far, if anything.
func (s *Symbols) Err() error { return s.err }

// Symbols returns the dynamic symbol table.
func (d *Dynamic) Symbols() *Symbols {
	if d.f == nil {
		return &Symbols{}
	}
	return &Symbols{f: d.f, off: d.symtab, count: d.count, names: d.names}
}

// StaticSymbols returns the symbol table that a linker leaves in a file that
// is not stripped; it is empty in one that is.
func (f *File) StaticSymbols() (*Symbols, error) {
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != elf.SHT_SYMTAB || s.Link == 0 || int64(s.Link) > int64(len(f.Sections)) || s.Off >= uint64(f.size) {
			continue
		}
		str := &f.Sections[s.Link-1]
		if str.Type != elf.SHT_STRTAB {
			continue
		}
		names, err := f.text(str.Off, str.Size)
		if err != nil {
			return nil, err
		}
		n := min(s.Size, uint64(f.size)-s.Off) / f.symSize()
		return &Symbols{f: f, off: s.Off, count: n, names: names}, nil
	}
	return &Symbols{}, nil
}

// Defined walks the names of functions and objects that the file defines,
// local ones included.
func (s *Symbols) Defined() iter.Seq[string] {
	return s.walk(func(defined bool) bool { return defined })
}

// Undefined walks the names that the file expects from others.
func (s *Symbols) Undefined() iter.Seq[string] {
	return s.walk(func(defined bool) bool { return !defined })
}

// All walks the names of both.
func (s *Symbols) All() iter.Seq[string] { return s.walk(func(bool) bool { return true }) }

func (s *Symbols) walk(want func(defined bool) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		if s.count == 0 {
			return
		}
		size := s.f.symSize()
		buf := make([]byte, min(s.count, 2048)*size)
		for at, left := s.off, s.count; left > 0; {
			n := min(left, uint64(len(buf))/size)
			b := buf[:n*size]
			if err := readFull(s.f.r, b, int64(at)); err != nil {
				s.err = fmt.Errorf("reading symbols: %w", err)
				return
			}
			for ; len(b) > 0; b = b[size:] {
				name, def := s.entry(b)
				if name != "" && want(def) && !yield(name) {
					return
				}
			}
			at, left = at+n*size, left-n
		}
	}
}

// entry reads one Sym. Sections and file names are no symbols of interest.
func (s *Symbols) entry(b []byte) (name string, defined bool) {
	info, shndx := b[4], s.f.Order.Uint16(b[6:])
	if s.f.Class == elf.ELFCLASS32 {
		info, shndx = b[12], s.f.Order.Uint16(b[14:])
	}
	if t := elf.ST_TYPE(info); t == elf.STT_SECTION || t == elf.STT_FILE {
		return "", false
	}
	name = nameAt(s.names, uint64(s.f.Order.Uint32(b)))
	if i := strings.IndexByte(name, '@'); i > 0 { // "printf@GLIBC_2.2.5" in a static table
		name = name[:i]
	}
	return name, shndx != uint16(elf.SHN_UNDEF)
}
