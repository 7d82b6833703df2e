package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
	"github.com/klauspost/compress/zlib"
)

// The types of objects in a git pack (git, gitformat-pack).
const (
	gitBlob     = 3
	gitOffDelta = 6
	gitRefDelta = 7
)

// isGitPack knows versions 2 and 3, which differ in nothing that is read here.
func isGitPack(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "PACK\x00\x00\x00\x02") || hasMagic(f.Head, 0, "PACK\x00\x00\x00\x03")
}

// expandGitPack passes on those blobs of a pack that begin as a container or a
// program does, and are stored whole. Of those that are stored as what differs
// from another, the other is read.
func expandGitPack(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	count := &countReader{r: section(f)}
	r := bufio.NewReader(count)
	at := func() int64 { return count.n - int64(r.Buffered()) }
	var h [12]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return fail(ctx, v, unexpected(err), false, "reading a git pack")
	}
	var z io.ReadCloser
	for n := binary.BigEndian.Uint32(h[8:]); n > 0; n-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		kind, size, err := gitObject(r)
		if err == nil {
			start := at()
			if z, err = inflateObject(z, r); err == nil {
				err = gitContents(ctx, kind, size, start, z, v)
			}
		}
		var stop visitError
		if errors.As(err, &stop) {
			return stop.error
		}
		claim(v, 0, at())
		if err != nil {
			return fail(ctx, v, err, true, "reading a git pack")
		}
	}
	claim(v, 0, at()+20) // its checksum
	return nil
}

// visitError is an error of the Visitor, not of the pack.
type visitError struct{ error }

// gitContents passes on a blob, and reads the object to its end: the next one
// begins there.
func gitContents(ctx context.Context, kind byte, size, at int64, z io.Reader, v scanner.Visitor) error {
	r := charged{z, v}
	if kind == gitBlob {
		br := buffered(io.LimitReader(r, size))
		defer release(br)
		if head, _ := br.Peek(blockSize); carve.Begins(head) {
			m := scanner.Member{Name: fmt.Sprintf("object-%d", at), Size: size, Reader: br, Charged: true}
			if err := v.Visit(ctx, m); err != nil {
				return visitError{err}
			}
		}
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

// gitObject reads the type and the size of an object, and the reference that a
// delta begins with.
func gitObject(r *bufio.Reader) (kind byte, size int64, err error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, 0, unexpected(err)
	}
	kind, size = b>>4&7, int64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = r.ReadByte(); err != nil || shift > 50 {
			return 0, 0, unexpected(err)
		}
		size |= int64(b&0x7f) << shift
	}
	switch kind {
	case gitOffDelta:
		for more := true; more; more = b&0x80 != 0 {
			if b, err = r.ReadByte(); err != nil {
				return 0, 0, unexpected(err)
			}
		}
	case gitRefDelta:
		_, err = r.Discard(20)
	case 0, 5:
		err = errors.New("an object of no known type")
	}
	return kind, size, err
}

// inflateObject opens the next zlib stream with the reader of the one before.
func inflateObject(z io.ReadCloser, r *bufio.Reader) (io.ReadCloser, error) {
	if again, ok := z.(zlib.Resetter); ok {
		return z, again.Reset(r, nil)
	}
	return zlib.NewReader(r)
}
