package compress

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
)

// buffer is r, or a buffer before it: of it no byte more is read than a stream
// has.
func buffer(r io.Reader) *bufio.Reader {
	if br, ok := r.(*bufio.Reader); ok {
		return br
	}
	return bufio.NewReader(r)
}

// members reads the members of a gzip file up to the first bytes that are none,
// as gzip(1) does, which ignores what follows them.
type members struct {
	z *gzip.Reader
	r *bufio.Reader
}

func newGzip(r io.Reader) (io.Reader, func(), error) {
	m := &members{z: gzips.Get().(*gzip.Reader), r: buffer(r)}
	if err := m.next(); err != nil {
		gzips.Put(m.z)
		return nil, nil, err
	}
	return m, func() { gzips.Put(m.z) }, nil
}

func (m *members) next() error {
	if err := m.z.Reset(m.r); err != nil {
		return err
	}
	m.z.Multistream(false)
	return nil
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.z.Read(p)
		if err != io.EOF || n > 0 {
			if err == io.EOF {
				err = nil // asked again
			}
			return n, err
		}
		if head, _ := m.r.Peek(4); !at(head, 0, "\x1f\x8b\x08") || len(head) < 4 || head[3] >= 0x20 || m.next() != nil {
			return 0, io.EOF
		}
	}
}

// tolerant ends a stream where its reader finds that what follows is no further
// stream of the format.
type tolerant struct {
	r       io.Reader
	foreign func(error) bool
	some    bool
}

func (t *tolerant) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.some = t.some || n > 0
	if err != nil && err != io.EOF && t.some && t.foreign(err) {
		err = io.EOF
	}
	return n, err
}
