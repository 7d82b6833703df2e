package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// visible makes foreign text safe for a terminal, a page or a log: one line,
// in which control characters (ECMA-48 sequences begin with one), characters
// that turn the direction of writing (UAX #9) and invisible ones are written
// as escapes.
func visible(s string) string {
	if strings.IndexFunc(s, concealed) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, n := 0, 0; i < len(s); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case concealed(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case concealed(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func concealed(r rune) bool {
	switch {
	case r < 0x20, r == 0x7f, 0x80 <= r && r < 0xa0:
		return true
	case r < 0x100:
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == 0xfffe || r == 0xffff
}

// short cuts a digest to what people compare: 12 digits without the algorithm.
func short(digest string) string {
	if _, hex, ok := strings.Cut(digest, ":"); ok {
		digest = hex
	}
	return visible(digest[:min(12, len(digest))])
}

// count writes a number and a noun: "1 file", "2,048 files".
func count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(int64(n)) + " " + noun + "s"
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes in decimal units, as registries and disks count.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return count(n, "byte")
	}
	f, u := float64(n)/1000, 0
	for f >= 999.5 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	return fmt.Sprintf("%.3g %cB", f, units[u])
}

// wrap breaks text into lines of at most width columns, at spaces where it can
// and inside a word where it must. It has at least one line.
func wrap(text string, width int) []string {
	width = max(width, 8)
	if isPlain(text) {
		return wrapPlain(text, width)
	}
	var lines []string
	line, cols := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, line)
		}
		line, cols = "", 0
	}
	for word := range strings.FieldsSeq(text) {
		w := runewidth.StringWidth(word)
		if cols > 0 && cols+1+w > width {
			flush()
		}
		if cols > 0 {
			line, cols = line+" ", cols+1
		}
		for w > width {
			head := runewidth.Truncate(word, width, "")
			if head == "" {
				break
			}
			lines = append(lines, head)
			word = word[len(head):]
			w = runewidth.StringWidth(word)
		}
		line, cols = line+word, cols+w
	}
	flush()
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}

// isPlain reports whether text is words of ASCII with one space between two:
// most are.
func isPlain(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c <= ' ' && (c != ' ' || i == 0 || i+1 == len(text) || text[i-1] == ' ') || c >= 0x7f {
			return false
		}
	}
	return text != ""
}

// wrapPlain is wrap for plain text. The lines are parts of it.
func wrapPlain(text string, width int) []string {
	lines := make([]string, 0, len(text)/width+2)
	for len(text) > width {
		end, rest := width, width
		if text[width] == ' ' {
			rest++
		} else if i := strings.LastIndexByte(text[:width], ' '); i >= 0 {
			end, rest = i, i+1
		}
		lines, text = append(lines, text[:end]), text[rest:]
	}
	return append(lines, text)
}
