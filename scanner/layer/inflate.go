package layer

import (
	"encoding/binary"
	"errors"
	"io"
)

// inflater decodes DEFLATE (RFC 1951) into a window, from which whoever drives
// it takes the bytes. Inflating is most of what reading a layer costs, and no
// library in Go does it well on what is a stream: this one looks at eight bytes
// at a time and decodes most symbols with one look into a table, as libdeflate
// does. It takes just what compress/flate takes; a fuzz test compares them.
type inflater struct {
	src  io.Reader
	in   [inSize]byte
	pos  int // in in, of the next byte that is not in bits
	end  int // of what was read into in
	ends error

	bits  uint64 // the next count bits of the stream; above them may be more of it
	count uint

	win   [winSize]byte
	start int // where the history in win begins
	at    int // where in win the next byte goes

	final    bool
	kind     blockKind
	left     int // bytes of a stored block
	isFixed  bool
	literals [literalSize]entry
	dists    [distSize]entry
	lengths  [maxLiterals + maxDists]uint8
}

const (
	inSize   = 64 << 10
	history  = 32 << 10 // how far back a match may reach
	winFull  = history + 128<<10
	winSize  = winFull + 3 + 258 + 8 // what one turn of the loop may add, and a word
	wordLoad = 8

	matchBits = 15 + 5 + 15 + 13
)

type blockKind uint8

const (
	noBlock blockKind = iota
	storedBlock
	codedBlock
)

var errDeflate = errors.New("invalid DEFLATE data")

// fill reads more of the stream, and reports whether there was any. Bytes that
// are in bits as a whole are given back before.
func (z *inflater) fill() bool {
	z.unread()
	copy(z.in[:], z.in[z.pos:z.end])
	z.end -= z.pos
	z.pos = 0
	for tries := 0; z.ends == nil && z.end < inSize; tries++ {
		n, err := z.src.Read(z.in[z.end:])
		z.end += n
		if z.ends = err; n > 0 {
			return true
		}
		if tries == 100 && err == nil {
			z.ends = io.ErrNoProgress
		}
	}
	return false
}

// unread gives back whole bytes.
func (z *inflater) unread() {
	z.pos -= int(z.count / 8)
	z.count %= 8
	z.bits &= 1<<z.count - 1
}

// need makes sure of n bits, 32 at most.
func (z *inflater) need(n uint) error {
	for z.count < n {
		if z.pos == z.end && !z.fill() {
			return z.broken()
		}
		z.bits |= uint64(z.in[z.pos]) << z.count
		z.pos++
		z.count += 8
	}
	return nil
}

// broken is why there are no more bytes.
func (z *inflater) broken() error {
	if z.ends == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return z.ends
}

func (z *inflater) take(n uint) (uint, error) {
	if err := z.need(n); err != nil {
		return 0, err
	}
	v := uint(z.bits & (1<<n - 1))
	z.bits >>= n
	z.count -= n
	return v, nil
}

// reset begins another stream in the same input.
func (z *inflater) reset() { z.start, z.final, z.kind = z.at, false, noBlock }

// slide makes room in the window. What is in it has been taken.
func (z *inflater) slide() {
	if z.at <= winFull-history {
		return
	}
	by := z.at - history
	copy(z.win[:], z.win[by:z.at])
	z.at = history
	z.start = max(0, z.start-by)
}

