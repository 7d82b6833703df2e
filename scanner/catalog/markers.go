package catalog

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"math"
	"strings"

	"github.com/interdict/interdict/scanner"
)

// What the catalogers that look at every executable look for.
var (
	goMagic  = []byte("\xff Go buildinf:") // debug/buildinfo
	rustName = []byte(".dep-v0")           // section of cargo-auditable
	svmName  = []byte("__svm_version_info")
	upxMagic = []byte("UPX!")
	// dotnetBundle is the SHA-256 of ".net core bundle": the marker of a
	// single-file program (dotnet/runtime, src/native/corehost/bundle).
	dotnetBundle = []byte("\x8b\x12\x02\xb9\x6a\x61\x20\x38\x72\x7b\x93\x02\x14\xd7\xa0\x32" +
		"\x13\xf5\xb9\xe6\xef\xae\x33\x18\xee\x3b\x2d\xce\x24\xb3\x6a\xae")
)

// hasMarker reports whether an executable holds what a cataloger reads from any
// executable. An ELF file is judged by its section table; the few that have
// none, and the other formats, by all their bytes.
func hasMarker(f *scanner.File) bool {
	if f.ReaderAt == nil {
		return false
	}
	switch executable(f.Head) {
	case elfExecutable:
		return elfHasMarker(f)
	case peExecutable, machoExecutable:
		return contains(f, 0, f.Size, goMagic, rustName, svmName, dotnetBundle)
	}
	return false
}

func elfHasMarker(f *scanner.File) bool {
	if contains(f, 0, 8192, upxMagic) { // syft unpacks these in search of Go build information
		return true
	}
	sections, end := elfSections(f)
	if len(sections) == 0 {
		return contains(f, 0, f.Size, goMagic, rustName, svmName)
	}
	for _, s := range sections {
		switch s.name {
		case ".go.buildinfo", ".dep-v0", ".note.package":
			return true
		case ".dynstr", ".strtab":
			if contains(f, s.offset, s.size, svmName) {
				return true
			}
		case ".data": // a Go program linked by a foreign linker
			if contains(f, s.offset, min(s.size, 64<<10), goMagic) {
				return true
			}
		}
	}
	return f.Size > end+pageSize && contains(f, 0, end+pageSize, dotnetBundle)
}

// A bundle lies behind the end of the program proper. syft looks for its marker
// up to one page beyond the end.
const pageSize = 4096

// appended reports whether an ELF file is longer than its section table says, or
// has no such table.
func appended(f *scanner.File) bool {
	sections, end := elfSections(f)
	return len(sections) == 0 || f.Size > end+pageSize
}

type elfSection struct {
	name         string
	offset, size int64
}

// maxSections bounds a section table; -ffunction-sections makes many in an
// object file, but not in a program.
const maxSections = 4096

// elfSections reads the section table without debug/elf, which reads and may
// decompress more than the names. It returns nothing for a table that is
// missing or damaged; end is the end of the last section or segment.
func elfSections(f *scanner.File) (sections []elfSection, end int64) {
	h := f.Head
	if len(h) < 64 {
		return nil, 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(h[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	wide := elf.Class(h[elf.EI_CLASS]) == elf.ELFCLASS64
	var off int64
	var entry, count, names int
	if wide {
		off = signed(order.Uint64(h[40:]))
		entry, count, names = int(order.Uint16(h[58:])), int(order.Uint16(h[60:])), int(order.Uint16(h[62:]))
	} else {
		off = int64(order.Uint32(h[32:]))
		entry, count, names = int(order.Uint16(h[46:])), int(order.Uint16(h[48:])), int(order.Uint16(h[50:]))
	}
	if off <= 0 || off > f.Size || count == 0 || count > maxSections || names >= count || entry < 40 || wide && entry < 64 || entry > 256 {
		return nil, 0
	}
	table := make([]byte, entry*count)
	if n, _ := f.ReadAt(table, off); n < len(table) {
		return nil, 0
	}
	end = off + int64(len(table))
	nameAt := make([]uint32, count)
	for i := range count {
		row := table[i*entry:]
		var s elfSection
		if wide {
			s.offset, s.size = signed(order.Uint64(row[24:])), signed(order.Uint64(row[32:]))
		} else {
			s.offset, s.size = int64(order.Uint32(row[16:])), int64(order.Uint32(row[20:]))
		}
		nameAt[i] = order.Uint32(row)
		if elf.SectionType(order.Uint32(row[4:])) == elf.SHT_NOBITS || s.offset > f.Size || s.size > f.Size {
			s.offset, s.size = 0, 0
		}
		end = max(end, s.offset+s.size)
		sections = append(sections, s)
	}
	blob := make([]byte, min(sections[names].size, 1<<20))
	if n, _ := f.ReadAt(blob, sections[names].offset); n < len(blob) {
		return nil, 0
	}
	for i, at := range nameAt {
		if int64(at) < int64(len(blob)) {
			sections[i].name, _, _ = strings.Cut(string(blob[at:min(int(at)+32, len(blob))]), "\x00")
		}
	}
	return sections, end
}

func signed(v uint64) int64 {
	if v > math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return int64(v)
}

// contains reports whether any needle is in the size bytes from off.
func contains(f *scanner.File, off, size int64, needles ...[]byte) bool {
	const overlap = 64
	size = min(size, f.Size-off)
	buf := make([]byte, min(max(size, 0), 256<<10))
	for size > 0 {
		n, err := f.ReadAt(buf[:min(size, int64(len(buf)))], off)
		for _, needle := range needles {
			if bytes.Contains(buf[:n], needle) {
				return true
			}
		}
		if n <= overlap || err != nil && err != io.EOF {
			return false
		}
		if int64(n) == size {
			return false
		}
		off, size = off+int64(n-overlap), size-int64(n-overlap)
	}
	return false
}
