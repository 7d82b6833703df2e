package layer

import (
	"crypto/sha256"
	"io"
	"os"
)

// spiller writes contents to the temporary file of the Store. Where their size
// was not known before, they lie there in several pieces.
type spiller struct {
	held *Buffer
	want int64 // how much there may be in all
	file *os.File
	left int64 // room in the last span
}

func (w *spiller) write(p []byte) error {
	h := w.held
	for len(p) > 0 {
		if w.left == 0 {
			n := max(w.want-h.size, min(h.size, spillGrow), int64(len(p)))
			file, place, err := h.store.room(n)
			if err != nil {
				return h.store.spilling(err)
			}
			h.spans = append(h.spans, place)
			w.file, w.left = file, place.n
		}
		last := h.spans[len(h.spans)-1]
		part := p[:min(int64(len(p)), w.left)]
		if _, err := w.file.WriteAt(part, last.off+last.n-w.left); err != nil {
			return h.store.spilling(err)
		}
		h.size += int64(len(part))
		w.left -= int64(len(part))
		p = p[len(part):]
	}
	return nil
}

// finish gives back the room that was not needed.
func (w *spiller) finish() {
	h := w.held
	if w.left == 0 {
		return
	}
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	last := &h.spans[len(h.spans)-1]
	used := last.n - w.left
	h.store.spill.trim(last.off, last.n, used)
	last.n = h.store.spill.round(used)
}

// spillFrom writes what was read already, and then all of r, to the temporary
// file. Want is how much that may be.
func (h *Buffer) spillFrom(r io.Reader, read []byte, want int64) error {
	w := spiller{held: h, want: min(want, maxHint)}
	if err := w.write(read); err != nil {
		return err
	}
	block := h.store.blocks.Get().(*[blockSize]byte)
	defer h.store.blocks.Put(block)
	for {
		n, err := fillBlock(r, block[:])
		if werr := w.write(block[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			w.finish()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fillBlock reads until p is full or r gives an error, which it returns as it is.
func fillBlock(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// digest is the SHA-256 of the contents.
func (h *Buffer) digest() ([sha256.Size]byte, error) {
	if h.spans == nil {
		return sha256.Sum256(h.mem), nil
	}
	return digestAt(h.store, h, h.size)
}

// digestAt reads size bytes of r once, and takes their SHA-256.
func digestAt(s *Spool, r io.ReaderAt, size int64) (sum [sha256.Size]byte, err error) {
	block := s.blocks.Get().(*[blockSize]byte)
	defer s.blocks.Put(block)
	d := sha256.New()
	for off := int64(0); off < size; {
		n, err := r.ReadAt(block[:min(size-off, blockSize)], off)
		if n == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return sum, err
		}
		d.Write(block[:n])
		off += int64(n)
	}
	d.Sum(sum[:0])
	return sum, nil
}
