// Package macho reads Mach-O programs and libraries, thin and fat: what they
// call themselves, what symbols they define and import, and who signed them.
package macho

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/fat"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	name    = "macho"
	version = 1
)

type detector struct {
	watch   *sbom.Watch
	matcher *watch.Matcher
}

// New returns the detector. It notes the symbols, linked libraries and strings
// that w watches; w may be nil.
func New(w *sbom.Watch) scanner.Detector {
	return &detector{watch: w, matcher: watch.New(w)}
}

func (*detector) Name() string { return name }
func (*detector) Version() int { return version }

// Wants is true for everything with one of Mach-O's magics, whatever it is
// called. Java classes share one of them and are told apart.
func (*detector) Wants(f *scanner.File) bool { return isThin(f.Head) || fat.IsFat(f.Head) }

func isThin(head []byte) bool {
	_, _, ok := byteOrder(head)
	return ok
}

// byteOrder reads a magic. Source: Apple, mach-o/loader.h.
func byteOrder(head []byte) (o binary.ByteOrder, wide, ok bool) {
	if len(head) < 4 {
		return nil, false, false
	}
	switch binary.LittleEndian.Uint32(head) {
	case 0xfeedface:
		return binary.LittleEndian, false, true
	case 0xfeedfacf:
		return binary.LittleEndian, true, true
	case 0xcefaedfe:
		return binary.BigEndian, false, true
	case 0xcffaedfe:
		return binary.BigEndian, true, true
	}
	return nil, false, false
}

func (d *detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	slices := []fat.Slice{{Size: f.Size}}
	var gaps []sbom.Gap
	isFat := fat.IsFat(f.Head)
	if isFat {
		var truncated string
		var err error
		if slices, truncated, err = fat.Slices(f, f.Size); err != nil {
			return scanner.Result{}, err
		}
		if truncated != "" {
			gaps = append(gaps, sbom.Gap{Reason: sbom.Truncated, Detail: truncated})
		}
	}
	var c *sbom.Component
	for _, s := range slices {
		l := &look{detector: d, r: io.NewSectionReader(f, s.Off, s.Size), size: s.Size}
		if isFat {
			l.arch = s.Arch() + ": "
		}
		if err := l.read(ctx); err != nil {
			return scanner.Result{}, err
		}
		gaps = append(gaps, l.gaps...)
		c = join(c, l.component())
	}
	if c == nil {
		return scanner.Result{Gaps: gaps}, nil
	}
	found, marks, err := d.matcher.Strings(ctx, f, f.Size)
	if err != nil {
		return scanner.Result{}, err
	}
	c.Evidence = append(c.Evidence, found...)
	if c.Name == "" {
		c.Name = path.Base(f.Path)
	}
	if c.Type == sbom.FileType && len(c.Evidence) == 0 {
		c = nil
	}
	return scanner.Result{Component: c, Gaps: gaps, Marks: marks}, nil
}

// join adds what the slice of another architecture says besides. The same fact
// of two architectures is one fact.
func join(c, o *sbom.Component) *sbom.Component {
	if c == nil || o == nil {
		if c == nil {
			return o
		}
		return c
	}
	for _, e := range o.Evidence {
		known := false
		for _, k := range c.Evidence {
			known = known || k.Kind == e.Kind && k.Value == e.Value && k.Count >= e.Count
		}
		if !known {
			c.Evidence = append(c.Evidence, e)
		}
	}
	for _, p := range o.Properties {
		known := false
		for _, k := range c.Properties {
			known = known || k == p
		}
		if !known {
			c.Properties = append(c.Properties, p)
		}
	}
	if c.Name == "" {
		c.Name = o.Name
	}
	if c.Version == "" {
		c.Version = o.Version
	}
	if c.PURL == "" {
		c.PURL = o.PURL
	}
	return c
}

// look is one slice while it is read.
type look struct {
	*detector
	r    *io.SectionReader
	size int64
	arch string // "arm64: " in a fat file
	h    *headers
	c    sbom.Component
	gaps []sbom.Gap
}

func (l *look) note(k sbom.Kind, value, where string) {
	if value != "" {
		l.c.Evidence = append(l.c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: l.arch + where})
	}
}

func (l *look) property(name, value string) {
	l.c.Properties = append(l.c.Properties, sbom.Property{Name: "interdict:macho:" + name, Value: l.arch + value})
}

func (l *look) gap(r sbom.Reason, format string, args ...any) {
	l.gaps = append(l.gaps, sbom.Gap{Reason: r, Detail: l.arch + fmt.Sprintf(format, args...)})
}
