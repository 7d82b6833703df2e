package pe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Data directories (Microsoft, "PE Format", Optional Header Data Directories).
const (
	dirExport      = 0
	dirImport      = 1
	dirResource    = 2
	dirSecurity    = 4
	dirDebug       = 6
	dirDelayImport = 13
	dirCLR         = 14
	numDirs        = 16
)

const (
	maxSections = 512 // Windows loads no more than 96
	window      = 64 << 10
	// After so many windows a file is one that jumps about, and gets small ones.
	maxLoads    = 2048
	smallWindow = 512
)

var le = binary.LittleEndian

// errNotPE tells that a file with MZ is no PE: a DOS program, or data.
var errNotPE = errors.New("no PE header")

type directory struct{ rva, size uint32 }

type section struct {
	name         string
	rva, vsize   uint32
	offset, size uint32
}

// image is a PE file whose headers are read. It reads through a window of
// 64 KiB, so that many small reads of neighbours are one.
//
// Not debug/pe: it refuses files with an odd optional header that Windows
// loads, and reads all symbols at once. Not saferwall/pe: it needs the whole
// file in memory, or a file that it can map.
type image struct {
	r    io.ReaderAt
	size int64
	err  error // of r, the first that is not the end of the file

	header      int64 // offset of "PE\0\0"
	optional    int64 // offset of the optional header
	machine     uint16
	chars       uint16
	subsystem   uint16
	dllChars    uint16
	symbols     uint32
	numSymbols  uint32
	plus        bool // PE32+
	base        uint64
	headersSize uint32
	sectors     bool  // file offsets of sections are rounded down
	dirEntries  int64 // offset of the data directories
	dirs        [numDirs]directory
	sections    []section
	truncated   bool // a section lies beyond the end of the file

	win    []byte
	winOff int64
	loads  int
}

// open reads the headers. It returns errNotPE, an error that tells what is
// malformed, or nil.
func open(r io.ReaderAt, size int64) (*image, error) {
	im := &image{r: r, size: size}
	dos := im.at(0, 64)
	if len(dos) < 64 || string(dos[:2]) != "MZ" {
		return im, errNotPE
	}
	im.header = int64(le.Uint32(dos[0x3c:]))
	coff := im.at(im.header, 24)
	if len(coff) < 24 || string(coff[:4]) != "PE\x00\x00" {
		return im, errNotPE
	}
	im.machine, im.chars = le.Uint16(coff[4:]), le.Uint16(coff[22:])
	im.symbols, im.numSymbols = le.Uint32(coff[12:]), le.Uint32(coff[16:])
	count, optSize := int(le.Uint16(coff[6:])), int(le.Uint16(coff[20:]))
	im.optional = im.header + 24
	if err := im.readOptional(optSize); err != nil {
		return im, err
	}
	if count > maxSections {
		return im, fmt.Errorf("%d sections are too many", count)
	}
	im.readSections(im.optional+int64(optSize), count)
	return im, nil
}

func (im *image) readOptional(size int) error {
	// A file may state a short optional header and have its directories in what
	// follows, as Windows reads them: the stated size is only the least.
	opt := im.at(im.optional, max(size, 240))
	if len(opt) < 96 {
		return errors.New("the optional header is cut off")
	}
	dirs := 96
	switch magic := le.Uint16(opt); magic {
	case 0x10b:
		im.base = uint64(le.Uint32(opt[28:]))
	case 0x20b:
		im.plus, dirs = true, 112
		im.base = le.Uint64(opt[24:])
	default:
		return fmt.Errorf("an optional header of type 0x%x", magic)
	}
	// An image with small alignment is mapped as it is.
	im.sectors = le.Uint32(opt[32:]) >= 0x1000 && le.Uint32(opt[36:]) >= 0x200
	im.headersSize, im.subsystem, im.dllChars = le.Uint32(opt[60:]), le.Uint16(opt[68:]), le.Uint16(opt[70:])
	if len(opt) < dirs {
		return errors.New("the optional header is cut off")
	}
	n := int(min(le.Uint32(opt[dirs-4:]), numDirs))
	im.dirEntries = im.optional + int64(dirs)
	for i := 0; i < n && dirs+8*i+8 <= len(opt); i++ {
		im.dirs[i] = directory{le.Uint32(opt[dirs+8*i:]), le.Uint32(opt[dirs+8*i+4:])}
	}
	return nil
}

func (im *image) readSections(off int64, count int) {
	table := im.at(off, 40*count)
	for ; len(table) >= 40; table = table[40:] {
		s := section{
			name:  strings.TrimRight(string(table[:8]), "\x00"),
			vsize: le.Uint32(table[8:]), rva: le.Uint32(table[12:]),
			size: le.Uint32(table[16:]), offset: le.Uint32(table[20:]),
		}
		if s.size > 0 && int64(s.offset)+int64(s.size) > im.size && int64(s.offset)+int64(min(s.size, s.vsize)) > im.size {
			im.truncated = true
		}
		im.sections = append(im.sections, s)
	}
}

// at returns up to n bytes at a file offset: fewer at the end of the file. They
// are valid until the next call.
func (im *image) at(off int64, n int) []byte {
	if off < 0 || off >= im.size || n <= 0 {
		return nil
	}
	n = int(min(int64(n), im.size-off))
	if off >= im.winOff && off+int64(n) <= im.winOff+int64(len(im.win)) {
		return im.win[off-im.winOff:][:n]
	}
	want := window
	if im.loads++; im.loads > maxLoads {
		want = smallWindow
	}
	want = int(min(int64(max(n, want)), im.size-off))
	if cap(im.win) < want {
		im.win = make([]byte, want)
	}
	im.win, im.winOff = im.win[:want], off
	got, err := im.r.ReadAt(im.win, off)
	if err != nil && !errors.Is(err, io.EOF) && im.err == nil {
		im.err = fmt.Errorf("reading at 0x%x: %w", off, err)
	}
	im.win = im.win[:got]
	return im.win[:min(n, got)]
}

// offset returns where the byte of an address is in the file, or -1.
func (im *image) offset(rva uint32) int64 {
	for _, s := range im.sections {
		// The virtual size is often zero or rounded; the raw size is what is there.
		if rva >= s.rva && uint64(rva) < uint64(s.rva)+uint64(max(s.size, s.vsize)) {
			if d := rva - s.rva; d < s.size {
				off := s.offset
				if im.sectors {
					off &^= 0x1ff
				}
				return int64(off) + int64(d)
			}
			return -1
		}
	}
	if rva < im.headersSize {
		return int64(rva)
	}
	return -1
}

// rva returns up to n bytes at an address; see at.
func (im *image) rva(rva uint32, n int) []byte {
	off := im.offset(rva)
	if off < 0 {
		return nil
	}
	return im.at(off, n)
}

// cstring reads a zero-terminated string at an address, at most 4 KiB.
func (im *image) cstring(rva uint32) string {
	const first, most = 256, 4096
	for _, n := range []int{first, most} {
		b := im.rva(rva, n)
		for i, c := range b {
			if c == 0 {
				return string(b[:i])
			}
		}
		if len(b) < n {
			break
		}
	}
	return ""
}
