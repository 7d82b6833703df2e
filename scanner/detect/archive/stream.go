package archive

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
)

// expandCompressed expands a tar or cpio that is compressed as a whole, and
// any other compressed file as a container of one.
func expandCompressed(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	kind := compress.Name(f.Path, f.Head)
	if kind == "zstd" {
		carve.Frames(f, f.Size, func(from, to int64) { claim(v, from, to) })
		return expandStream(ctx, buffered(section(f)), kind, innerName(f.Path), v)
	}
	count := &countReader{r: section(f)}
	packed := buffered(count)
	err := expandStream(ctx, packed, kind, innerName(f.Path), v)
	end := count.n - int64(packed.Buffered())
	if kind != "gzip" && kind != "bzip2" {
		end -= readAhead
	}
	claim(v, 0, max(end, 1))
	release(packed)
	return err
}

// readAhead is how far beyond the end of a stream its reader may have read, in
// bytes, where it does so.
const readAhead = 64 << 10

// countReader counts what is read through it.
type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// expandStream expands a compressed stream, whose contents are named name.
func expandStream(ctx context.Context, packed *bufio.Reader, kind, name string, v scanner.Visitor) error {
	z, done, err := compress.NewReader(kind, packed)
	if err != nil {
		return streamFail(ctx, v, err, "opening "+kind)
	}
	defer done()
	br := buffered(charged{z, v})
	defer release(br)
	head, err := br.Peek(blockSize)
	if len(head) == 0 {
		if err == io.EOF {
			return nil // compressed nothing
		}
		return streamFail(ctx, v, err, "reading "+kind)
	}
	switch {
	case isTar(head):
		return tarStream(ctx, br, nil, v)
	case isCpio(head):
		return cpioStream(ctx, br, v)
	}
	return v.Visit(ctx, scanner.Member{Name: name, Size: -1, Reader: br, Charged: true})
}

// buffers are for streams, most of which are short.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}

func buffered(r io.Reader) *bufio.Reader {
	b := buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return b
}

func release(b *bufio.Reader) {
	b.Reset(nil) // keeps nothing of the stream
	buffers.Put(b)
}

// streamFail notes a stream that cannot be read, or needs too much memory.
func streamFail(ctx context.Context, v scanner.Visitor, err error, doing string) error {
	if compress.TooLarge(err) {
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("it needs more than %d bytes of memory to decompress", compress.MaxWindow)})
		return nil
	}
	if compress.Unsupported(err) {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: fmt.Sprintf("%s: %v", doing, err)})
		return nil
	}
	return fail(ctx, v, err, false, doing)
}

// innerName is what the contents of a compressed file are called.
func innerName(full string) string {
	base := path.Base(full)
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	switch strings.ToLower(ext) {
	case ".gz", ".bz2", ".xz", ".zst", ".zstd", ".lz4", ".lzma", ".z", ".br":
		if stem != "" {
			return stem
		}
	case ".svgz":
		return stem + ".svg"
	}
	return base
}
