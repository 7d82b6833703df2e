package installer

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/internal/format"
)

const (
	// maxSearch is how much of a program is searched for appended archives.
	maxSearch = 1 << 30
	// maxPayloads is how many are passed on.
	maxPayloads = 32
)

func isPE(head []byte) bool { return format.PEHeader(head) > 0 }

// expandPE passes on archives in the overlay, and cabinets anywhere: IExpress
// keeps its cabinet in the resources.
func expandPE(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	start, end, _ := format.PEEnd(f, f.Head, f.Size)
	s := search{f: f, overlay: start}
	if err := windowed(ctx, f, 0, min(f.Size, maxSearch), s.look); err != nil {
		return err
	}
	if f.Size > maxSearch {
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: "no archive is looked for beyond its first GiB"})
	}
	if s.nsis > 0 {
		return expandNSIS(ctx, f, s.nsis, v)
	}
	if s.bundle > 0 {
		return expandBundle(ctx, f, s.bundle, v)
	}
	if s.cookie > 0 {
		return expandPyInstaller(ctx, f, s.cookie, v)
	}
	if s.inno && end > start {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "the data of an Inno Setup installer"})
		return nil
	}
	if found, err := expandShield(ctx, f, start, end, v); found || err != nil {
		return err
	}
	if s.shield {
		shieldGap(v)
	}
	return s.visit(ctx, v)
}

// isPlainELF is true for ELF files that are no AppImage.
func isPlainELF(head []byte) bool {
	return hasMagic(head, 0, "\x7fELF") && len(head) >= 64 && !hasMagic(head, 8, "AI")
}

// expandELF passes on archives after the last section or segment. One that ends
// there is not searched.
func expandELF(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	end := format.ELFEnd(f, f.Head, f.Size)
	if end <= 0 || end >= f.Size {
		return nil
	}
	s := search{f: f, overlay: end}
	if err := windowed(ctx, f, 0, min(f.Size, end+maxSearch), s.look); err != nil {
		return err
	}
	switch {
	case s.bundle > 0:
		return expandBundle(ctx, f, s.bundle, v)
	case s.cookie > 0:
		return expandPyInstaller(ctx, f, s.cookie, v)
	}
	return s.visit(ctx, v)
}

// search collects the archives in a program.
type search struct {
	f        *scanner.File
	overlay  int64
	nsis     int64 // offset of the first header, or 0
	inno     bool
	shield   bool  // newer InstallShield
	bundle   int64 // of the header of a .NET bundle, or 0
	cookie   int64 // of PyInstaller's, or 0
	payloads []payload
	until    int64 // where the last payload ends
}

// look searches one window. Only signatures that prove themselves count: a
// program that reads an archive has its signature among its constants.
func (s *search) look(at int64, b []byte) {
	s.each(b, "NullsoftInst", func(i int) {
		if i >= 8 && s.nsis == 0 && at+int64(i)-8 >= s.overlay && hasMagic(b, i-4, "\xef\xbe\xad\xde") {
			s.nsis = at + int64(i) - 8
		}
	})
	s.each(b, bundleMarker, func(i int) {
		if i >= 8 {
			s.bundle = max(s.bundle, int64(binary.LittleEndian.Uint64(b[i-8:])&(1<<62-1)))
		}
	})
	s.each(b, pyCookie, func(i int) {
		if at+int64(i) >= s.overlay {
			s.cookie = at + int64(i)
		}
	})
	s.each(b, "Inno Setup Setup Data (", func(int) { s.inno = true })
	for _, m := range []string{shieldMark, shieldStream} {
		s.each(b, m, func(i int) {
			// A mark in the first KiB of what is appended: others are of the program.
			if from := at + int64(i) - s.overlay; from >= 0 && from < 1024 {
				s.shield = true
			}
		})
	}
	s.each(b, "MSCF\x00\x00\x00\x00", func(i int) { s.cabinet(at+int64(i), b[i:]) })
	if at+int64(len(b)) <= s.overlay {
		return
	}
	s.each(b, "7z\xbc\xaf\x27\x1c", func(i int) {
		if at := at + int64(i); at >= s.overlay && s.is7z(at) {
			s.add(payload{at: at, size: -1, kind: "7z"})
		}
	})
	for _, m := range []string{"Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00"} {
		s.each(b, m, func(i int) {
			if at+int64(i) >= s.overlay {
				s.add(payload{at: at + int64(i), size: -1, kind: "rar"})
			}
		})
	}
	s.each(b, "PK\x03\x04", func(i int) { s.zip(at+int64(i), b[i:]) })
	s.each(b, "hsqs", func(i int) {
		if at+int64(i) == s.overlay {
			s.add(payload{at: at + int64(i), size: -1, kind: "squashfs"})
		}
	})
	for m, kind := range scriptMagics {
		if i := int(s.overlay - at); i >= 0 && i < len(b) && strings.HasPrefix(string(b[i:min(len(b), i+16)]), m[1:]) {
			s.add(payload{at: s.overlay, size: -1, kind: kind})
		}
	}
}

func (s *search) each(b []byte, m string, do func(i int)) {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(m))
		if i < 0 {
			return
		}
		do(from + i)
		from += i + 1
	}
}

// add takes a payload that does not lie in one that was found before.
func (s *search) add(p payload) {
	if p.at < s.until || len(s.payloads) >= maxPayloads {
		return
	}
	s.payloads = append(s.payloads, p)
	if s.until = s.f.Size; p.size >= 0 {
		s.until = p.at + p.size
	}
}

// cabinet asks a header for its size, and for its reserved fields and version.
func (s *search) cabinet(at int64, b []byte) {
	if len(b) < 36 {
		var h [36]byte
		if _, err := s.f.ReadAt(h[:], at); err != nil {
			return
		}
		b = h[:]
	}
	size, files := int64(binary.LittleEndian.Uint32(b[8:])), int64(binary.LittleEndian.Uint32(b[16:]))
	if size > 36 && size <= s.f.Size-at && files < size && b[24] == 3 && b[25] == 1 &&
		binary.LittleEndian.Uint16(b[26:]) > 0 {
		s.add(payload{at: at, size: size, kind: "cab"})
	}
}

// is7z checks the checksum of the start header (7zFormat.txt).
func (s *search) is7z(at int64) bool {
	var h [32]byte
	if _, err := s.f.ReadAt(h[:], at); err != nil {
		return false
	}
	return crc32.ChecksumIEEE(h[12:]) == binary.LittleEndian.Uint32(h[8:])
}

// zip takes the first local header in the overlay, if a directory follows near
// the end of the file.
func (s *search) zip(at int64, b []byte) {
	if at < s.overlay || len(b) > 6 && b[4] > 63 {
		return
	}
	tail := make([]byte, min(s.f.Size-at, 256<<10))
	if _, err := s.f.ReadAt(tail, s.f.Size-int64(len(tail))); err != nil {
		return
	}
	if i := bytes.LastIndex(tail, []byte("PK\x05\x06")); i >= 0 && i+22 <= len(tail) {
		end := s.f.Size - int64(len(tail)) + int64(i) + 22 + int64(binary.LittleEndian.Uint16(tail[i+20:]))
		s.add(payload{at: at, size: min(end, s.f.Size) - at, kind: "zip"})
	}
}

func (s *search) visit(ctx context.Context, v scanner.Visitor) error {
	for _, p := range s.payloads {
		if err := p.visit(ctx, s.f, v); err != nil {
			return err
		}
	}
	if len(s.payloads) == maxPayloads {
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: "more archives than are looked into are appended"})
	}
	return nil
}
