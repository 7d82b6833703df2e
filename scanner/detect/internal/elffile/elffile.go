// Package elffile reads the parts of an ELF file that tell what it is, within
// bounds, from files that may be stripped, damaged or hostile.
//
// What the loader goes by (the program headers and the dynamic table) is
// trusted over the section headers, which any tool can remove or falsify: the
// dynamic symbols of a program without sections are read all the same.
// Source of the layouts: System V ABI, "Object Files" and "Dynamic Linking".
package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds. A file beyond them is reported by [File.Limits].
const (
	maxSegments = 4096
	maxSections = 1 << 17
	maxNames    = 16 << 20  // bytes of the section name table
	maxDynamic  = 1 << 20   // bytes of the dynamic table
	maxStrings  = 128 << 20 // bytes of one string table
	maxNeeded   = 4096
)

// ErrFormat tells that the bytes are no ELF file, whatever they begin with.
var ErrFormat = errors.New("not an ELF file")

// Section is one section header.
type Section struct {
	Name  string
	Type  elf.SectionType
	Flags elf.SectionFlag
	Addr  uint64
	Off   uint64
	Size  uint64
	Link  uint32
	Ent   uint64

	name uint32
}

// Segment is one program header.
type Segment struct {
	Type   elf.ProgType
	Flags  elf.ProgFlag
	Off    uint64
	Addr   uint64
	FileSz uint64
	MemSz  uint64
}

// File is an opened ELF file. It holds the headers only; contents are read
// when asked for. It is safe for many readers.
type File struct {
	Class    elf.Class
	Order    binary.ByteOrder
	OSABI    elf.OSABI
	Type     elf.Type
	Machine  elf.Machine
	Segments []Segment
	Sections []Section // without the null section; empty when there are none
	// HeaderSize is where the program headers end.
	HeaderSize int64
	// Truncated says in words what lies beyond the end of the file, if anything.
	Truncated string
	// Limits says in words which bound was reached, if any.
	Limits string

	r    io.ReaderAt
	size int64
}

// IsELF reports whether head begins as an ELF file does.
func IsELF(head []byte) bool { return bytes.HasPrefix(head, []byte(elf.ELFMAG)) }

// TypeOf returns the type that an ELF header gives, or ET_NONE.
func TypeOf(head []byte) elf.Type {
	if !IsELF(head) || len(head) < 18 {
		return elf.ET_NONE
	}
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		return elf.Type(binary.BigEndian.Uint16(head[16:]))
	}
	return elf.Type(binary.LittleEndian.Uint16(head[16:]))
}

// header is the part of Ehdr that both classes have.
type header struct {
	phoff, shoff           uint64
	phentsize, shentsize   uint16
	phnum, shnum, shstrndx uint32
}

// Open reads the headers of the size bytes of r. head is the beginning of the
// file, as much of it as is at hand. The error is ErrFormat, with what is
// wrong, or r's.
func Open(r io.ReaderAt, size int64, head []byte) (*File, error) {
	f := &File{r: r, size: size}
	if int64(len(head)) > size {
		head = head[:size]
	}
	if len(head) < 64 && int64(len(head)) < size {
		head = make([]byte, min(64, size))
		if err := readFull(r, head, 0); err != nil {
			return nil, err
		}
	}
	h, err := f.readHeader(head)
	if err != nil {
		return nil, err
	}
	if err := f.readSections(&h); err != nil {
		return nil, err
	}
	if err := f.readSegments(&h, head); err != nil {
		return nil, err
	}
	f.checkSizes()
	return f, nil
}

