package cyclonedx

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// lexer reads JSON (RFC 8259) from a string in one pass, without a tree and
// without copies: strings without escapes are parts of the input. Judging many
// stored documents is bound by reading them; this reads them several times as
// fast as reflection does.
//
// A method that finds an error sets err, once, and moves to the end: callers
// check err when they are done.
type lexer struct {
	s     string
	pos   int
	depth int
	err   error
}

func (l *lexer) fail(msg string) {
	if l.err == nil {
		line := 1 + strings.Count(l.s[:min(l.pos, len(l.s))], "\n")
		l.err = fmt.Errorf("line %d: %s", line, msg)
	}
	l.pos = len(l.s)
}

// peek returns the next byte that is not white space, or 0 at the end.
func (l *lexer) peek() byte {
	if l.pos < len(l.s) && l.s[l.pos] > ' ' {
		return l.s[l.pos]
	}
	return l.space()
}

// space is peek where white space may be next. A third of an indented document
// is indentation.
func (l *lexer) space() byte {
	const eight = "        "
	for l.pos < len(l.s) {
		switch c := l.s[l.pos]; c {
		case ' ':
			for l.pos+8 <= len(l.s) && l.s[l.pos:l.pos+8] == eight {
				l.pos += 8
			}
			for l.pos < len(l.s) && l.s[l.pos] == ' ' {
				l.pos++
			}
		case '\t', '\n', '\r':
			l.pos++
		default:
			return c
		}
	}
	return 0
}

// object calls fn with each key; fn must read or skip the value.
func (l *lexer) object(fn func(key string)) {
	if l.peek() != '{' {
		l.wrongType("an object")
		return
	}
	l.enter()
	if l.peek() == '}' {
		l.leave()
		return
	}
	for l.err == nil {
		if l.peek() != '"' {
			l.fail("a name in quotes is expected")
			return
		}
		key := l.str()
		if l.peek() != ':' {
			l.fail("':' is expected")
			return
		}
		l.pos++
		fn(key)
		if !l.more('}') {
			return
		}
	}
}

// array calls fn for each element; fn must read or skip it.
func (l *lexer) array(fn func()) {
	if l.peek() != '[' {
		l.wrongType("a list")
		return
	}
	l.enter()
	if l.peek() == ']' {
		l.leave()
		return
	}
	for l.err == nil {
		fn()
		if !l.more(']') {
			return
		}
	}
}

func (l *lexer) enter() {
	l.pos++
	if l.depth++; l.depth > maxDepth {
		l.fail(fmt.Sprintf("values are nested deeper than %d", maxDepth))
	}
}

func (l *lexer) leave() {
	l.pos++
	l.depth--
}

// more moves past a comma, or past the end of the list or object.
func (l *lexer) more(end byte) bool {
	switch l.peek() {
	case ',':
		l.pos++
		return true
	case end:
		l.leave()
	default:
		l.fail(fmt.Sprintf("',' or '%c' is expected", end))
	}
	return false
}

// wrongType skips a value of a type that is not wanted. A null is like a value
// that is absent; anything else is an error.
func (l *lexer) wrongType(want string) {
	if l.peek() == 'n' {
		l.skip()
		return
	}
	l.fail(want + " is expected")
}

// text reads a string; null is the empty string.
func (l *lexer) text() string {
	if l.peek() == '"' {
		return l.str()
	}
	l.wrongType("a string")
	return ""
}

// str reads a string whose opening quote is next.
func (l *lexer) str() string {
	start := l.pos + 1
	for i := plain(l.s, start); i < len(l.s); i++ {
		switch c := l.s[i]; {
		case c == '"':
			l.pos = i + 1
			return l.s[start:i]
		case c == '\\':
			return l.escaped(start, i)
		case c < 0x20:
			l.pos = i
			l.fail("a control character is in a string")
			return ""
		}
	}
	l.pos = len(l.s)
	l.fail("a string has no end")
	return ""
}

// plain returns where the first 8 bytes begin, from i on, of which one may be a
// quote, a backslash or a control character. It looks at eight bytes at once:
// a byte less than n borrows from its top bit when n is taken from it, and a
// byte that equals c is less than 1 once c is xored to it.
func plain(s string, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		if ((w-ones*0x20)&^w|(quote-ones)&^quote|(slash-ones)&^slash)&tops != 0 {
			break
		}
	}
	return i
}

