// Package installer reads installers: MSI packages, and programs and scripts
// with an archive appended (NSIS, Inno Setup, self-extracting 7z, zip, cabinet
// and rar, IExpress, makeself). It passes on what they carry.
package installer

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

const (
	name    = "installer"
	version = 1
)

// Detector reads installers. It is a scanner.Detector and a scanner.Expander.
type Detector struct{ watch *sbom.Watch }

// New makes a Detector that notes the names of installed files that w watches;
// w may be nil.
func New(w *sbom.Watch) *Detector { return &Detector{watch: w} }

// Name is "installer".
func (*Detector) Name() string { return name }

// Version is raised whenever the results for the same bytes may differ.
func (*Detector) Version() int { return version }

// Wants takes every program and script that is longer than its head: whether
// something is appended is seen only at its end.
func (*Detector) Wants(f *scanner.File) bool {
	return isOLE(f.Head) || isPE(f.Head) || isPlainELF(f.Head) || isLongScript(f)
}

// Detect reads what an MSI says of itself. The other installers are programs,
// of which the detectors of programs tell.
func (d *Detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	if !isOLE(f.Head) {
		return scanner.Result{}, nil
	}
	return d.msi(ctx, f)
}

// Expand passes on what the installer carries.
func (*Detector) Expand(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	switch {
	case isOLE(f.Head):
		return expandOLE(ctx, f, v)
	case isPE(f.Head):
		return expandPE(ctx, f, v)
	case isPlainELF(f.Head):
		return expandELF(ctx, f, v)
	}
	return expandScript(ctx, f, v)
}

// payload is an archive inside a file. A negative size reaches to its end.
type payload struct {
	at, size int64
	kind     string
}

// visit passes on a payload, whose files are shown as the installer's own.
func (p payload) visit(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	size := p.size
	if size < 0 || size > f.Size-p.at {
		size = f.Size - p.at
	}
	return v.Visit(ctx, scanner.Member{
		Name: fmt.Sprintf("payload-%x.%s", p.at, p.kind), Size: size,
		ReaderAt: io.NewSectionReader(f, p.at, size), Wrapping: true,
	})
}

// windowed calls look with each part of f from a start to an end, with as much
// of the next part as a signature may need.
func windowed(ctx context.Context, f *scanner.File, start, end int64, look func(at int64, b []byte)) error {
	const size, overlap = 256 << 10, 64
	buf := make([]byte, max(0, min(size+overlap, f.Size-start))) // most are scripts of some KB
	for at := start; at < end; at += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), f.Size-at)], at)
		if n == 0 {
			return nil
		}
		look(at, buf[:n])
		if err != nil && err != io.EOF {
			return nil
		}
	}
	return nil
}

func hasMagic(b []byte, at int, m string) bool {
	return len(b) >= at+len(m) && string(b[at:at+len(m)]) == m
}

func isLongScript(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "#!") && f.Size >= scanner.HeadSize
}

// maxScript is how far into a script an archive is looked for, in bytes.
const maxScript = 4 << 20

// scriptMagics begin an archive that follows a script's last line, as makeself
// and its kin write it.
var scriptMagics = map[string]string{
	"\n\x1f\x8b\x08":         "gz",
	"\n\xfd7zXZ\x00":         "xz",
	"\nBZh91AY&SY":           "bz2",
	"\n\x28\xb5\x2f\xfd":     "zst",
	"\n\x04\x22\x4d\x18":     "lz4",
	"\n7z\xbc\xaf\x27\x1c":   "7z",
	"\n\x5d\x00\x00\x80\x00": "lzma",
}

// expandScript passes on the archive in a script. Of a zip the directory is at
// the end: scanner/detect/archive knows such scripts.
func expandScript(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	first := payload{at: -1, size: -1}
	err := windowed(ctx, f, 0, min(f.Size, maxScript), func(at int64, b []byte) {
		for m, kind := range scriptMagics {
			if i := bytes.Index(b, []byte(m)); i >= 0 && (first.at < 0 || at+int64(i)+1 < first.at) {
				first = payload{at: at + int64(i) + 1, size: -1, kind: kind}
			}
		}
		if i := tarHeader(b); i >= 0 && (first.at < 0 || at+int64(i) < first.at) {
			first = payload{at: at + int64(i), size: -1, kind: "tar"}
		}
	})
	if err != nil || first.at < 0 {
		return err
	}
	return first.visit(ctx, f, v)
}

// tarHeader finds a tar that is not compressed: after a line, 257 bytes before
// its magic.
func tarHeader(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("ustar"))
		if i < 0 {
			return -1
		}
		at := from + i - 257
		if at > 0 && b[at-1] == '\n' && bytes.IndexByte(b[at:at+257], 0) > 0 {
			return at
		}
		from += i + 5
	}
}
