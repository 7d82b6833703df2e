package format

import (
	"encoding/binary"
	"io"
)

// Bounds of the tables that are read for the end of a program.
const (
	maxSegments = 4096
	maxSections = 1 << 16
	maxPE       = 96 // sections: the loader's own limit
)

// ELFEnd is where an ELF file of size bytes ends by its own account: after its
// section headers, its last section and its last segment, whichever is last. It
// is 0 when head, the first bytes, is no ELF header. What a table places beyond
// size is not counted. Source: System V ABI, "ELF Header".
func ELFEnd(r io.ReaderAt, head []byte, size int64) int64 {
	if len(head) < 64 || string(head[:4]) != "\x7fELF" || head[5] != 1 && head[5] != 2 {
		return 0
	}
	e := elf{r: r, size: size, order: binary.LittleEndian, wide: head[4] == 2}
	if head[5] == 2 {
		e.order = binary.BigEndian
	}
	counts, phoff, shoff := head[42:], uint64(e.order.Uint32(head[28:])), uint64(e.order.Uint32(head[32:]))
	if e.wide {
		counts, phoff, shoff = head[54:], e.order.Uint64(head[32:]), e.order.Uint64(head[40:])
	}
	u16 := func(at int) int { return int(e.order.Uint16(counts[at:])) }
	if e.wide {
		e.table(phoff, u16(0), min(u16(2), maxSegments), 8, 32, -1)
		e.table(shoff, u16(4), min(u16(6), maxSections), 24, 32, 4)
	} else {
		e.table(phoff, u16(0), min(u16(2), maxSegments), 4, 16, -1)
		e.table(shoff, u16(4), min(u16(6), maxSections), 16, 20, 4)
	}
	return max(e.end, int64(52))
}

// elf is an ELF file while its end is sought.
type elf struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	wide  bool
	end   int64
}

// table counts a table of headers and all that they place: off, n and kind say
// where in an entry the offset, the size and the type of a section are.
func (e *elf) table(at uint64, entry, count, off, n, kind int) {
	least := n + 4
	if e.wide {
		least = n + 8
	}
	if at == 0 || entry < least || count == 0 || !e.take(at, uint64(entry*count)) {
		return
	}
	b := make([]byte, entry*count)
	if _, err := e.r.ReadAt(b, int64(at)); err != nil && err != io.EOF {
		return
	}
	const noBits = 8 // SHT_NOBITS: it takes no room
	for ; len(b) >= entry; b = b[entry:] {
		if kind < 0 || e.order.Uint32(b[kind:]) != noBits {
			e.take(e.word(b[off:]), e.word(b[n:]))
		}
	}
}

func (e *elf) word(b []byte) uint64 {
	if e.wide {
		return e.order.Uint64(b)
	}
	return uint64(e.order.Uint32(b))
}

// take counts n bytes at an offset, and reports whether they are in the file.
func (e *elf) take(at, n uint64) bool {
	if at > uint64(e.size) || n > uint64(e.size)-at {
		return false
	}
	e.end = max(e.end, int64(at+n))
	return true
}

// PEHeader is the offset of the PE header in a file's first bytes, or 0 when
// they are not those of a PE ("PE Format", Microsoft Learn, "MS-DOS Stub").
func PEHeader(head []byte) int {
	if len(head) < 0x40 || head[0] != 'M' || head[1] != 'Z' {
		return 0
	}
	at := int64(binary.LittleEndian.Uint32(head[0x3c:]))
	if at+24 > int64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return 0
	}
	return int(at)
}

// PEEnd is where the last section of a PE file of size bytes ends, and where its
// certificates lie: both are size when there are none. What lies between, or
// behind, is an overlay. It is 0 when head is not that of a PE.
func PEEnd(r io.ReaderAt, head []byte, size int64) (end, cert, certEnd int64) {
	pe := PEHeader(head)
	if pe == 0 {
		return 0, size, size
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	sections, optional := int(u16(head[pe+6:])), int(u16(head[pe+20:]))
	cert, certEnd = size, size
	dirs := 96
	if optional >= 2 && pe+26 <= len(head) && u16(head[pe+24:]) == 0x20b {
		dirs = 112
	}
	if at := pe + 24 + dirs + 4*8; optional >= dirs+5*8 && at+8 <= len(head) {
		if c, n := int64(u32(head[at:])), int64(u32(head[at+4:])); c > 0 && c < size {
			cert, certEnd = c, min(c+n, size)
		}
	}
	table := make([]byte, 40*min(sections, maxPE))
	if n, _ := r.ReadAt(table, int64(pe+24+optional)); n < len(table) {
		return cert, cert, certEnd
	}
	for ; len(table) > 0; table = table[40:] {
		n, at := int64(u32(table[16:])), int64(u32(table[20:]))
		if at > 0 && at+n <= size {
			end = max(end, at+n)
		}
	}
	return end, max(cert, end), max(certEnd, end)
}
