package layer

import (
	"math/bits"
	"sync"
)

// entry tells what a look into a table of codes gives:
//
//	bits 0-5    how long the code is, less what was passed to come here
//	bits 8-23   a literal, the base of a length or distance, or where a subtable is
//	bits 24-27  how many extra bits follow, or how many choose in the subtable
//	bits 28-31  what it is; none for a code that there is not
type entry uint32

const (
	isEnd entry = 1 << (28 + iota)
	isFurther
	isBase
	isLiteral
)

func (e entry) literal() bool    { return e&isLiteral != 0 }
func (e entry) special() bool    { return e&(isBase|isLiteral) == 0 }
func (e entry) further() bool    { return e&isFurther != 0 }
func (e entry) endOfBlock() bool { return e&isEnd != 0 }
func (e entry) byte() byte       { return byte(e >> 8) }
func (e entry) value() int       { return int(e >> 8 & 0xffff) }
func (e entry) extra() uint      { return uint(e >> 24 & 15) }

// pass passes the code of an entry.
func (e entry) pass(bits uint64, count uint) (uint64, uint) {
	return bits >> (e & 63), count - uint(e&63)
}

// subtable is the place in the table of what bits choose behind its first part.
func (e entry) subtable(bits uint64) int { return e.value() + int(bits&(1<<e.extra()-1)) }

// The alphabets of RFC 1951, section 3.2.5, and the tables' sizes. A complete
// code of 288 symbols and 15 bits needs at most 2342 entries if the first look
// is at 11 bits, and one of 32 needs 402 at 8 (zlib's examples/enough.c).
const (
	endOfBlock   = 256
	maxLiterals  = 286 // of 288; the others are never used
	maxDists     = 30  // of 32
	codeLengths  = 19
	maxCode      = 15
	literalBits  = 11
	literalSize  = 2342
	distBits     = 8
	distSize     = 402
	lengthsBits  = 7
	lengthsSize  = 1 << lengthsBits
	longestMatch = 258
)

// alphabets are what the symbols stand for.
var alphabets = sync.OnceValue(func() *struct {
	literals [288]entry
	dists    [32]entry
	lengths  [codeLengths]entry
} {
	var a struct {
		literals [288]entry
		dists    [32]entry
		lengths  [codeLengths]entry
	}
	for i := range endOfBlock {
		a.literals[i] = isLiteral | entry(i)<<8
	}
	a.literals[endOfBlock] = isEnd
	base, extra := 3, 0
	for i := 257; i < maxLiterals-1; i++ {
		if i >= 265 && (i-265)%4 == 0 {
			extra++
		}
		a.literals[i] = isBase | entry(base)<<8 | entry(extra)<<24
		base += 1 << extra
	}
	a.literals[maxLiterals-1] = isBase | longestMatch<<8
	base, extra = 1, 0
	for i := range maxDists {
		if i >= 4 && i%2 == 0 {
			extra++
		}
		a.dists[i] = isBase | entry(base)<<8 | entry(extra)<<24
		base += 1 << extra
	}
	for i := range codeLengths {
		a.lengths[i] = isLiteral | entry(i)<<8
	}
	return &a
})

// makeTable fills a table for the code of which the symbols have these lengths.
// It takes complete codes, the one of a single bit, and none at all.
func makeTable(table []entry, first uint, lengths []uint8, symbols []entry) error {
	var counts [maxCode + 1]int
	for _, n := range lengths {
		counts[n]++
	}
	clear(table[:1<<first])
	if counts[0] == len(lengths) {
		return nil
	}
	counts[0] = 0
	var next [maxCode + 2]uint16
	longest, space := 0, 1<<maxCode
	for n := 1; n <= maxCode; n++ {
		if space -= counts[n] << (maxCode - n); space < 0 {
			return errDeflate
		}
		if counts[n] > 0 {
			longest = n
		}
		next[n+1] = (next[n] + uint16(counts[n])) << 1
	}
	if space > 0 && (longest != 1 || counts[1] != 1) {
		return errDeflate
	}
	var codes [maxLiterals + 2]uint16 // as they come in the stream, the first bit last
	for i, n := range lengths {
		if n == 0 {
			continue
		}
		c := bits.Reverse16(next[n]) >> (16 - n)
		next[n]++
		codes[i] = c
		if uint(n) <= first {
			for at := int(c); at < 1<<first; at += 1 << n {
				table[at] = symbols[i] | entry(n)
			}
		}
	}
	if longest <= int(first) {
		return nil
	}
	return furtherTables(table, first, lengths, codes[:len(lengths)], symbols)
}

