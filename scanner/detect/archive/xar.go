package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/klauspost/compress/zlib"
)

// xar is the format of Apple's installer packages: a header, a table of
// contents in XML, compressed by zlib, and the heap of the files' data
// (xar's lib/xar.h and its toc schema).
const (
	xarHeader = 28
	maxXarTOC = 64 << 20
	xarDepth  = 64
)

func isXar(f *scanner.File) bool { return hasMagic(f.Head, 0, "xar!") && len(f.Head) >= xarHeader }

// xarFile is an element "file", which is nested for directories.
type xarFile struct {
	Name string `xml:"name"`
	Type string `xml:"type"`
	Data *struct {
		Offset   int64 `xml:"offset"`
		Length   int64 `xml:"length"`
		Size     int64 `xml:"size"`
		Encoding struct {
			Style string `xml:"style,attr"`
		} `xml:"encoding"`
	} `xml:"data"`
	Files []xarFile `xml:"file"`
}

func expandXar(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	size := int64(binary.BigEndian.Uint16(f.Head[4:]))
	packed := int64(binary.BigEndian.Uint64(f.Head[8:]) & (1<<62 - 1))
	if size+packed > f.Size {
		return fail(ctx, v, io.ErrUnexpectedEOF, true, "reading a xar")
	}
	z, err := zlib.NewReader(io.NewSectionReader(f, size, packed))
	if err != nil {
		return fail(ctx, v, err, false, "reading a xar")
	}
	var doc struct {
		TOC struct {
			Files []xarFile `xml:"file"`
		} `xml:"toc"`
	}
	toc := &io.LimitedReader{R: charged{z, v}, N: maxXarTOC}
	if err := xml.NewDecoder(toc).Decode(&doc); err != nil {
		if toc.N == 0 {
			v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("a table of contents of more than %d bytes", maxXarTOC)})
			return nil
		}
		return fail(ctx, v, err, true, "reading a xar")
	}
	x := xar{f: f, v: v, heap: size + packed}
	return x.visit(ctx, doc.TOC.Files, "", 0)
}

type xar struct {
	f    *scanner.File
	v    scanner.Visitor
	heap int64
}

func (x *xar) visit(ctx context.Context, files []xarFile, dir string, depth int) error {
	for _, m := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := dir + "/" + m.Name
		if len(m.Files) > 0 && depth < xarDepth {
			if err := x.visit(ctx, m.Files, name, depth+1); err != nil {
				return err
			}
		}
		if m.Data == nil || m.Type != "" && m.Type != "file" {
			continue
		}
		if err := x.member(ctx, m, name); err != nil {
			return err
		}
	}
	return nil
}

func (x *xar) member(ctx context.Context, m xarFile, name string) error {
	at, length := x.heap+m.Data.Offset, m.Data.Length
	if m.Data.Offset < 0 || length < 0 || at > x.f.Size || length > x.f.Size-at {
		x.v.Gap(sbom.Gap{Path: name, Reason: sbom.Truncated, Detail: "it lies beyond the end of the xar"})
		return visitName(ctx, x.v, name)
	}
	raw := io.NewSectionReader(x.f, at, length)
	member := scanner.Member{Name: name, Size: -1}
	err := error(nil)
	done := func() {}
	switch style := m.Data.Encoding.Style; style {
	case "", "application/octet-stream":
		member.Size, member.ReaderAt = length, raw
	case "application/x-gzip": // which is zlib
		member.Reader, err = zlib.NewReader(raw)
	case "application/x-bzip2":
		member.Reader, done, err = compress.NewReader("bzip2", bufio.NewReader(raw))
	case "application/x-xz":
		member.Reader, done, err = compress.NewReader("xz", bufio.NewReader(raw))
	case "application/x-lzma":
		member.Reader, done, err = compress.NewReader("lzma", bufio.NewReader(raw))
	default:
		err = fmt.Errorf("encoding %q: %w", style, compress.ErrUnsupported)
	}
	if err != nil {
		reason := sbom.Truncated
		if errors.Is(err, compress.ErrUnsupported) {
			reason = sbom.Unsupported
		}
		x.v.Gap(sbom.Gap{Path: name, Reason: reason, Detail: err.Error()})
		return visitName(ctx, x.v, name)
	}
	defer done()
	return x.v.Visit(ctx, member)
}
