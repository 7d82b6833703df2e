package archive

import "encoding/binary"

// lzxBits reads bits, highest first, of 16-bit little-endian words. Past the
// end it reads zeros, and short tells.
type lzxBits struct {
	b    []byte
	acc  uint64 // the next bits, from the highest down
	n    uint   // how many of acc are there
	past int    // zeros that were read past the end, in bits
}

// add appends the next block.
func (r *lzxBits) add(b []byte) { r.b = append(r.b[:len(r.b):len(r.b)], b...) }

func (r *lzxBits) fill() {
	for r.n <= 48 {
		if len(r.b) < 2 {
			return
		}
		r.acc |= uint64(binary.LittleEndian.Uint16(r.b)) << (48 - r.n)
		r.b = r.b[2:]
		r.n += 16
	}
}

// peek returns the next n bits, at most 16.
func (r *lzxBits) peek(n uint) uint32 {
	if r.n < n {
		r.fill()
	}
	return uint32(r.acc >> (64 - n) & (1<<n - 1))
}

// skip drops n bits.
func (r *lzxBits) skip(n uint) {
	if n > r.n {
		r.past += int(n - r.n)
		r.acc, r.n = 0, 0
		return
	}
	r.acc <<= n
	r.n -= n
}

// take returns the next n bits, at most 17.
func (r *lzxBits) take(n uint) uint32 {
	if n == 0 {
		return 0
	}
	if n > 16 {
		high := r.take(n - 16)
		return high<<16 | r.take(16)
	}
	v := r.peek(n)
	r.skip(n)
	return v
}

func (r *lzxBits) short() bool { return r.past > 0 }

// align drops the rest of a word.
func (r *lzxBits) align() { r.skip(r.n % 16) }

// alignRaw goes to the bytes of an uncompressed block: to the next word, and
// over a whole one when there is no rest.
func (r *lzxBits) alignRaw() {
	if r.n == 0 {
		r.fill()
	}
	if r.n%16 == 0 {
		r.skip(16)
	} else {
		r.align()
	}
}

// bytes returns the next n bytes; the reader is at a word, or between bytes of
// an uncompressed block. It returns nil when there are not as many.
func (r *lzxBits) bytes(n int) []byte {
	var held []byte
	for r.n >= 16 && len(held) < n+16 {
		w := uint16(r.take(16))
		held = append(held, byte(w), byte(w>>8))
	}
	if len(held) > 0 {
		r.b = append(held, r.b...)
		r.acc, r.n = 0, 0
	}
	if n > len(r.b) {
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// lzxTable decodes a canonical prefix code.
type lzxTable struct {
	count  [lzxMaxBits + 1]int // codes of each length
	sorted []uint16            // symbols, by code
	quick  []uint16            // by the next lzxQuick bits: symbol<<4 | length; 0 is a longer code
}

const lzxQuick = 10

// build makes the code of the lengths. One without any symbol is allowed: it
// must not be used.
func (t *lzxTable) build(lens []uint8) error {
	*t = lzxTable{}
	for _, l := range lens {
		if l > lzxMaxBits {
			return errLZXTable
		}
		t.count[l]++
	}
	t.count[0] = 0
	left := 1
	var next [lzxMaxBits + 2]int
	for l := 1; l <= lzxMaxBits; l++ {
		if left = left<<1 - t.count[l]; left < 0 {
			return errLZXTable
		}
		next[l+1] = next[l] + t.count[l]
	}
	t.sorted = make([]uint16, next[lzxMaxBits+1])
	for sym, l := range lens {
		if l > 0 {
			t.sorted[next[l]] = uint16(sym)
			next[l]++
		}
	}
	t.quick = make([]uint16, 1<<lzxQuick)
	code, index := 0, 0
	for l := 1; l <= lzxQuick; l++ {
		for range t.count[l] {
			first := code << (lzxQuick - l)
			for i := range 1 << (lzxQuick - l) {
				t.quick[first+i] = t.sorted[index]<<4 | uint16(l)
			}
			code++
			index++
		}
		code <<= 1
	}
	return nil
}

// decode reads one symbol.
func (t *lzxTable) decode(r *lzxBits) (int, error) {
	if t.quick == nil || r.short() {
		return 0, errLZX
	}
	if q := t.quick[r.peek(lzxQuick)]; q != 0 {
		r.skip(uint(q & 15))
		return int(q >> 4), nil
	}
	code, first, index := 0, 0, 0
	bits := r.peek(lzxMaxBits)
	for l := 1; l <= lzxMaxBits; l++ {
		code |= int(bits>>(lzxMaxBits-l)) & 1
		if n := t.count[l]; code-n < first {
			r.skip(uint(l))
			return int(t.sorted[index+code-first]), nil
		}
		index += t.count[l]
		first = (first + t.count[l]) << 1
		code <<= 1
	}
	return 0, errLZXTable
}
