package carve

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/interdict/interdict/scanner/internal/format"
)

// A Signature is one way in which a container or a program shows itself.
type Signature struct {
	Kind  string // of file, as its name ends: "zip", "tar", "elf"
	Magic string // the bytes that are searched
	back  int64  // how many bytes before Magic the file begins
	// check reports whether the bytes of r at an offset, up to limit, are such a
	// file indeed, and where it ends: -1 when that is not known. The magics of
	// all formats lie in every program that reads them: only what proves itself
	// counts.
	check func(r io.ReaderAt, at, limit int64) (end int64, ok bool)
	// start is set instead of back where a file is known by its end.
	start func(r io.ReaderAt, at, limit int64) (File, bool)
	text  func(r io.ReaderAt, at, limit int64) (File, bool) // as start, of a file that is written as text
}

// File is a file that lies in another.
type File struct {
	Kind     string
	At, End  int64  // End is -1 when it is not known
	Encoding string // "" for bytes as they are, "base64" or "uu"
	Part     bool   // of several, the others of which are files of their own
}

// Signatures are all that is searched for. Sources: the specifications of the
// formats, which the checks name.
func Signatures() []Signature {
	return []Signature{
		{Kind: "zip", Magic: "PK\x05\x06", start: zipEnd},
		{Kind: "zip", Magic: "PK\x03\x04", check: isLocalHeader},
		{Kind: "gz", Magic: "\x1f\x8b\x08\x00", check: decodes("gzip")},
		{Kind: "gz", Magic: "\x1f\x8b\x08\x08", check: decodes("gzip")},
		{Kind: "gz", Magic: "\x1f\x8b\x08\x04", check: decodes("gzip")},
		{Kind: "gz", Magic: "\x1f\x8b\x08\x0c", check: decodes("gzip")},
		{Kind: "gz", Magic: "\x1f\x8b\x08\x10", check: decodes("gzip")},
		{Kind: "bz2", Magic: "1AY&SY", back: 4, check: decodes("bzip2")},
		{Kind: "xz", Magic: "\xfd7zXZ\x00\x00", check: decodes("xz")},
		{Kind: "zst", Magic: "\x28\xb5\x2f\xfd", check: decodes("zstd")},
		{Kind: "lz4", Magic: "\x04\x22\x4d\x18", check: decodes("lz4")},
		{Kind: "7z", Magic: "7z\xbc\xaf\x27\x1c", check: is7z},
		{Kind: "rar", Magic: "Rar!\x1a\x07", check: isRar},
		{Kind: "cab", Magic: "MSCF\x00\x00\x00\x00", check: isCab},
		{Kind: "deb", Magic: "!<arch>\ndebian-binary", check: isAr},
		{Kind: "rpm", Magic: "\xed\xab\xee\xdb", check: isRPM},
		{Kind: "squashfs", Magic: "hsqs", check: isSquashfs},
		{Kind: "cpio", Magic: "07070", check: isCpio},
		{Kind: "tar", Magic: "ustar", back: 257, check: isTar},
		{Kind: "iso", Magic: "CD001\x01\x00", back: 32769, check: isISO},
		{Kind: "msi", Magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", check: isOLE},
		{Kind: "pack", Magic: "PACK\x00\x00\x00\x02", check: isGitPack},
		{Kind: "elf", Magic: "\x7fELF", check: isELF},
		{Kind: "exe", Magic: "PE\x00\x00", start: peStart},
		// The first bytes of the same in base64, where a run of it begins.
		{Kind: "gz", Magic: "H4sI", text: base64Run},
		{Kind: "zip", Magic: "UEsDB", text: base64Run},
		{Kind: "7z", Magic: "N3q8rycc", text: base64Run},
		{Kind: "xz", Magic: "/Td6WFoA", text: base64Run},
		{Kind: "zst", Magic: "KLUv/", text: base64Run},
		{Kind: "bz2", Magic: "QlpoOTFBWSZTW", text: base64Run},
		{Kind: "rar", Magic: "UmFyIRoH", text: base64Run},
		{Kind: "cab", Magic: "TVNDRgAAAA", text: base64Run},
		{Kind: "deb", Magic: "ITxhcmNoPgpk", text: base64Run},
		{Kind: "rpm", Magic: "7avu2w", text: base64Run},
		{Kind: "msi", Magic: "0M8R4KGxGuE", text: base64Run},
		{Kind: "elf", Magic: "f0VMRg", text: base64Run},
		{Kind: "exe", Magic: "TVqQAAMAAAA", text: base64Run},
		{Kind: "uu", Magic: "begin 6", text: uuRun},
		{Kind: "uu", Magic: "begin 7", text: uuRun},
		{Kind: "uu", Magic: "begin 0", text: uuRun},
	}
}

// Begins reports whether head begins as one of the files does that are known by
// their first bytes.
func Begins(head []byte) bool {
	for _, s := range Signatures() {
		if at := int(s.back); s.text == nil && s.start == nil && len(head) >= at+len(s.Magic) && string(head[at:at+len(s.Magic)]) == s.Magic {
			return true
		}
	}
	return format.PEHeader(head) > 0
}

// End is where a file of a kind that begins the size bytes of r ends by its own
// account, or 0 when that is not known.
func End(kind string, r io.ReaderAt, size int64) int64 {
	check := map[string]func(io.ReaderAt, int64, int64) (int64, bool){"7z": is7z, "cab": isCab, "iso": isISO, "squashfs": isSquashfs}[kind]
	if check == nil {
		return 0
	}
	if end, ok := check(r, 0, size); ok {
		return max(end, 0)
	}
	return 0
}

// Frames calls found for each frame of the zstd file that is the size bytes of
// r, but not for those that are to be skipped (RFC 8878, 3.1.2): nobody else
// looks into them.
func Frames(r io.ReaderAt, size int64, found func(from, to int64)) {
	for at := int64(0); at < size; {
		h := read(r, at, size, 8)
		switch {
		case h == nil:
			return
		case h[0]&0xf0 == 0x50 && string(h[1:4]) == "\x2a\x4d\x18":
			found(at, at+8)
			at += 8 + int64(binary.LittleEndian.Uint32(h[4:]))
		default:
			end, _ := zstdEnd(r, at, size)
			if end == 0 || string(h[:4]) != "\x28\xb5\x2f\xfd" {
				return
			}
			found(at, end)
			at = end
		}
	}
}

// Magics are the bytes of the signatures, in their order.
func Magics(sigs []Signature) [][]byte {
	words := make([][]byte, len(sigs))
	for i := range sigs {
		words[i] = []byte(sigs[i].Magic)
	}
	return words
}

// File checks a place where the Magic was found, within the bytes of r from an
// offset to limit.
func (s *Signature) File(r io.ReaderAt, magic, from, limit int64) (File, bool) {
	var f File
	ok := false
	switch {
	case s.start != nil:
		f, ok = s.start(r, magic, limit)
	case s.text != nil:
		f, ok = s.text(r, magic, limit)
	default:
		f.At = magic - s.back
		if f.At >= from {
			f.End, ok = s.check(r, f.At, limit)
		}
	}
	if f.Kind == "" {
		f.Kind = s.Kind
	}
	return f, ok && f.At >= from && (f.End < 0 || f.End <= limit)
}

// read returns n bytes at an offset, or nil when they are not all there.
func read(r io.ReaderAt, at, limit int64, n int) []byte {
	if at < 0 || at > limit-int64(n) {
		return nil
	}
	b := make([]byte, n)
	if got, _ := r.ReadAt(b, at); got < n {
		return nil
	}
	return b
}

// fits is an end that lies at most at limit.
func fits(at int64, size uint64, limit int64) (int64, bool) {
	if size > math.MaxInt64/2 || at+int64(size) > limit {
		return 0, false
	}
	return at + int64(size), true
}
