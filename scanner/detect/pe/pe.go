// Package pe reads Portable Executables: what they say of themselves in
// version resources and manifests, what they export, import and were built
// from, and who signed them. They are known by their first bytes, whatever
// they are called: .exe, .dll, .sys, .ocx, .efi, .cpl, .scr, .ppl, .node.
//
// Format: Microsoft, "PE Format",
// https://learn.microsoft.com/windows/win32/debug/pe-format
package pe

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	name    = "pe"
	version = 1
)

type detector struct {
	watch   *sbom.Watch
	matcher *watch.Matcher
}

// New returns the detector. It notes the exports, imports, symbols and strings
// that w watches; w may be nil.
func New(w *sbom.Watch) scanner.Detector {
	return &detector{watch: w, matcher: watch.New(w)}
}

func (*detector) Name() string { return name }
func (*detector) Version() int { return version }

// Wants is true for MZ with a PE header, or with one that would be after Head.
func (*detector) Wants(f *scanner.File) bool {
	if len(f.Head) < 64 || string(f.Head[:2]) != "MZ" {
		return false
	}
	at := int64(le.Uint32(f.Head[0x3c:]))
	if at+4 <= int64(len(f.Head)) {
		return string(f.Head[at:at+4]) == "PE\x00\x00"
	}
	return at+24 <= f.Size
}

// look is one file while it is read.
type look struct {
	*detector
	file *scanner.File
	im   *image
	c    sbom.Component
	gaps []sbom.Gap

	marks        *scanner.Marks
	noted        map[sbom.Evidence]bool
	fixed        string // version of VS_FIXEDFILEINFO
	tables       []stringTable
	exportName   string
	assemblyName string
	dlls         []dll
	thunksRead   int
	stringsRead  int // of version resources
}

func (d *detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	im, err := open(f.ReaderAt, f.Size)
	if im.err != nil {
		return scanner.Result{}, im.err
	}
	if errors.Is(err, errNotPE) {
		return scanner.Result{}, nil
	} else if err != nil {
		return scanner.Result{Gaps: []sbom.Gap{{Reason: sbom.Malformed, Detail: err.Error()}}}, nil
	}
	l := &look{detector: d, file: f, im: im, noted: map[sbom.Evidence]bool{}}
	if im.truncated {
		l.gap(sbom.Malformed, "a section ends after the file")
	}
	for _, step := range []func() error{
		l.resources, l.exports, l.imports, l.coffSymbols, l.debugPaths, l.assembly, l.packed,
		func() error { return l.signatures(ctx) },
		func() error { return l.strings(ctx) },
	} {
		if err := ctx.Err(); err != nil {
			return scanner.Result{}, err
		}
		if err := step(); err != nil {
			return scanner.Result{}, err
		}
	}
	l.describe()
	return scanner.Result{Component: &l.c, Gaps: l.gaps, Marks: l.marks}, nil
}

func (l *look) strings(ctx context.Context) error {
	es, marks, err := l.matcher.Strings(ctx, l.file, l.file.Size)
	l.marks = marks
	l.c.Evidence = append(l.c.Evidence, es...)
	return err
}

// note adds an evidence, unless it has no value or is known.
func (l *look) note(k sbom.Kind, value, where string) {
	if value = sbom.CleanValue(value); value == "" {
		return
	}
	e := sbom.Evidence{Kind: k, Value: value} // the same in ten languages is one fact
	if !l.noted[e] {
		l.noted[e] = true
		e.Where = where
		l.c.Evidence = append(l.c.Evidence, e)
	}
}

func (l *look) property(name, value string) {
	l.c.Properties = append(l.c.Properties, sbom.Property{Name: name, Value: value})
}

func (l *look) gap(r sbom.Reason, detail string) {
	g := sbom.Gap{Reason: r, Detail: detail}
	for _, o := range l.gaps {
		if o == g {
			return
		}
	}
	l.gaps = append(l.gaps, g)
}

// describe fills in what the file is from what it says of itself.
func (l *look) describe() {
	c := &l.c
	c.Type = l.componentType()
	c.Name = first(l.versionString("ProductName"), l.versionString("InternalName"),
		l.versionString("OriginalFilename"), l.assemblyName, l.exportName, path.Base(l.file.Path))
	c.Version = first(tidyVersion(l.versionString("FileVersion")), tidyVersion(l.versionString("ProductVersion")), l.fixed)
	c.Publisher = first(l.versionString("CompanyName"))
	c.Copyright = first(l.versionString("LegalCopyright"))
	c.Description = first(l.versionString("FileDescription"))
	if m := machines[l.im.machine]; m != "" {
		l.property("interdict:pe:machine", m)
	}
}

// first returns the first that is not empty, cleaned.
func first(ss ...string) string {
	for _, s := range ss {
		if s = sbom.CleanValue(s); s != "" {
			return s
		}
	}
	return ""
}

// tidyVersion writes "1, 2, 0, 4", as Visual Studio's template has it, with dots.
func tidyVersion(s string) string {
	if strings.Trim(s, "0123456789, ") == "" {
		return strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), ",", ".")
	}
	return s
}

// Subsystems and characteristics of "PE Format".
const (
	subsystemNative = 1
	efiFirst        = 10 // EFI application ... EFI ROM
	efiLast         = 13
	fileDLL         = 0x2000 // IMAGE_FILE_DLL
	wdmDriver       = 0x2000 // IMAGE_DLLCHARACTERISTICS_WDM_DRIVER
)

func (l *look) componentType() sbom.ComponentType {
	switch {
	case l.im.subsystem >= efiFirst && l.im.subsystem <= efiLast:
		return sbom.Firmware
	case l.im.subsystem == subsystemNative && l.driver():
		return sbom.DeviceDriver
	case l.im.chars&fileDLL != 0:
		return sbom.Library
	}
	return sbom.Application
}

// driver tells drivers from the few native programs that are none.
func (l *look) driver() bool {
	if l.im.dllChars&wdmDriver != 0 || strings.EqualFold(path.Ext(l.file.Path), ".sys") {
		return true
	}
	for _, d := range l.dlls {
		switch n := strings.ToLower(d.name); n {
		case "ntoskrnl.exe", "hal.dll", "ndis.sys", "fltmgr.sys", "wdfldr.sys":
			return true
		}
	}
	return false
}

// machines are the names that Go has for IMAGE_FILE_MACHINE values.
var machines = map[uint16]string{
	0x14c: "386", 0x8664: "amd64", 0x1c0: "arm", 0x1c2: "arm", 0x1c4: "arm", 0xaa64: "arm64",
	0xa641: "arm64", 0x200: "ia64", 0x5032: "riscv32", 0x5064: "riscv64", 0x6264: "loong64", 0xebc: "ebc",
}
