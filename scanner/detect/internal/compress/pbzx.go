package compress

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/mikelolasagasti/xz"
)

// pbzx reads the compression of Apple's installer payloads: the magic, the size
// of a chunk (8 bytes, big-endian), and then for each chunk its size, the size
// of what is stored, and that: an xz stream, or bytes as they are.
type pbzx struct {
	r     io.Reader
	chunk io.Reader
	body  *io.LimitedReader
}

func newPbzx(r io.Reader) (io.Reader, error) {
	var h [12]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	return &pbzx{r: r}, nil
}

func (p *pbzx) Read(b []byte) (int, error) {
	for {
		if p.chunk == nil {
			if err := p.next(); err != nil {
				return 0, err
			}
		}
		n, err := p.chunk.Read(b)
		if err == io.EOF {
			p.chunk = nil
			if _, err = io.Copy(io.Discard, p.body); err == nil && p.body.N > 0 {
				err = io.ErrUnexpectedEOF
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the next chunk.
func (p *pbzx) next() error {
	var h [16]byte
	if _, err := io.ReadFull(p.r, h[:]); err != nil {
		return err // io.EOF between chunks is the end
	}
	size, stored := binary.BigEndian.Uint64(h[:]), binary.BigEndian.Uint64(h[8:])
	if stored > 1<<40 {
		return fmt.Errorf("a chunk of %d bytes", stored)
	}
	p.body = &io.LimitedReader{R: p.r, N: int64(stored)}
	if stored == size {
		p.chunk = p.body
		return nil
	}
	z, err := xz.NewReader(p.body, MaxWindow)
	p.chunk = z
	return err
}
