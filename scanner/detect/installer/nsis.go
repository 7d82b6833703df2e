package installer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/inflate"
	"github.com/ulikunitz/xz/lzma"
)

// NSIS installers: NSIS's Source/exehead/fileform.h, "firstheader" and "header".
const (
	nsisFirst     = 28       // bytes of the first header
	maxNSISHeader = 64 << 20 // bytes of the header that holds the script
	maxNSISDict   = 128 << 20
	nsisPacked    = 1 << 31 // flag in a length: the data is compressed
)

var errNSISMethod = errors.New("its compression is not supported")

// nsis is an installer while it is read.
type nsis struct {
	f      *scanner.File
	v      scanner.Visitor
	at     int64 // of the data after the first header
	end    int64
	method string // "lzma", "deflate" or "" for none
	solid  bool
	names  map[uint32]string
}

// expandNSIS passes on the files of the installer whose first header is at an
// offset.
func expandNSIS(ctx context.Context, f *scanner.File, at int64, v scanner.Visitor) error {
	var h [nsisFirst + 12]byte
	if _, err := f.ReadAt(h[:], at); err != nil {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: "reading an NSIS installer: " + err.Error()})
		return nil
	}
	headerSize, all := binary.LittleEndian.Uint32(h[20:]), binary.LittleEndian.Uint32(h[24:])
	n := &nsis{f: f, v: v, at: at + nsisFirst, end: at + int64(all)}
	n.identify(h[nsisFirst:], headerSize)
	if n.end > f.Size {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: fmt.Sprintf("an NSIS installer that lacks %d bytes", n.end-f.Size)})
		n.end = f.Size
	}
	var err error
	var stopped visitError
	if n.solid {
		err = n.expandSolid(ctx, headerSize)
	} else {
		err = n.expandBlocks(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errNSISMethod):
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "an NSIS installer: " + err.Error()})
	case errors.As(err, &stopped):
		return stopped.err
	case err != nil && err != io.EOF:
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: "reading an NSIS installer: " + err.Error()})
	}
	return nil
}

// visitError is an error of the Visitor, or a bound.
type visitError struct{ err error }

func (e visitError) Error() string { return e.err.Error() }
func (e visitError) Unwrap() error { return e.err }

// identify tells the compression, which is stated nowhere, by the first bytes.
func (n *nsis) identify(b []byte, headerSize uint32) {
	first := binary.LittleEndian.Uint32(b)
	switch {
	case first == headerSize:
	case isNSISLZMA(b):
		n.method, n.solid = "lzma", true
	case first&nsisPacked != 0 && int64(first&^nsisPacked) < n.end-n.at:
		n.method = nsisMethod(b[4:])
	default:
		n.method, n.solid = nsisMethod(b), true
	}
}

func nsisMethod(b []byte) string {
	switch {
	case isNSISLZMA(b):
		return "lzma"
	case b[0] == '1' && b[1] < 14:
		return "bzip2"
	}
	return "deflate"
}

// isNSISLZMA knows the properties that NSIS uses: lc 3, lp 0, pb 2, and a
// dictionary of some MiB. A byte before them says whether a filter was used.
func isNSISLZMA(b []byte) bool {
	if b[0] <= 1 {
		b = b[1:]
	}
	return b[0] == 0x5d && b[1] == 0 && b[2] == 0 && b[5] == 0 && b[6]&0x80 == 0
}

// open decompresses r.
func (n *nsis) open(r io.Reader) (io.Reader, error) {
	br := bufio.NewReader(r)
	switch n.method {
	case "deflate":
		return inflate.NewReader(br, inflate.NSIS), nil
	case "lzma":
		head, err := br.Peek(1)
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		if head[0] == 1 {
			return nil, fmt.Errorf("LZMA with a filter: %w", errNSISMethod)
		}
		if head[0] == 0 {
			br.Discard(1)
		}
		var props [13]byte
		if _, err := io.ReadFull(br, props[:5]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		copy(props[5:], bytes.Repeat([]byte{0xff}, 8))
		return lzma.ReaderConfig{DictCap: maxNSISDict}.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(props[:]), br)))
	}
	return nil, fmt.Errorf("%s: %w", n.method, errNSISMethod)
}

