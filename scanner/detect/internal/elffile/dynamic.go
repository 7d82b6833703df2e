package elffile

import (
	"debug/elf"
	"fmt"
	"strings"
)

// Dynamic is what the dynamic table says.
type Dynamic struct {
	Soname string
	Needed []string
	PIE    bool // DF_1_PIE: an executable, although its type is that of a library

	f                      *File
	names                  string // the dynamic string table
	symtab, symsize        uint64 // file offset, and how many bytes of the segment follow
	strtab                 uint64
	hash, gnuHash, hashEnd uint64 // file offsets; 0 for none
	count                  uint64 // of symbols
}

// Static reports whether there is no dynamic table.
func (d *Dynamic) Static() bool { return d.f == nil }

// Dynamic reads the dynamic table that the loader would use. A file without
// one has the zero Dynamic.
func (f *File) Dynamic() (*Dynamic, error) {
	off, size := f.dynamicTable()
	if size == 0 {
		return &Dynamic{}, nil
	}
	b, err := f.bytes(int64(off), int64(size), nil)
	if err != nil {
		return nil, err
	}
	d := &Dynamic{f: f}
	var needed []uint64
	var soname, strtab, strsz, symtab, hash, gnu uint64
	w := f.word()
	for ; len(b) >= 2*w; b = b[2*w:] {
		v := f.addr(b[w:])
		switch elf.DynTag(f.addr(b)) {
		case elf.DT_NULL:
			b = nil
		case elf.DT_NEEDED:
			if len(needed) < maxNeeded {
				needed = append(needed, v)
			}
		case elf.DT_SONAME:
			soname = v
		case elf.DT_STRTAB:
			strtab = v
		case elf.DT_STRSZ:
			strsz = v
		case elf.DT_SYMTAB:
			symtab = v
		case elf.DT_HASH:
			hash = v
		case elf.DT_GNU_HASH:
			gnu = v
		case elf.DT_FLAGS_1:
			d.PIE = elf.DynFlag1(v)&elf.DF_1_PIE != 0
		}
		if b == nil {
			break
		}
	}
	if err := d.load(strtab, strsz, symtab, hash, gnu); err != nil {
		return nil, err
	}
	d.Soname = strings.Clone(nameAt(d.names, soname))
	for _, n := range needed {
		if s := nameAt(d.names, n); s != "" {
			d.Needed = append(d.Needed, strings.Clone(s))
		}
	}
	return d, nil
}

// dynamicTable finds the table by its segment, else by its section.
func (f *File) dynamicTable() (off, size uint64) {
	for _, p := range f.Segments {
		if p.Type == elf.PT_DYNAMIC && p.FileSz > 0 && p.Off < uint64(f.size) {
			return p.Off, min(p.FileSz, uint64(f.size)-p.Off, maxDynamic)
		}
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type == elf.SHT_DYNAMIC && s.Off < uint64(f.size) {
			return s.Off, min(s.Size, uint64(f.size)-s.Off, maxDynamic)
		}
	}
	return 0, 0
}

// load finds the tables that the addresses name and reads the strings.
func (d *Dynamic) load(strtab, strsz, symtab, hash, gnu uint64) error {
	f := d.f
	if off, n, ok := f.offsetOf(strtab); ok {
		d.strtab = off
		if strsz > n {
			f.cut("the dynamic strings end at %d", off+strsz)
		}
		names, err := f.text(off, min(strsz, n))
		if err != nil {
			return err
		}
		d.names = names
	}
	if off, n, ok := f.offsetOf(symtab); ok {
		d.symtab, d.symsize = off, n
		if d.hash, _, ok = f.offsetOf(hash); !ok {
			d.hash = 0
		}
		if d.gnuHash, d.hashEnd, ok = f.offsetOf(gnu); ok {
			d.hashEnd += d.gnuHash
		} else {
			d.gnuHash = 0
		}
		count, err := d.countSymbols()
		if err != nil {
			return err
		}
		d.count = min(count, d.symsize/f.symSize())
	}
	return nil
}

func (f *File) symSize() uint64 {
	if f.Class == elf.ELFCLASS64 {
		return 24
	}
	return 16
}

// countSymbols tells how many dynamic symbols there are. The dynamic table
// does not say. The hash tables and the section header know in most files; the
// largest answer counts, so that no one of them hides symbols. Where none of
// them is there, the string table follows the symbols.
func (d *Dynamic) countSymbols() (uint64, error) {
	f := d.f
	var count uint64
	if d.hash != 0 && f.holds(d.hash, 8) {
		b, err := f.bytes(int64(d.hash), 8, nil)
		if err != nil {
			return 0, err
		}
		if n := uint64(f.Order.Uint32(b[4:])); n*f.symSize() <= d.symsize {
			count = n
		}
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type == elf.SHT_DYNSYM && s.Off == d.symtab {
			count = max(count, s.Size/f.symSize())
		}
	}
	if d.gnuHash != 0 {
		n, err := d.countGNU()
		if err != nil {
			return 0, err
		}
		count = max(count, n)
	}
	if count == 0 && d.strtab > d.symtab {
		count = (d.strtab - d.symtab) / f.symSize()
	}
	return count, nil
}

// countGNU walks the GNU hash table: the highest symbol of any bucket, and
// from there to the end of its chain. Source: the "GNU hash ELF sections"
// description by A. Roenky, and binutils' bfd/elflink.c.
func (d *Dynamic) countGNU() (uint64, error) {
	f := d.f
	if d.gnuHash+16 > d.hashEnd {
		return 0, nil
	}
	b, err := f.bytes(int64(d.gnuHash), 16, nil)
	if err != nil {
		return 0, err
	}
	buckets, first, bloom := uint64(f.Order.Uint32(b)), uint64(f.Order.Uint32(b[4:])), uint64(f.Order.Uint32(b[8:]))
	at := d.gnuHash + 16 + bloom*uint64(f.word())
	if at > d.hashEnd || buckets > (d.hashEnd-at)/4 {
		return 0, nil
	}
	last, err := f.scanWords(at, buckets, func(v, last uint64) (uint64, bool) { return max(v, last), false }, 0)
	if err != nil {
		return 0, err
	}
	if last < first {
		return first, nil
	}
	chain := at + buckets*4 + (last-first)*4
	if chain > d.hashEnd {
		return 0, nil
	}
	return f.scanWords(chain, (d.hashEnd-chain)/4, func(v, n uint64) (uint64, bool) { return n + 1, v&1 == 1 }, last)
}

// scanWords folds n 32-bit words at off, until fn says stop.
func (f *File) scanWords(off, n uint64, fn func(v, acc uint64) (uint64, bool), acc uint64) (uint64, error) {
	buf := make([]byte, 16<<10)
	for n > 0 {
		p := buf[:min(n*4, uint64(len(buf)))]
		if err := readFull(f.r, p, int64(off)); err != nil {
			return 0, fmt.Errorf("reading the hash table: %w", err)
		}
		for i := 0; i < len(p); i += 4 {
			var stop bool
			if acc, stop = fn(uint64(f.Order.Uint32(p[i:])), acc); stop {
				return acc, nil
			}
		}
		off, n = off+uint64(len(p)), n-uint64(len(p))/4
	}
	return acc, nil
}
