package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/interdict/interdict/scanner"
)

// blockSize is that of a tar: POSIX.1-2017, pax, "ustar Interchange Format".
const blockSize = 512

// isTar knows a tar by its magic, or an older one by its checksum.
func isTar(head []byte) bool {
	if len(head) < blockSize {
		return false
	}
	return hasMagic(head, 257, "ustar") || head[0] != 0 && sumOK(head)
}

// sumOK checks a header's checksum.
func sumOK(head []byte) bool {
	field := strings.Trim(string(head[148:156]), " \x00")
	want, err := strconv.ParseInt(field, 8, 32)
	if err != nil || want == 0 {
		return false
	}
	sum := int64(8 * ' ')
	for i, c := range head[:blockSize] {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return sum == want
}

func expandTar(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	r := section(f)
	return tarStream(ctx, r, r, v)
}

// tarStream expands a tar. Where it is not compressed, plain is r again: its
// members are read in place.
func tarStream(ctx context.Context, r io.Reader, plain *io.SectionReader, v scanner.Visitor) error {
	tr := tar.NewReader(r)
	// A first header with its own checksum is a tar, whatever is wrong with it:
	// other programs may read what the library refuses.
	for some := isTarSum(r); ; some = true {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := tr.Next()
		if plain != nil {
			if at, serr := plain.Seek(0, io.SeekCurrent); serr == nil {
				claim(v, 0, at)
			}
		}
		if err == io.EOF {
			return afterTar(ctx, r, plain, v)
		}
		if err != nil {
			return fail(ctx, v, err, some, "reading a tar")
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse && h.Typeflag != tar.TypeCont {
			continue
		}
		m := scanner.Member{
			Name: h.Name, Size: h.Size, Mode: h.FileInfo().Mode(),
			Reader: tr, Charged: plain == nil,
		}
		if plain != nil && !isSparse(h) {
			if at, err := plain.Seek(0, io.SeekCurrent); err == nil && at+h.Size <= plain.Size() {
				m.ReaderAt = io.NewSectionReader(plain, at, h.Size)
			}
		}
		if err := v.Visit(ctx, m); err != nil {
			return err
		}
	}
}

// afterTar passes on what follows the end of a tar in a stream, as the member
// that it may be: another tar, or anything else that a script cuts off.
func afterTar(ctx context.Context, r io.Reader, plain *io.SectionReader, v scanner.Visitor) error {
	br, ok := r.(*bufio.Reader)
	if plain != nil || !ok {
		return nil
	}
	if head, _ := skipZeros(br); len(head) == 0 {
		return nil
	}
	return v.Visit(ctx, scanner.Member{Name: "after-the-end", Size: -1, Reader: br, Charged: true})
}

// isTarSum peeks at the first header's checksum.
func isTarSum(r io.Reader) bool {
	switch r := r.(type) {
	case *bufio.Reader:
		head, _ := r.Peek(blockSize)
		return len(head) == blockSize && sumOK(head)
	case *io.SectionReader:
		head := make([]byte, blockSize)
		n, _ := r.ReadAt(head, 0)
		return n == blockSize && sumOK(head)
	}
	return false
}

func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// allZero reports whether b is only padding.
func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
