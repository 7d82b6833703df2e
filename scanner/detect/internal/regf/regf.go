// Package regf reads Windows registry hives: the files "SOFTWARE", "SYSTEM" and
// "NTUSER.DAT", and the deltas of them that container layers have.
//
// It reads by offset and keeps nothing: memory does not grow with the hive. A
// key or value that is damaged is passed over and counted; see [Hive.Damaged].
// Source: M. Suhanov, "Windows registry file format specification".
package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

const (
	magic      = "regf"
	baseSize   = 4096
	maxCell    = 1 << 20   // of one list or key, in bytes
	maxData    = 1 << 20   // of one value, in bytes
	segment    = 16344     // bytes of one segment of a big value
	maxOffset  = 1<<31 - 1 // of a cell
	none       = 0xffffffff
	maxListing = 1 << 20 // subkeys of one key
)

// ErrFormat tells that the bytes are no hive.
var ErrFormat = errors.New("not a registry hive")

// ErrLog tells that the bytes are a transaction log of a hive and hold no keys
// of their own.
var ErrLog = errors.New("a transaction log of a registry hive")

var le = binary.LittleEndian

// Is reports whether head begins as a hive or as a log of one.
func Is(head []byte) bool {
	return len(head) >= 48 && string(head[:4]) == magic && le.Uint32(head[20:]) == 1
}

// Hive is an open hive. It is not for more than one goroutine.
type Hive struct {
	r       io.ReaderAt
	size    int64 // of the bins that the file says it has
	file    int64 // bytes in the file
	root    uint32
	layered bool
	damaged int
	dirty   bool
}

// Open reads the base block of a hive of size bytes.
func Open(r io.ReaderAt, size int64) (*Hive, error) {
	b := make([]byte, 512)
	if size < baseSize {
		return nil, ErrFormat
	}
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the base block: %w", err)
	}
	if !Is(b) {
		return nil, ErrFormat
	}
	if le.Uint32(b[28:]) != 0 {
		return nil, ErrLog
	}
	return &Hive{
		r: r, file: size, size: int64(le.Uint32(b[40:])), root: le.Uint32(b[36:]),
		layered: le.Uint32(b[24:]) >= 6, dirty: le.Uint32(b[4:]) != le.Uint32(b[8:]),
	}, nil
}

// Truncated reports that the file ends before its own header says.
func (h *Hive) Truncated() bool { return baseSize+h.size > h.file }

// Dirty reports that the hive was not closed: what its transaction logs hold is
// not in it.
func (h *Hive) Dirty() bool { return h.dirty }

// Damaged counts the keys, lists and values that could not be read so far.
func (h *Hive) Damaged() int { return h.damaged }

// cell reads the beginning of a cell's data, at most limit bytes; nil is a
// cell that is not there. What is there is at least least bytes.
func (h *Hive) cell(at uint32, least, limit int) []byte {
	if at == none || at > maxOffset || int64(at)+4 > h.file-baseSize {
		h.damaged++
		return nil
	}
	b := h.bytes(at, min(limit+4, 512))
	if len(b) < 4 {
		return nil
	}
	size := int64(int32(le.Uint32(b))) // negative while it is in use
	if size >= 0 || -size < int64(least)+4 {
		h.damaged++
		return nil
	}
	n := min(int(-size), limit+4)
	if n > len(b) {
		b = h.bytes(at, n)
	}
	if b = b[:min(n, len(b))]; len(b) < least+4 {
		h.damaged++
		return nil
	}
	return b[4:]
}

// bytes reads n bytes of the bins, or as many as there are.
func (h *Hive) bytes(at uint32, n int) []byte {
	b := make([]byte, min(int64(n), h.file-baseSize-int64(at)))
	if got, _ := h.r.ReadAt(b, baseSize+int64(at)); got < len(b) {
		h.damaged++
		return nil
	}
	return b
}

// Key is a key of a hive. The zero value is no key: it has no name, no subkeys
// and no values.
type Key struct {
	h                 *Hive
	Name              string
	subkeys, values   uint32 // how many
	keyList, valueSet uint32 // where
}

// Root is the key that the hive is mounted at. It is the zero Key if it cannot
// be read.
func (h *Hive) Root() Key { return h.key(h.root) }

// The fields of a key node ("nk").
const (
	keyHead     = 76
	flagASCII   = 0x20 // the name is not UTF-16
	tombstone   = 1    // layered key: it is deleted from the layers below
	maxNameSize = 512  // bytes: 255 characters
)

func (h *Hive) key(at uint32) Key {
	b := h.cell(at, keyHead, keyHead+maxNameSize)
	if b == nil {
		return Key{}
	}
	n := int(le.Uint16(b[72:]))
	if string(b[:2]) != "nk" || n > len(b)-keyHead {
		h.damaged++
		return Key{}
	}
	if h.layered && b[13]&3 == tombstone {
		return Key{}
	}
	return Key{
		h: h, Name: text(b[keyHead:keyHead+n], le.Uint16(b[2:])&flagASCII != 0),
		subkeys: le.Uint32(b[20:]), keyList: le.Uint32(b[28:]),
		values: le.Uint32(b[36:]), valueSet: le.Uint32(b[40:]),
	}
}

// Exists reports whether there is such a key.
func (k Key) Exists() bool { return k.h != nil }

// Subkeys calls yield for each subkey, until it returns false.
func (k Key) Subkeys(yield func(Key) bool) {
	if k.h == nil || k.subkeys == 0 {
		return
	}
	left := int(min(k.subkeys, maxListing))
	k.h.list(k.keyList, 0, &left, yield)
}

// list reads a list of subkeys: li, lf and lh name keys, ri names such lists.
func (h *Hive) list(at uint32, depth int, left *int, yield func(Key) bool) bool {
	b := h.cell(at, 4, maxCell)
	if b == nil {
		return true
	}
	step := 4
	switch string(b[:2]) {
	case "lf", "lh":
		step = 8
	case "li":
	case "ri":
		if depth > 0 {
			h.damaged++
			return true
		}
	default:
		h.damaged++
		return true
	}
	index := string(b[:2]) == "ri"
	for i := range int(le.Uint16(b[2:])) {
		off := 4 + i*step
		if off+4 > len(b) {
			h.damaged++
			return true
		}
		if *left <= 0 {
			return false
		}
		child := le.Uint32(b[off:])
		if index {
			if !h.list(child, depth+1, left, yield) {
				return false
			}
			continue
		}
		*left--
		if k := h.key(child); k.Exists() && !yield(k) {
			return false
		}
	}
	return true
}

// Sub returns the subkey at a path of names, without regard to case. It is the
// zero Key if there is none.
func (k Key) Sub(path ...string) Key {
	for _, name := range path {
		var found Key
		for s := range k.Subkeys {
			if strings.EqualFold(s.Name, name) {
				found = s
				break
			}
		}
		k = found
	}
	return k
}

// text decodes a name: Latin-1 or UTF-16.
func text(b []byte, narrow bool) string {
	if !narrow {
		return utf16le(b)
	}
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

func utf16le(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
