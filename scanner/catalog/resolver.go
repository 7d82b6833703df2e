package catalog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/anchore/syft/syft/file"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// resolver answers the questions of one cataloger about one layer: the patterns
// that it starts from with what the layer brought, everything else from the view
// through this layer and those below. It is safe for many goroutines.
type resolver struct {
	*view
	err   func() error   // of the context: ends the work at the next file
	cat   *cataloger     // who asks
	first map[string]int // the cataloger's own patterns, by their position in view.globs
	whole bool           // answer those too from the view
}

// FilesByGlob implements file.PathResolver.
func (r *resolver) FilesByGlob(patterns ...string) ([]file.Location, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	var out locations
	for _, p := range patterns {
		if loc, ok := r.env.locate(p); ok {
			out.list = append(out.list, loc...)
		} else if id, ok := r.first[p]; !ok {
			r.view.glob(p, &out)
		} else if r.whole {
			out.addFound(r.view.whole()[id])
		} else {
			out.addFound(r.view.own[id])
		}
	}
	return out.list, nil
}

// FilesByPath implements file.PathResolver.
func (r *resolver) FilesByPath(paths ...string) ([]file.Location, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	var out locations
	for _, p := range paths {
		if loc, ok := r.env.locate(p); ok {
			out.list = append(out.list, loc...)
		} else if loc, ok := r.view.locate(p); ok {
			out.add(loc)
		}
	}
	return out.list, nil
}

// FilesByMIMEType implements file.PathResolver. It knows executables, which are
// all that syft's catalogers ask for, and lists those that [Keep] kept.
func (r *resolver) FilesByMIMEType(types ...string) ([]file.Location, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	var out locations
	for _, t := range types {
		var want layer.Format
		switch t {
		case "application/x-elf", "application/x-executable", "application/x-sharedlib":
			want = layer.ELF
		case "application/vnd.microsoft.portable-executable":
			want = layer.PE
		case "application/x-mach-binary":
			want = layer.MachO
		default:
			continue
		}
		out.add(r.view.executables(want, r.cat)...)
	}
	return out.list, nil
}

// RelativeFileByPath implements file.PathResolver.
func (r *resolver) RelativeFileByPath(_ file.Location, p string) *file.Location {
	if loc, ok := r.view.locate(path.Clean("/" + p)); ok {
		return &loc
	}
	return nil
}

// HasPath implements file.PathResolver.
func (r *resolver) HasPath(p string) bool {
	_, ok := r.view.tree.Lookup(path.Clean("/" + p))
	return ok
}

// AllLocations implements file.LocationResolver. Only the cataloger of Nix
// stores asks: for folders.
func (r *resolver) AllLocations(ctx context.Context) <-chan file.Location {
	c := make(chan file.Location)
	go func() {
		defer close(c)
		for n := range r.view.tree.All() {
			select {
			case c <- r.view.at(n, n.Path):
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

// FileContentsByLocation implements file.ContentResolver. What it returns is an
// io.ReaderAt and io.Seeker too: syft would read anything else into memory.
func (r *resolver) FileContentsByLocation(l file.Location) (io.ReadCloser, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	if l.FileSystemID == environmentFS {
		return openBytes(r.env.files[l.RealPath]), nil
	}
	if b, ok := r.view.filtered(l); ok {
		return openBytes(b), nil
	}
	c, err := r.view.openWithLog(l)
	if err != nil {
		return nil, err
	}
	return plainText(l, c)
}

// FileMetadataByLocation implements file.MetadataResolver.
func (r *resolver) FileMetadataByLocation(l file.Location) (file.Metadata, error) {
	_, e, ok := r.view.entry(l)
	if !ok {
		return file.Metadata{}, fmt.Errorf("%s: %w", l.RealPath, fs.ErrNotExist)
	}
	return file.Metadata{FileInfo: entryInfo{e}, Path: e.Path, LinkDestination: e.Link, UserID: e.UID, GroupID: e.GID}, nil
}

// locations is a list without duplicates.
type locations struct {
	list []file.Location
	seen map[file.Coordinates]bool
}

func (l *locations) add(more ...file.Location) {
	if l.seen == nil {
		l.seen = make(map[file.Coordinates]bool, len(more))
	}
	for _, m := range more {
		if !l.seen[m.Coordinates] {
			l.seen[m.Coordinates] = true
			// a Location's annotations are a map that catalogers write to
			m.Annotations = map[string]string{}
			l.list = append(l.list, m)
		}
	}
}

func (l *locations) addFound(more []found) {
	for _, f := range more {
		l.add(f.Location)
	}
}

// contents is a file as syft likes it best.
type contents struct {
	*io.SectionReader
	io.Closer
}

func openBytes(b []byte) io.ReadCloser {
	r := bytes.NewReader(b)
	return contents{io.NewSectionReader(r, 0, r.Size()), io.NopCloser(nil)}
}

// entryInfo is an entry as an fs.FileInfo.
type entryInfo struct{ e *layer.Entry }

func (i entryInfo) Name() string       { return path.Base(i.e.Path) }
func (i entryInfo) Size() int64        { return i.e.Size }
func (i entryInfo) ModTime() time.Time { return i.e.ModTime }
func (i entryInfo) IsDir() bool        { return i.e.Type == scanner.Dir }
func (i entryInfo) Sys() any           { return nil }

func (i entryInfo) Mode() fs.FileMode {
	switch i.e.Type {
	case scanner.Dir:
		return i.e.Mode | fs.ModeDir
	case scanner.Symlink:
		return i.e.Mode | fs.ModeSymlink
	case scanner.Regular, scanner.Hardlink:
		return i.e.Mode
	}
	return i.e.Mode | fs.ModeIrregular
}
