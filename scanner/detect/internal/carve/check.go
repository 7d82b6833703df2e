package carve

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/interdict/interdict/scanner/internal/format"
)

// tried is how many bytes must come out of a stream that is one, unless it ends
// before.
const tried = 256

// decodes checks a stream by decompressing its beginning.
func decodes(kind string) func(r io.ReaderAt, at, limit int64) (int64, bool) {
	return func(r io.ReaderAt, at, limit int64) (int64, bool) {
		switch kind {
		case "xz": // xz-file-format.txt, 2.1.1
			h := read(r, at, limit, 12)
			return -1, h != nil && crc32.ChecksumIEEE(h[6:8]) == binary.LittleEndian.Uint32(h[8:])
		case "zstd":
			end, held := zstdEnd(r, at, limit)
			return end, held >= leastHeld
		}
		z, done, err := compress.NewReader(kind, io.NewSectionReader(r, at, limit-at))
		if err != nil {
			return 0, false
		}
		defer done()
		_, err = io.CopyN(io.Discard, z, tried)
		return -1, err == nil || err == io.EOF
	}
}

// Bounds in bytes below which what is found within other bytes are constants of
// a program: the contents of a zstd frame, and an ELF file.
const (
	leastHeld    = 16
	leastProgram = 512
)

// zstdEnd goes from block to block of a frame, and tells how many bytes they have
// (RFC 8878, 3.1.1). The end is 0 where it is no frame.
func zstdEnd(r io.ReaderAt, at, limit int64) (end, held int64) {
	h := read(r, at, limit, 6)
	if h == nil || h[4]&8 != 0 {
		return 0, 0
	}
	single, dict, size := h[4]>>5&1, []int64{0, 1, 2, 4}[h[4]&3], []int64{0, 2, 4, 8}[h[4]>>6]
	if size == 0 && single == 1 {
		size = 1
	}
	end = at + 5 + int64(1-single) + dict + size
	for {
		b := read(r, end, limit, 3)
		if b == nil {
			return 0, 0
		}
		v := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
		n := v >> 3
		switch v >> 1 & 3 {
		case 1: // one byte, many times
			n = 1
		case 3:
			return 0, 0
		default:
			if n > 128<<10 {
				return 0, 0
			}
		}
		if end, held = end+3+n, held+n; held == 0 && v&1 == 0 {
			return 0, 0
		}
		if v&1 == 1 {
			break
		}
	}
	if h[4]&4 != 0 {
		end += 4
	}
	if end > limit {
		return 0, 0
	}
	return end, held
}

// zipEnd finds a zip by the record at its end (APPNOTE.TXT 4.3.16).
func zipEnd(r io.ReaderAt, at, limit int64) (File, bool) {
	b := read(r, at, limit, 22)
	if b == nil {
		return File{}, false
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	disk, cdDisk, n, size, offset := u16(b[4:]), u16(b[6:]), u16(b[10:]), int64(u32(b[12:])), int64(u32(b[16:]))
	end := at + 22 + int64(u16(b[20:]))
	if end > limit {
		end = limit // others read it without its comment
	}
	directory := at - size
	if n == 0xffff || size == 0xffffffff || offset == 0xffffffff { // zip64: 4.3.14, 4.3.15
		l := read(r, at-20, limit, 20)
		if l == nil || string(l[:4]) != "PK\x06\x07" {
			return File{}, false
		}
		e := read(r, at-20-56, limit, 56) // as everybody writes it
		if e == nil || string(e[:4]) != "PK\x06\x06" {
			return File{}, false
		}
		size, offset = int64(binary.LittleEndian.Uint64(e[40:])), int64(binary.LittleEndian.Uint64(e[48:]))
		directory = at - 20 - 56 - size
	}
	if size < 46 || directory < 0 || offset < 0 {
		return File{}, false // an empty one, or none
	}
	if d := read(r, directory, limit, 4); string(d) != "PK\x01\x02" {
		return File{}, false
	}
	if disk != 0 || cdDisk != 0 || directory < offset {
		return File{At: directory, End: end, Part: true}, true
	}
	start := directory - offset
	if d := read(r, start, limit, 2); string(d) != "PK" {
		start = 0 // the offsets count from the beginning of the file
	}
	return File{At: start, End: end}, true
}

// isLocalHeader knows a zip that has lost its end by the header of its first
// member (APPNOTE.TXT 4.3.7).
func isLocalHeader(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 30)
	if h == nil || h[4] > 63 || h[5] > 20 || h[6]&1 != 0 || h[7]&0xd0 != 0 {
		return 0, false
	}
	switch binary.LittleEndian.Uint16(h[8:]) {
	case 0, 8, 9, 12, 14, 93, 95, 99:
	default:
		return 0, false
	}
	n := int(binary.LittleEndian.Uint16(h[26:]))
	name := read(r, at+30, limit, n)
	if n == 0 || n > 1024 || name == nil || name[n-1] == '/' || !utf8.Valid(name) || bytes.ContainsFunc(name, unicode.IsControl) {
		return 0, false
	}
	size := int64(binary.LittleEndian.Uint32(h[18:]))
	return -1, h[6]&8 != 0 || size > 0 && size <= limit-at
}

