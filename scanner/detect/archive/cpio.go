package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
)

// The cpio formats that are read: "newc" and "crc" (cpio(5), "New ASCII
// Format" and "New CRC Format") "odc" ("Portable ASCII Format") and "bin" ("Old Binary
// Format"). An
// initramfs is several of them one after another, each compressed or not
// (Linux Documentation/driver-api/early-userspace/buffer-format.rst).

// maxCpioName bounds the length of a member's name in bytes.
const maxCpioName = 64 << 10

func isCpio(head []byte) bool {
	if len(head) < 76 {
		return false
	}
	switch string(head[:6]) {
	case "070701", "070702":
		return len(head) >= 110 && isDigits(head[6:110], 16)
	case "070707":
		return isDigits(head[6:76], 8)
	}
	return isOldCpio(head)
}

// isOldCpio knows the binary format (cpio(5), "Old Binary Format"): its magic is
// only two bytes, so that the first name and mode have to be such as can be.
func isOldCpio(b []byte) bool {
	order := oldCpioOrder(b)
	if order == nil {
		return false
	}
	n := int(order.Uint16(b[20:]))
	if n < 2 || 26+n > len(b) || b[26+n-1] != 0 || bytes.IndexByte(b[26:26+n-1], 0) >= 0 {
		return false
	}
	switch order.Uint16(b[6:]) & 0o170000 {
	case 0o100000, 0o040000, 0o120000, 0o020000, 0o060000, 0o010000:
		return true
	}
	return false
}

// oldCpioOrder is the byte order of a header of the binary format, or nil.
func oldCpioOrder(b []byte) binary.ByteOrder {
	switch {
	case hasMagic(b, 0, "\xc7\x71"):
		return binary.LittleEndian
	case hasMagic(b, 0, "\x71\xc7"):
		return binary.BigEndian
	}
	return nil
}

// readOldCpioHeader reads a header of the binary format, whose numbers of four
// bytes have their higher half first in either order.
func readOldCpioHeader(r *bufio.Reader, order binary.ByteOrder) (h cpioHeader, nameSize uint64, err error) {
	var b [26]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return h, 0, unexpected(err)
	}
	h.mode, h.padding = uint64(order.Uint16(b[6:])), 2
	h.size = int64(order.Uint16(b[22:]))<<16 | int64(order.Uint16(b[24:]))
	n := uint64(order.Uint16(b[20:]))
	return h, n + n%2, nil
}

func isDigits(b []byte, base int) bool {
	for _, c := range b {
		if _, err := strconv.ParseUint(string(c), base, 8); err != nil {
			return false
		}
	}
	return true
}

func expandCpio(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	return cpioStream(ctx, bufio.NewReaderSize(section(f), 64<<10), v)
}

// cpioStream expands the archives in r until its end.
func cpioStream(ctx context.Context, r *bufio.Reader, v scanner.Visitor) error {
	some := false
	for {
		err := cpioArchive(ctx, r, v, &some)
		if errors.Is(err, errMember) {
			return errors.Unwrap(err)
		}
		if err != nil {
			return fail(ctx, v, err, some, "reading a cpio")
		}
		head, err := skipZeros(r)
		if err != nil || len(head) == 0 {
			return nil // trailing bytes that are nothing belong to nobody
		}
		if kind := compress.Name("", head); kind != "" {
			return expandStream(ctx, r, kind, "initramfs", v)
		}
		if !isCpio(head) {
			return nil
		}
	}
}

// skipZeros skips the padding between archives and peeks at what follows.
func skipZeros(r *bufio.Reader) ([]byte, error) {
	for {
		head, err := r.Peek(blockSize)
		if len(head) == 0 {
			return nil, err
		}
		if !allZero(head) {
			n := 0
			for head[n] == 0 {
				n++
			}
			if _, err := r.Discard(n); err != nil {
				return nil, err
			}
			head, _ = r.Peek(blockSize)
			return head, nil
		}
		if _, err := r.Discard(len(head)); err != nil {
			return nil, err
		}
	}
}

// errMember marks an error of the Visitor.
var errMember = errors.New("visiting a member")

type memberError struct{ err error }

func (m memberError) Error() string        { return m.err.Error() }
func (m memberError) Unwrap() error        { return m.err }
func (m memberError) Is(target error) bool { return target == errMember }

// cpioHeader is one member's.
type cpioHeader struct {
	name    string
	mode    uint64
	size    int64
	padding int64 // what the contents are aligned to
}

// cpioArchive expands one archive up to its trailer.
func cpioArchive(ctx context.Context, r *bufio.Reader, v scanner.Visitor, some *bool) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := readCpioHeader(r)
		if err != nil {
			return err
		}
		if h.name == "TRAILER!!!" {
			return nil
		}
		contents := &io.LimitedReader{R: r, N: h.size}
		if h.mode&0o170000 == 0o100000 {
			*some = true
			m := scanner.Member{Name: h.name, Size: h.size, Mode: fs.FileMode(h.mode & 0o777), Reader: contents, Charged: true}
			if err := v.Visit(ctx, m); err != nil {
				return memberError{err}
			}
		}
		left := contents.N + (h.padding-h.size%h.padding)%h.padding
		if n, err := io.CopyN(io.Discard, r, left); err != nil {
			if err == io.EOF && n < contents.N {
				err = io.ErrUnexpectedEOF
			}
			if err != io.EOF {
				return err
			}
		}
	}
}

func readCpioHeader(r *bufio.Reader) (h cpioHeader, err error) {
	magic, err := r.Peek(6)
	if err != nil {
		return h, unexpected(err)
	}
	var nameSize uint64
	switch string(magic) {
	case "070701", "070702":
		var f [13]uint64
		if err := readFields(r, f[:], 16, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8); err != nil {
			return h, err
		}
		h.mode, h.size, h.padding, nameSize = f[1], int64(f[6]), 4, f[11]
	case "070707":
		var f [10]uint64
		if err := readFields(r, f[:], 8, 6, 6, 6, 6, 6, 6, 6, 11, 6, 11); err != nil {
			return h, err
		}
		h.mode, h.size, h.padding, nameSize = f[2], int64(f[9]), 1, f[8]
	default:
		if order := oldCpioOrder(magic); order != nil {
			if h, nameSize, err = readOldCpioHeader(r, order); err != nil {
				return h, err
			}
			break
		}
		return h, fmt.Errorf("%q where a member's header should be", magic)
	}
	if nameSize == 0 || nameSize > maxCpioName {
		return h, fmt.Errorf("a name of %d bytes", nameSize)
	}
	if h.padding == 4 {
		nameSize += (4 - (110+nameSize)%4) % 4
	}
	name := make([]byte, nameSize)
	if _, err := io.ReadFull(r, name); err != nil {
		return h, unexpected(err)
	}
	h.name = cString(name)
	return h, nil
}

// readFields reads the magic and then numbers of the given widths.
func readFields(r io.Reader, to []uint64, base int, widths ...int) error {
	var buf [16]byte
	if _, err := io.ReadFull(r, buf[:6]); err != nil {
		return unexpected(err)
	}
	for i, w := range widths {
		if _, err := io.ReadFull(r, buf[:w]); err != nil {
			return unexpected(err)
		}
		n, err := strconv.ParseUint(string(buf[:w]), base, 63)
		if err != nil {
			return err
		}
		to[i] = n
	}
	return nil
}

// unexpected is err, for a place where there should be more.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cString is the string up to the first NUL.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
