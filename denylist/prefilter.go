package denylist

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// prefilter tells in a few steps that a value cannot be any of the names or begin
// with any of the prefixes that it holds: nearly no value is one, and hashing
// each whole value to look it up is most of the cost of a judgement. It looks
// at lengths and at letters without their case.
type prefilter struct {
	whole, start [32]uint64 // bits
	short        bool       // a prefix is of one byte
	folds        bool       // some are compared without case: other letters may fold into ASCII
}

// bit returns where in a set the bit of a key is.
func bit(key uint32) (word, shift uint32) {
	key = key * 0x9E3779B1 >> 21 // Fibonacci hashing: 11 bits
	return key >> 6, key & 63
}

func wholeKey(s string) uint32 {
	return uint32(len(s))<<16 | uint32(s[0]|0x20)<<8 | uint32(s[len(s)-1]|0x20)
}

func startKey(s string) uint32 { return uint32(s[0]|0x20)<<8 | uint32(s[1]|0x20) }

func (v *prefilter) addName(s string) {
	if s == "" { // no value is
		return
	}
	w, n := bit(wholeKey(s))
	v.whole[w] |= 1 << n
}

func (v *prefilter) addPrefix(s string) {
	if len(s) < 2 {
		v.short = true
		return
	}
	w, n := bit(startKey(s))
	v.start[w] |= 1 << n
}

// may reports whether the value, which is not empty, may be or begin with one.
func (v *prefilter) may(s string) bool {
	if w, n := bit(wholeKey(s)); v.whole[w]>>n&1 == 1 || v.short {
		return true
	}
	if len(s) > 1 {
		if w, n := bit(startKey(s)); v.start[w]>>n&1 == 1 {
			return true
		}
	}
	return v.folds && !isASCII(s)
}

// required returns lower-case texts of which one is in everything that the
// expression matches, or nil when it knows none of three letters.
func required(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	if texts := literals(re.Simplify()); shortest(texts) >= 3 {
		return texts
	}
	return nil
}

func literals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s := strings.ToLower(string(re.Rune)); isASCII(s) {
			return []string{s}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if texts := literals(sub); shortest(texts) > shortest(best) {
				best = texts
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts := literals(sub)
			if shortest(texts) == 0 {
				return nil
			}
			all = append(all, texts...)
		}
		return all
	}
	return nil
}

func shortest(texts []string) int {
	n := 0
	for i, s := range texts {
		if i == 0 || len(s) < n {
			n = len(s)
		}
	}
	return n
}

// holdsAny reports whether one of the texts is in the value, without regard to
// case. Letters outside ASCII may fold into ASCII: such a value may hold any.
func holdsAny(value string, texts []string) bool {
	var buf [256]byte
	low := buf[:0]
	for i := range len(value) {
		c := value[i]
		if c >= utf8.RuneSelf {
			return true
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low = append(low, c)
	}
	for _, t := range texts {
		if strings.Contains(string(low), t) {
			return true
		}
	}
	return false
}
