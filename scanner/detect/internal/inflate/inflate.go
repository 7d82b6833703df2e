// Package inflate decodes the dialects of DEFLATE that no library reads: that of
// NSIS, and Deflate64, the zip method 9 of PKWARE and of Windows.
package inflate

import (
	"bufio"
	"errors"
	"io"
)

// Dialect is a sort of DEFLATE.
type Dialect int

// The dialects.
const (
	// NSIS is RFC 1951, but that the stored blocks of older releases have no
	// complement of their length.
	NSIS Dialect = iota
	// Deflate64 has a window of 64 KiB, two more distances, and a longest length
	// that is followed by 16 bits.
	Deflate64
)

// inflater decodes one stream.
type inflater struct {
	r      *bufio.Reader
	bits   uint32
	n      uint
	window []byte // a ring
	is64   bool
	pos    int
	filled int
	out    []byte
	last   bool
	stored int
	codes  *[2]inflateCode // literals and distances of the block, or nil between blocks
	err    error
}

var errInflate = errors.New("reading DEFLATE: the data is malformed")

// NewReader returns a reader of the stream in r. It reads beyond the stream's
// end only what r has buffered.
func NewReader(r *bufio.Reader, d Dialect) io.Reader {
	f := &inflater{r: r, is64: d == Deflate64}
	f.window = make([]byte, 32<<10)
	if f.is64 {
		f.window = make([]byte, 64<<10)
	}
	return f
}

func (f *inflater) Read(p []byte) (int, error) {
	for len(f.out) == 0 && f.err == nil {
		f.out = f.out[:0]
		f.err = f.step()
	}
	if len(f.out) > 0 {
		n := copy(p, f.out)
		f.out = f.out[n:]
		return n, nil
	}
	return 0, f.err
}

// step decodes some bytes.
func (f *inflater) step() error {
	switch {
	case f.stored > 0:
		n := min(f.stored, 4096)
		for range n {
			b, err := f.take(8)
			if err != nil {
				return err
			}
			f.put(byte(b))
		}
		f.stored -= n
		return nil
	case f.codes != nil:
		return f.symbols()
	case f.last:
		return io.EOF
	}
	return f.block()
}

// block reads a block's header.
func (f *inflater) block() error {
	head, err := f.take(3)
	if err != nil {
		return err
	}
	f.last = head&1 == 1
	switch head >> 1 {
	case 0:
		f.bits >>= f.n % 8
		f.n -= f.n % 8
		n, err := f.take(16)
		f.stored = int(n)
		// No bits are left here: take reads no byte before it needs one.
		if f.is64 {
			if n2, err := f.take(16); err != nil || n2 != ^n&0xffff {
				return errInflate
			}
			return err
		}
		if next, _ := f.r.Peek(2); len(next) == 2 && uint16(next[0])|uint16(next[1])<<8 == ^uint16(n) {
			f.r.Discard(2)
		}
		return err
	case 1:
		f.codes = fixedCodes()
		return nil
	case 2:
		return f.dynamic()
	}
	return errInflate
}

// take reads n bits, at most 16, lowest first.
func (f *inflater) take(n uint) (uint32, error) {
	for f.n < n {
		b, err := f.r.ReadByte()
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		f.bits |= uint32(b) << f.n
		f.n += 8
	}
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.n -= n
	return v, nil
}

func (f *inflater) put(b byte) {
	f.window[f.pos] = b
	f.pos = (f.pos + 1) % len(f.window)
	f.filled = min(f.filled+1, len(f.window))
	f.out = append(f.out, b)
}

