package archive

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// The cabinet format: Microsoft, [MS-CAB].
const (
	cabMagic    = "MSCF\x00\x00\x00\x00"
	cabNone     = 0
	cabMSZIP    = 1
	cabLZX      = 3
	cabHasPrev  = 1
	cabHasNext  = 2
	cabReserve  = 4
	cabNameUTF8 = 0x80
	// maxCabBlock is the most that one CFDATA may become: [MS-CAB] 2.4.
	maxCabBlock = 32 << 10
	maxCabName  = 256
)

func isCab(f *scanner.File) bool { return hasMagic(f.Head, 0, cabMagic) }

// cabinet is the directory of one.
type cabinet struct {
	folders []cabFolder
	files   []cabFile
	reserve int // bytes in each CFDATA header
	parts   bool
}

type cabFolder struct {
	at     int64 // of its first CFDATA
	blocks int
	kind   uint16
}

type cabFile struct {
	name   string
	folder int
	at     int64 // in the folder, uncompressed
	size   int64
}

func expandCab(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	c, err := readCab(section(f))
	if err != nil {
		return fail(ctx, v, err, false, "reading a cabinet")
	}
	if c.parts {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "it is one of several: files may begin or end in another"})
	}
	for i := range c.folders {
		var files []cabFile
		for _, m := range c.files {
			if m.folder == i {
				files = append(files, m)
			}
		}
		slices.SortStableFunc(files, func(a, b cabFile) int { return cmp.Compare(a.at, b.at) })
		if err := c.expandFolder(ctx, f, c.folders[i], files, v); err != nil {
			return err
		}
	}
	return nil
}

// expandFolder passes on the files of one folder, which is one compressed
// stream.
func (c *cabinet) expandFolder(ctx context.Context, f *scanner.File, folder cabFolder, files []cabFile, v scanner.Visitor) error {
	if len(files) == 0 {
		return nil
	}
	stream, err := c.open(f, folder)
	if err != nil {
		v.Gap(sbom.Gap{Path: files[0].name, Reason: sbom.Unsupported, Detail: err.Error()})
		for _, m := range files {
			if err := visitName(ctx, v, m.name); err != nil {
				return err
			}
		}
		return nil
	}
	r := charged{stream, v}
	pos := int64(0)
	for _, m := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.at < pos { // files that overlap: begin anew
			if stream, err = c.open(f, folder); err != nil {
				return nil
			}
			r, pos = charged{stream, v}, 0
		}
		n, err := io.CopyN(io.Discard, r, m.at-pos)
		pos += n
		if err != nil {
			return fail(ctx, v, unexpected(err), true, "reading a cabinet's folder")
		}
		contents := &io.LimitedReader{R: r, N: m.size}
		if err := v.Visit(ctx, scanner.Member{Name: m.name, Size: m.size, Reader: contents, Charged: true}); err != nil {
			return err
		}
		pos += m.size - contents.N
	}
	return nil
}

// open opens a folder as a stream.
func (c *cabinet) open(f *scanner.File, folder cabFolder) (io.Reader, error) {
	blocks := &cabBlocks{r: f, at: folder.at, left: folder.blocks, reserve: c.reserve}
	switch folder.kind & 0xf {
	case cabNone:
		return &cabReader{blocks: blocks, decode: func(b []byte, _ int) ([]byte, error) { return b, nil }}, nil
	case cabMSZIP:
		return &cabReader{blocks: blocks, decode: (&mszip{}).block}, nil
	case cabLZX:
		d, err := newLZX(uint(folder.kind >> 8 & 0x1f))
		if err != nil {
			return nil, err
		}
		return &cabReader{blocks: blocks, decode: d.frame}, nil
	}
	return nil, fmt.Errorf("cabinet compression %d", folder.kind&0xf)
}

// cabBlocks reads the CFDATA of a folder.
type cabBlocks struct {
	r       io.ReaderAt
	at      int64
	left    int
	reserve int
	buf     []byte
}