// is7z checks the checksum of the start header (7zFormat.txt).
func is7z(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 32)
	if h == nil || crc32.ChecksumIEEE(h[12:]) != binary.LittleEndian.Uint32(h[8:]) {
		return 0, false
	}
	end, ok := fits(at+32, binary.LittleEndian.Uint64(h[12:]), limit)
	if !ok {
		return -1, true // its end is cut off
	}
	end, ok = fits(end, binary.LittleEndian.Uint64(h[20:]), limit)
	if !ok {
		return -1, true
	}
	return end, true
}

// isRar checks the header that follows the signature (RAR 5.0 archive format,
// "General archive block format"; technote of version 4).
func isRar(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 24)
	switch {
	case h == nil:
		return 0, false
	case h[6] == 0: // version 4: an archive header of 13 bytes
		return -1, h[9] == 0x73 && crc32.ChecksumIEEE(h[9:20])&0xffff == uint32(binary.LittleEndian.Uint16(h[7:]))
	case h[6] == 1 && h[7] == 0: // version 5: checksum, size, type
		size := int(h[12])
		b := read(r, at+12, limit, 1+size)
		return -1, size > 1 && size < 128 && b != nil && crc32.ChecksumIEEE(b) == binary.LittleEndian.Uint32(h[8:])
	}
	return 0, false
}

// isCab checks the size, the reserved fields and the version of a header
// (Microsoft Cabinet Format, "CFHEADER").
func isCab(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 36)
	if h == nil || h[24] != 3 || h[25] != 1 || binary.LittleEndian.Uint16(h[26:]) == 0 {
		return 0, false
	}
	size, files := binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[16:])
	if size <= 36 || files >= size {
		return 0, false
	}
	return fits(at, uint64(size), limit)
}

// isAr goes from member to member (ar(5)).
func isAr(r io.ReaderAt, at, limit int64) (end int64, ok bool) {
	end = at + 8
	for members := 0; ; members++ {
		h := read(r, end, limit, 60)
		if h == nil || string(h[58:]) != "`\n" {
			return end, members > 0
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 63)
		if err != nil || size < 0 || size > limit-end-60 {
			return -1, true // its last member is cut off
		}
		end = min(end+60+size+size&1, limit)
	}
}

// isRPM checks the lead and the header after it (rpm.org, "RPM Package Format").
func isRPM(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 104)
	return -1, h != nil && (h[4] == 3 || h[4] == 4) && h[78] == 0 && h[79] == 5 && string(h[96:99]) == "\x8e\xad\xe8"
}

// isSquashfs checks a superblock (Linux, Documentation/filesystems/squashfs.rst).
func isSquashfs(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 96)
	if h == nil || binary.LittleEndian.Uint16(h[28:]) != 4 || binary.LittleEndian.Uint16(h[22:]) > 20 ||
		binary.LittleEndian.Uint32(h[12:]) != 1<<binary.LittleEndian.Uint16(h[22:]) {
		return 0, false
	}
	end, ok := fits(at, binary.LittleEndian.Uint64(h[40:]), limit)
	if !ok {
		return -1, true
	}
	return end, true
}

// isCpio asks for the digits of a header (cpio(5)).
func isCpio(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 110)
	if h == nil {
		return 0, false
	}
	digits, alphabet := h[6:], "0123456789ABCDEFabcdef"
	switch string(h[:6]) {
	case "070701", "070702":
	case "070707":
		digits, alphabet = h[6:76], "01234567"
	default:
		return 0, false
	}
	return -1, len(bytes.Trim(digits, alphabet)) == 0
}

// isTar checks the checksum of a header (POSIX.1-2017, pax, "ustar Interchange
// Format").
func isTar(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 512)
	if h == nil {
		return 0, false
	}
	want, err := strconv.ParseInt(strings.Trim(string(h[148:156]), " \x00"), 8, 32)
	sum := int64(8 * ' ')
	for i, c := range h {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return -1, err == nil && sum == want
}