// furtherTables adds subtables for the codes that are longer than the first look.
func furtherTables(table []entry, first uint, lengths []uint8, codes []uint16, symbols []entry) error {
	mask := uint16(1)<<first - 1
	for i, n := range lengths { // how many bits more behind each beginning, at most
		if more := entry(n) - entry(first); uint(n) > first {
			table[codes[i]&mask] = max(table[codes[i]&mask], isFurther|more<<24)
		}
	}
	end := 1 << first
	for at := range 1 << first {
		if e := table[at]; e.further() {
			table[at] |= entry(end) << 8
			if end += 1 << e.extra(); end > len(table) {
				return errDeflate
			}
			clear(table[end-1<<e.extra() : end])
		}
	}
	for i, n := range lengths {
		if uint(n) <= first {
			continue
		}
		head := table[codes[i]&mask]
		for at := int(codes[i] >> first); at < 1<<head.extra(); at += 1 << (uint(n) - first) {
			table[head.value()+at] = symbols[i] | entry(uint(n)-first)
		}
	}
	return nil
}

// fixed sets the codes that need no description (RFC 1951, section 3.2.6).
func (z *inflater) fixed() {
	if z.isFixed {
		return
	}
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var dists [32]uint8
	for i := range dists {
		dists[i] = 5
	}
	a := alphabets()
	_ = makeTable(z.literals[:], literalBits, lengths[:], a.literals[:])
	_ = makeTable(z.dists[:], distBits, dists[:], a.dists[:])
	z.isFixed = true
}

// lengthOrder is the order in which the lengths of the codes for code lengths
// come (RFC 1951, section 3.2.7).
var lengthOrder = [codeLengths]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the description of a block's codes.
func (z *inflater) dynamic() error {
	z.isFixed = false
	v, err := z.take(14)
	if err != nil {
		return err
	}
	literals, dists, given := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if literals > maxLiterals || dists > maxDists {
		return errDeflate
	}
	var own [codeLengths]uint8
	for _, i := range lengthOrder[:given] {
		n, err := z.take(3)
		if err != nil {
			return err
		}
		own[i] = uint8(n)
	}
	var table [lengthsSize]entry
	a := alphabets()
	if err := makeTable(table[:], lengthsBits, own[:], a.lengths[:]); err != nil {
		return err
	}
	all := z.lengths[:literals+dists]
	if err := z.codeLengths(table[:], all); err != nil {
		return err
	}
	if err := makeTable(z.literals[:], literalBits, all[:literals], a.literals[:]); err != nil {
		return err
	}
	return makeTable(z.dists[:], distBits, all[literals:], a.dists[:])
}

// codeLengths reads the lengths of both codes.
func (z *inflater) codeLengths(table []entry, all []uint8) error {
	for i := 0; i < len(all); {
		e, err := z.symbol(table, lengthsBits)
		if err != nil {
			return err
		}
		n := e.byte()
		if n <= maxCode {
			all[i] = n
			i++
			continue
		}
		if n == 16 && i == 0 {
			return errDeflate
		}
		what, least, extra := uint8(0), 3, uint(3)
		switch n {
		case 16:
			what, extra = all[i-1], 2
		case 18:
			least, extra = 11, 7
		}
		more, err := z.take(extra)
		if err != nil {
			return err
		}
		times := least + int(more)
		if times > len(all)-i {
			return errDeflate
		}
		for ; times > 0; times-- {
			all[i] = what
			i++
		}
	}
	return nil
}
