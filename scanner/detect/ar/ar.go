// Package ar reads static archives (.a, .lib): the symbols that their index
// lists, and, where there is no index, their members.
// Source: System V ABI "Archive File"; Microsoft PE format, "Archive (Library)
// File Format"; FreeBSD ar(5).
package ar

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/fat"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	name    = "ar"
	version = 1

	magic     = "!<arch>\n"
	thinMagic = "!<thin>\n" // GNU: the members are files elsewhere
)

// Archive is the detector and expander of static archives.
type archive struct{ matcher *watch.Matcher }

// New returns the detector; it is a scanner.Expander as well. It notes the
// symbols and strings that w watches; w may be nil.
//
// An object file that the index refers to is not passed on: the index has its
// symbols, and its strings are found in the archive as a whole.
func New(w *sbom.Watch) scanner.Detector { return &archive{matcher: watch.New(w)} }

var _ scanner.Expander = (*archive)(nil)

func (*archive) Name() string { return name }
func (*archive) Version() int { return version }

// Wants is true for archives but not for Debian packages, which are ar files
// too, and for fat files, which may hold archives.
func (*archive) Wants(f *scanner.File) bool {
	return isArchive(f.Head) && !bytes.HasPrefix(f.Head[len(magic):], []byte("debian-binary")) || fat.IsFat(f.Head)
}

func isArchive(head []byte) bool {
	return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte(thinMagic))
}

// part is one archive: a file, or an architecture's slice of it.
type part struct {
	r    *io.SectionReader
	arch string // empty for a file that is not fat
	thin bool
}

// parts returns the archives in f: none for a fat file of programs.
func parts(f *scanner.File) (ps []part, truncated string, err error) {
	all := []fat.Slice{{Size: f.Size}}
	isFat := fat.IsFat(f.Head)
	if isFat {
		if all, truncated, err = fat.Slices(f, f.Size); err != nil {
			return nil, "", err
		}
	}
	for _, s := range all {
		p := part{r: io.NewSectionReader(f, s.Off, s.Size)}
		if isFat {
			p.arch = s.Arch()
		}
		head := make([]byte, len(magic))
		if err := readFull(p.r, head, 0); err != nil && err != io.ErrUnexpectedEOF {
			return nil, "", err
		}
		if isArchive(head) {
			p.thin = string(head) == thinMagic
			ps = append(ps, p)
		}
	}
	if len(ps) == 0 {
		truncated = ""
	}
	return ps, truncated, nil
}

func (a *archive) Detect(ctx context.Context, f *scanner.File) (res scanner.Result, err error) {
	ps, truncated, err := parts(f)
	if err != nil || len(ps) == 0 {
		return res, err
	}
	if truncated != "" {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Truncated, Detail: truncated})
	}
	c := &sbom.Component{Type: sbom.Library, Name: path.Base(f.Path)}
	for _, p := range ps {
		x, err := readIndex(p.r)
		if err != nil {
			return res, err
		}
		if x.limit != "" {
			res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Limit, Detail: x.limit})
		}
		where := "archive symbol index"
		if p.arch != "" {
			where = p.arch + ": " + where
		}
		for _, e := range a.matcher.Families(x.symbols(), where) {
			known := func(k sbom.Evidence) bool { return k.Kind == e.Kind && k.Value == e.Value && k.Count >= e.Count }
			if !slices.ContainsFunc(c.Evidence, known) {
				c.Evidence = append(c.Evidence, e)
			}
		}
	}
	found, _, err := a.matcher.Strings(ctx, f, f.Size)
	if err != nil {
		return res, err
	}
	c.Evidence = append(c.Evidence, found...)
	res.Component = c
	return res, nil
}

// Expand passes the members that the index does not speak for.
func (a *archive) Expand(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	ps, _, err := parts(f)
	if err != nil {
		return err
	}
	if c, ok := v.(scanner.Claimer); ok {
		c.Claim(0, f.Size) // objects that the index speaks for are not passed
	}
	for _, p := range ps {
		if p.thin {
			continue // its members are files of their own
		}
		x, err := readIndex(p.r)
		if err != nil {
			return err
		}
		if err := p.visit(ctx, x, v); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) visit(ctx context.Context, x *index, v scanner.Visitor) error {
	w := walker{r: p.r}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := w.next()
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		if m.special() || x.has(m.header) && isObject(m.first[:]) {
			continue
		}
		err = v.Visit(ctx, scanner.Member{
			Name: path.Join(p.arch, m.name), Size: m.size, Mode: 0o644,
			ReaderAt: io.NewSectionReader(p.r, m.data, m.size),
		})
		if err != nil {
			return err
		}
	}
	if w.broken != "" {
		reason := sbom.Truncated
		switch w.count {
		case 0:
			reason = sbom.Malformed
		case maxMembers:
			reason = sbom.Limit
		}
		v.Gap(sbom.Gap{Reason: reason, Detail: w.broken})
	}
	return nil
}

// isObject reports the first bytes of an object file whose global symbols an
// index lists: ELF, Mach-O, COFF of the usual machines, and short imports.
func isObject(b []byte) bool {
	for _, m := range []string{
		"\x7fELF",
		"\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe",
		"\x4c\x01", "\x64\x86", "\x64\xaa", "\xc4\x01", // COFF: i386, amd64, arm64, arm
		"\x00\x00\xff\xff", // short import, or an object with more than 65,279 sections
	} {
		if strings.HasPrefix(string(b), m) {
			return true
		}
	}
	return false
}
