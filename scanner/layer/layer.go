// Package layer reads layers, each once and streamed: digest, diffID, index and
// wanted contents come out of one pass.
package layer

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Errors that callers test with errors.Is.
var (
	ErrTooLarge    = errors.New("contents exceed the limit")
	ErrNotKept     = errors.New("contents were not kept")
	ErrUnsupported = errors.New("unsupported compression")
	ErrCorrupt     = errors.New("corrupt layer")
)

// Options of Read. Store is required; all other zero values are useful.
type Options struct {
	Store *Store
	// Jobs is how many Visit calls run at once; 0 means GOMAXPROCS.
	Jobs int
	// Wants reports, by the head alone, whether contents are held and visited.
	// It is called from one goroutine a Read. Nil wants nothing.
	Wants func(*scanner.File) bool
	// Visit reads contents. It is called from many goroutines. Keep retains the
	// contents in the Index. Nil with Wants set keeps all that is wanted.
	Visit func(context.Context, *scanner.File) (keep bool, err error)
	// Digests takes the SHA-256 of every regular file, not only of held ones.
	Digests bool
	// Progress is told how many bytes of the stored blob were read since its
	// last call. It is called from one goroutine a Read.
	Progress func(n int64)
	// MaxBytes bounds the uncompressed size of a layer; 0 means 64 GiB.
	MaxBytes int64
	// MaxFile bounds one held file; a larger one is a Gap. 0 means 4 GiB.
	MaxFile int64
}

// Read reads a layer.
func Read(ctx context.Context, l scanner.Layer, opt Options) (*Index, error) { return nil, ErrCorrupt }

// Format is what a file's first bytes promise.
type Format uint8

// The formats.
const (
	Unknown Format = iota
	ELF
	PE
	MachO
	Script
	Archive
)

// Entry is one name of a layer.
type Entry struct {
	scanner.Entry
	Format Format
	Digest [32]byte // SHA-256 of a regular file; zero when not taken
}

// Kept reports whether Index.Open can read the contents of a regular file.
func (e *Entry) Kept() bool { return false }

// Index is what one layer holds. It is safe for many readers.
type Index struct {
	DiffID  string // empty for a Walker
	Digest  string // of the blob as stored
	Size    int64  // of the blob as stored, bytes
	Bytes   int64  // of the uncompressed tar
	Entries []Entry
	Gaps    []sbom.Gap
}

// Content is a file's contents; the caller closes it.
type Content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Lookup finds the entry of a clean, absolute path.
func (ix *Index) Lookup(path string) (*Entry, bool) { return nil, false }

// Open returns kept contents; ErrNotKept if there are none.
func (ix *Index) Open(e *Entry) (Content, error) { return nil, ErrNotKept }

// Encode writes index and kept contents.
func (ix *Index) Encode(w io.Writer) error { return nil }

// Decode reads what Encode wrote. Contents are read from r when asked for: r
// must stay open until Close.
func Decode(r io.ReaderAt, size int64, s *Store) (*Index, error) { return nil, ErrCorrupt }

// Close releases kept contents.
func (ix *Index) Close() error { return nil }

// Tree is the view through all layers.
type Tree struct{}

// Node is one visible name.
type Node struct {
	Layer int
	Entry *Entry
	Path  string // real path, without symlinks
}

// Squash lays layers over each other, bottom first; a nil Index is an absent layer.
func Squash(layers []*Index) *Tree { return &Tree{} }

// Lookup follows symlinks.
func (t *Tree) Lookup(path string) (Node, bool) { return Node{}, false }

// Lstat follows symlinks of all but the last element.
func (t *Tree) Lstat(path string) (Node, bool) { return Node{}, false }

// ReadDir lists a folder, sorted.
func (t *Tree) ReadDir(path string) []Node { return nil }

// Visible reports whether a layer's entry at path is in the final tree.
func (t *Tree) Visible(layer int, path string) bool { return false }

// All yields the visible entries, sorted by path.
func (t *Tree) All() iter.Seq[Node] { return func(func(Node) bool) {} }

// Open returns the kept contents of a visible file.
func (t *Tree) Open(n Node) (Content, error) { return nil, ErrNotKept }
