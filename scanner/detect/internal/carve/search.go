// Package carve knows by which bytes containers and programs begin or end, and
// finds them wherever they lie in other files.
package carve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// chunk is how much of a file is searched at a time, in bytes.
const chunk = 256 << 10

// Searcher finds many byte strings in one pass, with the algorithm of Wu and
// Manber (A fast algorithm for multi-pattern searching, 1994) on blocks of two
// bytes: most of the bytes of a file are skipped. It may be used by many
// goroutines.
type Searcher struct {
	words   [][]byte
	window  int // the shortest word's length
	longest int
	shift   [1 << 16]uint8
	slot    [1 << 16]uint16 // by the last block of a window: index into lists
	lists   [][]int
	buffers sync.Pool // of *[]byte
}

// NewSearcher makes a Searcher of words of two bytes and more. It is nil, which
// finds nothing, when there are none.
func NewSearcher(words [][]byte) *Searcher {
	if len(words) == 0 {
		return nil
	}
	s := &Searcher{words: words, window: len(words[0]), lists: [][]int{nil}}
	for _, w := range words {
		s.window = min(s.window, len(w), 255)
		s.longest = max(s.longest, len(w))
	}
	for i := range s.shift {
		s.shift[i] = uint8(s.window - 1)
	}
	for i, w := range words {
		for j := range s.window - 1 {
			b := block(w[j:])
			s.shift[b] = min(s.shift[b], uint8(s.window-2-j))
		}
		last := block(w[s.window-2:])
		if s.slot[last] == 0 {
			s.slot[last] = uint16(len(s.lists))
			s.lists = append(s.lists, nil)
		}
		s.lists[s.slot[last]] = append(s.lists[s.slot[last]], i)
	}
	return s
}

func block(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

// Find calls found for every word that ends in buf[seen:], with its offset in
// buf and its index, in the order of offsets.
func (s *Searcher) Find(buf []byte, seen int, found func(at, word int)) {
	if s == nil {
		return
	}
	last := s.window - 2 // of the block, in the window
	for i := last; i+1 < len(buf); {
		b := uint16(buf[i]) | uint16(buf[i+1])<<8
		if n := s.shift[b]; n > 0 {
			i += int(n)
			continue
		}
		start := i - last
		for _, k := range s.lists[s.slot[b]] {
			w := s.words[k]
			if start+len(w) > seen && bytes.HasPrefix(buf[start:], w) {
				found(start, k)
			}
		}
		i++
	}
}

// Stream calls found for every word in the bytes of r from one offset to
// another. Memory does not grow with their number. The error is ctx's or r's.
func (s *Searcher) Stream(ctx context.Context, r io.ReaderAt, from, to int64, found func(at int64, word int)) error {
	if s == nil {
		return nil
	}
	pooled, ok := s.buffers.Get().(*[]byte)
	if !ok {
		b := make([]byte, s.longest-1+chunk)
		pooled = &b
	}
	defer s.buffers.Put(pooled)
	buf := *pooled
	kept := 0 // bytes of the chunk before, at the beginning of buf
	for from < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := r.ReadAt(buf[kept:kept+int(min(chunk, to-from))], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("searching at %d: %w", from, err)
		}
		base, end := from-int64(kept), kept+got
		s.Find(buf[:end], kept, func(at, word int) { found(base+int64(at), word) })
		if got == 0 {
			return nil
		}
		from += int64(got)
		keep := min(end, s.longest-1)
		copy(buf, buf[end-keep:end])
		kept = keep
	}
	return nil
}