func (f *File) readHeader(head []byte) (h header, err error) {
	if len(head) < 52 || !IsELF(head) {
		return h, fmt.Errorf("%w: the header is cut", ErrFormat)
	}
	f.Class, f.OSABI = elf.Class(head[elf.EI_CLASS]), elf.OSABI(head[elf.EI_OSABI])
	switch elf.Data(head[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		f.Order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.Order = binary.BigEndian
	default:
		return h, fmt.Errorf("%w: unknown byte order %d", ErrFormat, head[elf.EI_DATA])
	}
	o := f.Order
	f.Type, f.Machine = elf.Type(o.Uint16(head[16:])), elf.Machine(o.Uint16(head[18:]))
	switch f.Class {
	case elf.ELFCLASS32:
		h = header{phoff: uint64(o.Uint32(head[28:])), shoff: uint64(o.Uint32(head[32:]))}
		h.counts(o, head[42:])
	case elf.ELFCLASS64:
		if len(head) < 64 {
			return h, fmt.Errorf("%w: the header is cut", ErrFormat)
		}
		h = header{phoff: o.Uint64(head[32:]), shoff: o.Uint64(head[40:])}
		h.counts(o, head[54:])
	default:
		return h, fmt.Errorf("%w: unknown class %d", ErrFormat, head[elf.EI_CLASS])
	}
	return h, nil
}

func (h *header) counts(o binary.ByteOrder, b []byte) {
	h.phentsize, h.phnum = o.Uint16(b), uint32(o.Uint16(b[2:]))
	h.shentsize, h.shnum = o.Uint16(b[4:]), uint32(o.Uint16(b[6:]))
	h.shstrndx = uint32(o.Uint16(b[8:]))
}

// word is the size of an address.
func (f *File) word() int {
	if f.Class == elf.ELFCLASS64 {
		return 8
	}
	return 4
}

func (f *File) addr(b []byte) uint64 {
	if f.Class == elf.ELFCLASS64 {
		return f.Order.Uint64(b)
	}
	return uint64(f.Order.Uint32(b))
}

func (f *File) readSegments(h *header, head []byte) error {
	want := 32
	if f.Class == elf.ELFCLASS64 {
		want = 56
	}
	if h.phoff == 0 || h.phnum == 0 || int(h.phentsize) < want {
		return nil
	}
	n := int64(h.phnum)
	if n > maxSegments {
		f.Limits, n = fmt.Sprintf("more than %d program headers", maxSegments), maxSegments
	}
	ent := int64(h.phentsize)
	if n = f.fitting("program headers", h.phoff, ent, n); n == 0 {
		return nil
	}
	b, err := f.bytes(int64(h.phoff), n*ent, head)
	if err != nil {
		return err
	}
	f.HeaderSize = int64(h.phoff) + n*ent
	f.Segments = make([]Segment, 0, n)
	for ; len(b) >= int(ent); b = b[ent:] {
		f.Segments = append(f.Segments, f.segment(b))
	}
	return nil
}

func (f *File) segment(b []byte) Segment {
	o := f.Order
	if f.Class == elf.ELFCLASS64 {
		return Segment{Type: elf.ProgType(o.Uint32(b)), Flags: elf.ProgFlag(o.Uint32(b[4:])), Off: o.Uint64(b[8:]),
			Addr: o.Uint64(b[16:]), FileSz: o.Uint64(b[32:]), MemSz: o.Uint64(b[40:])}
	}
	return Segment{Type: elf.ProgType(o.Uint32(b)), Flags: elf.ProgFlag(o.Uint32(b[24:])), Off: uint64(o.Uint32(b[4:])),
		Addr: uint64(o.Uint32(b[8:])), FileSz: uint64(o.Uint32(b[16:])), MemSz: uint64(o.Uint32(b[20:]))}
}

func (f *File) readSections(h *header) error {
	want := 40
	if f.Class == elf.ELFCLASS64 {
		want = 64
	}
	if h.shoff == 0 || int(h.shentsize) < want {
		return nil
	}
	ent := int64(h.shentsize)
	if f.fitting("section headers", h.shoff, ent, 1) == 0 {
		return nil
	}
	null, err := f.bytes(int64(h.shoff), ent, nil)
	if err != nil {
		return err
	}
	// Counts that do not fit the header are in the null section.
	zero := f.section(null)
	n := int64(h.shnum)
	if n == 0 {
		n = int64(min(zero.Size, 1<<32))
	}
	if h.shstrndx == uint32(elf.SHN_XINDEX) {
		h.shstrndx = zero.Link
	}
	if h.phnum == 0xffff { // PN_XNUM
		info := 28 // sh_info
		if f.Class == elf.ELFCLASS64 {
			info = 44
		}
		h.phnum = f.Order.Uint32(null[info:])
	}
	if n > maxSections {
		f.Limits, n = fmt.Sprintf("more than %d sections", maxSections), maxSections
	}
	if n = f.fitting("section headers", h.shoff, ent, n); n <= 1 {
		return nil
	}
	b, err := f.bytes(int64(h.shoff), n*ent, nil)
	if err != nil {
		return err
	}
	f.Sections = make([]Section, 0, n-1)
	for b = b[ent:]; len(b) >= int(ent); b = b[ent:] {
		f.Sections = append(f.Sections, f.section(b))
	}
	return f.nameSections(h.shstrndx)
}

func (f *File) section(b []byte) Section {
	o := f.Order
	s := Section{name: o.Uint32(b), Type: elf.SectionType(o.Uint32(b[4:]))}
	if f.Class == elf.ELFCLASS64 {
		s.Flags, s.Addr = elf.SectionFlag(o.Uint64(b[8:])), o.Uint64(b[16:])
		s.Off, s.Size = o.Uint64(b[24:]), o.Uint64(b[32:])
		s.Link, s.Ent = o.Uint32(b[40:]), o.Uint64(b[56:])
		return s
	}
	s.Flags, s.Addr = elf.SectionFlag(o.Uint32(b[8:])), uint64(o.Uint32(b[12:]))
	s.Off, s.Size = uint64(o.Uint32(b[16:])), uint64(o.Uint32(b[20:]))
	s.Link, s.Ent = o.Uint32(b[24:]), uint64(o.Uint32(b[36:]))
	return s
}

func (f *File) nameSections(index uint32) error {
	if index == 0 || int64(index) > int64(len(f.Sections)) {
		return nil
	}
	b, err := f.Data(&f.Sections[index-1], maxNames)
	if err != nil {
		return err
	}
	for i := range f.Sections {
		f.Sections[i].Name = cString(b, uint64(f.Sections[i].name), 256)
	}
	return nil
}

// fitting returns how many of n entries at off are inside the file, and notes
// the others.
func (f *File) fitting(what string, off uint64, ent, n int64) int64 {
	if off >= uint64(f.size) {
		f.cut("the %s begin at %d", what, off)
		return 0
	}
	if fit := (f.size - int64(off)) / ent; fit < n {
		f.cut("the %s end at %d", what, int64(off)+n*ent)
		return fit
	}
	return n
}

func (f *File) cut(format string, args ...any) {
	if f.Truncated == "" {
		f.Truncated = fmt.Sprintf(format, args...) + fmt.Sprintf(", the file ends at %d", f.size)
	}
}

// checkSizes notes what the headers promise and the file does not hold.
// Segments are asked only where there are no sections: separate debug files
// keep the segments of the program that they are of.
func (f *File) checkSizes() {
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL && !f.holds(s.Off, s.Size) {
			f.cut("section %s ends at %d", s.Name, s.Off+s.Size)
		}
	}
	if len(f.Sections) > 0 {
		return
	}
	for _, p := range f.Segments {
		if p.Type == elf.PT_LOAD && !f.holds(p.Off, p.FileSz) {
			f.cut("a segment ends at %d", p.Off+p.FileSz)
		}
	}
}

func (f *File) holds(off, n uint64) bool {
	return off <= uint64(f.size) && n <= uint64(f.size)-off
}
