package document

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

// SniffLen is how much of a file [Sniff] looks at, in bytes.
const SniffLen = 64 << 10

// Sniff reports whether a file that begins with head may be a document that
// [Read] reads. What it refuses is none; what it takes may still be none, as any
// JSON may.
func Sniff(head []byte) bool {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bytes.NewReader(head))
		return err == nil && sniffPart(z)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(bytes.NewReader(head), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return false
		}
		defer z.Close()
		return sniffPart(z)
	}
	return begins(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), '{') || Detect(head) != ""
}

// sniffPart looks at the beginning of what a compressed file holds, which may be
// cut off.
func sniffPart(r io.Reader) bool {
	part := make([]byte, 4096)
	n, _ := io.ReadFull(r, part)
	return begins(part[:n], '{') || Detect(part[:n]) != ""
}