// run decodes until the window is full or the stream ends: then it returns
// io.EOF, and the bits of its last byte are passed.
func (z *inflater) run() error {
	for z.at < winFull {
		var err error
		switch z.kind {
		case noBlock:
			if z.final {
				z.unread()
				z.bits, z.count = 0, 0
				return io.EOF
			}
			err = z.header()
		case storedBlock:
			err = z.stored()
		case codedBlock:
			err = z.coded()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// header reads what comes before a block (RFC 1951, section 3.2.3).
func (z *inflater) header() error {
	v, err := z.take(3)
	if err != nil {
		return err
	}
	z.final = v&1 != 0
	switch v >> 1 {
	case 0:
		return z.storedHeader()
	case 1:
		z.kind = codedBlock
		z.fixed()
		return nil
	case 2:
		z.kind = codedBlock
		return z.dynamic()
	}
	return errDeflate
}

func (z *inflater) storedHeader() error {
	z.unread()
	z.bits, z.count = 0, 0
	v, err := z.take(32)
	if err != nil {
		return err
	}
	if uint16(v) != ^uint16(v>>16) {
		return errDeflate
	}
	z.kind, z.left = storedBlock, int(uint16(v))
	return nil
}

// stored passes on the bytes of a block that is not compressed.
func (z *inflater) stored() error {
	z.unread()
	for z.left > 0 && z.at < winFull {
		if z.pos == z.end && !z.fill() {
			return z.broken()
		}
		n := copy(z.win[z.at:winFull], z.in[z.pos:min(z.end, z.pos+z.left)])
		z.at += n
		z.pos += n
		z.left -= n
	}
	if z.left == 0 {
		z.kind = noBlock
	}
	return nil
}

// coded decodes symbols until the window is full or the block ends.
func (z *inflater) coded() error {
	for z.at < winFull && z.kind == codedBlock {
		if z.end-z.pos >= 2*wordLoad {
			if err := z.fast(); err != nil {
				return err
			}
		} else if !z.fill() {
			if err := z.slow(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fast decodes symbols as long as two words can be loaded and the longest match
// fits into the window. Of each word 56 bits at least can be used: three
// literals of one look each and the next look, or a match, which has 15+5 bits of
// length and 15+13 of distance.
func (z *inflater) fast() error {
	bits, count, pos, at := z.bits, z.count, z.pos, z.at
	last := z.end - 2*wordLoad
	for pos <= last && at < winFull {
		bits, count, pos = bits|z.word(pos)<<(count&63), count|56, pos+int((63-count)>>3)
		e := z.literals[bits&(1<<literalBits-1)]
		for n := 0; n < 3 && e.literal(); n++ {
			z.win[at] = e.byte()
			at++
			bits, count = e.pass(bits, count)
			e = z.literals[bits&(1<<literalBits-1)]
		}
		if e.literal() {
			continue
		}
		if count < matchBits {
			bits, count, pos = bits|z.word(pos)<<(count&63), count|56, pos+int((63-count)>>3)
		}
		if e.further() {
			bits, count = bits>>literalBits, count-literalBits
			if e = z.literals[e.subtable(bits)]; e.literal() {
				z.win[at] = e.byte()
				at++
				bits, count = e.pass(bits, count)
				continue
			}
		}
		bits, count = e.pass(bits, count)
		if e.special() {
			z.bits, z.count, z.pos, z.at = bits, count, pos, at
			return z.finish(e)
		}
		length := e.value() + int(bits&(1<<e.extra()-1))
		bits, count = bits>>e.extra(), count-e.extra()

		if e = z.dists[bits&(1<<distBits-1)]; e.further() {
			bits, count = bits>>distBits, count-distBits
			e = z.dists[e.subtable(bits)]
		}
		bits, count = e.pass(bits, count)
		dist := e.value() + int(bits&(1<<e.extra()-1))
		bits, count = bits>>e.extra(), count-e.extra()
		if e.special() || dist > at-z.start {
			z.at = at // what came before is good
			return errDeflate
		}
		z.match(at, dist, length)
		at += length
	}
	z.bits, z.count, z.pos, z.at = bits, count, pos, at
	return nil
}

// word is the next eight bytes of the stream.
func (z *inflater) word(pos int) uint64 { return binary.LittleEndian.Uint64(z.in[pos:]) }

// match copies from dist bytes back. It may write a word beyond the end.
func (z *inflater) match(at, dist, length int) {
	from, to := z.win[at-dist:], z.win[at:at+length+wordLoad]
	switch {
	case dist >= wordLoad:
		for i := 0; i < length; i += wordLoad {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
		}
	case dist == 1:
		word := uint64(from[0]) * 0x0101010101010101
		for i := 0; i < length; i += wordLoad {
			binary.LittleEndian.PutUint64(to[i:], word)
		}
	default:
		for i := range length {
			to[i] = from[i]
		}
	}
}

// finish ends a block, or tells that a symbol is none.
func (z *inflater) finish(e entry) error {
	if !e.endOfBlock() {
		return errDeflate
	}
	z.kind = noBlock
	return nil
}

// slow decodes one symbol at the end of the input.
func (z *inflater) slow() error {
	e, err := z.symbol(z.literals[:], literalBits)
	if err != nil {
		return err
	}
	if e.literal() {
		z.win[z.at] = e.byte()
		z.at++
		return nil
	}
	if e.special() {
		return z.finish(e)
	}
	extra, err := z.take(e.extra())
	if err != nil {
		return err
	}
	length := e.value() + int(extra)
	if e, err = z.symbol(z.dists[:], distBits); err != nil {
		return err
	}
	if e.special() {
		return errDeflate
	}
	if extra, err = z.take(e.extra()); err != nil {
		return err
	}
	dist := e.value() + int(extra)
	if dist > z.at-z.start {
		return errDeflate
	}
	z.match(z.at, dist, length)
	z.at += length
	return nil
}

// symbol reads one symbol bit by bit, so to say.
func (z *inflater) symbol(table []entry, tableBits uint) (entry, error) {
	for n := uint(1); ; n++ {
		if err := z.need(n); err != nil {
			return 0, err
		}
		bits := z.bits & (1<<z.count - 1)
		e, used := table[bits&(1<<tableBits-1)], uint(0)
		if e.further() {
			e, used = table[e.subtable(bits>>tableBits)], tableBits
		}
		if used += uint(e & 63); used <= z.count {
			if used == 0 {
				return 0, errDeflate
			}
			z.bits >>= used
			z.count -= used
			return e, nil
		}
		n = max(n, z.count)
	}
}