// dynamic reads the codes of a block: RFC 1951, 3.2.7.
func (f *inflater) dynamic() error {
	h, err := f.take(14)
	if err != nil {
		return err
	}
	literals, distances := int(h&31)+257, int(h>>5&31)+1
	var lens [19]uint8
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:h>>10+4] {
		n, err := f.take(3)
		if err != nil {
			return err
		}
		lens[i] = uint8(n)
	}
	pre, err := newCode(lens[:])
	if err != nil {
		return err
	}
	all := make([]uint8, 0, 320)
	for len(all) < literals+distances {
		sym, err := f.symbol(&pre)
		if err != nil {
			return err
		}
		value, run := uint8(sym), 1
		if sym >= 16 {
			rule := [3]struct {
				bits uint
				base int
			}{{2, 3}, {3, 3}, {7, 11}}[sym-16]
			n, err := f.take(rule.bits)
			if err != nil {
				return err
			}
			value, run = 0, rule.base+int(n)
			if sym == 16 {
				if len(all) == 0 {
					return errInflate
				}
				value = all[len(all)-1]
			}
		}
		for range run {
			all = append(all, value)
		}
	}
	if len(all) > literals+distances {
		return errInflate
	}
	codes := new([2]inflateCode)
	if codes[0], err = newCode(all[:literals]); err != nil {
		return err
	}
	codes[1], err = newCode(all[literals:])
	f.codes = codes
	return err
}

// Lengths and distances: RFC 1951, 3.2.5.
var (
	lengthBase = [...]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [...]uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase   = [...]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577, 32769, 49153}
)

// symbols decodes up to some KiB of a block.
func (f *inflater) symbols() error {
	for len(f.out) < 4096 {
		sym, err := f.symbol(&f.codes[0])
		switch {
		case err != nil:
			return err
		case sym < 256:
			f.put(byte(sym))
			continue
		case sym == 256:
			f.codes = nil
			return nil
		case sym-257 >= len(lengthBase):
			return errInflate
		}
		base, bits := lengthBase[sym-257], lengthBits[sym-257]
		if f.is64 && sym == 285 {
			base, bits = 3, 16
		}
		extra, err := f.take(bits)
		if err != nil {
			return err
		}
		length := base + int(extra)
		d, err := f.symbol(&f.codes[1])
		if err != nil {
			return err
		}
		if d >= len(distBase) || d >= 30 && !f.is64 {
			return errInflate
		}
		if extra, err = f.take(uint(max(d/2-1, 0))); err != nil {
			return err
		}
		distance := distBase[d] + int(extra)
		if distance > f.filled {
			return errInflate
		}
		for range length {
			f.put(f.window[(f.pos-distance+len(f.window))%len(f.window)])
		}
	}
	return nil
}

// inflateCode is a canonical prefix code of at most 15 bits.
type inflateCode struct {
	count  [16]int
	sorted []uint16
}

func newCode(lens []uint8) (c inflateCode, err error) {
	for _, l := range lens {
		c.count[l]++
	}
	c.count[0] = 0
	var next [17]int
	left := 1
	for l := 1; l < 16; l++ {
		if left = left<<1 - c.count[l]; left < 0 {
			return c, errInflate
		}
		next[l+1] = next[l] + c.count[l]
	}
	c.sorted = make([]uint16, next[16])
	for sym, l := range lens {
		if l > 0 {
			c.sorted[next[l]] = uint16(sym)
			next[l]++
		}
	}
	return c, nil
}

func fixedCodes() *[2]inflateCode {
	var lens [288]uint8
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	var codes [2]inflateCode
	codes[0], _ = newCode(lens[:])
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	codes[1], _ = newCode(dist[:])
	return &codes
}

// symbol reads one symbol bit by bit.
func (f *inflater) symbol(c *inflateCode) (int, error) {
	code, first, index := 0, 0, 0
	for l := 1; l < 16; l++ {
		b, err := f.take(1)
		if err != nil {
			return 0, err
		}
		code |= int(b)
		if n := c.count[l]; code-n < first {
			return int(c.sorted[index+code-first]), nil
		}
		index += c.count[l]
		first = (first + c.count[l]) << 1
		code <<= 1
	}
	return 0, errInflate
}
