package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Squashfs 4.0: Linux, Documentation/filesystems/squashfs.rst and
// fs/squashfs/squashfs_fs.h. The Go libraries do not bound what one block may
// become, and do not read LZ4 as mksquashfs writes it.
const (
	squashSuper    = 96
	squashMeta     = 8192 // bytes that a metadata block becomes
	squashMaxBlock = 1 << 20
	squashMaxDirs  = 100_000
	squashMaxDepth = 128
	squashNoFrag   = 0xffffffff
)

var errSquash = errors.New("a field is out of bounds")

// squash is a file system while it is read.
type squash struct {
	r         *io.SectionReader
	v         scanner.Visitor
	blockSize int64
	unpack    func(dst, src []byte) ([]byte, error) // at most cap(dst) bytes
	inodes    int64                                 // where tables begin
	dirs      int64
	frags     int64
	fragCount uint32
	seen      map[uint64]bool // directories, by reference

	meta      squashCache // of metadata blocks
	fragments squashCache
}

func expandSquashfs(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	return squashfsAt(ctx, f, 0, v)
}

// squashfsAt expands the squashfs that begins at an offset.
func squashfsAt(ctx context.Context, f *scanner.File, at int64, v scanner.Visitor) error {
	s := &squash{r: io.NewSectionReader(f, at, f.Size-at), v: v, seen: map[uint64]bool{}}
	root, err := s.super()
	switch {
	case errors.Is(err, errSquashKind):
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: err.Error()})
		return nil
	case err != nil:
		return fail(ctx, v, err, false, "reading a squashfs")
	}
	if err := s.dir(ctx, root, "", 0); err != nil {
		if stop := new(memberError); errors.As(err, stop) {
			return stop.err
		}
		return fail(ctx, v, err, true, "reading a squashfs")
	}
	return nil
}

