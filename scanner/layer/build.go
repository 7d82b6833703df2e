package layer

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Bounds of an Index.
const (
	maxGaps  = 10_000    // that are told one by one
	maxNames = 512 << 20 // bytes of all names together
)

// builder collects what becomes an Index.
type builder struct {
	opt     Options
	entries []Entry // in the order of the layer
	names   int64   // bytes
	sparse  int64   // bytes that sparse files were expanded to
	reread  []string

	mu      sync.Mutex
	gaps    []sbom.Gap
	moreGap int
	results []result
}

// result is what a visit left.
type result struct {
	entry  int
	digest [32]byte
	keep   bool
	held   *Buffer // nil for a file on disk
}

func newBuilder(opt Options) *builder { return &builder{opt: opt} }

// add appends an entry and returns its place.
func (b *builder) add(e Entry) (int, error) {
	b.names += int64(len(e.Path) + len(e.Link))
	if len(b.entries) >= b.opt.MaxEntries || b.names > maxNames {
		return 0, fmt.Errorf("%d names: %w", len(b.entries), ErrTooLarge)
	}
	b.entries = append(b.entries, e)
	return len(b.entries) - 1, nil
}

// expanded bounds what sparse files are expanded to, all together.
func (b *builder) expanded(n int64) error {
	if b.sparse += n; b.sparse > b.opt.MaxBytes {
		return fmt.Errorf("sparse files of more than %d bytes: %w", b.opt.MaxBytes, ErrTooLarge)
	}
	return nil
}

func (b *builder) gap(g sbom.Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.gaps) >= maxGaps {
		b.moreGap++
		return
	}
	b.gaps = append(b.gaps, g)
}

// tooLarge notes a wanted file that is larger than Options.MaxFile.
func (b *builder) tooLarge(e *Entry) {
	b.gap(sbom.Gap{Path: e.Path, Reason: sbom.Limit, Detail: fmt.Sprintf("it has %d bytes; %d are read", e.Size, b.opt.MaxFile)})
}

func (b *builder) unreadable(path string, err error) {
	b.gap(sbom.Gap{Path: path, Reason: sbom.Unreadable, Detail: err.Error()})
}

func (b *builder) note(r result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, r)
}

// discard gives back what was kept.
func (b *builder) discard() {
	for _, r := range b.results {
		if r.held != nil {
			r.held.Release()
		}
	}
}

// finish makes the Index. All who write to the builder have ended.
func (b *builder) finish(diffID string) (*Index, error) {
	for _, r := range b.results {
		e := &b.entries[r.entry]
		e.Digest, e.kept, e.held = r.digest, r.keep, r.held
	}
	ix := &Index{DiffID: diffID, Gaps: b.finishGaps(diffID), Reread: b.reread}
	order := make([]int32, len(b.entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		return cmp.Or(strings.Compare(b.entries[i].Path, b.entries[j].Path), cmp.Compare(i, j))
	})
	b.link(order)
	arrange(b.entries, order)
	ix.Entries = b.entries[:0]
	for i := range b.entries {
		e := b.entries[i]
		if i+1 < len(b.entries) && b.entries[i+1].Path == e.Path {
			if e.held != nil {
				e.held.Release()
			}
			continue // the last of equal names wins
		}
		ix.Entries = append(ix.Entries, e)
	}
	clear(b.entries[len(ix.Entries):])
	if n := impliedNames(ix.Entries); n > b.opt.MaxEntries {
		_ = ix.Close()
		return nil, fmt.Errorf("%d names with folders: %w", n, ErrTooLarge)
	}
	return ix, nil
}

// arrange moves entries[order[i]] to entries[i], without a second slice: there
// may be very many. It uses order up.
func arrange(entries []Entry, order []int32) {
	for i := range order {
		if order[i] < 0 {
			continue
		}
		first := entries[i]
		for at := int32(i); ; {
			from := order[at]
			order[at] = -1
			if from == int32(i) {
				entries[at] = first
				break
			}
			entries[at] = entries[from]
			at = from
		}
	}
}

func (b *builder) finishGaps(diffID string) []sbom.Gap {
	if b.moreGap > 0 {
		b.gaps = append(b.gaps, sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("%d more gaps are not listed", b.moreGap)})
	}
	for i := range b.gaps {
		b.gaps[i].Layer = diffID
		b.gaps[i].Path = sbom.CleanValue(b.gaps[i].Path)
		b.gaps[i].Detail = sbom.CleanValue(b.gaps[i].Detail)
	}
	slices.SortFunc(b.gaps, func(x, y sbom.Gap) int {
		return cmp.Or(strings.Compare(x.Path, y.Path), strings.Compare(string(x.Reason), string(y.Reason)), strings.Compare(x.Detail, y.Detail))
	})
	return b.gaps
}

// link gives hard links what they link to: the entry of that name which came
// before, as when the tar is unpacked. A link to a lower layer's file stays
// without.
func (b *builder) link(order []int32) {
	for i := range b.entries {
		e := &b.entries[i]
		if e.Type != scanner.Hardlink {
			continue
		}
		at := sort.Search(len(order), func(n int) bool {
			o := order[n]
			p := b.entries[o].Path
			return p > e.Link || p == e.Link && int(o) >= i
		})
		if at == 0 {
			continue
		}
		t := &b.entries[order[at-1]]
		if t.Path != e.Link || t.Type != scanner.Regular && t.Type != scanner.Hardlink {
			continue
		}
		e.Size, e.Format, e.Digest = t.Size, t.Format, t.Digest
		if e.kept, e.held = t.kept, t.held; e.held != nil {
			e.held.Retain()
		}
	}
}

// impliedNames counts the names of a tree that has the entries: with the
// folders that no entry of their own names.
func impliedNames(sorted []Entry) int {
	n := 0
	prev := ""
	for i := range sorted {
		p := sorted[i].Path
		shared := 0
		for shared < len(p) && shared < len(prev) && p[shared] == prev[shared] {
			shared++
		}
		n += 1 + strings.Count(strings.TrimPrefix(p[shared:], "/"), "/")
		prev = p
	}
	return n
}