// charging charges what is read to the Visitor.
type charging struct {
	r io.Reader
	v scanner.Visitor
}

func (c charging) Read(p []byte) (int, error) {
	k, err := c.r.Read(p)
	if ch, ok := c.v.(scanner.Charger); ok {
		if limit := ch.Charge(int64(k)); limit != nil {
			return k, visitError{limit}
		}
	}
	return k, err
}

// expandSolid reads one stream: the header, and then each file, with its length
// before it.
func (n *nsis) expandSolid(ctx context.Context, headerSize uint32) error {
	z, err := n.open(io.NewSectionReader(n.f, n.at, n.end-n.at))
	if err != nil {
		return err
	}
	r := charging{z, n.v}
	size, err := length(r)
	if err != nil {
		return err
	}
	if size > maxNSISHeader || size != headerSize {
		return fmt.Errorf("a header of %d bytes: %w", size, errNSISMethod)
	}
	header := make([]byte, size)
	if _, err := io.ReadFull(r, header); err != nil {
		return err
	}
	n.names = nsisNames(header)
	for at := uint32(0); ; {
		size, err := length(r)
		if err != nil {
			return err
		}
		contents := &io.LimitedReader{R: r, N: int64(size)}
		m := scanner.Member{Name: n.name(at), Size: int64(size), Reader: contents, Charged: true}
		if err := n.v.Visit(ctx, m); err != nil {
			return visitError{err}
		}
		if _, err := io.Copy(io.Discard, contents); err != nil {
			return err
		}
		if contents.N > 0 {
			return io.ErrUnexpectedEOF
		}
		at += 4 + size
	}
}

// expandBlocks reads the header and the files as blocks, each compressed for
// itself or stored.
func (n *nsis) expandBlocks(ctx context.Context) error {
	at := n.at
	first := int64(0)
	for at+4 <= n.end {
		var b [4]byte
		if _, err := n.f.ReadAt(b[:], at); err != nil {
			return err
		}
		size := binary.LittleEndian.Uint32(b[:])
		packed := size&nsisPacked != 0
		size &^= nsisPacked
		if first > 0 && at+4+int64(size) > n.end {
			return nil // the checksum at the end
		}
		body := io.NewSectionReader(n.f, at+4, int64(size))
		var err error
		if first == 0 {
			err = n.readHeader(body, packed)
			first = at + 4 + int64(size)
		} else {
			err = n.visitBlock(ctx, body, packed, uint32(at-first))
		}
		if err != nil {
			return err
		}
		at += 4 + int64(size)
	}
	return nil
}

func (n *nsis) readHeader(body *io.SectionReader, packed bool) error {
	r := io.Reader(body)
	if packed {
		z, err := n.open(body)
		if err != nil {
			return err
		}
		r = charging{z, n.v}
	}
	header, err := io.ReadAll(io.LimitReader(r, maxNSISHeader))
	if err != nil && len(header) == 0 {
		return err
	}
	n.names = nsisNames(header)
	return nil
}

func (n *nsis) visitBlock(ctx context.Context, body *io.SectionReader, packed bool, at uint32) error {
	m := scanner.Member{Name: n.name(at), Size: body.Size(), ReaderAt: body}
	if packed {
		z, err := n.open(body)
		if err != nil {
			return err
		}
		m = scanner.Member{Name: m.Name, Size: -1, Reader: z}
	}
	if err := n.v.Visit(ctx, m); err != nil {
		return visitError{err}
	}
	return nil
}

func (n *nsis) name(at uint32) string {
	if s := n.names[at]; s != "" {
		return s
	}
	return fmt.Sprintf("file-%x", at)
}

func length(r io.Reader) (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}
