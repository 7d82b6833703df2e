package layer

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// gunzip reads gzip (RFC 1952): all members of a stream, up to its end.
type gunzip struct {
	inflater
	taken  int // of win
	sum    uint32
	size   uint32 // of the member, modulo 2^32
	inside bool
	err    error
}

var (
	errNoGzip   = errors.New("invalid gzip header")
	errGzipSums = errors.New("a gzip member has another size or CRC-32 than it states")
)

// newGunzip reads the first header of r.
func newGunzip(r io.Reader) (*gunzip, error) {
	z := &gunzip{inflater: inflater{src: r}}
	if err := z.member(); err != nil {
		return nil, err
	}
	return z, nil
}

// Read implements [io.Reader].
func (z *gunzip) Read(p []byte) (int, error) {
	for z.taken == z.at && z.err == nil {
		z.err = z.more()
	}
	n := copy(p, z.win[z.taken:z.at])
	z.taken += n
	if n == 0 && len(p) > 0 {
		return 0, z.err
	}
	return n, nil
}

// more decodes what the window holds.
func (z *gunzip) more() error {
	if !z.inside {
		if err := z.padding(); err != nil {
			return err
		}
		return z.member()
	}
	z.slide()
	z.taken = z.at
	err := z.run()
	z.sum = crc32.Update(z.sum, crc32.IEEETable, z.win[z.taken:z.at])
	z.size += uint32(z.at - z.taken)
	if err == io.EOF {
		err = z.sums()
	}
	return err
}

// The flags of a header (RFC 1952, section 2.3.1).
const (
	gzipHeaderSum = 1 << 1
	gzipExtra     = 1 << 2
	gzipName      = 1 << 3
	gzipComment   = 1 << 4
)

// padding passes zeros up to the end of the stream, which may follow the last
// member: tapes and block devices leave them, and gzip(1) ignores them.
func (z *gunzip) padding() error {
	if z.pos == z.end && !z.fill() || z.in[z.pos] != 0 {
		return nil
	}
	for {
		for _, b := range z.in[z.pos:z.end] {
			if b != 0 {
				return errNoGzip
			}
			z.pos++
		}
		if !z.fill() {
			return z.ends
		}
	}
}

// member reads a header. At the end of the stream it returns io.EOF.
func (z *gunzip) member() error {
	if z.pos == z.end && !z.fill() {
		return z.ends
	}
	sum := uint32(0)
	head, err := z.bytes(10, &sum)
	if err != nil {
		return err
	}
	if head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 {
		return errNoGzip
	}
	flags := head[3]
	if flags&gzipExtra != 0 {
		if head, err = z.bytes(2, &sum); err == nil {
			_, err = z.bytes(int(binary.LittleEndian.Uint16(head)), &sum)
		}
	}
	for _, text := range []byte{gzipName, gzipComment} {
		for more := flags&text != 0; more && err == nil; {
			if head, err = z.bytes(1, &sum); err == nil {
				more = head[0] != 0
			}
		}
	}
	if flags&gzipHeaderSum != 0 && err == nil {
		want := uint16(sum)
		if head, err = z.bytes(2, &sum); err == nil && binary.LittleEndian.Uint16(head) != want {
			err = errNoGzip
		}
	}
	if err != nil {
		return err
	}
	z.inside, z.sum, z.size = true, 0, 0
	z.reset()
	return nil
}

// bytes passes the next n bytes, and adds them to sum. They are good until the
// next call.
func (z *gunzip) bytes(n int, sum *uint32) ([]byte, error) {
	for z.end-z.pos < n {
		if !z.fill() {
			return nil, z.broken()
		}
	}
	b := z.in[z.pos : z.pos+n]
	z.pos += n
	*sum = crc32.Update(*sum, crc32.IEEETable, b)
	return b, nil
}

// sums reads and compares what follows the data of a member.
func (z *gunzip) sums() error {
	z.inside = false
	var unused uint32
	b, err := z.bytes(8, &unused)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b) != z.sum || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return errGzipSums
	}
	return nil
}
