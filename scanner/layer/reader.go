package layer

import (
	"context"
	"errors"
	"io"
)

// blockReader reads blocks as one stream. Besides Read it lends its bytes
// without copying them.
//
// It is made to lie below a tar.Reader, beside which a file's contents may be
// borrowed: the tar.Reader does not know, and skips them later. So borrowed
// bytes are counted in ahead, and whoever skips or reads passes over them first.
type blockReader struct {
	ctx   context.Context
	in    <-chan *block
	cur   *block
	rest  []byte // of cur
	pos   int64  // bytes passed, borrowed ones included
	ahead int64
	ended bool // the end was seen
}

var errSeek = errors.New("only skipping is possible")

// next makes rest non-empty.
func (r *blockReader) next() error {
	for len(r.rest) == 0 {
		if r.cur != nil {
			r.cur.done()
			r.cur = nil
		}
		select {
		case b, ok := <-r.in:
			if !ok {
				r.ended = true
				return io.EOF
			}
			r.cur, r.rest = b, b.bytes()
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
	return nil
}

func (r *blockReader) pass(n int) []byte {
	p := r.rest[:n]
	r.rest = r.rest[n:]
	r.pos += int64(n)
	return p
}

// Read implements [io.Reader]. Borrowed bytes read as zeros.
func (r *blockReader) Read(p []byte) (int, error) {
	if r.ahead > 0 {
		n := int(min(int64(len(p)), r.ahead))
		clear(p[:n])
		r.ahead -= int64(n)
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.next(); err != nil {
		return 0, err
	}
	return copy(p, r.pass(min(len(p), len(r.rest)))), nil
}

// borrow returns at least one and at most n of the next bytes, valid until the
// next call of any method. At the end of the stream it returns
// io.ErrUnexpectedEOF.
func (r *blockReader) borrow(n int64) ([]byte, error) {
	if err := r.next(); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	p := r.pass(int(min(n, int64(len(r.rest)))))
	r.ahead += int64(len(p))
	return p, nil
}

// Seek implements [io.Seeker] as far as archive/tar uses it to skip contents.
func (r *blockReader) Seek(n int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || n < 0 {
		return 0, errSeek
	}
	known := min(n, r.ahead)
	r.ahead -= known
	for left := n - known; left > 0; {
		if err := r.next(); err != nil {
			if err == io.EOF {
				break // the read that follows finds it
			}
			return 0, err
		}
		left -= int64(len(r.pass(int(min(left, int64(len(r.rest)))))))
	}
	return r.pos - r.ahead, nil
}

// drain passes the rest of the stream, and reports whether it is all zeros.
func (r *blockReader) drain() (zeros bool, err error) {
	zeros = true
	for {
		if err := r.next(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return zeros, err
		}
		p := r.pass(len(r.rest))
		for i := 0; zeros && i < len(p); i++ {
			zeros = p[i] == 0
		}
	}
}

// body reads the contents of one file: first its head, which was read already.
type body struct {
	head []byte
	in   *blockReader
	left int64 // behind the head
}

func (b *body) Read(p []byte) (int, error) {
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	part, err := b.in.borrow(min(b.left, int64(len(p))))
	b.left -= int64(len(part))
	return copy(p, part), err
}
