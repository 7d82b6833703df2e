package manifest

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Normalize returns a text as UTF-8 without a byte-order mark, with lines that
// end in a line feed, and with the names of fields that the format knows in
// their usual case. It returns b itself when nothing is to be done.
func (f *Format) Normalize(b []byte) []byte {
	b = Text(b)
	if len(f.fields) > 0 {
		b = f.usualCase(b)
	}
	return b
}

// Respells reports whether [Format.Normalize] may change any text of the format.
func (f *Format) Respells() bool { return len(f.fields) > 0 }

// Odd reports whether [Text] would change a text that begins with head.
func Odd(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) || byteOrder(head) != nil || bytes.IndexByte(head, '\r') >= 0
}

// Text returns a text as UTF-8 without a byte-order mark, with lines that end in
// a line feed. It returns b itself when nothing is to be done.
func Text(b []byte) []byte {
	if order := byteOrder(b); order != nil {
		units := make([]uint16, 0, len(b)/2)
		for ; len(b) >= 2; b = b[2:] {
			units = append(units, order.Uint16(b))
		}
		b = []byte(string(utf16.Decode(units)))
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	return b
}

// byteOrder is that of a text in UTF-16, by its mark or by the zero bytes of its
// first letters; nil for any other text.
func byteOrder(b []byte) binary.ByteOrder {
	if len(b) < 4 {
		return nil
	}
	switch {
	case b[0] == 0xff && b[1] == 0xfe && (b[2] != 0 || b[3] != 0):
		return binary.LittleEndian
	case b[0] == 0xfe && b[1] == 0xff:
		return binary.BigEndian
	case b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
		return binary.LittleEndian
	case b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		return binary.BigEndian
	}
	return nil
}

// usualCase spells the names of known fields as the format's documents do.
// "package : x" is "Package: x" to dpkg.
func (f *Format) usualCase(b []byte) []byte {
	var out []byte
	at := 0
	for line := range bytes.Lines(b) {
		colon := bytes.IndexByte(line, ':')
		if colon > 0 && colon < 40 && line[0] != ' ' && line[0] != '\t' {
			given := line[:colon]
			if name := f.fieldName(bytes.TrimRight(given, " \t")); name != "" && name != string(given) {
				if out == nil {
					out = append(make([]byte, 0, len(b)), b[:at]...)
				}
				out = append(out, name...)
				out = append(out, line[colon:]...)
				at += len(line)
				continue
			}
		}
		if out != nil {
			out = append(out, line...)
		}
		at += len(line)
	}
	if out == nil {
		return b
	}
	return out
}

func (f *Format) fieldName(given []byte) string {
	for _, name := range f.fields {
		if len(name) == len(given) && strings.EqualFold(name, string(given)) {
			return name
		}
	}
	return ""
}

// isConflict reports whether a line is a mark that git leaves where two sides
// of a merge differ (git-merge(1), "How conflicts are presented"). What is
// between the marks is read, of both sides.
func isConflict(line string) bool {
	if len(line) < 7 || len(line) > 7 && line[7] != ' ' {
		return false
	}
	switch line[:7] {
	case "<<<<<<<", "=======", ">>>>>>>", "|||||||":
		return true
	}
	return false
}
