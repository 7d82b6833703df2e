package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// tree is a folder as a Source with one layer, which is itself.
type tree struct {
	root    *os.Root
	subject sbom.Subject
	skip    map[string]bool // folders that are named but not entered
}

var _ scanner.Walker = (*tree)(nil)

func (o *opener) dir(_ context.Context, dir string) ([]scanner.Source, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, noSuchFile(dir, err)
	}
	if !fi.IsDir() {
		return nil, problem("for a file write file:"+dir+", or only "+dir, "%s is not a folder", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder %s: %w", dir, err)
	}
	if err := notEmpty(root, dir); err != nil {
		root.Close()
		return nil, err
	}
	t := &tree{root: root, subject: sbom.Subject{Kind: sbom.Directory, Name: dir}}
	if abs, err := filepath.Abs(dir); err == nil && abs == "/" {
		// The kernel's own filesystems: no files that anybody shipped, and some
		// that never end.
		t.skip = map[string]bool{"/proc": true, "/sys": true, "/dev": true}
	}
	return []scanner.Source{t}, nil
}

// notEmpty refuses a folder with nothing in it: to call that clean helps nobody.
func notEmpty(root *os.Root, dir string) error {
	f, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w", dir, err)
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); errors.Is(err, io.EOF) {
		return problem("check the path, and that what you mean is mounted or unpacked there", "%s is empty", dir)
	}
	return nil
}

func (t *tree) Subject() sbom.Subject   { return t.subject }
func (t *tree) Layers() []scanner.Layer { return []scanner.Layer{t} }
func (t *tree) Close() error            { return t.root.Close() }
func (t *tree) Describe() sbom.Layer    { return sbom.Layer{} }

func (t *tree) Open(context.Context) (io.ReadCloser, error) {
	return nil, errors.New("opening a folder as a tar: it is walked")
}

// Walk implements scanner.Walker. It does not follow symbolic links. When it
// walks the root of this machine, it does not enter /proc, /sys and /dev.
func (t *tree) Walk(ctx context.Context, fn func(scanner.Entry, error) error) error {
	names, err := t.names("/")
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w", t.subject.Name, err)
	}
	return t.walk(ctx, "/", names, fn)
}

func (t *tree) walk(ctx context.Context, dir string, names []string, fn func(scanner.Entry, error) error) error {
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := path.Join(dir, name)
		e, err := t.entry(p)
		var below []string
		if err == nil && e.Type == scanner.Dir && !t.skip[p] {
			below, err = t.names(p)
		}
		if err := fn(e, err); err != nil {
			return err
		}
		if err := t.walk(ctx, p, below, fn); err != nil {
			return err
		}
	}
	return nil
}

// rel is the name that os.Root knows a path by.
func rel(p string) string {
	if p == "/" {
		return "."
	}
	return filepath.FromSlash(strings.TrimPrefix(p, "/"))
}

// names lists a folder, sorted; as many as could be read beside an error.
func (t *tree) names(dir string) ([]string, error) {
	f, err := t.root.Open(rel(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (t *tree) entry(p string) (scanner.Entry, error) {
	fi, err := t.root.Lstat(rel(p))
	if err != nil {
		return scanner.Entry{Path: p, Type: scanner.Other}, err
	}
	e := entryOf(p, fi)
	if e.Type == scanner.Symlink {
		e.Link, err = t.root.Readlink(rel(p))
	}
	return e, err
}

func entryOf(p string, fi fs.FileInfo) scanner.Entry {
	e := scanner.Entry{Path: p, Mode: fi.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), ModTime: fi.ModTime()}
	e.UID, e.GID = owner(fi)
	switch m := fi.Mode(); {
	case m.IsRegular():
		e.Type, e.Size = scanner.Regular, fi.Size()
	case m.IsDir():
		e.Type = scanner.Dir
	case m&fs.ModeSymlink != 0:
		e.Type = scanner.Symlink
	default:
		e.Type = scanner.Other
	}
	return e
}

// OpenFile implements scanner.Walker. It opens no file outside of the folder,
// whatever became of it since it was walked, and nothing but regular files.
func (t *tree) OpenFile(p string) (scanner.ReadAtCloser, error) {
	fi, err := t.root.Lstat(rel(p))
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("opening %s: not a regular file", p)
	}
	f, err := t.root.OpenFile(rel(p), os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	now, err := f.Stat()
	if err == nil && !os.SameFile(fi, now) {
		err = fmt.Errorf("opening %s: it was replaced meanwhile", p)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// single is one file as a Source with one layer of one entry.
type single struct {
	path    string
	subject sbom.Subject
	info    fs.FileInfo
}

var _ scanner.Walker = (*single)(nil)

func (o *opener) file(ctx context.Context, p string) ([]scanner.Source, error) {
	fi, err := statFile(p)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &cancelable{ctx, f}); err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, err)
	}
	return []scanner.Source{&single{path: p, info: fi, subject: sbom.Subject{
		Kind: sbom.Binary, Name: p, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)),
	}}}, nil
}

func (s *single) Subject() sbom.Subject   { return s.subject }
func (s *single) Layers() []scanner.Layer { return []scanner.Layer{s} }
func (s *single) Close() error            { return nil }
func (s *single) Describe() sbom.Layer    { return sbom.Layer{} }

func (s *single) Open(context.Context) (io.ReadCloser, error) {
	return nil, errors.New("opening a file as a tar: it is walked")
}

func (s *single) name() string { return "/" + filepath.Base(s.path) }

func (s *single) Walk(_ context.Context, fn func(scanner.Entry, error) error) error {
	return fn(entryOf(s.name(), s.info), nil)
}

func (s *single) OpenFile(p string) (scanner.ReadAtCloser, error) {
	if p != s.name() {
		return nil, fmt.Errorf("opening %s: %w", p, fs.ErrNotExist)
	}
	return os.Open(s.path)
}

// cancelable ends a long read with its context, and lives only as long as it.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
