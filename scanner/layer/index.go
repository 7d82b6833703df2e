package layer

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Entry is one name of a layer.
//
// A hard link has Size, Format, Digest and contents of the file that it links
// to, if that is in the same layer. The path of a whiteout is its own, with
// ".wh."; see [Entry.Hides].
type Entry struct {
	scanner.Entry
	Format Format
	Digest [32]byte // SHA-256 of a regular file; zero when not taken

	kept bool
	held *Buffer // contents of a tar's file
	off  int64   // of contents in an encoded index
}

// Kept reports whether the contents were kept, for [Index.Open].
func (e *Entry) Kept() bool { return e.kept }

// Hides returns what a whiteout hides in the layers below: a path, and whether
// it is the entries of that folder and not the name itself. It returns "" for
// every other type of entry.
func (e *Entry) Hides() (hidden string, opaque bool) {
	dir, base := path.Split(e.Path)
	switch e.Type {
	case scanner.Opaque:
		return path.Clean(dir), true
	case scanner.Whiteout:
		return dir + strings.TrimPrefix(base, whiteoutPrefix), false
	}
	return "", false
}

// Index is what one layer holds. It is safe for many readers. What it is made
// of must not be changed.
type Index struct {
	DiffID  string  // of the uncompressed tar as it was read; empty for a tree on disk
	Digest  string  // of the blob as stored; empty for a tree on disk
	Size    int64   // of the blob as stored, in bytes
	Bytes   int64   // of the uncompressed tar
	Entries []Entry // sorted by Path, which are unique
	// Gaps tell what of the layer is not in the index, or was not visited.
	// Their Layer is the diffID.
	Gaps []sbom.Gap
	// Reread are the paths of large files that only their last bytes showed to be
	// wanted, when the contents had gone by. They were not visited: read the layer
	// again and want them. An encoded index does not have them.
	Reread []string
	// Damage is why the blob was not read to its end, or why what was read cannot
	// be trusted to be all: then DiffID, Digest and Size are zero. It names the
	// layer; see [ReasonOf]. An encoded index does not have it: a damaged one is
	// not to be kept.
	Damage error

	walker  scanner.Walker // contents are there, also those that nobody kept
	maxFile int64          // of the walker's files that are opened
	cache   io.ReaderAt    // contents are there
	store   *Spool         // of the cache's buffers
	checked sync.Map       // offset in cache -> contents had their digest
}

// Content is a file's contents. Many goroutines may read it. The caller closes it.
type Content interface {
	io.ReaderAt
	io.Closer
	// Size is in bytes.
	Size() int64
}

// Lookup finds the entry of an absolute and clean path. It follows no links.
func (ix *Index) Lookup(path string) (*Entry, bool) {
	i, ok := ix.find(path)
	if !ok {
		return nil, false
	}
	return &ix.Entries[i], true
}

func (ix *Index) find(path string) (int, bool) {
	return sort.Find(len(ix.Entries), func(i int) int { return strings.Compare(path, ix.Entries[i].Path) })
}

// Open returns the kept contents of an entry of the index, for a hard link
// those of the file that it links to. Of a tree on disk it opens any regular
// file within Options.MaxFile. It returns [ErrNotKept] if there are none, and [ErrCorrupt] if an encoded index does not hold them undamaged.
func (ix *Index) Open(e *Entry) (Content, error) {
	switch {
	case !e.kept && (ix.walker == nil || e.Type != scanner.Regular || e.Size > ix.maxFile):
		return nil, ErrNotKept
	case e.held != nil:
		return &heldContent{Buffer: e.held.Retain()}, nil
	case ix.cache != nil:
		return ix.openCached(e)
	case ix.walker != nil:
		r, err := ix.walker.OpenFile(e.Path)
		if err != nil {
			return nil, err
		}
		return fileContent{r, e.Size}, nil
	}
	return nil, ErrNotKept
}

// Close releases the kept contents; those of a Store that are open stay
// readable until they are closed. Of a decoded index it closes what it was
// decoded from, if that is an [io.Closer].
func (ix *Index) Close() error {
	for i := range ix.Entries {
		if h := ix.Entries[i].held; h != nil {
			ix.Entries[i].held = nil
			ix.Entries[i].kept = false
			h.Release()
		}
	}
	if c, ok := ix.cache.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// heldContent is contents in a [Spool] that somebody opened.
type heldContent struct {
	*Buffer
	closed atomic.Bool
}

// Close gives back this opening's own reference, and only that: a caller that
// closes twice would otherwise take the contents away from all others.
func (c *heldContent) Close() error {
	if !c.closed.Swap(true) {
		c.Release()
	}
	return nil
}

// fileContent is contents of a file on disk.
type fileContent struct {
	scanner.ReadAtCloser
	size int64
}

func (c fileContent) Size() int64 { return c.size }

// openCached reads contents from an encoded index. They are checked once.
func (ix *Index) openCached(e *Entry) (Content, error) {
	c := cached{io.NewSectionReader(ix.cache, e.off, e.Size)}
	if _, ok := ix.checked.Load(e.off); ok {
		return c, nil
	}
	sum, err := digestAt(ix.store, c, e.Size)
	if err != nil {
		return nil, fmt.Errorf("reading %s from an encoded index: %w", e.Path, err)
	}
	if sum != e.Digest {
		return nil, fmt.Errorf("reading %s from an encoded index: %w", e.Path, ErrCorrupt)
	}
	ix.checked.Store(e.off, nil)
	return c, nil
}

type cached struct{ *io.SectionReader }

func (cached) Close() error { return nil }
