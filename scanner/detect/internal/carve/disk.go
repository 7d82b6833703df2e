package carve

import (
	"bytes"
	"encoding/binary"
	"io"
)

// disks are file systems and disk images that nothing here reads, by magic
// numbers that lie beyond the first bytes of a file, or at its end. Sources:
// the headers of Linux' drivers, and util-linux' libblkid.
var disks = []struct {
	at    int64 // below zero: from the end
	magic string
	name  string
}{
	{0x10040, "_BHRfS_M", "a btrfs"},
	{0x10034, "ReIsEr", "a ReiserFS"},
	{0x8000, "JFS1", "a JFS"},
	{0x1018, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca", "a bcachefs"},
	{-512, "koly", "an Apple disk image"},         // the trailer of a UDIF image
	{-512, "conectix", "a Virtual PC disk image"}, // of a fixed VHD, MS-VHD "Hard Disk Footer"
}

// Disk names the file system or disk image that the size bytes of r are, or "".
func Disk(r io.ReaderAt, size int64) string {
	for _, d := range disks {
		at := d.at
		if at < 0 {
			at += size
		}
		if b := read(r, at, size, len(d.magic)); string(b) == d.magic {
			return d.name
		}
	}
	return ""
}

// Volume names a file system whose boot sector is in head, or "".
func Volume(head []byte) string {
	if len(head) < 512 || string(head[510:512]) != "\x55\xaa" {
		return ""
	}
	switch string(head[3:11]) {
	case "NTFS    ":
		return "an NTFS"
	case "EXFAT   ":
		return "an exFAT"
	case "-FVE-FS-":
		return "an encrypted BitLocker volume"
	}
	if isFAT(head) {
		return "a FAT volume"
	}
	return ""
}

// isFAT checks the parameters of a boot sector (Microsoft, FAT: General Overview
// of On-Disk Format, "Boot Sector and BPB"). The bytes of a boot loader alone
// are none.
func isFAT(b []byte) bool {
	sector, cluster, reserved, tables := binary.LittleEndian.Uint16(b[11:]), b[13], binary.LittleEndian.Uint16(b[14:]), b[16]
	sectors := uint32(binary.LittleEndian.Uint16(b[19:]))
	if sectors == 0 {
		sectors = binary.LittleEndian.Uint32(b[32:])
	}
	power := func(n uint16) bool { return n > 0 && n&(n-1) == 0 }
	return (b[0] == 0xeb && b[2] == 0x90 || b[0] == 0xe9) && power(sector) && sector >= 512 && sector <= 4096 &&
		power(uint16(cluster)) && reserved > 0 && (tables == 1 || tables == 2) && (b[21] >= 0xf8 || b[21] == 0xf0) && sectors > 0 &&
		(bytes.HasPrefix(b[54:], []byte("FAT")) || bytes.HasPrefix(b[82:], []byte("FAT32")))
}
