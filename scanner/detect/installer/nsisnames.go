package installer

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

const (
	nsisBlocks      = 8
	nsisEntries     = 2  // index of the script's instructions
	nsisStrings     = 3  // index of its strings
	nsisEntrySize   = 28 // an instruction and six parameters
	nsisExtractFile = 20 // EW_EXTRACTFILE
	maxNSISName     = 260
)

// nsisNames reads from the header which name the script gives to the data at
// which offset. What does not look like such an instruction is passed over:
// there are variants of NSIS with other numbers, whose files remain unnamed.
func nsisNames(header []byte) map[uint32]string {
	offset := func(block int) (at, count int64) {
		i := 4 + 8*block
		return int64(binary.LittleEndian.Uint32(header[i:])), int64(binary.LittleEndian.Uint32(header[i+4:]))
	}
	if len(header) < 4+8*nsisBlocks {
		return nil
	}
	at, count := offset(nsisEntries)
	texts, _ := offset(nsisStrings)
	if at >= int64(len(header)) || texts >= int64(len(header)) {
		return nil
	}
	table := nsisTable(header[texts:])
	names := map[uint32]string{}
	for b := header[at:]; count > 0 && len(b) >= nsisEntrySize; b, count = b[nsisEntrySize:], count-1 {
		if binary.LittleEndian.Uint32(b) != nsisExtractFile {
			continue
		}
		name, data := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		if s := table.text(name); s != "" && names[data] == "" {
			names[data] = s
		}
	}
	return names
}

// nsisTable is the table of strings. In that of Unicode installers, the first
// string is an empty one of two bytes.
type nsisTable []byte

func (t nsisTable) unicode() bool { return len(t) >= 2 && t[0] == 0 && t[1] == 0 }

// text reads a string without its variables: 1 to 4 of NSIS 3, and 252 to 255
// of NSIS 2, with two bytes after them, stand for what is known at run time.
func (t nsisTable) text(at uint32) string {
	var s strings.Builder
	if t.unicode() {
		var u []uint16
		for i := int64(at) * 2; i+2 <= int64(len(t)) && len(u) < maxNSISName; i += 2 {
			c := binary.LittleEndian.Uint16(t[i:])
			if c == 0 {
				break
			}
			if c <= 4 || c >= 0xe000 && c <= 0xe003 {
				i += 2
				continue
			}
			u = append(u, c)
		}
		s.WriteString(string(utf16.Decode(u)))
	} else {
		for i := int64(at); i < int64(len(t)) && t[i] != 0 && s.Len() < maxNSISName; i++ {
			if t[i] <= 4 || t[i] >= 252 {
				i += 2
				continue
			}
			s.WriteByte(t[i])
		}
	}
	return strings.TrimLeft(strings.ToValidUTF8(s.String(), "\uFFFD"), `\`)
}
