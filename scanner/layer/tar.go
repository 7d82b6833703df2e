package layer

import (
	"archive/tar"
	"cmp"
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
	noEnd bool  // the end mark is missing
	cut   error // why only a part of the last file was read
	wrong error // why the tar was not read to its end

	file scanner.File
	head [scanner.HeadSize]byte
	tail tail
	body body
	sum  hash.Hash
}

// run reads the tar to its end, or to where it is damaged, and then the rest of
// the stream: it counts in the digests. Its errors are not those of the tar.
func (t *tarReader) run() error {
	t.tar = tar.NewReader(t.in)
	t.sum = sha256.New()
	err := t.entries()
	if err == nil {
		return t.end()
	}
	var own ownError
	switch {
	case t.in.ctx.Err() != nil:
		return context.Cause(t.in.ctx)
	case errors.As(err, &own):
		return own.error
	case !errors.Is(err, ErrTooLarge):
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	t.wrong = fmt.Errorf("at byte %d of the tar: %w", t.in.pos, err)
	_, err = t.in.drain()
	return err
}

// ownError is an error that the foreign bytes have no part in.
type ownError struct{ error }

func (t *tarReader) entries() error {
	for {
		h, err := t.tar.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if err := t.entry(h); err != nil {
			return err
		}
		if t.cut != nil {
			return t.cut
		}
	}
}

// addGap notes what is wrong with a tar that came whole. Known tells that a
// digest of it is known.
func (t *tarReader) addGap(known bool) {
	switch {
	case t.wrong != nil:
		t.build.gap(sbom.Gap{Reason: ReasonOf(t.wrong), Detail: t.wrong.Error()})
	case t.noEnd && !known:
		t.build.gap(noEnd)
	}
}

// end reads what lies behind the end mark: it counts in the digests.
func (t *tarReader) end() error {
	t.noEnd = t.in.ended
	at := t.in.pos
	zeros, err := t.in.drain()
	if err != nil {
		return err
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
	if m, err := io.ReadFull(r, t.head[:n]); err != nil {
		t.cut, n, e.Size, r = unexpected(err), m, int64(m), strings.NewReader("")
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
	if !t.build.opt.Digests || sparse && large || t.cut != nil {
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

// held reads a file whole, or as far as it goes: see cut. The head is given back
// to it first.
func (t *tarReader) held(e *Entry, r io.Reader) (*Buffer, error) {
	if r == &t.body {
		t.body.head = t.file.Head
	} else {
		r = io.MultiReader(strings.NewReader(string(t.file.Head)), r)
	}
	src := &cutReader{r: r}
	held, err := t.build.opt.Store.Hold(src, e.Size, e.Size)
	if err != nil {
		return nil, ownError{err}
	}
	if held.Size() < e.Size {
		t.cut = unexpected(cmp.Or(src.err, io.EOF))
		e.Size, t.file.Size = held.Size(), held.Size()
	}
	return held, nil
}

// cutReader ends where r fails, and remembers the error.
type cutReader struct {
	r   io.Reader
	err error
}

func (c *cutReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err, err = err, io.EOF
	}
	return n, err
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
