package layer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// DefaultBudget is the budget of a Store that is given none, in bytes.
const DefaultBudget = 512 << 20

// A Store's share of its budget for contents that are being looked at; the rest
// is for the index, the buffers and whoever looks.
const arenaShare = 8

// Small kept contents stay in memory, up to this share of the budget in all.
const (
	keptShare = 64
	smallKept = 64 << 10
)

const (
	arenaGrain = 4 << 10  // a page
	spillGrain = 512      // a sector
	firstGuess = 64 << 10 // of contents whose size is not known
	maxHint    = 1 << 40  // a size that somebody stated is not believed beyond it
	spillGrow  = 64 << 20 // the most that a spill of unknown size asks for at once
)

// Spool keeps contents: in memory as far as its budget allows, the rest in one
// private temporary file. The file is unlinked as soon as it is open, so that
// it is gone however the program ends; where the system cannot unlink an open
// file, Close removes it. A Spool may be used by many goroutines. It never
// blocks for want of memory: what does not fit is spilled.
type Spool struct {
	dir    string
	budget int64

	mu       sync.Mutex
	closed   bool
	arena    *arena
	memory   ranges // of arena
	kept     int64  // bytes of small kept contents on the heap
	file     *os.File
	fileName string // to be removed by Close; empty when it is unlinked already
	spill    ranges // of file

	blocks sync.Pool // of *[blockSize]byte
}

// arena is the memory for contents. All who use some of it refer to it.
type arena struct{ mem []byte }

// NewStore returns a Store with a budget in bytes; 0 or less is DefaultBudget.
// Of the budget an eighth is used for contents in memory. The temporary file, if one is
// needed, is made in tempDir; an empty tempDir is [os.TempDir]. The caller
// closes the Store when nothing is read from it any more.
func NewStore(budget int64, tempDir string) *Spool {
	if budget <= 0 {
		budget = DefaultBudget
	}
	s := &Spool{dir: tempDir, budget: budget}
	s.memory = ranges{grain: arenaGrain, limit: budget / arenaShare / arenaGrain * arenaGrain}
	s.spill = ranges{grain: spillGrain, limit: 1 << 62}
	s.blocks.New = func() any { return new([blockSize]byte) }
	return s
}

// Close removes the temporary file. What is held in it can not be read any more.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.arena = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.fileName != "" {
		err = errors.Join(err, os.Remove(s.fileName))
	}
	return err
}

// Hold reads r to its end and keeps what it read until Release. Size is how
// much that will be, as far as anybody knows, or -1. More than limit bytes are
// [ErrTooLarge]; a negative limit means none. An error of r is returned as it
// is; errors of the temporary file tell of spilling.
func (s *Spool) Hold(r io.Reader, size, limit int64) (*Buffer, error) {
	if limit < 0 || limit > maxHint {
		limit = maxHint
	}
	if size > limit {
		return nil, ErrTooLarge
	}
	h := &Buffer{store: s}
	h.refs.Store(1)
	in := &limited{r: r, left: limit}
	want := size + 1 // room to see the end
	if size < 0 {
		want = firstGuess
	}
	err := h.fill(in, want)
	if err == nil && in.over {
		err = ErrTooLarge
	}
	if err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// limited reads one byte more than it should, to tell the end from too much.
type limited struct {
	r     io.Reader
	left  int64
	over  bool
	empty int
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		l.over = true
		return n, io.EOF
	}
	if n > 0 || len(p) == 0 {
		l.empty = 0
	} else if l.empty++; l.empty > 100 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}

// alloc returns a place for at least n bytes in memory, or nil when the budget
// does not allow them.
func (s *Spool) alloc(n int64) (a *arena, off, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0, 0
	}
	off, ok := s.memory.take(n)
	if !ok {
		return nil, 0, 0
	}
	if s.arena == nil {
		s.arena = newArena(s.memory.limit)
	}
	return s.arena, off, s.memory.round(n)
}

// rest gives the memory back to the system if nothing is in it: whoever comes
// after the layers were read may need it.
func (s *Spool) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory.end == 0 {
		s.arena = nil
	}
}

// fits reports whether n bytes of memory are free now, and whether they could
// ever be.
func (s *Spool) fits(n int64) (now, ever bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.fits(n), n <= s.memory.limit/2
}

// room returns a place of n bytes in the temporary file.
func (s *Spool) room(n int64) (*os.File, span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, span{}, os.ErrClosed
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "interdict-spill-*")
		if err != nil {
			return nil, span{}, err
		}
		s.file = f
		if os.Remove(f.Name()) != nil {
			s.fileName = f.Name()
		}
	}
	off, ok := s.spill.take(n)
	if !ok {
		return nil, span{}, ErrTooLarge
	}
	return s.file, span{off, s.spill.round(n)}, nil
}

// freeSpans gives back places in the temporary file. Once nothing is left in
// it, the disk's space is given back as well.
func (s *Spool) freeSpans(spans []span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range spans {
		s.spill.give(p.off, p.n)
	}
	if s.spill.end == 0 && s.file != nil && !s.closed {
		_ = s.file.Truncate(0)
	}
}

// settle turns contents that were looked at into contents that are kept for
// long: small ones move to the heap, all others to the temporary file, and the
// memory is free again. It takes over the reference to h.
func (s *Spool) settle(h *Buffer) (*Buffer, error) {
	if h.arena == nil {
		return h, nil
	}
	defer h.Release()
	k := &Buffer{store: s}
	k.refs.Store(1)
	if s.keepSmall(h.size) {
		k.size, k.onHeap = h.size, true
		k.mem = append(make([]byte, 0, h.size), h.mem...)
		return k, nil
	}
	w := spiller{held: k, want: h.size}
	if err := w.write(h.mem); err != nil {
		k.Release()
		return nil, err
	}
	w.finish()
	return k, nil
}

func (s *Spool) keepSmall(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > smallKept || s.kept+n > s.budget/keptShare {
		return false
	}
	s.kept += n
	return true
}

// spilling names what the caller was doing when the temporary file gave err.
func (s *Spool) spilling(err error) error {
	dir := s.dir
	if dir == "" {
		dir = os.TempDir()
	}
	return fmt.Errorf("spilling contents to a temporary file in %s: %w", dir, err)
}

// Used returns how many bytes are held now, in memory and in the temporary
// file, whole pages and sectors counted.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.used() + s.kept + s.spill.used()
}