// super reads the superblock, and returns the reference of the root's inode.
func (s *squash) super() (root uint64, err error) {
	var b [squashSuper]byte
	if _, err := io.ReadFull(s.r, b[:]); err != nil {
		return 0, unexpected(err)
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	if used := u64(40); used > uint64(s.r.Size()) {
		return 0, fmt.Errorf("%d of %d bytes: %w", s.r.Size(), used, io.ErrUnexpectedEOF)
	}
	if binary.LittleEndian.Uint16(b[28:]) != 4 {
		return 0, fmt.Errorf("version %d: %w", binary.LittleEndian.Uint16(b[28:]), errSquashKind)
	}
	s.blockSize = int64(u32(12))
	if s.blockSize < 4096 || s.blockSize > squashMaxBlock || s.blockSize&(s.blockSize-1) != 0 {
		return 0, fmt.Errorf("blocks of %d bytes", s.blockSize)
	}
	s.unpack, err = squashUnpacker(binary.LittleEndian.Uint16(b[20:]))
	s.fragCount = u32(16)
	s.inodes, s.dirs, s.frags = int64(u64(64)), int64(u64(72)), int64(u64(80))
	return u64(32), err
}

// metaReader reads a table from a place in one of its blocks on.
type metaReader struct {
	s     *squash
	block int64 // offset of the block in the image
	at    int   // offset in what the block becomes
}

func (m *metaReader) Read(p []byte) (int, error) {
	for {
		b, next, err := m.s.metaBlock(m.block)
		if err != nil {
			return 0, err
		}
		if m.at < len(b) {
			n := copy(p, b[m.at:])
			m.at += n
			return n, nil
		}
		if len(b) == 0 {
			return 0, errSquash
		}
		m.at -= len(b)
		m.block = next
	}
}

// metaBlock returns what the metadata block at an offset becomes, and where the
// next one is.
func (s *squash) metaBlock(at int64) ([]byte, int64, error) {
	if c := s.meta.get(at); c != nil {
		return c.b, c.next, nil
	}
	var h [2]byte
	if _, err := s.r.ReadAt(h[:], at); err != nil {
		return nil, 0, unexpected(err)
	}
	size := int64(binary.LittleEndian.Uint16(h[:]))
	packed := size&0x8000 == 0
	size &= 0x7fff
	b, err := s.block(at+2, size, squashMeta, packed)
	if err != nil {
		return nil, 0, err
	}
	next := at + 2 + size
	s.meta.put(squashBlock{at, next, b})
	return b, next, nil
}

// block reads size bytes, and decompresses them to at most limit.
func (s *squash) block(at, size, limit int64, packed bool) ([]byte, error) {
	if size > limit {
		return nil, errSquash
	}
	src := make([]byte, size)
	if _, err := s.r.ReadAt(src, at); err != nil {
		return nil, unexpected(err)
	}
	if !packed {
		return src, nil
	}
	dst, err := s.unpack(make([]byte, 0, limit), src)
	if err != nil {
		return nil, fmt.Errorf("a block at %d: %w", at, err)
	}
	return dst, charge(s.v, int64(len(dst)))
}

// squashInode is a directory or a regular file.
type squashInode struct {
	dir    bool
	mode   fs.FileMode
	start  int64 // of the listing's block in the table, or of the first data block
	offset int   // in the listing's block, or in the fragment
	size   int64
	frag   uint32
	blocks []byte // four bytes for each data block
}

// inode reads an inode; it is nil for those of other types. A reference is a
// block's offset in the table, shifted by 16, and an offset in it.
func (s *squash) inode(ref uint64) (*squashInode, error) {
	m := &metaReader{s: s, block: s.inodes + int64(ref>>16), at: int(ref & 0xffff)}
	var b [56]byte
	if _, err := io.ReadFull(m, b[:16]); err != nil {
		return nil, unexpected(err)
	}
	le := binary.LittleEndian
	n := &squashInode{mode: fs.FileMode(le.Uint16(b[2:]) & 0o777)}
	kind := le.Uint16(b[:])
	size, ok := map[uint16]int{1: 16, 8: 24, 2: 16, 9: 40}[kind]
	if !ok {
		return nil, nil
	}
	if _, err := io.ReadFull(m, b[:size]); err != nil {
		return nil, unexpected(err)
	}
	switch kind {
	case 1:
		n.dir, n.start, n.size, n.offset = true, int64(le.Uint32(b[0:])), int64(le.Uint16(b[8:])), int(le.Uint16(b[10:]))
	case 8:
		n.dir, n.size, n.start, n.offset = true, int64(le.Uint32(b[4:])), int64(le.Uint32(b[8:])), int(le.Uint16(b[18:]))
	case 2:
		n.start, n.frag, n.offset, n.size = int64(le.Uint32(b[0:])), le.Uint32(b[4:]), int(le.Uint32(b[8:])), int64(le.Uint32(b[12:]))
	case 9:
		n.start, n.size, n.frag, n.offset = int64(le.Uint64(b[0:])), int64(le.Uint64(b[8:])), le.Uint32(b[28:]), int(le.Uint32(b[32:]))
	}
	if n.dir {
		return n, nil
	}
	if n.size < 0 || n.start < 0 {
		return nil, errSquash
	}
	count := n.size / s.blockSize
	if n.frag == squashNoFrag && n.size%s.blockSize != 0 {
		count++
	}
	if count > s.r.Size()/4 {
		return nil, errSquash
	}
	n.blocks = make([]byte, 4*count)
	_, err := io.ReadFull(m, n.blocks)
	return n, unexpected(err)
}

// dir passes on what is in a directory.
func (s *squash) dir(ctx context.Context, ref uint64, name string, depth int) error {
	if s.seen[ref] {
		return nil
	}
	if s.seen[ref] = true; len(s.seen) > squashMaxDirs || depth > squashMaxDepth {
		s.v.Gap(sbom.Gap{Path: name, Reason: sbom.Limit, Detail: "too many directories"})
		return nil
	}
	d, err := s.inode(ref)
	if err != nil || d == nil || !d.dir {
		return err
	}
	entries, err := s.list(d)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		full := name + "/" + e.name
		switch e.kind {
		case 1:
			err = s.dir(ctx, e.ref, full, depth+1)
		case 2:
			err = s.file(ctx, e.ref, full)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type squashEntry struct {
	name string
	kind uint16 // 1: directory, 2: regular file
	ref  uint64
}

// list reads a directory's listing: runs of entries whose inodes are in one
// block.
func (s *squash) list(d *squashInode) ([]squashEntry, error) {
	var entries []squashEntry
	r := &io.LimitedReader{R: &metaReader{s: s, block: s.dirs + d.start, at: d.offset}, N: d.size - 3}
	var h [12]byte
	for r.N > 0 {
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return nil, unexpected(err)
		}
		count, block := binary.LittleEndian.Uint32(h[:]), binary.LittleEndian.Uint32(h[4:])
		if count >= 256 {
			return nil, errSquash
		}
		for range count + 1 {
			var e [8]byte
			if _, err := io.ReadFull(r, e[:]); err != nil {
				return nil, unexpected(err)
			}
			name := make([]byte, int(binary.LittleEndian.Uint16(e[6:]))+1)
			if _, err := io.ReadFull(r, name); err != nil {
				return nil, unexpected(err)
			}
			entries = append(entries, squashEntry{
				name: string(name), kind: binary.LittleEndian.Uint16(e[4:]),
				ref: uint64(block)<<16 | uint64(binary.LittleEndian.Uint16(e[:])),
			})
		}
	}
	return entries, nil
}

func (s *squash) file(ctx context.Context, ref uint64, name string) error {
	n, err := s.inode(ref)
	if err != nil || n == nil || n.dir {
		return err
	}
	r := &squashFile{s: s, squashInode: n, at: n.start, left: n.size}
	err = s.v.Visit(ctx, scanner.Member{Name: name, Size: n.size, Mode: n.mode, Reader: r, Charged: true})
	if err != nil {
		return memberError{err}
	}
	return nil
}
