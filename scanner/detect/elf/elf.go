// Package elf reads ELF programs and libraries: what they call themselves,
// what symbols they define and import, and what their build left in them.
// Kernel modules are read by scanner/detect/kmod.
package elf

import (
	"context"
	debugelf "debug/elf"
	"errors"
	"fmt"
	"path"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/elffile"
	"github.com/interdict/interdict/scanner/detect/internal/vendorcert"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	name    = "elf"
	version = 2
)

type detector struct {
	watch   *sbom.Watch
	matcher *watch.Matcher
}

// New returns the detector. It notes the symbols, needed libraries, comments
// and strings that w watches; w may be nil.
func New(w *sbom.Watch) scanner.Detector {
	return &detector{watch: w, matcher: watch.New(w)}
}

func (*detector) Name() string { return name }
func (*detector) Version() int { return version }

// Wants is true for everything with ELF's magic, whatever it is called.
func (*detector) Wants(f *scanner.File) bool { return elffile.IsELF(f.Head) }

// look is one file while it is read.
type look struct {
	*detector
	*elffile.File
	file *scanner.File
	dyn  *elffile.Dynamic
	c    sbom.Component
	gaps []sbom.Gap

	marks *scanner.Marks
}

func (d *detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	file, err := elffile.Open(f.ReaderAt, f.Size, f.Head)
	if errors.Is(err, elffile.ErrFormat) {
		return scanner.Result{Gaps: []sbom.Gap{{Reason: sbom.Malformed, Detail: err.Error()}}}, nil
	} else if err != nil {
		return scanner.Result{}, err
	}
	if file.IsModule() {
		return scanner.Result{}, nil
	}
	l := &look{detector: d, File: file, file: f}
	for _, step := range []func(context.Context) error{l.dynamic, l.symbols, l.notes, l.sections, l.goBuild, l.rustAudit, l.packer, l.strings} {
		if err := ctx.Err(); err != nil {
			return scanner.Result{}, err
		}
		if err := step(ctx); err != nil {
			return scanner.Result{}, err
		}
	}
	return l.result(), nil
}

func (l *look) note(k sbom.Kind, value, where string) {
	l.c.Evidence = append(l.c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: where})
}

func (l *look) property(name, value string) {
	l.c.Properties = append(l.c.Properties, sbom.Property{Name: "interdict:elf:" + name, Value: value})
}

func (l *look) gap(r sbom.Reason, detail string) {
	l.gaps = append(l.gaps, sbom.Gap{Reason: r, Detail: detail})
}

// result says what the file is. Object files and core dumps are components
// only if something was found in them.
func (l *look) result() scanner.Result {
	if l.Truncated != "" {
		l.gap(sbom.Truncated, l.Truncated)
	}
	if l.Limits != "" {
		l.gap(sbom.Limit, l.Limits)
	}
	switch {
	case l.Type != debugelf.ET_EXEC && l.Type != debugelf.ET_DYN:
		l.c.Type = sbom.FileType
	case l.program():
		l.c.Type = sbom.Application
	default:
		l.c.Type = sbom.Library
	}
	if l.c.Name == "" && l.c.Type == sbom.Library {
		l.c.Name = l.dyn.Soname
	}
	if l.c.Name == "" {
		l.c.Name = path.Base(l.file.Path)
	}
	if l.c.Type == sbom.FileType && len(l.c.Evidence) == 0 {
		return scanner.Result{Gaps: l.gaps, Marks: l.marks}
	}
	return scanner.Result{Component: &l.c, Gaps: l.gaps, Marks: l.marks}
}

// program tells executables from libraries, which may have the same type. What
// has a SONAME is a library even if it can be run, as the C library can.
func (l *look) program() bool {
	if l.Type == debugelf.ET_EXEC || l.dyn.PIE {
		return true
	}
	if l.dyn.Soname != "" {
		return false
	}
	for _, p := range l.Segments {
		if p.Type == debugelf.PT_INTERP {
			return true
		}
	}
	return l.dyn.Static() && len(l.Segments) > 0
}

func (l *look) dynamic(context.Context) (err error) {
	if l.dyn, err = l.Dynamic(); err != nil {
		return err
	}
	if l.dyn.Soname != "" {
		l.note(sbom.ELFSoname, l.dyn.Soname, "DT_SONAME")
	}
	for _, n := range l.dyn.Needed {
		if l.watch.Matches(sbom.ELFNeeded, n) {
			l.note(sbom.ELFNeeded, n, "DT_NEEDED")
		}
	}
	if n := len(l.dyn.Needed); n > 0 {
		l.property("needed", fmt.Sprint(n))
	}
	return nil
}

func (l *look) symbols(context.Context) error {
	es, limit, err := l.Families(l.matcher, l.dyn)
	if limit != "" {
		l.gap(sbom.Limit, limit)
	}
	l.c.Evidence = append(l.c.Evidence, es...)
	return err
}

// packaging is the note type of systemd's package metadata.
// Source: https://systemd.io/ELF_PACKAGE_METADATA/
const packaging = 0xcafe1a7e

func (l *look) notes(context.Context) error {
	notes, err := l.Notes()
	if err != nil {
		return err
	}
	l.c.Evidence = append(l.c.Evidence, elffile.BuildID(notes)...)
	for _, n := range notes {
		if n.Owner == "FDO" && n.Type == packaging {
			l.packageNote(n.Desc)
			break
		}
	}
	return nil
}

// sections reads the small sections that have a meaning of their own.
func (l *look) sections(context.Context) error {
	comments, err := l.Comments(l.watch)
	if err != nil {
		return err
	}
	l.c.Evidence = append(l.c.Evidence, comments...)
	certs, err := l.Data(l.Section(".vendor_cert"), vendorcert.MaxSize)
	if err != nil {
		return err
	}
	l.c.Evidence = append(l.c.Evidence, vendorcert.Evidence(certs)...)
	info, err := l.Data(l.Section(".modinfo"), elffile.MaxModinfo)
	if err != nil {
		return err
	}
	module := elffile.ParseModinfo(info)
	for _, author := range module["author"] {
		l.note(sbom.ModinfoAuthor, author, ".modinfo")
	}
	l.c.Evidence = append(l.c.Evidence, elffile.InTree(module)...)
	return nil
}

func (l *look) strings(ctx context.Context) error {
	es, marks, err := l.matcher.Strings(ctx, l.file, l.file.Size)
	l.c.Evidence = append(l.c.Evidence, es...)
	l.marks = marks
	return err
}
