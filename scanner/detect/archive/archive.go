// Package archive expands containers of files: zip, tar, cpio, 7z, rar, cab,
// ISO 9660 and squashfs, and files compressed one by one.
//
// The formats are told apart by their bytes, not by their names.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
)

// Expander passes on the members of containers. Make one with New; it may be
// used by many goroutines.
type Expander struct {
	formats []container
	flate   sync.Pool // of flate readers
}

// container is one sort of container.
type container struct {
	kind   string                   // of [carve.Signature] that tells where such a file ends; or ""
	match  func(*scanner.File) bool // looks at Path, Size and Head
	expand func(context.Context, *scanner.File, scanner.Visitor) error
}

// New makes an Expander.
func New() *Expander {
	registerBounded()
	e := &Expander{}
	e.formats = []container{
		{"", isZip, e.zip},
		{"", func(f *scanner.File) bool { return compress.Name(f.Path, f.Head) != "" }, expandCompressed},
		{"", func(f *scanner.File) bool { return isTar(f.Head) }, expandTar},
		{"", func(f *scanner.File) bool { return isCpio(f.Head) }, expandCpio},
		{"7z", magic(sevenZipMagic), expandSevenZip},
		{"", magic("Rar!\x1a\x07"), expandRar},
		{"cab", isCab, expandCab},
		{"iso", isISO, expandISO},
		{"squashfs", magic("hsqs"), expandSquashfs},
		{"", isAppImage, expandAppImage},
		{"", isXar, expandXar},
		{"", isGitPack, expandGitPack},
		{"", isSQLite, expandSQLite},
		{"", isAsar, expandAsar},
		{"", isUnsupported, expandUnsupported},
	}
	return e
}

// Name is "archive".
func (e *Expander) Name() string { return "archive" }

// Version is raised whenever other members may come out of the same bytes.
func (e *Expander) Version() int { return 1 }

// Wants reports whether the file is a container.
func (e *Expander) Wants(f *scanner.File) bool { return e.find(f) != nil }

func (e *Expander) find(f *scanner.File) *container {
	for i := range e.formats {
		if e.formats[i].match(f) {
			return &e.formats[i]
		}
	}
	return nil
}

// Expand passes every member to v.
func (e *Expander) Expand(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	form := e.find(f)
	if form == nil {
		return nil
	}
	if end := carve.End(form.kind, f, f.Size); end > 0 {
		claim(v, 0, end)
	}
	return form.expand(ctx, f, v)
}

// claim accounts for a part of a container.
func claim(v scanner.Visitor, from, to int64) {
	if c, ok := v.(scanner.Claimer); ok {
		c.Claim(from, to)
	}
}

func magic(m string) func(*scanner.File) bool {
	return func(f *scanner.File) bool { return hasMagic(f.Head, 0, m) }
}

func hasMagic(b []byte, at int, m string) bool {
	return len(b) >= at+len(m) && string(b[at:at+len(m)]) == m
}

// section is all of a file.
func section(f *scanner.File) *io.SectionReader { return io.NewSectionReader(f, 0, f.Size) }

// charge counts n bytes that were decompressed outside of a member.
func charge(v scanner.Visitor, n int64) error {
	if c, ok := v.(scanner.Charger); ok {
		return c.Charge(n)
	}
	return nil
}

// charged charges what is read through it.
type charged struct {
	r io.Reader
	v scanner.Visitor
}

func (c charged) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if limit := charge(c.v, int64(n)); limit != nil {
		return n, limit
	}
	return n, err
}

// fail ends an expansion on err. A bound or the end of ctx is passed on;
// everything else is a gap: Malformed while nothing has come out of the file,
// for then it is no container, and Truncated after that, for then it is one
// that nobody can read to its end.
func fail(ctx context.Context, v scanner.Visitor, err error, some bool, doing string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, scanner.ErrLimit):
		return err
	}
	reason := sbom.Malformed
	if some || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = sbom.Truncated
	}
	v.Gap(sbom.Gap{Reason: reason, Detail: fmt.Sprintf("%s: %v", doing, err)})
	return nil
}
