package layer

import (
	"bytes"
	"encoding/binary"
)

// Format is what a file's first bytes promise.
type Format uint8

// The formats. The zero value is for everything else.
const (
	Unknown Format = iota
	ELF
	PE
	MachO
	Script  // "#!"
	Archive // a container of files, or a single compressed file
)

// String returns "elf", "pe", "macho", "script", "archive" or "data".
func (f Format) String() string {
	switch f {
	case ELF:
		return "elf"
	case PE:
		return "pe"
	case MachO:
		return "macho"
	case Script:
		return "script"
	case Archive:
		return "archive"
	}
	return "data"
}

// archives are the first bytes of archives.
var archives = []string{
	"PK\x03\x04", "PK\x05\x06", "PK\x07\x08", // zip: APPNOTE.TXT 4.3
	"\x1f\x8b",         // gzip: RFC 1952
	"BZh",              // bzip2
	"\xfd7zXZ\x00",     // xz
	"\x28\xb5\x2f\xfd", // Zstandard: RFC 8878
	"\x04\x22\x4d\x18", // lz4 frame
	"7z\xbc\xaf\x27\x1c",
	"Rar!\x1a\x07",
	"MSCF\x00\x00\x00\x00", // cabinet
	"!<arch>\n",
	"\xed\xab\xee\xdb", // rpm
	"hsqs",             // squashfs
	"070701", "070702", "070707",
	"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", // compound file: MSI
}

// FormatOf tells a file's format by its first bytes; 512 are enough.
func FormatOf(head []byte) Format {
	switch {
	case len(head) < 2:
		return Unknown
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return ELF
	case bytes.HasPrefix(head, []byte("#!")):
		return Script
	case isPE(head):
		return PE
	case isMachO(head):
		return MachO
	}
	for _, m := range archives {
		if len(head) >= len(m) && string(head[:len(m)]) == m {
			return Archive
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return Archive
	}
	return Unknown
}

// isPE reports an MZ header that leads to a PE header, as far as can be seen
// ("PE Format", Microsoft Learn, "MS-DOS Stub").
func isPE(head []byte) bool {
	if len(head) < 0x40 || head[0] != 'M' || head[1] != 'Z' {
		return false
	}
	at := int64(binary.LittleEndian.Uint32(head[0x3c:]))
	if at+4 > int64(len(head)) {
		return at < 1<<28 && len(head) >= 512
	}
	return string(head[at:at+4]) == "PE\x00\x00"
}

// isMachO tells fat Mach-O from Java classes, which share a magic: a class file
// has its major version, 45 or more, where a fat header has its count.
func isMachO(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe:
		return true
	case 0xcafebabe, 0xcafebabf:
		n := binary.BigEndian.Uint32(head[4:])
		return n > 0 && n < 45
	}
	return false
}
