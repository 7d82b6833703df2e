package macho

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of the load commands.
const (
	maxCommands = 8 << 20 // bytes
	maxSections = 4096
	maxDylibs   = 4096
)

// Load commands that are read. Source: Apple, mach-o/loader.h.
const (
	lcSegment        = 0x1
	lcSymtab         = 0x2
	lcLoadDylib      = 0xc
	lcIDDylib        = 0xd
	lcLoadWeakDylib  = 0x80000018
	lcSegment64      = 0x19
	lcUUID           = 0x1b
	lcCodeSignature  = 0x1d
	lcReexportDylib  = 0x8000001f
	lcLazyLoadDylib  = 0x20
	lcEncryption     = 0x21
	lcDyldInfo       = 0x22
	lcDyldInfoOnly   = 0x80000022
	lcUpwardDylib    = 0x80000023
	lcEncryption64   = 0x2c
	lcDyldExportTrie = 0x80000033
)

// File types.
const (
	typeObject  = 0x1
	typeExecute = 0x2
	typeCore    = 0x4
	typePreload = 0x5
	typeDsym    = 0xa
	typeKext    = 0xb
)

// span is a part of the slice.
type span struct{ off, size uint64 }

type section struct {
	segment, name string
	span
}

// headers is what the load commands of a slice say.
type headers struct {
	order    binary.ByteOrder
	wide     bool
	filetype uint32

	installName string
	installed   uint32 // current version of the install name
	dylibs      []string
	uuid        []byte
	sections    []section
	symbols     span // size is a count here
	strings     span
	exports     span // of the last command, which the loader takes
	signature   span
	encrypted   bool
	end         uint64 // of the last segment
}

// errFormat tells that the bytes are no Mach-O file, whatever they begin with.
var errFormat = errors.New("not a Mach-O file")

// readHeaders reads the load commands. limit says which bound was reached.
func readHeaders(r io.ReaderAt, size int64) (h *headers, limit string, err error) {
	head := make([]byte, 32)
	if size < 28 {
		return nil, "", fmt.Errorf("%w: the header is cut", errFormat)
	}
	head = head[:min(size, 32)]
	if err := readFull(r, head, 0); err != nil {
		return nil, "", err
	}
	o, wide, ok := byteOrder(head)
	if !ok {
		return nil, "", fmt.Errorf("%w: no magic", errFormat)
	}
	h = &headers{order: o, wide: wide, filetype: o.Uint32(head[12:])}
	count, length, begin := o.Uint32(head[16:]), int64(o.Uint32(head[20:])), int64(28)
	if wide {
		begin = 32
	}
	if length > size-begin {
		return nil, "", fmt.Errorf("%w: %d bytes of load commands in a file of %d", errFormat, length, size)
	}
	if length > maxCommands {
		length, limit = maxCommands, fmt.Sprintf("more than %d bytes of load commands", maxCommands)
	}
	b := make([]byte, length)
	if err := readFull(r, b, begin); err != nil {
		return nil, "", err
	}
	for ; count > 0 && len(b) >= 8; count-- {
		n := o.Uint32(b[4:])
		if n < 8 || uint64(n) > uint64(len(b)) {
			break
		}
		h.command(o.Uint32(b), b[:n])
		b = b[n:]
	}
	return h, limit, nil
}

func (h *headers) command(cmd uint32, b []byte) {
	o := h.order
	word := func(i int) uint64 {
		if i+4 > len(b) {
			return 0
		}
		return uint64(o.Uint32(b[i:]))
	}
	switch cmd {
	case lcSegment, lcSegment64:
		h.segmentCommand(b, cmd == lcSegment64)
	case lcSymtab:
		h.symbols, h.strings = span{word(8), word(12)}, span{word(16), word(20)}
	case lcIDDylib:
		h.installName, h.installed = lcString(b, word(8)), uint32(word(16))
	case lcLoadDylib, lcLoadWeakDylib, lcReexportDylib, lcLazyLoadDylib, lcUpwardDylib:
		if len(h.dylibs) < maxDylibs {
			h.dylibs = append(h.dylibs, lcString(b, word(8)))
		}
	case lcUUID:
		if len(b) >= 24 {
			h.uuid = bytes.Clone(b[8:24])
		}
	case lcCodeSignature:
		h.signature = span{word(8), word(12)}
	case lcEncryption, lcEncryption64:
		h.encrypted = h.encrypted || word(16) != 0 && word(12) != 0
	case lcDyldInfo, lcDyldInfoOnly:
		h.exports = span{word(40), word(44)}
	case lcDyldExportTrie:
		h.exports = span{word(8), word(12)}
	}
}

func (h *headers) segmentCommand(b []byte, wide bool) {
	o := h.order
	head, each := 56, 68
	if wide {
		head, each = 72, 80
	}
	if len(b) < head {
		return
	}
	var seg span
	if wide {
		seg = span{o.Uint64(b[40:]), o.Uint64(b[48:])}
	} else {
		seg = span{uint64(o.Uint32(b[32:])), uint64(o.Uint32(b[36:]))}
	}
	if end := seg.off + seg.size; seg.size > 0 && end >= seg.off {
		h.end = max(h.end, end)
	}
	for b = b[head:]; len(b) >= each && len(h.sections) < maxSections; b = b[each:] {
		s := section{name: fixed(b[:16]), segment: fixed(b[16:32])}
		if wide {
			s.span = span{uint64(o.Uint32(b[48:])), o.Uint64(b[40:])}
		} else {
			s.span = span{uint64(o.Uint32(b[40:])), uint64(o.Uint32(b[36:]))}
		}
		h.sections = append(h.sections, s)
	}
}

func (h *headers) section(segment, name string) (span, bool) {
	for _, s := range h.sections {
		if s.name == name && (segment == "" || s.segment == segment) {
			return s.span, true
		}
	}
	return span{}, false
}

// fixed reads a name in a field of fixed length.
func fixed(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// lcString reads the string of a load command at off, which ends with it.
func lcString(b []byte, off uint64) string {
	if off < 8 || off >= uint64(len(b)) {
		return ""
	}
	return fixed(b[off:])
}

// data reads a part of the slice: at most limit bytes, and what is there.
func (l *look) data(s span, limit uint64) ([]byte, error) {
	if s.off >= uint64(l.size) {
		return nil, nil
	}
	b := make([]byte, min(s.size, uint64(l.size)-s.off, limit))
	return b, readFull(l.r, b, int64(s.off))
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading %d bytes at %d: %w", len(b), off, err)
	}
	return nil
}