// isISO checks a primary volume descriptor (ECMA-119, 8.4).
func isISO(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at+32768, limit, 132)
	if h == nil || h[0] != 1 || binary.LittleEndian.Uint16(h[128:]) != 2048 {
		return 0, false
	}
	end, ok := fits(at, 2048*uint64(binary.LittleEndian.Uint32(h[80:])), limit)
	if !ok {
		return -1, true
	}
	return end, true
}

// isOLE checks the header of a compound file (MS-CFB, 2.2).
func isOLE(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 512)
	return -1, h != nil && h[28] == 0xfe && h[29] == 0xff && (h[26] == 3 && h[30] == 9 || h[26] == 4 && h[30] == 12) && h[32] == 6
}

// isGitPack checks the first object (git, gitformat-pack).
func isGitPack(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 32)
	if h == nil || binary.BigEndian.Uint32(h[8:]) == 0 {
		return 0, false
	}
	kind, i := h[12]>>4&7, 12
	for i < 22 && h[i]&0x80 != 0 {
		i++
	}
	// What follows a size is a zlib stream (RFC 1950, 2.2).
	return -1, kind >= 1 && kind <= 4 && h[i+1] == 0x78 && (uint(h[i+1])<<8+uint(h[i+2]))%31 == 0
}

// isELF checks a header, and takes the end that it and its tables tell.
func isELF(r io.ReaderAt, at, limit int64) (int64, bool) {
	h := read(r, at, limit, 64)
	if h == nil || h[4] < 1 || h[4] > 2 || h[5] < 1 || h[5] > 2 || h[6] != 1 {
		return 0, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h[5] == 2 {
		order = binary.BigEndian
	}
	size, entry := order.Uint16(h[40:]), order.Uint16(h[42:])
	if h[4] == 2 {
		size, entry = order.Uint16(h[52:]), order.Uint16(h[54:])
	}
	kind, machine := order.Uint16(h[16:]), order.Uint16(h[18:])
	if kind < 1 || kind > 3 || machine == 0 || order.Uint32(h[20:]) != 1 || size != []uint16{0, 52, 64}[h[4]] ||
		entry != 0 && entry != []uint16{0, 32, 56}[h[4]] {
		return 0, false
	}
	end := format.ELFEnd(io.NewSectionReader(r, at, limit-at), h, limit-at)
	return at + end, end >= leastProgram && hasTables(order, h)
}

// hasTables reports an ELF header with segments or sections: libraries that
// write such files have one without.
func hasTables(order binary.ByteOrder, h []byte) bool {
	if h[4] == 2 {
		return order.Uint16(h[56:]) > 0 || order.Uint16(h[60:]) > 1
	}
	return order.Uint16(h[44:]) > 0 || order.Uint16(h[48:]) > 1
}

// peStart goes back from a PE header to the DOS header that leads to it.
func peStart(r io.ReaderAt, at, limit int64) (File, bool) {
	const stub = 1024
	h := read(r, at, limit, 26)
	if h == nil || !knownMachine(binary.LittleEndian.Uint16(h[4:])) || h[25] > 2 || h[24] != 0x0b && h[24] != 0x07 {
		return File{}, false
	}
	back := int(min(at, stub))
	b := read(r, at-int64(back), limit, back)
	for i := back - 0x40; i >= 0; i-- {
		if b[i] != 'M' || b[i+1] != 'Z' || int(binary.LittleEndian.Uint32(b[i+0x3c:])) != back-i {
			continue
		}
		f := File{At: at - int64(back) + int64(i)}
		section := io.NewSectionReader(r, f.At, limit-f.At)
		head := make([]byte, min(4096, limit-f.At))
		if n, _ := section.ReadAt(head, 0); n < len(head) {
			return File{}, false
		}
		end, cert, certEnd := format.PEEnd(section, head, limit-f.At)
		if f.End = f.At + end; cert < limit-f.At {
			f.End = f.At + max(end, certEnd)
		}
		return f, end > 0
	}
	return File{}, false
}

// knownMachine knows those that Windows runs on, and EFI ("PE Format",
// "Machine Types").
func knownMachine(m uint16) bool {
	switch m {
	case 0x14c, 0x8664, 0xaa64, 0x1c0, 0x1c4, 0x200, 0x5032, 0x5064, 0x6264, 0xebc:
		return true
	}
	return false
}
