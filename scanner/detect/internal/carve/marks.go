package carve

import (
	"context"
	"io"
	"slices"

	"github.com/interdict/interdict/scanner"
)

// maxMarks is how many places of one file are kept.
const maxMarks = 1 << 16

// Add adds a place to marks.
func Add(marks *scanner.Marks, offset int64, signature int) {
	if len(marks.Places) >= maxMarks {
		marks.More++
		return
	}
	marks.Places = append(marks.Places, scanner.Mark{Offset: offset, Signature: signature})
}

// A Carver finds the files that lie in others. It may be used by many
// goroutines.
type Carver struct {
	signatures []Signature
	search     *Searcher
}

// New makes a Carver of all [Signatures].
func New() *Carver {
	s := Signatures()
	return &Carver{signatures: s, search: NewSearcher(Magics(s))}
}

// Has reports whether a signature is in b, but not at its very beginning.
func (c *Carver) Has(b []byte) (yes bool) {
	c.search.Find(b, 0, func(at, word int) { yes = yes || at > int(c.signatures[word].back) })
	return yes
}

// HasAny reports whether a signature is anywhere in b.
func (c *Carver) HasAny(b []byte) (yes bool) {
	c.search.Find(b, 0, func(int, int) { yes = true })
	return yes
}

// Marks searches the bytes of r from one offset to another.
func (c *Carver) Marks(ctx context.Context, r io.ReaderAt, from, to int64) (*scanner.Marks, error) {
	marks := &scanner.Marks{}
	err := c.search.Stream(ctx, r, from, to, func(at int64, word int) { Add(marks, at, word) })
	return marks, err
}

// Files calls found for each file that marks lead to and that lies in the bytes
// of r between two offsets, in the order of their beginnings. It returns where
// the file ends, or a smaller offset when that is not known: what lies before is
// not looked at again. An error of it ends the search.
func (c *Carver) Files(r io.ReaderAt, marks *scanner.Marks, from, to int64, found func(File) (end int64, err error)) error {
	type place struct {
		at   int64
		file File // when it is known already
		mark scanner.Mark
	}
	var places []place
	for _, m := range marks.Places {
		if m.Offset < from || m.Offset >= to {
			continue
		}
		s := &c.signatures[m.Signature]
		p := place{at: m.Offset - s.back, mark: m}
		if s.start != nil {
			var ok bool
			if p.file, ok = s.File(r, m.Offset, from, to); !ok {
				continue
			}
			p.at = p.file.At
		}
		places = append(places, p)
	}
	slices.SortStableFunc(places, func(a, b place) int { return int(min(max(a.at-b.at, -1), 1)) })
	until := max(from, 1) // what lies at 0 is the file itself
	for _, p := range places {
		if p.at < until {
			continue
		}
		if p.file.Kind == "" {
			var ok bool
			if p.file, ok = c.signatures[p.mark.Signature].File(r, p.mark.Offset, from, to); !ok {
				continue
			}
		}
		end, err := found(p.file)
		if err != nil {
			return err
		}
		until = max(until, end, p.at+1)
	}
	return nil
}