// next returns the bytes of a block and how many they become.
func (b *cabBlocks) next() ([]byte, int, error) {
	if b.left == 0 {
		return nil, 0, io.EOF
	}
	b.left--
	var h [8]byte
	if _, err := b.r.ReadAt(h[:], b.at); err != nil {
		return nil, 0, unexpected(err)
	}
	n, size := int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
	if size > maxCabBlock {
		return nil, 0, fmt.Errorf("a block of %d bytes", size)
	}
	b.at += 8 + int64(b.reserve)
	b.buf = slices.Grow(b.buf[:0], n)[:n]
	if _, err := b.r.ReadAt(b.buf, b.at); err != nil {
		return nil, 0, unexpected(err)
	}
	b.at += int64(n)
	return b.buf, size, nil
}

// cabReader is the stream of a folder.
type cabReader struct {
	blocks *cabBlocks
	decode func(block []byte, size int) ([]byte, error)
	out    []byte // decoded and not yet read
	err    error
}

func (c *cabReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		block, size, err := c.blocks.next()
		if err == nil {
			c.out, err = c.decode(block, size)
		}
		c.err = err
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

var errCab = errors.New("a field points outside")

// readCab reads header, folders and files.
func readCab(r *io.SectionReader) (*cabinet, error) {
	var h [36]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, unexpected(err)
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(h[at:])) }
	if size := int64(binary.LittleEndian.Uint32(h[8:])); size > r.Size() {
		return nil, fmt.Errorf("%d of %d bytes: %w", r.Size(), size, io.ErrUnexpectedEOF)
	}
	c := &cabinet{parts: u16(30)&(cabHasPrev|cabHasNext) != 0}
	folderReserve := 0
	if u16(30)&cabReserve != 0 {
		var sizes [4]byte
		if _, err := io.ReadFull(r, sizes[:]); err != nil {
			return nil, unexpected(err)
		}
		folderReserve, c.reserve = int(sizes[2]), int(sizes[3])
		if _, err := r.Seek(int64(binary.LittleEndian.Uint16(sizes[:])), io.SeekCurrent); err != nil {
			return nil, err
		}
	}
	for _, flag := range []int{cabHasPrev, cabHasNext} {
		if u16(30)&flag != 0 { // names of cabinet and disk
			for range 2 {
				if _, err := zeroTerminated(r); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := c.readFolders(r, u16(26), folderReserve); err != nil {
		return nil, err
	}
	if _, err := r.Seek(int64(binary.LittleEndian.Uint32(h[16:])), io.SeekStart); err != nil {
		return nil, err
	}
	return c, c.readFiles(r, u16(28))
}

func (c *cabinet) readFolders(r *io.SectionReader, count, reserve int) error {
	b := make([]byte, 8+reserve)
	for range count {
		if _, err := io.ReadFull(r, b); err != nil {
			return unexpected(err)
		}
		folder := cabFolder{
			at:     int64(binary.LittleEndian.Uint32(b)),
			blocks: int(binary.LittleEndian.Uint16(b[4:])),
			kind:   binary.LittleEndian.Uint16(b[6:]),
		}
		if folder.at > r.Size() {
			return errCab
		}
		c.folders = append(c.folders, folder)
	}
	return nil
}

func (c *cabinet) readFiles(r *io.SectionReader, count int) error {
	var b [16]byte
	for range count {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return unexpected(err)
		}
		name, err := zeroTerminated(r)
		if err != nil {
			return err
		}
		if b[14]&cabNameUTF8 == 0 {
			name = strings.ToValidUTF8(name, "\uFFFD")
		}
		folder := int(binary.LittleEndian.Uint16(b[8:]))
		if folder >= 0xfffd { // continued from or to another cabinet
			c.parts = true
			if folder = 0; binary.LittleEndian.Uint16(b[8:]) == 0xfffe {
				folder = len(c.folders) - 1
			}
		}
		c.files = append(c.files, cabFile{
			name: name, folder: folder,
			at: int64(binary.LittleEndian.Uint32(b[4:])), size: int64(binary.LittleEndian.Uint32(b[:])),
		})
	}
	return nil
}

// zeroTerminated reads a string of at most maxCabName bytes.
func zeroTerminated(r *io.SectionReader) (string, error) {
	var b [maxCabName + 1]byte
	at, _ := r.Seek(0, io.SeekCurrent)
	n, _ := r.ReadAt(b[:], at)
	s := cString(b[:n])
	if len(s) == n {
		return "", errors.New("a name without end")
	}
	_, err := r.Seek(int64(len(s))+1, io.SeekCurrent)
	return s, err
}
