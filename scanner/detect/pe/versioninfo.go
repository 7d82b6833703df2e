package pe

import (
	"fmt"
	"unicode/utf16"
)

// versionInfo is a VS_VERSIONINFO resource.
type versionInfo struct {
	fixed  string // file version of VS_FIXEDFILEINFO, "1.2.3.4"
	tables []stringTable
}

// stringTable holds the strings of one language and code page.
type stringTable struct {
	lang    string // "040904B0"
	strings []versionEntry
}

type versionEntry struct{ key, value string }

const maxVersionStrings = 4096 // in one file

// block is the head that all structures of a version resource share: wLength,
// wValueLength, wType, szKey, padding, value, padding, children
// (Microsoft, "VS_VERSIONINFO structure").
type block struct {
	key   string
	value int    // wValueLength: bytes, or characters of text
	text  bool   // wType
	body  []byte // value and children
}

// readBlock reads the block at the beginning of b, which is aligned to four
// bytes, and returns what follows it. A block that is longer than what is
// there is cut: some compilers count the padding and some do not.
func readBlock(b []byte) (block, []byte, bool) {
	if len(b) < 8 {
		return block{}, nil, false
	}
	size := int(le.Uint16(b))
	if size < 8 {
		return block{}, nil, false
	}
	size = min(size, len(b))
	in := b[:size]
	bl := block{value: int(le.Uint16(in[2:])), text: le.Uint16(in[4:]) == 1}
	at := 6
	for ; at+1 < len(in); at += 2 {
		if in[at] == 0 && in[at+1] == 0 {
			break
		}
	}
	bl.key = string(utf16.Decode(units(in[6:at])))
	bl.body = in[min(align4(at+2), len(in)):]
	return bl, b[min(align4(size), len(b)):], true
}

func align4(n int) int { return (n + 3) &^ 3 }

// parseVersion reads a version resource. It returns what can be read, and
// whether it was one. read counts the tables and strings.
func parseVersion(b []byte, read *int) (versionInfo, bool) {
	var v versionInfo
	root, _, ok := readBlock(b)
	if !ok || root.key != "VS_VERSION_INFO" {
		return v, false
	}
	if root.value >= 52 && len(root.body) >= 52 && le.Uint32(root.body) == 0xfeef04bd {
		hi, lo := le.Uint32(root.body[8:]), le.Uint32(root.body[12:])
		v.fixed = fmt.Sprintf("%d.%d.%d.%d", hi>>16, hi&0xffff, lo>>16, lo&0xffff)
	}
	rest := root.body[min(align4(root.value), len(root.body)):]
	for len(rest) >= 8 {
		var child block
		if child, rest, ok = readBlock(rest); !ok {
			break
		}
		if child.key != "StringFileInfo" {
			continue
		}
		for tables := child.body; len(tables) >= 8; {
			var t block
			if t, tables, ok = readBlock(tables); !ok {
				break
			}
			if *read++; *read < maxVersionStrings {
				v.tables = append(v.tables, readStrings(t, read))
			}
		}
	}
	return v, true
}

func readStrings(t block, read *int) stringTable {
	table := stringTable{lang: t.key}
	for rest := t.body; len(rest) >= 8 && *read < maxVersionStrings; *read++ {
		s, next, ok := readBlock(rest)
		if !ok {
			break
		}
		rest = next
		// The stated length of the value is wrong as often as right: it ends at
		// its zero, or with the block.
		value := units(s.body)
		for i, u := range value {
			if u == 0 {
				value = value[:i]
				break
			}
		}
		table.strings = append(table.strings, versionEntry{s.key, string(utf16.Decode(value))})
	}
	return table
}
