package layer

import (
	"io"

	"github.com/interdict/interdict/scanner"
)

// maxUndecided bounds the files that are held until their last bytes tell
// whether they are wanted. Of larger ones, and while memory is short, only the
// tail is kept: see [Index.Reread].
const maxUndecided = 16 << 20

// tail keeps the last scanner.TailSize bytes of what is written to it.
type tail struct {
	buf [2 * scanner.TailSize]byte
	n   int
}

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	all := len(p)
	p = p[max(0, len(p)-scanner.TailSize):]
	if t.n+len(p) > len(t.buf) {
		t.n = copy(t.buf[:], t.bytes())
	}
	t.n += copy(t.buf[t.n:], p)
	return all, nil
}

func (t *tail) bytes() []byte { return t.buf[max(0, t.n-scanner.TailSize):t.n] }

// read makes it the tail of r, which has size bytes.
func (t *tail) read(r io.ReaderAt, size int64) error {
	n := min(size, scanner.TailSize)
	t.n = int(n)
	m, err := r.ReadAt(t.buf[:n], size-n)
	if int64(m) == n {
		return nil
	}
	return unexpected(err)
}

// tailOf is the end of contents that are in memory.
func tailOf(mem []byte) []byte {
	from := max(0, len(mem)-scanner.TailSize)
	return mem[from:len(mem):len(mem)]
}

// undecided reads a file that nobody wanted by its head, and asks again with
// its tail.
func (t *tarReader) undecided(i int, r io.Reader, sparse bool) error {
	e := &t.build.entries[i]
	if now, _ := t.build.opt.Store.fits(e.Size + 1); now && e.Size <= maxUndecided {
		return t.holdUndecided(i, r)
	}
	digests := t.build.opt.Digests
	t.tail.n = 0
	t.tail.Write(t.file.Head)
	t.sum.Reset()
	t.sum.Write(t.file.Head)
	into := io.Writer(&t.tail)
	if digests {
		into = io.MultiWriter(&t.tail, t.sum)
	}
	if err := t.pass(into, sparse, e.Size); err != nil {
		return err
	}
	if digests {
		t.sum.Sum(e.Digest[:0])
	}
	switch t.file.Tail = t.tail.bytes(); {
	case !t.build.opt.Wants(&t.file):
	case e.Size > t.build.opt.MaxFile:
		t.build.tooLarge(e)
	default:
		t.build.reread = append(t.build.reread, e.Path)
	}
	return nil
}

// pass writes what is left of a file to w.
func (t *tarReader) pass(w io.Writer, sparse bool, size int64) error {
	if sparse {
		if _, err := io.Copy(w, t.tar); err != nil {
			return err
		}
		return t.build.expanded(size)
	}
	for t.body.left > 0 {
		p, err := t.in.borrow(t.body.left)
		if err != nil {
			return err
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
		t.body.left -= int64(len(p))
	}
	return nil
}

// holdUndecided is undecided for a file that fits into memory.
func (t *tarReader) holdUndecided(i int, r io.Reader) error {
	e := &t.build.entries[i]
	held, err := t.held(e, r)
	if err != nil {
		return err
	}
	if t.file.Tail, err = t.tailOf(held); err != nil {
		held.Release()
		return err
	}
	if t.build.opt.Wants(&t.file) {
		return t.visit.held(i, e, held, t.file.Head)
	}
	defer held.Release()
	if t.build.opt.Digests {
		e.Digest, err = held.digest()
	}
	return err
}

// tailOf is the tail of held contents.
func (t *tarReader) tailOf(held *Buffer) ([]byte, error) {
	if mem := held.Bytes(); mem != nil {
		return tailOf(mem), nil
	}
	err := t.tail.read(held, held.Size())
	return t.tail.bytes(), err
}
