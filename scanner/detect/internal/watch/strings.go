package watch

import (
	"context"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
)

const (
	// A string shorter than minNeedle bytes occurs in every program and is not
	// looked for; one longer than maxNeedle would make the overlap of two
	// chunks too long, and is looked for by its beginning.
	minNeedle = 3
	maxNeedle = 4096
)

// needles are the watched strings in their two encodings, and after them the
// signatures of [carve]: one search finds both.
type needles struct {
	words      []needle
	search     *carve.Searcher
	signatures []carve.Signature
}

type needle struct {
	text string // as watched
	wide bool   // UTF-16LE
}

func newNeedles(words []string) *needles {
	n := &needles{}
	var all [][]byte
	add := func(b []byte, w needle) {
		if len(b) >= minNeedle {
			n.words = append(n.words, w)
			all = append(all, b[:min(len(b), maxNeedle)])
		}
	}
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	for _, w := range words {
		add([]byte(w), needle{text: w})
		add(wide(w), needle{text: w, wide: true})
	}
	if len(n.words) == 0 {
		return nil
	}
	n.signatures = carve.Signatures()
	n.search = carve.NewSearcher(append(all, carve.Magics(n.signatures)...))
	return n
}

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

// Strings streams size bytes of r and returns, sorted, one BinaryString
// Evidence for each watched string that occurs in UTF-8 or UTF-16LE: Where
// tells the first offset, Count how often. Memory does not grow with size. The
// error is ctx's or r's, never one of contents.
//
// The same pass finds the signatures of [carve]: the Marks are what a Detector
// that searched the whole file returns in its Result. They are nil when no
// string is watched.
func (m *Matcher) Strings(ctx context.Context, r io.ReaderAt, size int64) ([]sbom.Evidence, *scanner.Marks, error) {
	n := m.needles
	if n == nil {
		return nil, nil, nil
	}
	hits := map[string]*hit{}
	marks := &scanner.Marks{}
	err := n.search.Stream(ctx, r, 0, size, func(at int64, word int) {
		if word >= len(n.words) {
			carve.Add(marks, at, word-len(n.words))
			return
		}
		w := &n.words[word]
		h := hits[w.text]
		if h == nil {
			h = &hit{first: at, wide: w.wide}
			hits[w.text] = h
		}
		h.count++
	})
	if err != nil {
		return nil, nil, err
	}
	return n.evidence(hits), marks, nil
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
