// Package kmod reads Linux kernel modules: what they call themselves, who
// wrote them, and who signed them.
package kmod

import (
	"context"
	debugelf "debug/elf"
	"errors"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/elffile"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	name    = "kmod"
	version = 2
)

type detector struct {
	watch   *sbom.Watch
	matcher *watch.Matcher
}

// New returns the detector. It notes the symbols, comments and strings that w
// watches; w may be nil.
func New(w *sbom.Watch) scanner.Detector {
	return &detector{watch: w, matcher: watch.New(w)}
}

func (*detector) Name() string { return name }
func (*detector) Version() int { return version }

// Wants is true for every ELF object file: a module may have any name, and
// only its sections tell it from other object files.
func (*detector) Wants(f *scanner.File) bool { return elffile.TypeOf(f.Head) == debugelf.ET_REL }

func (d *detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	file, err := elffile.Open(f.ReaderAt, f.Size, f.Head)
	if errors.Is(err, elffile.ErrFormat) {
		return scanner.Result{}, nil // told by scanner/detect/elf, which reads it too
	} else if err != nil {
		return scanner.Result{}, err
	}
	if !file.IsModule() {
		return scanner.Result{}, nil
	}
	c := &sbom.Component{Type: sbom.DeviceDriver}
	gaps, marks, err := d.code(ctx, f, file, c)
	if err != nil {
		return scanner.Result{}, err
	}
	raw, err := file.Data(file.Section(".modinfo"), elffile.MaxModinfo)
	if err != nil {
		return scanner.Result{}, err
	}
	describe(c, elffile.ParseModinfo(raw))
	if c.Name == "" {
		c.Name = nameOf(f.Path)
	}
	signed, err := signers(f)
	if err != nil {
		return scanner.Result{}, err
	}
	c.Evidence = append(c.Evidence, signed...)
	return scanner.Result{Component: c, Gaps: gaps, Marks: marks}, nil
}

// code reads what a module has in common with any ELF file.
func (d *detector) code(ctx context.Context, f *scanner.File, file *elffile.File, c *sbom.Component) ([]sbom.Gap, *scanner.Marks, error) {
	var gaps []sbom.Gap
	symbols, limit, err := file.Families(d.matcher, &elffile.Dynamic{})
	if err != nil {
		return nil, nil, err
	}
	notes, err := file.Notes()
	if err != nil {
		return nil, nil, err
	}
	comments, err := file.Comments(d.watch)
	if err != nil {
		return nil, nil, err
	}
	found, marks, err := d.matcher.Strings(ctx, f, f.Size)
	if err != nil {
		return nil, nil, err
	}
	for _, es := range [][]sbom.Evidence{symbols, elffile.BuildID(notes), comments, found} {
		c.Evidence = append(c.Evidence, es...)
	}
	for _, g := range []sbom.Gap{{Reason: sbom.Truncated, Detail: file.Truncated}, {Reason: sbom.Limit, Detail: file.Limits}, {Reason: sbom.Limit, Detail: limit}} {
		if g.Detail != "" {
			gaps = append(gaps, g)
		}
	}
	return gaps, marks, nil
}

// describe fills in what .modinfo says.
func describe(c *sbom.Component, info map[string][]string) {
	first := func(key string) string {
		if v := info[key]; len(v) > 0 {
			return sbom.CleanValue(v[0])
		}
		return ""
	}
	c.Name, c.Version, c.Description = first("name"), first("version"), first("description")
	const where = ".modinfo"
	if c.Name != "" {
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.ModinfoName, Value: c.Name, Where: where})
	}
	for _, a := range info["author"] {
		c.Authors = append(c.Authors, sbom.CleanValue(a))
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.ModinfoAuthor, Value: a, Where: where})
	}
	for _, l := range info["license"] {
		c.Licenses = append(c.Licenses, sbom.License{Name: sbom.CleanValue(l), Declared: true})
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.ModinfoLicense, Value: l, Where: where})
	}
	c.Evidence = append(c.Evidence, elffile.InTree(info)...)
	for _, key := range []string{"vermagic", "intree", "srcversion", "sig_id"} {
		if v := first(key); v != "" {
			c.Properties = append(c.Properties, sbom.Property{Name: "interdict:kmod:" + key, Value: v})
		}
	}
}

// nameOf is the module's name by its file: the kernel reads "-" as "_".
func nameOf(p string) string {
	base := path.Base(p)
	if i := strings.Index(base, ".ko"); i > 0 {
		base = base[:i]
	}
	return strings.ReplaceAll(base, "-", "_")
}
