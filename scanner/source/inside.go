package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// InsideOptions say what of an archive is opened, and bound it.
type InsideOptions struct {
	// Wants reports, from the Path and Size of a member alone, whether its
	// contents are read.
	Wants func(*scanner.File) bool
	// TempDir is for what a compressed archive holds of wanted members; empty
	// means os.TempDir.
	TempDir string
}

// Bounds on one archive inside a file.
const (
	maxInside      = 4 << 30 // bytes that come out of a compressed one
	maxInsideRatio = 250     // and how many out of each byte, beyond the floor
	insideFloor    = 64 << 20
	maxInsideHeld  = 1 << 30   // of wanted members, in memory and temporary files
	maxInsideFile  = 256 << 20 // of one member that is decompressed
)

// IsArchive reports by the first bytes of a file whether [Inside] may open it.
func IsArchive(f *scanner.File) bool {
	return compression(f.Head) != "" || isTar(f.Head) || bytes.HasPrefix(f.Head, []byte("PK\x03\x04"))
}

// isTar reports whether bytes begin with a tar's header.
func isTar(head []byte) bool {
	_, err := tar.NewReader(bytes.NewReader(head)).Next()
	return len(head) >= 512 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF))
}

// Inside opens an archive that is a file of a source, or a member of an archive
// there, as the folder that unpacking it would make: a tar, plain or compressed
// with gzip, zstd, xz or bzip2, or a zip. It has the wanted members and the
// links. It returns nil if the file is no such archive, or has none of them.
// What cannot be read of it is passed over: whoever expands the archive says so.
//
// The Source can be used until f's contents go; the caller closes it. Each
// bound that was reached is one of its gaps.
func Inside(ctx context.Context, f *scanner.File, opt InsideOptions) (scanner.Source, error) {
	in := &inside{opt: opt, files: map[string]insideFile{}}
	in.subject = sbom.Subject{Kind: sbom.Directory, Name: f.Path}
	contents := io.NewSectionReader(f, 0, f.Size)
	var err error
	switch {
	case bytes.HasPrefix(f.Head, []byte("PK\x03\x04")):
		in.zip(contents)
	case isTar(f.Head):
		err = in.tar(ctx, contents, contents)
	default:
		err = in.compressed(ctx, contents)
	}
	if err == nil && in.wanted > 0 {
		return in, nil
	}
	return nil, errors.Join(err, in.Close())
}

// inside is an archive as a Source with one layer, which is itself.
type inside struct {
	opt     InsideOptions
	subject sbom.Subject
	files   map[string]insideFile // by path; the last of a name, as unpacking leaves it
	wanted  int
	held    int64
	temps   []*tempFile
	gaps    []sbom.Gap
}

// insideFile is a member that is wanted, or a link.
type insideFile struct {
	entry scanner.Entry
	open  func() (scanner.ReadAtCloser, error)
}

var (
	_ scanner.Walker     = (*inside)(nil)
	_ scanner.Incomplete = (*inside)(nil)
)

func (in *inside) Subject() sbom.Subject   { return in.subject }
func (in *inside) Layers() []scanner.Layer { return []scanner.Layer{in} }
func (in *inside) Describe() sbom.Layer    { return sbom.Layer{} }

// Gaps implements scanner.Incomplete.
func (in *inside) Gaps() []sbom.Gap { return in.gaps }

// Close removes what was put into temporary files.
func (in *inside) Close() error {
	var errs []error
	for _, t := range in.temps {
		errs = append(errs, t.Close())
	}
	in.temps = nil
	return errors.Join(errs...)
}

func (in *inside) Open(context.Context) (io.ReadCloser, error) {
	return nil, errors.New("opening an archive as a layer: it is walked")
}

// Walk implements scanner.Walker. Folders are not passed.
func (in *inside) Walk(ctx context.Context, fn func(scanner.Entry, error) error) error {
	for _, p := range sortedKeys(in.files) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(in.files[p].entry, nil); err != nil {
			return err
		}
	}
	return nil
}

// OpenFile implements scanner.Walker.
func (in *inside) OpenFile(p string) (scanner.ReadAtCloser, error) {
	f, ok := in.files[p]
	if !ok || f.open == nil {
		return nil, fmt.Errorf("opening %s: %w", p, fs.ErrNotExist)
	}
	return f.open()
}

// wants notes a member's name, and reports whether its contents are wanted.
func (in *inside) wants(e scanner.Entry) bool {
	return e.Type == scanner.Regular && in.opt.Wants(&scanner.File{Path: e.Path, Size: e.Size, Mode: e.Mode})
}

func (in *inside) add(e scanner.Entry, open func() (scanner.ReadAtCloser, error)) {
	if open != nil {
		in.wanted++
	}
	in.files[e.Path] = insideFile{e, open}
}

