package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/interdict/interdict/scanner/detect/internal/inflate"
	"github.com/interdict/interdict/scanner/detect/internal/zipdir"
	"github.com/klauspost/compress/flate"
	"github.com/ulikunitz/xz/lzma"
)

// Compression methods: APPNOTE.TXT 4.4.5.
const (
	zipStore     = 0
	zipDeflate   = 8
	zipDeflate64 = 9
	zipBzip2     = 12
	zipLZMA      = 14
	zipZstd      = 93
	zipXZ        = 95
	// A member with strong encryption, or with AE-x, the encryption of WinZip.
	zipAES = 99
)

// isZip knows a zip by its first bytes, and those that begin with a stub: a
// Chrome extension, and a script that is followed by a zip (Python's zipapp,
// an executable jar).
func isZip(f *scanner.File) bool {
	switch {
	case hasMagic(f.Head, 0, "PK\x03\x04"), hasMagic(f.Head, 0, "PK\x05\x06"),
		hasMagic(f.Head, 0, "PK\x07\x08PK\x03\x04"), hasMagic(f.Head, 0, "PK00PK\x03\x04"),
		hasMagic(f.Head, 0, "Cr24"), hasMagic(f.Head, 0, "JM\x01\x00PK\x03\x04"):
		return true
	case !hasMagic(f.Head, 0, "#!"):
		return false
	case bytes.Contains(f.Head, []byte("PK\x03\x04")):
		return true
	}
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".jar", ".war", ".pyz", ".pex", ".zip":
		return f.Size > scanner.HeadSize
	}
	return false
}

func (e *Expander) zip(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	z, err := zipdir.Open(f)
	switch {
	case errors.Is(err, scanner.ErrLimit):
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("its directory has more than %d bytes", zipdir.Max)})
		return nil
	case err != nil:
		return e.zipStream(ctx, f, v, err)
	}
	hidden := 0
	claimDirectory(f, z, v)
	for _, m := range z.File {
		if strings.HasSuffix(m.Name, "/") && m.UncompressedSize64 == 0 {
			continue
		}
		if m.Mode().Type() != 0 {
			claimMember(m, v)
			continue
		}
		if m.Flags&1 != 0 || m.Method == zipAES {
			hidden++
			claimMember(m, v)
			if err := visitName(ctx, v, m.Name); err != nil {
				return err
			}
			continue
		}
		if err := e.zipMember(ctx, f, m, v); err != nil {
			return err
		}
	}
	if hidden > 0 {
		v.Gap(sbom.Gap{Reason: sbom.Encrypted, Detail: fmt.Sprintf("%d of %d files are encrypted", hidden, len(z.File))})
	}
	return nil
}

// claimDirectory accounts for a zip's directory and the record at its end.
func claimDirectory(f *scanner.File, z *zip.Reader, v scanner.Visitor) {
	const record, record64 = 22, 56 + 20 // APPNOTE.TXT 4.3.14 to 4.3.16
	tail := make([]byte, min(f.Size, record+1<<16))
	if n, _ := f.ReadAt(tail, f.Size-int64(len(tail))); n < len(tail) {
		return
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 {
		return
	}
	size := int64(record64)
	for _, m := range z.File {
		size += 46 + int64(len(m.Name)+len(m.Extra)+len(m.Comment))
	}
	at := f.Size - int64(len(tail)) + int64(i)
	claim(v, at-size, at+record+int64(len(z.Comment)))
}

// claimMember accounts for a member that is not read.
func claimMember(m *zip.File, v scanner.Visitor) {
	if at, err := m.DataOffset(); err == nil {
		claim(v, at-localHeaderSize-int64(len(m.Name)), at+int64(min(m.CompressedSize64, 1<<62)))
	}
}

// visitName passes on a member whose contents cannot be had: its name may
// still say something.
func visitName(ctx context.Context, v scanner.Visitor, name string) error {
	return v.Visit(ctx, scanner.Member{Name: name, Reader: strings.NewReader("")})
}

// zipMember passes on one member. Its checksum is not asked: a lax program
// reads a member whose checksum is wrong, so it is looked at.
func (e *Expander) zipMember(ctx context.Context, f *scanner.File, zf *zip.File, v scanner.Visitor) error {
	m := scanner.Member{Name: zf.Name, Size: -1, Mode: zf.Mode()}
	at, err := zf.DataOffset()
	size := int64(zf.CompressedSize64)
	if err != nil || size < 0 || at > f.Size || size > f.Size-at {
		v.Gap(sbom.Gap{Path: zf.Name, Reason: sbom.Truncated, Detail: "it lies beyond the end of the zip"})
		return visitName(ctx, v, zf.Name)
	}
	claim(v, at-localHeaderSize-int64(len(zf.Name)), at+size)
	raw := io.NewSectionReader(f, at, size)
	return e.zipContents(ctx, m, zf.Method, raw, v)
}

// zipContents decompresses one member.
func (e *Expander) zipContents(ctx context.Context, m scanner.Member, method uint16, raw *io.SectionReader, v scanner.Visitor) error {
	var err error
	switch method {
	case zipStore:
		m.ReaderAt, m.Size = raw, raw.Size()
	case zipDeflate:
		r := e.inflater(raw)
		defer e.flate.Put(r)
		m.Reader = r
	case zipDeflate64:
		m.Reader = inflate.NewReader(bufio.NewReader(raw), inflate.Deflate64)
	case zipLZMA:
		m.Reader, err = zipLZMAReader(raw)
	default:
		kind, ok := map[uint16]string{zipBzip2: "bzip2", zipZstd: "zstd", zipXZ: "xz"}[method]
		if !ok {
			v.Gap(sbom.Gap{Path: m.Name, Reason: sbom.Unsupported, Detail: fmt.Sprintf("zip compression method %d", method)})
			return visitName(ctx, v, m.Name)
		}
		var done func()
		if m.Reader, done, err = compress.NewReader(kind, bufio.NewReader(raw)); err == nil {
			defer done()
		}
	}
	if err != nil {
		v.Gap(sbom.Gap{Path: m.Name, Reason: sbom.Truncated, Detail: err.Error()})
		return visitName(ctx, v, m.Name)
	}
	return v.Visit(ctx, m)
}

// inflater is a flate reader from the pool.
func (e *Expander) inflater(r io.Reader) io.Reader {
	if old, ok := e.flate.Get().(flate.Resetter); ok && old.Reset(r, nil) == nil {
		return old.(io.Reader)
	}
	return flate.NewReader(r)
}

// zipLZMAReader reads LZMA as zip has it: two bytes of version, the length of
// the properties, the properties (APPNOTE.TXT 5.8.8), and no length.
func zipLZMAReader(raw io.Reader) (io.Reader, error) {
	var h [9]byte
	if _, err := io.ReadFull(raw, h[:]); err != nil {
		return nil, unexpected(err)
	}
	if binary.LittleEndian.Uint16(h[2:]) != 5 {
		return nil, compress.ErrUnsupported
	}
	alone := append(append([]byte{}, h[4:]...), bytes.Repeat([]byte{0xff}, 8)...)
	return lzma.ReaderConfig{DictCap: compress.MaxWindow}.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(alone), raw)))
}

