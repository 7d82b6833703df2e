package archive

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
)

// unsupported are containers that nothing here reads. They are known, so that
// they are told of.
var unsupported = []struct {
	at    int
	magic string
	name  string
}{
	{0, "QFI\xfb", "a QEMU disk image"},
	{0, "KDMV", "a VMware disk image"},
	{0, "vhdxfile", "a Hyper-V disk image"},
	{0, "conectix", "a Virtual PC disk image"},
	{0, "<<< ", "a VirtualBox disk image"},
	{0, "MSWIM\x00\x00\x00", "a Windows image"},
	{0, "ISc(", "an InstallShield cabinet"},
	{0, "KWAJ\x88\xf0\x27\xd1", "a file of MS-DOS's compress"},
	{0, "LZIP\x01", "an lzip file"},
	{0, "\x89LZO\x00\r\n\x1a\n", "an lzop file"},
	{7, "**ACE**", "an ACE archive"},
	{0, "StuffIt (c)", "a StuffIt archive"},
	{0, "zPQ", "a zpaq archive"},
	{0, "drpm", "a delta rpm"},
	{0, "\x45\x3d\xcd\x28", "a cramfs"},
	{0, "-rom1fs-", "a romfs"},
	{0, "UBI#\x01", "a UBI image"},
	{0, "\x3a\xff\x26\xed", "an Android sparse image"},
	{32, "SIF_MAGIC", "a Singularity image"},
	{1024, "\xe2\xe1\xf5\xe0", "an EROFS"},
	{1024, "H+\x00\x04", "an HFS+"},
	{1024, "HX\x00\x05", "an HFSX"},
	{32, "NXSB", "an APFS"},
	{0, "XFSB\x00\x00", "an XFS"},
	{0, "LUKS\xba\xbe\x00", "an encrypted LUKS volume"},
	{0, "\x31\x18\x10\x06", "a UBIFS"},
	{0, "QED\x00", "a QEMU disk image"},
	{0, "WithoutFreeSpace", "a Parallels disk image"},
	{0, "WithouFreSpacExt", "a Parallels disk image"},
	{64, "\x7f\x10\xda\xbe", "a VirtualBox disk image"},
	{512, "LABELONE", "an LVM volume"},
	{1024, "\x10\x20\xf5\xf2", "an F2FS"},
	{0, "sqsh", "a squashfs of another byte order"},
}

func isUnsupported(f *scanner.File) bool { return unsupportedName(f) != "" }

func unsupportedName(f *scanner.File) string {
	head := f.Head
	for _, u := range unsupported {
		if hasMagic(head, u.at, u.magic) {
			if u.magic == "<<< " && !bytes.Contains(head[:min(len(head), 64)], []byte("VM VirtualBox Disk Image")) {
				continue
			}
			return u.name
		}
	}
	if volume := carve.Volume(head); volume != "" && f.Size >= 64<<10 {
		return volume
	}
	switch {
	case isLHA(head):
		return "an LHA archive"
	case isARJ(head):
		return "an ARJ archive"
	case isExt(head):
		return "an ext2, ext3 or ext4"
	case isDisk(f):
		return "a disk with partitions"
	}
	return ""
}

// isDisk knows a master boot record whose table has a partition that lies in
// the file, and nothing that none has.
func isDisk(f *scanner.File) bool {
	if !hasMagic(f.Head, 510, "\x55\xaa") || f.Size < 64<<10 {
		return false
	}
	found := false
	for at := 446; at < 510; at += 16 {
		e := f.Head[at : at+16]
		start, sectors := int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
		switch {
		case allZero(e):
		case e[0]&0x7f != 0 || e[4] == 0 || start == 0 || sectors == 0:
			return false
		case start*512 < f.Size:
			found = true
		}
	}
	return found
}

// isLHA knows the method "-lh5-" and its like, which is text that may occur
// elsewhere: the header's level must be known too.
func isLHA(b []byte) bool {
	return len(b) > 21 && hasMagic(b, 2, "-lh") && b[6] == '-' && b[20] <= 3 &&
		(b[5] >= '0' && b[5] <= '7' || b[5] == 'd')
}

// isARJ knows the two bytes that a header begins with, its length, and that the
// first header is the archive's own.
func isARJ(b []byte) bool {
	if !hasMagic(b, 0, "\x60\xea") || len(b) < 64 {
		return false
	}
	size := binary.LittleEndian.Uint16(b[2:])
	return size >= 30 && size <= 2600 && b[4] >= 30 && b[4] <= 64 && b[10] == 2
}

// isExt knows the superblock's magic of two bytes, and that the fields around
// it are such as can be (Linux, Documentation/filesystems/ext4/super.rst).
func isExt(b []byte) bool {
	if len(b) < 2048 || !hasMagic(b, 1024+0x38, "\x53\xef") {
		return false
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(b[1024+at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[1024+at:]) }
	return u32(0x18) <= 6 && u16(0x3a) <= 7 && u16(0x3c) >= 1 && u16(0x3c) <= 3 && u32(0x48) <= 4 && u32(0x4c) <= 1
}

func expandUnsupported(_ context.Context, f *scanner.File, v scanner.Visitor) error {
	if what := unsupportedName(f); what != "" {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: what})
	}
	return nil
}
