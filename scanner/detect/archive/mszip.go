package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// mszip decodes MSZIP: each block is a DEFLATE stream of its own that begins
// with "CK" and may refer to the block before ([MS-MCI]).
type mszip struct {
	r    io.ReadCloser
	last []byte
}

func (m *mszip) block(b []byte, size int) ([]byte, error) {
	if len(b) < 2 || b[0] != 'C' || b[1] != 'K' {
		return nil, errors.New("a block that is not MSZIP")
	}
	src := bytes.NewReader(b[2:])
	if m.r == nil {
		m.r = flate.NewReaderDict(src, m.last)
	} else if err := m.r.(flate.Resetter).Reset(src, m.last); err != nil {
		return nil, err
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(m.r, out); err != nil {
		return nil, fmt.Errorf("reading an MSZIP block: %w", unexpected(err))
	}
	m.last = out
	if size < maxCabBlock && size > 0 { // a short block is the last one, or keeps what was before
		m.last = append(bytes.Clone(m.last), out...)
		m.last = m.last[max(0, len(m.last)-maxCabBlock):]
	}
	return out, nil
}
