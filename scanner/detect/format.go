package detect

import (
	"bytes"
	"encoding/binary"
)

// Format names the format that a file's first bytes promise: "pe", "elf",
// "macho", "script", "archive" or "data". It is the Where of filename and path
// evidence: the same name says less on a text than on a program.
func Format(head []byte) string {
	switch {
	case isPE(head):
		return "pe"
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return "elf"
	case isMachO(head):
		return "macho"
	case bytes.HasPrefix(head, []byte("#!")):
		return "script"
	case isArchive(head):
		return "archive"
	}
	return "data"
}

// isPE reports an MZ header that leads to a PE header, as far as can be seen.
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

// isMachO tells fat Mach-O from Java classes, which share a magic: a class
// file has its major version, 45 or more, where a fat header has its count.
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

// archiveMagics are the first bytes of containers of files, and of single
// compressed files.
var archiveMagics = []string{
	"PK\x03\x04", "PK\x05\x06", "PK\x07\x08", // zip: APPNOTE.TXT 4.3
	"\x1f\x8b",           // gzip: RFC 1952
	"BZh",                // bzip2
	"\xfd7zXZ\x00",       // xz
	"\x28\xb5\x2f\xfd",   // zstd: RFC 8878
	"\x04\x22\x4d\x18",   // lz4 frame
	"7z\xbc\xaf\x27\x1c", // 7z
	"Rar!\x1a\x07",       // rar 4 and 5
	"MSCF\x00\x00\x00\x00",
	"!<arch>\n",
	"\xed\xab\xee\xdb",           // rpm lead
	"hsqs",                       // squashfs
	"070701", "070702", "070707", // cpio
	"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", // OLE compound file: MSI
	"Cr24",                             // Chrome extension
}

func isArchive(head []byte) bool {
	for _, m := range archiveMagics {
		if len(head) >= len(m) && string(head[:len(m)]) == m {
			return true
		}
	}
	return len(head) >= 262 && string(head[257:262]) == "ustar"
}
