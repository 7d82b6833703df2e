package layer

import (
	"io"
	"os"
	"sync/atomic"
)

// Buffer is contents that a [Spool] keeps. Many goroutines may read it.
type Buffer struct {
	store *Spool
	refs  atomic.Int32
	size  int64

	mem    []byte // all of it, or nil when it is in the temporary file
	arena  *arena // that mem lies in, if it does
	off    int64  // of mem in the arena
	onHeap bool
	spans  []span // in the temporary file, in order
}

// Size is in bytes.
func (h *Buffer) Size() int64 { return h.size }

// Bytes returns the contents without copying when they are in memory, else nil.
// They are read-only, and valid until Release.
func (h *Buffer) Bytes() []byte {
	if h.refs.Load() <= 0 {
		return nil
	}
	return h.mem
}

// ReadAt implements [io.ReaderAt].
func (h *Buffer) ReadAt(p []byte, off int64) (int, error) {
	if h.refs.Load() <= 0 {
		return 0, os.ErrClosed
	}
	if off < 0 {
		return 0, os.ErrInvalid
	}
	if off >= h.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > h.size-off
	if short {
		p = p[:h.size-off]
	}
	n, err := h.read(p, off)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// read fills p, which does not reach beyond the contents.
func (h *Buffer) read(p []byte, off int64) (int, error) {
	if h.spans == nil {
		return copy(p, h.mem[off:]), nil
	}
	done := 0
	for _, s := range h.spans {
		if off >= s.n {
			off -= s.n
			continue
		}
		part := p[done:min(int64(len(p)), int64(done)+s.n-off)]
		n, err := h.store.file.ReadAt(part, s.off+off)
		if done += n; n < len(part) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF // somebody cut our file
			}
			return done, err
		}
		if off = 0; done == len(p) {
			return done, nil
		}
	}
	return done, io.ErrUnexpectedEOF
}

// Retain adds a reference, which needs its own Release, and returns h.
func (h *Buffer) Retain() *Buffer {
	h.refs.Add(1)
	return h
}

// Release gives back a reference; with the last one go the contents.
func (h *Buffer) Release() {
	if h.refs.Add(-1) != 0 {
		return
	}
	h.freeMemory()
	if h.spans != nil {
		h.store.freeSpans(h.spans)
	}
	if h.onHeap {
		h.store.mu.Lock()
		h.store.kept -= h.size
		h.store.mu.Unlock()
	}
}

func (h *Buffer) freeMemory() {
	if h.arena == nil {
		return
	}
	h.store.mu.Lock()
	h.store.memory.give(h.off, int64(len(h.mem)))
	h.store.mu.Unlock()
	h.mem, h.arena = nil, nil
}

// fill reads r to its end: into memory while there is some, want bytes at
// first, and then into the temporary file.
func (h *Buffer) fill(r io.Reader, want int64) error {
	if !h.grow(want) {
		return h.spillFrom(r, nil, want)
	}
	for n := 0; ; {
		if n == len(h.mem) && !h.grow(2*int64(n)) {
			err := h.spillFrom(r, h.mem, 2*int64(n))
			h.freeMemory()
			return err
		}
		m, err := r.Read(h.mem[n:])
		n += m
		if err == io.EOF {
			h.trim(n)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// grow moves what was read to a larger place in memory, if there is one.
func (h *Buffer) grow(n int64) bool {
	a, off, n := h.store.alloc(n)
	if a == nil {
		return false
	}
	mem := a.mem[off : off+n : off+n]
	copy(mem, h.mem)
	h.freeMemory()
	h.mem, h.arena, h.off = mem, a, off
	return true
}

// trim ends filling with n bytes in memory.
func (h *Buffer) trim(n int) {
	h.size = int64(n)
	h.store.mu.Lock()
	h.store.memory.trim(h.off, int64(len(h.mem)), int64(n))
	h.store.mu.Unlock()
	h.mem = h.mem[:n:n]
	if n == 0 {
		h.arena = nil
	}
}
