package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LZX as cabinets have it: [MS-PATCH] "LZX DELTA Compression" describes the
// same bit stream; numbers are those of Microsoft's "LZX Data Compression
// Format" (cabinet SDK).
const (
	lzxFrame      = 32 << 10
	lzxMinMatch   = 2
	lzxLengthSyms = 249
	lzxPreSyms    = 20
	lzxMaxBits    = 16
)

// lzxSlots is how many position slots a window of 2^(15+i) bytes has.
var lzxSlots = [...]int{30, 32, 34, 36, 38, 42, 50}

var (
	errLZX      = errors.New("reading LZX: the data is malformed")
	errLZXTable = errors.New("reading LZX: a table of codes is malformed")
)

// lzx decodes the frames of one folder.
type lzx struct {
	window []byte // a ring
	pos    int    // where the next byte goes
	filled int    // bytes of the window that were written
	slots  int
	in     lzxBits
	begun  bool
	frames int
	e8Size int32 // 0: no translation of calls
	r      [3]uint32

	blockType int
	blockLeft int
	odd       bool // an uncompressed block of odd length is followed by a byte

	mainLens   [256 + 50*8]uint8
	lengthLens [lzxLengthSyms]uint8
	main       lzxTable
	length     lzxTable
	aligned    lzxTable
}

func newLZX(bits uint) (*lzx, error) {
	if bits < 15 || bits > 21 {
		return nil, fmt.Errorf("an LZX window of 2^%d bytes", bits)
	}
	return &lzx{window: make([]byte, 1<<bits), slots: lzxSlots[bits-15], r: [3]uint32{1, 1, 1}}, nil
}

// frame decodes one CFDATA, which is one frame.
func (d *lzx) frame(b []byte, size int) ([]byte, error) {
	d.in.add(b)
	if !d.begun {
		d.begun = true
		if d.in.take(1) == 1 {
			d.e8Size = int32(d.in.take(16)<<16 | d.in.take(16))
		}
	}
	out := make([]byte, 0, size)
	for len(out) < size {
		if d.blockLeft == 0 {
			if err := d.header(); err != nil {
				return nil, err
			}
		}
		n := min(size-len(out), d.blockLeft)
		before := len(out)
		var err error
		if d.blockType == 3 {
			out, err = d.raw(out, n)
		} else {
			out, err = d.matches(out, n)
		}
		if err != nil {
			return nil, err
		}
		d.blockLeft -= len(out) - before
		if d.blockLeft < 0 {
			return nil, errLZX
		}
	}
	if len(out) > size {
		return nil, errLZX
	}
	if d.blockType != 3 || d.blockLeft == 0 {
		d.in.align()
	}
	return d.calls(out), nil
}

