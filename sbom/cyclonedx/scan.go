package cyclonedx

import "math/bits"

// Scanning for the end of a string looks at eight bytes at once: a byte less
// than n borrows from its top bit when n is taken from it, and a byte that
// equals c is less than 1 once c is xored to it. A borrow or a carry reaches
// only the bytes that follow, so the first marked byte is marked rightly.
const ones, tops = 0x0101010101010101, 0x8080808080808080

// eight returns the bytes from i on, the first lowest.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// endOfPlain returns where the first byte is, from i on, that is a quote, a
// backslash or no printable ASCII, or the length of s.
func endOfPlain(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := eight(s, i)
		m := (w | (w - ones*0x20) | (w + ones) | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) & tops
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 || c >= 0x7f {
			break
		}
	}
	return i
}

// endOfSpace returns where the white space ends that begins at i, if any does.
// A third of an indented document is indentation.
func endOfSpace(s string, i int) int {
	for i < len(s) && s[i] <= ' ' {
		if c := s[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		i++
		for i+8 <= len(s) {
			w := eight(s, i) ^ ones*' '
			if w != 0 {
				i += bits.TrailingZeros64(w) >> 3
				break
			}
			i += 8
		}
	}
	return i
}

// skipString returns where the string ends whose first byte after the quote is
// at i, or len(s)+1 when it has no end.
func skipString(s string, i int) int {
	for {
		for ; i+8 <= len(s); i += 8 {
			w := eight(s, i)
			if m := (((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) &^ w & tops; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
		}
		for i < len(s) && s[i] != '"' && s[i] != '\\' { // fewer than eight are left
			i++
		}
		if i >= len(s) {
			return len(s) + 1
		}
		if s[i] == '"' {
			return i + 1
		}
		i += 2 // a backslash and what it escapes
	}
}

// Classes of bytes outside strings.
const (
	other = iota
	opens
	closes
	quotes
	spaces
)

var class = [256]uint8{
	'{': opens, '[': opens, '}': closes, ']': closes, '"': quotes, ' ': spaces, '\n': spaces, '\t': spaces, '\r': spaces,
}

// skipBlock returns where the list or object ends that begins at i, or
// len(s)+1 when it has no end or is nested deeper than 64. It looks at
// brackets and strings, and at nothing else of what is inside.
func skipBlock(s string, i int) int {
	var lists uint64 // a bit for each level: 1 for a list, 0 for an object
	for depth := 0; i < len(s); {
		switch c := s[i]; class[c] {
		case quotes:
			i = skipString(s, i+1)
		case spaces:
			i = endOfSpace(s, i)
		case opens:
			if depth++; depth > 64 {
				return len(s) + 1
			}
			lists <<= 1
			if c == '[' {
				lists |= 1
			}
			i++
		case closes:
			if (c == ']') != (lists&1 == 1) {
				return len(s) + 1
			}
			lists >>= 1
			i++
			if depth--; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s) + 1
}
