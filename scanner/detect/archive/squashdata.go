package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// errSquashKind tells of a version or compression that is not read.
var errSquashKind = errors.New("this squashfs is not supported")

// squashUnpacker returns the decompressor of a number in the superblock. What
// it returns fits into the capacity of dst; more is an error.
func squashUnpacker(kind uint16) (func(dst, src []byte) ([]byte, error), error) {
	switch kind {
	case 1:
		return readInto(func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }), nil
	case 2:
		return readInto(open("lzma")), nil
	case 4:
		return readInto(open("xz")), nil
	case 5:
		return unpackLZ4, nil
	case 6:
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(squashMaxBlock))
		if err != nil {
			return nil, err
		}
		return func(dst, src []byte) ([]byte, error) {
			out, err := d.DecodeAll(src, dst)
			if err == nil && len(out) > cap(dst) {
				err = errSquash
			}
			return out, err
		}, nil
	}
	return nil, fmt.Errorf("compression %d: %w", kind, errSquashKind) // 3 is LZO
}

func open(kind string) func(io.Reader) (io.Reader, error) {
	return func(r io.Reader) (io.Reader, error) {
		z, _, err := compress.NewReader(kind, r)
		return z, err
	}
}

// readInto decompresses by a reader.
func readInto(open func(io.Reader) (io.Reader, error)) func(dst, src []byte) ([]byte, error) {
	return func(dst, src []byte) ([]byte, error) {
		z, err := open(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		n, err := io.ReadFull(z, dst[:cap(dst)])
		switch err {
		case nil:
			var one [1]byte
			if more, _ := z.Read(one[:]); more > 0 {
				return nil, errSquash
			}
			return dst[:n], nil
		case io.ErrUnexpectedEOF, io.EOF:
			return dst[:n], nil
		}
		return nil, err
	}
}

func unpackLZ4(dst, src []byte) ([]byte, error) {
	n, err := lz4.UncompressBlock(src, dst[:cap(dst)])
	if err != nil {
		return nil, err
	}
	return dst[:n], nil
}

// squashFile reads a regular file: blocks one after another, and then a part of
// a fragment, which several files share.
type squashFile struct {
	s *squash
	*squashInode
	next int // block
	at   int64
	left int64
	out  []byte
}

func (f *squashFile) Read(p []byte) (int, error) {
	for len(f.out) == 0 {
		if f.left == 0 {
			return 0, io.EOF
		}
		b, err := f.fill()
		if err != nil {
			return 0, err
		}
		if len(b) == 0 {
			return 0, errSquash
		}
		f.out = b[:min(int64(len(b)), f.left)]
		f.left -= int64(len(f.out))
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// fill returns the next block.
func (f *squashFile) fill() ([]byte, error) {
	if f.next*4 == len(f.blocks) {
		return f.fragment()
	}
	h := binary.LittleEndian.Uint32(f.blocks[4*f.next:])
	f.next++
	want := min(f.s.blockSize, f.left)
	size := int64(h & 0xffffff)
	if size == 0 { // a hole
		return make([]byte, want), charge(f.s.v, want)
	}
	b, err := f.s.block(f.at, size, f.s.blockSize, h&(1<<24) == 0)
	f.at += size
	if err == nil && int64(len(b)) < want {
		err = errSquash
	}
	return b, err
}

// fragment returns the file's part of its fragment.
func (f *squashFile) fragment() ([]byte, error) {
	s := f.s
	if f.frag >= s.fragCount {
		return nil, errSquash
	}
	var p [8]byte // the table is itself in blocks, of 512 entries
	if _, err := s.r.ReadAt(p[:], s.frags+int64(f.frag/512)*8); err != nil {
		return nil, unexpected(err)
	}
	var e [16]byte
	m := &metaReader{s: s, block: int64(binary.LittleEndian.Uint64(p[:])), at: int(f.frag%512) * 16}
	if _, err := io.ReadFull(m, e[:]); err != nil {
		return nil, unexpected(err)
	}
	h := binary.LittleEndian.Uint32(e[8:])
	b, err := s.cached(int64(binary.LittleEndian.Uint64(e[:])), int64(h&0xffffff), h&(1<<24) == 0)
	if err != nil {
		return nil, err
	}
	if int64(f.offset)+f.left > int64(len(b)) {
		return nil, errSquash
	}
	return b[f.offset:], nil
}

// cached reads a fragment's block, if it is none of the last few.
func (s *squash) cached(at, size int64, packed bool) ([]byte, error) {
	if c := s.fragments.get(at); c != nil {
		return c.b, nil
	}
	b, err := s.block(at, size, s.blockSize, packed)
	if err == nil {
		s.fragments.put(squashBlock{at: at, b: b})
	}
	return b, err
}

// squashBlock is a decompressed block, and where the one after it is.
type squashBlock struct {
	at, next int64
	b        []byte
}

// squashCache keeps the last few blocks.
type squashCache struct {
	blocks [4]squashBlock
	turn   int
}

func (c *squashCache) get(at int64) *squashBlock {
	for i := range c.blocks {
		if b := &c.blocks[i]; b.b != nil && b.at == at {
			return b
		}
	}
	return nil
}

func (c *squashCache) put(b squashBlock) {
	c.blocks[c.turn%len(c.blocks)] = b
	c.turn++
}
