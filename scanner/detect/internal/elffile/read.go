package elffile

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readFull fills p from off. A file that is shorter than it was said to be is
// io.ErrUnexpectedEOF: the reader's fault, not the format's.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes at %d: %w", len(p), off, err)
}

// bytes returns n bytes at off, which the caller has found to be in the file:
// of head where it holds them.
func (f *File) bytes(off, n int64, head []byte) ([]byte, error) {
	if off+n <= int64(len(head)) {
		return head[off : off+n], nil
	}
	b := make([]byte, n)
	return b, readFull(f.r, b, off)
}

// Section returns the first section of that name, or nil.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	return nil
}

// Data returns the contents of a section, at most limit bytes of it. What lies
// beyond the end of the file is left out. A nil section has none.
func (f *File) Data(s *Section, limit int64) ([]byte, error) {
	if s == nil || s.Type == elf.SHT_NOBITS || s.Off >= uint64(f.size) {
		return nil, nil
	}
	n := min(s.Size, uint64(f.size)-s.Off, uint64(limit))
	if n == 0 {
		return nil, nil
	}
	return f.bytes(int64(s.Off), int64(n), nil)
}

// text is like Data for n bytes at off, as a string: names cut from it cost
// nothing more.
func (f *File) text(off, n uint64) (string, error) {
	if off >= uint64(f.size) {
		return "", nil
	}
	n = min(n, uint64(f.size)-off)
	if n > maxStrings {
		f.Limits = fmt.Sprintf("a string table of more than %d bytes", maxStrings)
		n = maxStrings
	}
	var b strings.Builder
	b.Grow(int(n))
	buf := make([]byte, min(n, 256<<10))
	for n > 0 {
		p := buf[:min(n, uint64(len(buf)))]
		if err := readFull(f.r, p, int64(off)); err != nil {
			return "", err
		}
		b.Write(p)
		off, n = off+uint64(len(p)), n-uint64(len(p))
	}
	return b.String(), nil
}

// offsetOf maps an address to its place in the file by the loaded segments.
// n is how many bytes of the segment follow in the file.
func (f *File) offsetOf(addr uint64) (off, n uint64, ok bool) {
	for _, p := range f.Segments {
		if p.Type != elf.PT_LOAD || addr < p.Addr || addr-p.Addr >= p.FileSz {
			continue
		}
		d := addr - p.Addr
		if off = p.Off + d; off < p.Off || off >= uint64(f.size) {
			continue
		}
		return off, min(p.FileSz-d, uint64(f.size)-off), true
	}
	return 0, 0, false
}

// cString returns the NUL-terminated string at off, at most limit bytes.
func cString(b []byte, off uint64, limit int) string {
	if off >= uint64(len(b)) {
		return ""
	}
	b = b[off:]
	b = b[:min(len(b), limit)]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// maxName bounds one name in bytes. Longer C++ names are cut: what encloses
// them comes first.
const maxName = 4096

// nameAt is cString on a string table, without a copy.
func nameAt(table string, off uint64) string {
	if off >= uint64(len(table)) {
		return ""
	}
	s := table[off:]
	s = s[:min(len(s), maxName)]
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}