// escaped reads on from the first backslash, at i, of a string that began at start.
func (l *lexer) escaped(start, i int) string {
	var b strings.Builder
	b.Grow(64)
	b.WriteString(l.s[start:i])
	for i < len(l.s) {
		c := l.s[i]
		switch {
		case c == '"':
			l.pos = i + 1
			return b.String()
		case c == '\\':
			n := l.escape(&b, i)
			if n == 0 {
				l.pos = i
				l.fail("an escape is malformed")
				return ""
			}
			i += n
		case c < 0x20:
			l.pos = i
			l.fail("a control character is in a string")
			return ""
		default:
			j := plain(l.s, i+1)
			for j < len(l.s) && l.s[j] != '"' && l.s[j] != '\\' && l.s[j] >= 0x20 {
				j++
			}
			b.WriteString(l.s[i:j])
			i = j
		}
	}
	l.pos = len(l.s)
	l.fail("a string has no end")
	return ""
}

// escape writes what the escape at i stands for and returns its length, or 0.
func (l *lexer) escape(b *strings.Builder, i int) int {
	if i+1 >= len(l.s) {
		return 0
	}
	switch c := l.s[i+1]; c {
	case '"', '\\', '/':
		b.WriteByte(c)
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		r, ok := hex4(l.s, i+2)
		if !ok {
			return 0
		}
		if utf16.IsSurrogate(r) {
			if i+7 < len(l.s) && l.s[i+6] == '\\' && l.s[i+7] == 'u' {
				if low, ok := hex4(l.s, i+8); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						b.WriteRune(pair)
						return 12
					}
				}
			}
			r = utf8.RuneError
		}
		b.WriteRune(r)
		return 6
	default:
		return 0
	}
	return 2
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads an integer; anything after it that makes a fraction is dropped.
func (l *lexer) number() int64 {
	c := l.peek()
	if c != '-' && (c < '0' || c > '9') {
		l.wrongType("a number")
		return 0
	}
	start := l.pos
	l.skipNumber()
	var n int64
	for _, d := range []byte(strings.TrimPrefix(l.s[start:l.pos], "-")) {
		if d < '0' || d > '9' {
			break
		}
		if n > (1<<63-1-9)/10 {
			l.fail("a number is too large")
			return 0
		}
		n = n*10 + int64(d-'0')
	}
	if c == '-' {
		n = -n
	}
	return n
}

// boolean reads true or false; null is false.
func (l *lexer) boolean() bool {
	switch l.peek() {
	case 't':
		return l.literal("true")
	case 'f':
		l.literal("false")
		return false
	}
	l.wrongType("true or false")
	return false
}

func (l *lexer) literal(word string) bool {
	if !strings.HasPrefix(l.s[l.pos:], word) {
		l.fail("a value is expected")
		return false
	}
	l.pos += len(word)
	return true
}

// skip reads over one value of any type.
func (l *lexer) skip() {
	switch c := l.peek(); c {
	case '{':
		l.object(func(string) { l.skip() })
	case '[':
		l.array(l.skip)
	case '"':
		l.str()
	case 't':
		l.literal("true")
	case 'f':
		l.literal("false")
	case 'n':
		l.literal("null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			l.fail("a value is expected")
			return
		}
		l.skipNumber()
	}
}

// skipNumber moves past a number of the grammar of RFC 8259, section 6.
func (l *lexer) skipNumber() {
	if l.s[l.pos] == '-' {
		l.pos++
	}
	whole := l.pos
	if !l.digits() || l.pos-whole > 1 && l.s[whole] == '0' {
		l.fail("a number is malformed")
		return
	}
	if l.pos < len(l.s) && l.s[l.pos] == '.' {
		l.pos++
		if !l.digits() {
			l.fail("a number is malformed")
			return
		}
	}
	if l.pos < len(l.s) && (l.s[l.pos] == 'e' || l.s[l.pos] == 'E') {
		l.pos++
		if l.pos < len(l.s) && (l.s[l.pos] == '+' || l.s[l.pos] == '-') {
			l.pos++
		}
		if !l.digits() {
			l.fail("a number is malformed")
		}
	}
}

func (l *lexer) digits() bool {
	start := l.pos
	for l.pos < len(l.s) && '0' <= l.s[l.pos] && l.s[l.pos] <= '9' {
		l.pos++
	}
	return l.pos > start
}

// end checks that nothing but white space follows.
func (l *lexer) end() error {
	if l.peek(); l.err == nil && l.pos < len(l.s) {
		l.fail("something follows the document")
	}
	return l.err
}