// zipStream reads a zip without its directory, from one local header to the
// next: of a truncated one there is that much. why is what is wrong with it.
func (e *Expander) zipStream(ctx context.Context, f *scanner.File, v scanner.Visitor, why error) error {
	if !hasMagic(f.Head, 0, "PK\x03\x04") {
		return fail(ctx, v, why, false, "reading a zip")
	}
	some := false
	for at := int64(0); ; {
		h, size, err := readLocalHeader(f, at)
		if err != nil {
			break
		}
		body := at + size
		length := int64(h.compressed)
		unknown := h.flags&8 != 0 && length == 0
		if unknown {
			length = f.Size - body
		}
		length = min(length, f.Size-body)
		if h.flags&1 == 0 && !strings.HasSuffix(h.name, "/") && (h.method == zipDeflate || !unknown) {
			some = true
			m := scanner.Member{Name: h.name, Size: -1}
			if err := e.zipContents(ctx, m, h.method, io.NewSectionReader(f, body, length), v); err != nil {
				return err
			}
		}
		if unknown {
			at = nextLocalHeader(f, body)
		} else {
			at = body + length
		}
		if at < 0 {
			break
		}
	}
	return fail(ctx, v, why, some, "reading the directory of a zip")
}

// localHeader is what is needed of one: APPNOTE.TXT 4.3.7.
type localHeader struct {
	flags, method uint16
	compressed    uint32
	name          string
}

// localHeaderSize is without the name and the extra field.
const localHeaderSize = 30

var errNoHeader = errors.New("no local header")

// readLocalHeader reads the header at an offset, and tells its length.
func readLocalHeader(r io.ReaderAt, at int64) (h localHeader, size int64, err error) {
	var b [30]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		return h, 0, err
	}
	if !hasMagic(b[:], 0, "PK\x03\x04") {
		return h, 0, errNoHeader
	}
	h.flags = binary.LittleEndian.Uint16(b[6:])
	h.method = binary.LittleEndian.Uint16(b[8:])
	h.compressed = binary.LittleEndian.Uint32(b[18:])
	name := make([]byte, binary.LittleEndian.Uint16(b[26:]))
	if _, err := r.ReadAt(name, at+30); err != nil {
		return h, 0, err
	}
	h.name = string(name)
	return h, 30 + int64(len(name)) + int64(binary.LittleEndian.Uint16(b[28:])), nil
}

// nextLocalHeader finds the next header after a member of unknown length, or
// -1. It looks at no more than 64 MiB.
func nextLocalHeader(f *scanner.File, at int64) int64 {
	buf := make([]byte, 64<<10)
	for end := min(f.Size, at+64<<20); at < end; {
		n, _ := f.ReadAt(buf, at)
		if i := bytes.Index(buf[:n], []byte("PK\x03\x04")); i >= 0 {
			return at + int64(i)
		}
		if n < len(buf) {
			return -1
		}
		at += int64(n) - 3
	}
	return -1
}