// header reads a block's header.
func (d *lzx) header() error {
	if d.odd {
		d.in.bytes(1)
		d.odd = false
	}
	d.blockType = int(d.in.take(3))
	d.blockLeft = int(d.in.take(8)<<16 | d.in.take(8)<<8 | d.in.take(8))
	if d.in.short() {
		return errLZX
	}
	switch d.blockType {
	case 2:
		var lens [8]uint8
		for i := range lens {
			lens[i] = uint8(d.in.take(3))
		}
		if err := d.aligned.build(lens[:]); err != nil {
			return err
		}
		return d.trees()
	case 1:
		return d.trees()
	case 3:
		d.in.alignRaw()
		b := d.in.bytes(12)
		if b == nil {
			return errLZX
		}
		for i := range d.r {
			d.r[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		d.odd = d.blockLeft%2 == 1
		return nil
	}
	return errLZX
}

// trees reads the code lengths of the main and the length tree, as differences
// to those of the block before.
func (d *lzx) trees() error {
	main := d.mainLens[:256+8*d.slots]
	for _, part := range [][]uint8{main[:256], main[256:], d.lengthLens[:]} {
		if err := d.lengths(part); err != nil {
			return err
		}
	}
	if err := d.main.build(main); err != nil {
		return err
	}
	return d.length.build(d.lengthLens[:])
}

// lengths reads code lengths that are themselves coded.
func (d *lzx) lengths(lens []uint8) error {
	var pre [lzxPreSyms]uint8
	for i := range pre {
		pre[i] = uint8(d.in.take(4))
	}
	var t lzxTable
	if err := t.build(pre[:]); err != nil {
		return err
	}
	for i := 0; i < len(lens); {
		sym, err := t.decode(&d.in)
		if err != nil {
			return err
		}
		run, value := 1, uint8(0)
		switch sym {
		case 17:
			run = 4 + int(d.in.take(4))
		case 18:
			run = 20 + int(d.in.take(5))
		case 19:
			run = 4 + int(d.in.take(1))
			if sym, err = t.decode(&d.in); err != nil {
				return err
			}
			if sym > 16 {
				return errLZXTable
			}
			value = uint8((int(lens[i]) - sym + 17) % 17)
		default:
			value = uint8((int(lens[i]) - sym + 17) % 17)
		}
		for ; run > 0 && i < len(lens); run, i = run-1, i+1 {
			lens[i] = value
		}
	}
	return nil
}

// raw copies n bytes of an uncompressed block.
func (d *lzx) raw(out []byte, n int) ([]byte, error) {
	b := d.in.bytes(n)
	if b == nil {
		return nil, errLZX
	}
	for _, c := range b {
		d.put(c)
	}
	return append(out, b...), nil
}

func (d *lzx) put(c byte) {
	d.window[d.pos] = c
	d.pos = (d.pos + 1) & (len(d.window) - 1)
	d.filled = min(d.filled+1, len(d.window))
}

// matches decodes at least n bytes of literals and matches; a match does not
// cross the end of a frame.
func (d *lzx) matches(out []byte, n int) ([]byte, error) {
	for end := len(out) + n; len(out) < end; {
		sym, err := d.main.decode(&d.in)
		if err != nil {
			return nil, err
		}
		if sym < 256 {
			d.put(byte(sym))
			out = append(out, byte(sym))
			continue
		}
		sym -= 256
		length := sym & 7
		if length == 7 {
			more, err := d.length.decode(&d.in)
			if err != nil {
				return nil, err
			}
			length += more
		}
		length += lzxMinMatch
		offset, err := d.offset(sym >> 3)
		if err != nil {
			return nil, err
		}
		if offset == 0 || int(offset) > d.filled || len(out)+length > end {
			return nil, errLZX
		}
		for range length {
			c := d.window[(d.pos-int(offset))&(len(d.window)-1)]
			d.put(c)
			out = append(out, c)
		}
	}
	return out, nil
}

// offset decodes the distance of a match from its position slot.
func (d *lzx) offset(slot int) (uint32, error) {
	switch slot {
	case 0:
		return d.r[0], nil
	case 1, 2:
		d.r[0], d.r[slot] = d.r[slot], d.r[0]
		return d.r[0], nil
	}
	base, extra := lzxPosition(slot)
	offset := base - 2
	if d.blockType == 2 && extra >= 3 {
		offset += d.in.take(extra-3) << 3
		low, err := d.aligned.decode(&d.in)
		if err != nil {
			return 0, err
		}
		offset += uint32(low)
	} else {
		offset += d.in.take(extra)
	}
	d.r = [3]uint32{offset, d.r[0], d.r[1]}
	return offset, nil
}

// lzxPosition is the first position of a slot, and how many bits follow it.
func lzxPosition(slot int) (base uint32, extra uint) {
	for s := range slot {
		base += 1 << lzxExtra(s)
	}
	return base, lzxExtra(slot)
}

func lzxExtra(slot int) uint {
	if slot < 4 {
		return 0
	}
	return min(uint(slot)/2-1, 17)
}

// calls undoes the translation of x86 CALL instructions, which made their
// relative targets absolute.
func (d *lzx) calls(out []byte) []byte {
	at := int32(d.frames) * lzxFrame
	d.frames++
	if d.e8Size == 0 || d.frames > 32768 || len(out) <= 10 {
		return out
	}
	for i := 0; i < len(out)-10; i++ {
		if out[i] != 0xe8 {
			continue
		}
		pos := at + int32(i)
		abs := int32(binary.LittleEndian.Uint32(out[i+1:]))
		if abs >= -pos && abs < d.e8Size {
			rel := abs - pos
			if abs < 0 {
				rel = abs + d.e8Size
			}
			binary.LittleEndian.PutUint32(out[i+1:], uint32(rel))
		}
		i += 4
	}
	return out
}