func (in *inside) limit(format string, args ...any) {
	in.gaps = append(in.gaps, sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf(format, args...)})
}

// tar notes the members of a tar. Those of a plain one are read in place; of
// another, what is wanted is held. A tar that is damaged has what came before.
func (in *inside) tar(ctx context.Context, r io.Reader, plain *io.SectionReader) error {
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, scanner.ErrLimit) || n >= maxMembers {
			in.limit("its package databases and lock files were read up to member %d: a bound was reached", n)
			return nil
		}
		if err != nil {
			return nil
		}
		e := scanner.Entry{Path: path.Clean("/" + h.Name), Size: h.Size, Mode: fs.FileMode(h.Mode).Perm(), ModTime: h.ModTime}
		switch h.Typeflag {
		case tar.TypeSymlink:
			e.Type, e.Link, e.Size = scanner.Symlink, h.Linkname, 0
			in.add(e, nil)
		case tar.TypeReg:
			if !in.wants(e) {
				continue
			}
			if plain == nil {
				if err := in.hold(e, tr); err != nil {
					return err
				}
				continue
			}
			at, err := plain.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil
			}
			contents := io.NewSectionReader(plain, at, h.Size)
			in.add(e, func() (scanner.ReadAtCloser, error) { return section{contents}, nil })
		}
	}
}

type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

// hold keeps the contents of a member of a stream. An error is of the temporary
// file; of a member that breaks off, what was read is kept.
func (in *inside) hold(e scanner.Entry, r io.Reader) error {
	if in.held += e.Size; in.held > maxInsideHeld {
		in.limit("%s was not read: the package databases and lock files in it have more than %d bytes", strings.TrimPrefix(e.Path, "/"), int64(maxInsideHeld))
		return nil
	}
	if e.Size <= maxBlobInMemory {
		raw, _ := io.ReadAll(r)
		e.Size = int64(len(raw))
		in.add(e, func() (scanner.ReadAtCloser, error) { return inMemory{bytes.NewReader(raw)}, nil })
		return nil
	}
	f, err := os.CreateTemp(in.opt.TempDir, "interdict-inside-*")
	if err != nil {
		return fmt.Errorf("making a temporary file: %w", err)
	}
	in.temps = append(in.temps, &tempFile{f})
	body := &failing{r: r}
	if e.Size, err = io.Copy(f, body); err != nil && body.err == nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	in.add(e, func() (scanner.ReadAtCloser, error) { return section{io.NewSectionReader(f, 0, e.Size)}, nil })
	return nil
}

// failing remembers the error of what it reads, to tell it from the writer's.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// compressed notes the members of a compressed tar; other streams have none.
func (in *inside) compressed(ctx context.Context, contents *io.SectionReader) error {
	rc, err := decompressed(io.NopCloser(contents))
	if err != nil {
		return nil
	}
	defer rc.Close()
	out := &bounded{ctx: ctx, r: rc, max: min(maxInside, max(insideFloor, contents.Size()*maxInsideRatio))}
	var head [512]byte
	if n, _ := io.ReadFull(out, head[:]); !isTar(head[:n]) {
		return ctx.Err()
	}
	return in.tar(ctx, io.MultiReader(bytes.NewReader(head[:]), out), nil)
}

// bounded ends in scanner.ErrLimit after max bytes.
type bounded struct {
	ctx context.Context
	r   io.Reader
	max int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.max <= 0 {
		return 0, scanner.ErrLimit
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.max)])
	b.max -= int64(n)
	return n, err
}

// zip notes the members of a zip.
func (in *inside) zip(contents *io.SectionReader) {
	zr, err := zip.NewReader(contents, contents.Size())
	if err != nil && zr == nil {
		return
	}
	for n, m := range zr.File {
		if n >= maxMembers {
			in.limit("its package databases and lock files were read up to member %d: a bound was reached", n)
			return
		}
		e := scanner.Entry{Path: path.Clean("/" + strings.ReplaceAll(m.Name, `\`, "/")), Size: int64(min(m.UncompressedSize64, 1<<62)), Mode: m.Mode().Perm(), ModTime: m.Modified}
		if m.Mode().IsDir() || !in.wants(e) {
			continue
		}
		if e.Size > maxInsideFile {
			in.limit("%s was not read: it has %d bytes, and at most %d are", m.Name, e.Size, int64(maxInsideFile))
			continue
		}
		in.add(e, func() (scanner.ReadAtCloser, error) {
			rc, err := m.Open()
			if err != nil {
				return nil, err
			}
			defer rc.Close()
			raw, err := io.ReadAll(io.LimitReader(rc, e.Size+1))
			if err != nil {
				return nil, err
			}
			return inMemory{bytes.NewReader(raw)}, nil
		})
	}
}
