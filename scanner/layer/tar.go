package layer

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// maxPath is the longest name in bytes: Linux opens none beyond PATH_MAX.
const maxPath = 4096

var noEnd = sbom.Gap{Reason: sbom.Truncated, Detail: "the tar has no end mark, and no digest tells that it is whole"}

// tarReader is the last stage: it makes entries of a tar, and hands the
// contents that are wanted to the visitors.
type tarReader struct {
	build *builder
	visit *visitors
	in    *blockReader
	tar   *tar.Reader
	noEnd bool // the end mark is missing

	file scanner.File
	head [scanner.HeadSize]byte
	tail tail
	body body
	sum  hash.Hash
}

func (t *tarReader) run() error {
	t.tar = tar.NewReader(t.in)
	t.sum = sha256.New()
	for {
		h, err := t.tar.Next()
		if err == io.EOF {
			return t.end()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return t.fail(err)
		}
		if err := t.entry(h); err != nil {
			return t.fail(err)
		}
	}
}

// fail tells foreign bytes from all other errors.
func (t *tarReader) fail(err error) error {
	if cerr := t.in.ctx.Err(); cerr != nil {
		return context.Cause(t.in.ctx)
	}
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return fmt.Errorf("at byte %d of the tar: %w", t.in.pos, err)
}

// end reads what lies behind the end mark: it counts in the digests.
func (t *tarReader) end() error {
	t.noEnd = t.in.ended
	at := t.in.pos
	zeros, err := t.in.drain()
	if err != nil {
		return t.fail(err)
	}
	if !zeros {
		t.build.gap(sbom.Gap{Reason: sbom.Unsupported, Detail: fmt.Sprintf("bytes that are not of the tar follow its end at %d, and nobody looked at them", at)})
	}
	return nil
}

func (t *tarReader) entry(h *tar.Header) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	e := Entry{Entry: entryOf(h)}
	regular := e.Type == scanner.Regular
	if len(e.Path) > maxPath {
		t.build.gap(sbom.Gap{Path: e.Path[:maxPath], Reason: sbom.Limit, Detail: fmt.Sprintf("its name has %d bytes", len(e.Path))})
		return nil
	}
	nameType(&e)
	i, err := t.build.add(e)
	if err != nil || !regular || e.Type != scanner.Regular && h.Size == 0 {
		return err
	}
	return t.contents(i, h) // those of a whiteout ship as well
}

// contents looks at the head of a regular file, and hands the file over or
// takes its digest.
func (t *tarReader) contents(i int, h *tar.Header) error {
	e := &t.build.entries[i]
	n := int(min(e.Size, scanner.HeadSize))
	sparse := isSparse(h)
	var r io.Reader = t.tar
	if !sparse {
		t.body = body{in: t.in, left: e.Size}
		r = &t.body
	}
	if _, err := io.ReadFull(r, t.head[:n]); err != nil {
		return unexpected(err)
	}
	e.Format = FormatOf(t.head[:n])
	t.file = scanner.File{Path: e.Path, Size: e.Size, Mode: e.Mode, Head: t.head[:n:n]}
	if e.Size <= scanner.HeadSize {
		t.file.Tail = t.file.Head
	}
	wants := t.build.opt.Wants
	large := e.Size > t.build.opt.MaxFile
	switch {
	case wants == nil:
	case !wants(&t.file):
		// A few bytes of tar can stand for a sparse file of any size: see Options.
		if e.Size > scanner.HeadSize && !(sparse && large) {
			return t.undecided(i, r, sparse)
		}
	case !large:
		return t.hold(i, r)
	default:
		t.build.tooLarge(e)
	}
	if !t.build.opt.Digests || sparse && large {
		return nil
	}
	t.sum.Reset()
	t.sum.Write(t.head[:n])
	if err := t.pass(t.sum, sparse, e.Size); err != nil {
		return err
	}
	t.sum.Sum(e.Digest[:0])
	return nil
}

// hold reads a wanted file whole, and hands it over.
func (t *tarReader) hold(i int, r io.Reader) error {
	e := &t.build.entries[i]
	if err := t.visit.room(e.Size); err != nil {
		return err
	}
	held, err := t.held(e, r)
	if err != nil {
		return err
	}
	return t.visit.held(i, e, held, t.file.Head)
}

// held reads a file whole. The head is given back to it first.
func (t *tarReader) held(e *Entry, r io.Reader) (*Buffer, error) {
	if r == &t.body {
		t.body.head = t.file.Head
	} else {
		r = io.MultiReader(strings.NewReader(string(t.file.Head)), r)
	}
	held, err := t.build.opt.Store.Hold(r, e.Size, e.Size)
	if err != nil {
		return nil, unexpected(err)
	}
	if held.Size() < e.Size {
		held.Release()
		return nil, io.ErrUnexpectedEOF
	}
	return held, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// isSparse reports contents that are not in the tar as they are: GNU tar's
// "sparse" manual, all formats.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// entryOf translates a header.
func entryOf(h *tar.Header) scanner.Entry {
	e := scanner.Entry{
		Path: clean(h.Name), Mode: modeOf(h.Mode),
		Size: h.Size, UID: h.Uid, GID: h.Gid, ModTime: h.ModTime.UTC(),
	}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Type = scanner.Dir
	case tar.TypeSymlink:
		e.Type, e.Link = scanner.Symlink, h.Linkname
	case tar.TypeLink:
		e.Type, e.Link = scanner.Hardlink, clean(h.Linkname)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		e.Type = scanner.Other
	default: // POSIX: "other values ... shall be treated as a regular file"
		e.Type = scanner.Regular
	}
	if e.Type != scanner.Regular {
		e.Size = 0
	}
	return e
}

// clean makes a name absolute; it never leads above the root. Any other bytes
// stay as they are.
func clean(name string) string {
	if len(name) > 0 && name[0] == '/' {
		return path.Clean(name)
	}
	return path.Clean("/" + name)
}

// The bits of a tar header's mode (POSIX pax, "ustar Interchange Format").
const (
	modeSetuid = 0o4000
	modeSetgid = 0o2000
	modeSticky = 0o1000
)

func modeOf(m int64) fs.FileMode {
	mode := fs.FileMode(m) & fs.ModePerm
	if m&modeSetuid != 0 {
		mode |= fs.ModeSetuid
	}
	if m&modeSetgid != 0 {
		mode |= fs.ModeSetgid
	}
	if m&modeSticky != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// The names that stand for what is gone (OCI image-spec layer.md, "Whiteouts").
const (
	whiteoutPrefix = ".wh."
	opaqueName     = ".wh..wh..opq"
)

// nameType gives whiteouts their type, by their name alone.
func nameType(e *Entry) {
	base := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
	switch {
	case base == "":
		if e.Type != scanner.Dir {
			e.Type = scanner.Other // the root is a folder
		}
	case base == opaqueName:
		e.Type = scanner.Opaque
	case strings.HasPrefix(base, whiteoutPrefix):
		e.Type = scanner.Whiteout
		switch base[len(whiteoutPrefix):] {
		case "", ".", "..":
			e.Type = scanner.Other // names nothing
		}
	}
}
