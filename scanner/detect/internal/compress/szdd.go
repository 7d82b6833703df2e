package compress

import (
	"bufio"
	"encoding/binary"
	"io"
)

// szdd reads the files of MS-DOS's and Windows' compress ("setup.ex_"): LZSS
// with a window of 4 KiB that is filled with spaces.
type szdd struct {
	r      *bufio.Reader
	left   uint32 // bytes that are still to come out
	window [4096]byte
	pos    int
	flags  uint // the next bits, with a 1 above them
	match  int  // bytes of a match that are still to be copied
	from   int
}

func newSZDD(r io.Reader) (io.Reader, error) {
	z := &szdd{r: bufio.NewReader(r), pos: 4096 - 16, flags: 1}
	var h [14]byte // magic, mode, last letter of the name, size
	if _, err := io.ReadFull(z.r, h[:]); err != nil {
		return nil, err
	}
	z.left = binary.LittleEndian.Uint32(h[10:])
	for i := range z.window {
		z.window[i] = ' '
	}
	return z, nil
}

func (z *szdd) Read(p []byte) (int, error) {
	n := 0
	for ; n < len(p); n++ {
		if z.left == 0 {
			return n, io.EOF
		}
		b, err := z.next()
		if err != nil {
			return n, io.ErrUnexpectedEOF
		}
		z.window[z.pos] = b
		z.pos = (z.pos + 1) % len(z.window)
		z.left--
		p[n] = b
	}
	return n, nil
}

// next decodes one byte: a literal, or one of a match of 3 to 18.
func (z *szdd) next() (byte, error) {
	if z.match == 0 {
		if z.flags == 1 {
			b, err := z.r.ReadByte()
			if err != nil {
				return 0, err
			}
			z.flags = uint(b) | 0x100
		}
		literal := z.flags&1 == 1
		z.flags >>= 1
		if literal {
			return z.r.ReadByte()
		}
		var b [2]byte
		if _, err := io.ReadFull(z.r, b[:]); err != nil {
			return 0, err
		}
		z.from = int(b[0]) | int(b[1]&0xf0)<<4
		z.match = int(b[1]&0x0f) + 3
	}
	b := z.window[z.from]
	z.from = (z.from + 1) % len(z.window)
	z.match--
	return b, nil
}
