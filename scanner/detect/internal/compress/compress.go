// Package compress opens compressed streams of foreign bytes: which compression
// it is, and a reader of bounded memory.
package compress

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// MaxWindow is the largest dictionary or window that a decompressor may keep,
// in bytes: that of "zstd --ultra --long=27" and twice that of "xz -9".
const MaxWindow = 128 << 20

// Name names the compression of a file by its first bytes, or "". The path is
// asked only where the bytes leave it open, and may be empty.
func Name(path string, head []byte) string {
	switch {
	case isLZMA(path, head):
		return "lzma"
	case at(head, 0, "\x1f\x8b\x08") && len(head) > 3 && head[3] < 0x20: // RFC 1952, 2.3.1
		return "gzip"
	case at(head, 0, "BZh") && at(head, 4, "1AY&SY"),
		at(head, 0, "BZh") && at(head, 4, "\x17rE8P\x90"): // of no blocks
		return "bzip2"
	case at(head, 0, "\xfd7zXZ\x00"): // xz-file-format.txt, 2.1.1.1
		return "xz"
	case isZstd(head):
		return "zstd"
	case at(head, 0, "\x04\x22\x4d\x18"): // lz4_Frame_format.md
		return "lz4"
	case at(head, 0, "\x02\x21\x4c\x18"): // the same, "Legacy frame": of Linux kernels
		return "lz4"
	case at(head, 0, "SZDD\x88\xf0\x27\x33A"): // MS-DOS's and Windows' compress
		return "szdd"
	case at(head, 0, "pbzx\x00\x00"): // Apple's, of xz streams
		return "pbzx"
	case strings.HasSuffix(path, ".br"): // RFC 7932 has no magic
		return "brotli"
	case at(head, 0, "\x1f\x9d") && len(head) > 2 && head[2]&0x60 == 0 && head[2]&0x1f >= 9 && head[2]&0x1f <= 16: // compress(1)
		return "compress"
	}
	return ""
}

// isZstd knows frames and skippable frames (RFC 8878, 3.1.1 and 3.1.2).
func isZstd(head []byte) bool {
	if at(head, 0, "\x28\xb5\x2f\xfd") {
		return true
	}
	if len(head) < 12 || head[0]&0xf0 != 0x50 || string(head[1:4]) != "\x2a\x4d\x18" {
		return false
	}
	next := int64(binary.LittleEndian.Uint32(head[4:])) + 8
	return next+4 <= int64(len(head)) && at(head, int(next), "\x28\xb5\x2f\xfd")
}

// isLZMA tells the headerless .lzma format by its name and its usual
// properties: it has no magic (lzma-specification.txt, "LZMA file format").
func isLZMA(full string, head []byte) bool {
	if len(head) < 13 || head[0] >= 9*5*5 {
		return false
	}
	switch path.Ext(full) {
	case ".lzma", ".tlz":
		return true
	}
	return at(head, 0, "\x5d\x00\x00") && at(head, 5, "\xff\xff\xff\xff\xff\xff\xff\xff")
}

// ErrUnsupported is returned for a compression that is known but not read.
var ErrUnsupported = errors.New("this compression is not supported")

// TooLarge reports an error of a stream that needs more than [MaxWindow].
func TooLarge(err error) bool {
	return errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, xz.ErrMemlimit)
}

// gzips are readers that can be used again: an image has thousands of gzipped
// manual pages, and a reader has 40 KiB of tables.
var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// NewReader opens a stream of a compression that [Name] names. The function
// that it returns releases what the reader keeps; call it unless the error is
// not nil.
func NewReader(kind string, r io.Reader) (io.Reader, func(), error) {
	switch kind {
	case "gzip":
		return newGzip(r)
	case "bzip2":
		return &tolerant{r: bzip2.NewReader(buffer(r)), foreign: func(err error) bool {
			return err == bzip2.StructuralError("bad magic value in continuation file")
		}}, func() {}, nil
	case "xz":
		z, err := xz.NewReader(r, MaxWindow)
		return &tolerant{r: z, foreign: func(err error) bool { return err == xz.ErrFormat }}, func() {}, err
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(MaxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case "szdd":
		z, err := newSZDD(r)
		return z, func() {}, err
	case "pbzx":
		z, err := newPbzx(r)
		return z, func() {}, err
	case "brotli":
		return brotli.NewReader(r), func() {}, nil
	case "lz4":
		return lz4.NewReader(r), func() {}, nil
	case "lzma":
		z, err := lzma.ReaderConfig{DictCap: MaxWindow}.NewReader(bufio.NewReader(r))
		return z, func() {}, err
	}
	return nil, nil, ErrUnsupported
}

// Unsupported reports an error of a stream that uses what its reader does not
// know.
func Unsupported(err error) bool {
	return errors.Is(err, ErrUnsupported) || errors.Is(err, xz.ErrOptions) || errors.Is(err, xz.ErrUnsupportedCheck)
}

func at(b []byte, at int, m string) bool {
	return len(b) >= at+len(m) && string(b[at:at+len(m)]) == m
}
