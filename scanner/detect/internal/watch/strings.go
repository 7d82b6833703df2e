package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/interdict/interdict/sbom"
)

const (
	chunk = 256 << 10
	// A string shorter than minNeedle bytes occurs in every program and is not
	// looked for; one longer than maxNeedle would make the overlap of two
	// chunks too long, and is looked for by its beginning.
	minNeedle = 3
	maxNeedle = 4096
)

// needles finds many strings in one pass, with the algorithm of Wu and Manber
// (A fast algorithm for multi-pattern searching, 1994) on blocks of two bytes:
// most of the bytes of a program are skipped.
type needles struct {
	words   []needle
	window  int // the shortest needle's length
	longest int
	shift   [1 << 16]uint8
	bucket  map[uint16][]int // needles by the last block of their window
}

type needle struct {
	bytes []byte
	text  string // as watched
	wide  bool   // UTF-16LE
}

func newNeedles(words []string) *needles {
	n := &needles{bucket: map[uint16][]int{}}
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	for _, w := range words {
		n.add(needle{bytes: []byte(w), text: w})
		n.add(needle{bytes: wide(w), text: w, wide: true})
	}
	if len(n.words) == 0 {
		return nil
	}
	n.window = min(n.window, 255)
	for i := range n.shift {
		n.shift[i] = uint8(n.window - 1)
	}
	for i, w := range n.words {
		for j := range n.window - 1 {
			b := block(w.bytes[j:])
			n.shift[b] = min(n.shift[b], uint8(n.window-2-j))
		}
		last := block(w.bytes[n.window-2:])
		n.bucket[last] = append(n.bucket[last], i)
	}
	return n
}

func (n *needles) add(w needle) {
	if len(w.bytes) < minNeedle {
		return
	}
	w.bytes = w.bytes[:min(len(w.bytes), maxNeedle)]
	n.words = append(n.words, w)
	n.longest = max(n.longest, len(w.bytes))
	if n.window == 0 || len(w.bytes) < n.window {
		n.window = len(w.bytes)
	}
}

func block(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// hit is what was seen of one watched string.
type hit struct {
	first int64
	wide  bool
	count int
}

// scan calls found for every needle that ends in buf[seen:].
func (n *needles) scan(buf []byte, seen int, found func(at int, w *needle)) {
	last := n.window - 2 // of the block, in the window
	for i := last; i+1 < len(buf); {
		b := uint16(buf[i]) | uint16(buf[i+1])<<8
		if s := n.shift[b]; s > 0 {
			i += int(s)
			continue
		}
		start := i - last
		for _, k := range n.bucket[b] {
			w := &n.words[k]
			if start+len(w.bytes) > seen && bytes.HasPrefix(buf[start:], w.bytes) {
				found(start, w)
			}
		}
		i++
	}
}

// Strings streams size bytes of r and returns, sorted, one BinaryString
// Evidence for each watched string that occurs in UTF-8 or UTF-16LE: Where
// tells the first offset, Count how often. Memory does not grow with size. The
// error is ctx's or r's, never one of contents.
func (m *Matcher) Strings(ctx context.Context, r io.ReaderAt, size int64) ([]sbom.Evidence, error) {
	n := m.needles
	if n == nil {
		return nil, nil
	}
	hits := map[string]*hit{}
	pooled, ok := m.chunks.Get().(*[]byte)
	if !ok {
		b := make([]byte, n.longest-1+chunk)
		pooled = &b
	}
	defer m.chunks.Put(pooled)
	buf := *pooled
	kept := 0 // bytes of the chunk before, at the beginning of buf
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := r.ReadAt(buf[kept:kept+int(min(chunk, size-off))], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("looking for strings at %d: %w", off, err)
		}
		base, end := off-int64(kept), kept+got
		n.scan(buf[:end], kept, func(at int, w *needle) {
			h := hits[w.text]
			if h == nil {
				h = &hit{first: base + int64(at), wide: w.wide}
				hits[w.text] = h
			}
			h.count++
		})
		if got == 0 {
			break
		}
		off += int64(got)
		keep := min(end, n.longest-1)
		copy(buf, buf[end-keep:end])
		kept = keep
	}
	return n.evidence(hits), nil
}

func (n *needles) evidence(hits map[string]*hit) []sbom.Evidence {
	var es []sbom.Evidence
	for i := range n.words {
		w := &n.words[i]
		h := hits[w.text]
		if h == nil || w.wide != h.wide {
			continue
		}
		where := fmt.Sprintf("offset 0x%x", h.first)
		if h.wide {
			where += ", UTF-16LE"
		}
		es = append(es, sbom.Evidence{Kind: sbom.BinaryString, Value: w.text, Where: where, Count: h.count})
	}
	return es
}
