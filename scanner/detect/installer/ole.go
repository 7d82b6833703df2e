package installer

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/richardlehane/mscfb"
)

// Compound files: [MS-CFB]. MSI packages, patches and merge modules are such,
// and old office documents.
const (
	oleMagic   = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	maxStreams = 20_000
	tablePart  = "\u4840" // begins the name of a stream that holds a table
)

func isOLE(head []byte) bool { return hasMagic(head, 0, oleMagic) && len(head) >= 512 }

// stream is one stream of a compound file.
type stream struct {
	name  string // decoded; a table's begins with "!"
	dirs  []string
	size  int64
	entry *mscfb.File
}

// ReadAt reads the stream.
func (s *stream) ReadAt(p []byte, at int64) (int, error) {
	if at >= s.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > s.size-at
	if short {
		p = p[:s.size-at]
	}
	n, err := s.entry.ReadAt(p, at)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// streams lists the streams of a compound file, and the class of its root.
func streams(f *scanner.File) (ss []stream, class string, err error) {
	defer func() {
		if p := recover(); p != nil { // the library trusts some fields
			err = fmt.Errorf("reading a compound file: %v", p)
		}
	}()
	doc, err := mscfb.New(io.NewSectionReader(f, 0, f.Size))
	if err != nil {
		return nil, "", err
	}
	class = doc.ID()
	for range maxStreams {
		e, err := doc.Next()
		if err == io.EOF {
			return ss, class, nil
		}
		if err != nil {
			return ss, class, err
		}
		if e.FileInfo().IsDir() || e.Size < 0 || e.Size > f.Size {
			continue
		}
		name := streamName(e.Name)
		if e.Initial < 0x20 { // the mark of a property set
			name = fmt.Sprintf("[%d]%s", e.Initial, name)
		}
		ss = append(ss, stream{name: name, dirs: e.Path, size: e.Size, entry: e})
	}
	return ss, class, fmt.Errorf("more than %d streams: %w", maxStreams, scanner.ErrLimit)
}

// streamName decodes the name of an MSI's stream: characters from U+3800 hold
// two of the 64 that table and file names mostly have, those from U+4800 one.
func streamName(s string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 0x3800 && r < 0x4800:
			b.WriteByte(alphabet[(r-0x3800)&0x3f])
			b.WriteByte(alphabet[(r-0x3800)>>6&0x3f])
		case r >= 0x4800 && r < 0x4840:
			b.WriteByte(alphabet[r-0x4800])
		case r == 0x4840:
			b.WriteByte('!')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// expandOLE passes on the streams that are no tables. Cabinets hold the files
// of the installer itself.
func expandOLE(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	ss, _, err := streams(f)
	names := fileKeys(ss)
	for i := range ss {
		s := &ss[i]
		if strings.HasPrefix(s.name, "!") || s.size == 0 {
			continue
		}
		var head [4]byte
		s.ReadAt(head[:], 0)
		m := scanner.Member{
			Name: strings.Join(append(s.dirs[:len(s.dirs):len(s.dirs)], s.name), "/"), Size: s.size,
			ReaderAt: s, Wrapping: string(head[:]) == "MSCF", Names: names,
		}
		if err := v.Visit(ctx, m); err != nil {
			return err
		}
	}
	if err != nil && len(ss) > 0 {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: err.Error()})
	}
	return nil
}
