package layer

import "io"

// Store keeps contents.
type Store struct{}

// NewStore returns a Store with a budget of memory in bytes; 0 means 512 MiB.
// An empty tempDir is os.TempDir.
func NewStore(budget int64, tempDir string) *Store { return &Store{} }

// Hold reads r to its end and keeps what it read. Size is a hint, -1 when not
// known. More than limit bytes is ErrTooLarge.
func (s *Store) Hold(r io.Reader, size, limit int64) (*Held, error) { return nil, ErrTooLarge }

// Close removes the spill file; what is held in it cannot be read any more.
func (s *Store) Close() error { return nil }

// Held is kept contents, safe for many readers.
type Held struct{ size int64 }

// ReadAt implements io.ReaderAt.
func (h *Held) ReadAt(p []byte, off int64) (int, error) { return 0, io.EOF }

// Size is in bytes.
func (h *Held) Size() int64 { return h.size }

// Bytes returns the contents if they are in memory, else nil, without copying;
// read-only, valid until Release.
func (h *Held) Bytes() []byte { return nil }

// Retain adds a reference; each needs its own Release.
func (h *Held) Retain() *Held { return h }

// Release gives the space back when the last reference is gone.
func (h *Held) Release() {}
