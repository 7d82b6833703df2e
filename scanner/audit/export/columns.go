package export

import (
	"cmp"
	"context"

	"github.com/interdict/interdict/scanner/audit/store"
)

// findingsReader returns what gives the findings of one image after the other, in the
// store's order of images. The findings of a whole fleet are read beside the
// images, because both are in the order of repository and digest; those of few
// images are asked for one by one.
func findingsReader(from Lister, f store.Filter) func(context.Context, *store.Image) ([]store.Finding, error) {
	wide := store.Filter{Repository: f.Repository, Team: f.Team, Platform: f.Platform, State: f.State, Verdict: f.Verdict}
	narrow := f
	narrow.Limit, narrow.After = 0, ""
	if narrow != wide || f.Gone {
		return func(ctx context.Context, i *store.Image) ([]store.Finding, error) { return FindingsOf(ctx, from, i) }
	}
	wide.Limit = pageSize
	s := &stream{from: from, filter: wide}
	return func(ctx context.Context, i *store.Image) ([]store.Finding, error) {
		out, err := s.of(ctx, i)
		if err == nil && len(out) == 0 && i.Denied+i.Review+i.Waived > 0 {
			return FindingsOf(ctx, from, i) // its result came after its findings were read
		}
		return out, err
	}
}

// stream reads findings page by page.
type stream struct {
	from   Lister
	filter store.Filter
	page   []store.Finding
	end    bool
}

// of returns the findings of an image and leaves out those of images before it.
func (s *stream) of(ctx context.Context, i *store.Image) (out []store.Finding, err error) {
	for {
		for len(s.page) > 0 {
			f := &s.page[0]
			switch order := cmp.Or(cmp.Compare(f.Repository, i.Repository), cmp.Compare(f.Digest, i.Digest)); {
			case order > 0:
				return out, nil
			case order == 0:
				out = append(out, *f)
			}
			s.page = s.page[1:]
		}
		if s.end {
			return out, nil
		}
		if s.page, s.filter.After, err = s.from.Findings(ctx, s.filter); err != nil {
			return nil, err
		}
		s.end = s.filter.After == ""
	}
}
