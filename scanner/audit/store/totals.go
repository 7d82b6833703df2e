package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/interdict/interdict/denylist"
)

// Group is what By counts by.
type Group string

// The groups.
const (
	ByVendor     Group = "vendor"
	ByRegime     Group = "regime"
	ByRepository Group = "repository"
	ByTeam       Group = "team"
)

// Totals counts the images that a filter selects (see Images) and those of
// their findings that it selects. Images that wait to be looked at again, or
// failed then, count by their verdict of before too. Layers are counted for
// the zero filter only, LayersRead and Bytes only for runs.
func (s *Store) Totals(ctx context.Context, f Filter) (c Totals, err error) {
	err = s.read(ctx, "counting", func(t tx) error {
		c, err = s.totals(ctx, t, f)
		return err
	})
	return c, err
}

func (s *Store) totals(ctx context.Context, t tx, f Filter) (c Totals, err error) {
	groups, err := countBy(ctx, t, "", &f)
	if err != nil {
		return c, err
	}
	for k, n := range groups {
		c.add(k, n.count)
	}
	f.Limit, f.After = 0, ""
	if f != (Filter{}) {
		return c, nil
	}
	err = t.row(ctx, "SELECT (SELECT count(*) FROM audit_layer) - (SELECT count(*) FROM audit_layer WHERE gone = 1)", nil, &c.Layers)
	return c, err
}

// AddVerdict counts one image of a verdict.
func (c *Totals) AddVerdict(v *denylist.Verdict) {
	n := count{images: 1}
	for _, f := range foundOf(v) {
		n.findings++
		switch f.rank {
		case rankDenied:
			n.denied++
		case rankReview:
			n.review++
		}
	}
	c.add(group{state: Scanned, outcome: v.Outcome}, n)
}

// add counts what is counted of images of a state and an outcome.
func (c *Totals) add(k group, n count) {
	c.Images += n.images
	c.Findings += n.findings
	c.Denied += n.denied
	c.Review += n.review
	switch k.state {
	case Waiting:
		c.Waiting += n.images
	case Failed:
		c.Failed += n.images
	}
	switch k.outcome {
	case denylist.Pass:
		c.Pass += n.images
	case denylist.Deny:
		c.Deny += n.images
	case denylist.Incomplete:
		c.Incomplete += n.images
	case denylist.NeedsReview:
		c.ToReview += n.images
	}
}

// By counts the images and findings that a filter selects by vendor, regime,
// repository or team, the most denied first. By vendor and regime, Deny and
// Review are of the vendor's and the regime's own findings, and Since and NewIn
// of the findings' first sight; else of the images'. FirstSeen is when the
// first of what is counted was seen, even if it is gone since. A Limit of zero
// or less means all.
func (s *Store) By(ctx context.Context, what Group, f Filter) (out []Count, err error) {
	if !slices.Contains([]Group{ByVendor, ByRegime, ByRepository, ByTeam}, what) {
		return nil, fmt.Errorf("counting by %q: it is neither vendor, regime, repository nor team", what)
	}
	err = s.read(ctx, "counting by "+string(what), func(t tx) error {
		groups, err := countBy(ctx, t, what, &f)
		if err != nil {
			return err
		}
		titles, err := titles(ctx, t, what)
		if err != nil {
			return err
		}
		out = make([]Count, 0, len(groups))
		for k, n := range groups {
			out = append(out, Count{
				Name: k.name, Title: cmp.Or(titles[k.name], k.name), Images: n.images, Deny: n.withDenied, Review: n.onlyReview,
				Findings: n.findings, FirstSeen: fromMicros(n.first),
			})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Deny, a.Deny), cmp.Compare(b.Review, a.Review), cmp.Compare(b.Images, a.Images), cmp.Compare(a.Name, b.Name))
	})
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, err
}

func titles(ctx context.Context, t tx, what Group) (map[string]string, error) {
	out := map[string]string{}
	if what != ByVendor && what != ByRegime {
		return out, nil
	}
	err := t.rows(ctx, "SELECT name, title FROM audit_title WHERE kind = ?", []any{what}, func(scan func(...any) error) error {
		var name, title string
		err := scan(&name, &title)
		out[name] = title
		return err
	})
	return out, err
}

// group is the key of a line of counts: with a name what is counted by, without
// one what totals tell apart.
type group struct {
	name    string
	state   ImageState
	outcome denylist.Outcome
}

// since is a count and when the first of it was seen.
type since struct {
	count
	first int64
}

// of is what is left of a count when only findings of that level count.
func (c count) of(l denylist.Level) count {
	switch l {
	case "":
		return c
	case denylist.Denied:
		return count{images: c.withDenied, withDenied: c.withDenied, findings: c.denied, denied: c.denied}
	case denylist.Review:
		return count{images: c.withReview, withReview: c.withReview, onlyReview: c.withReview, findings: c.review, review: c.review}
	}
	return count{images: c.withMention, withMention: c.withMention, findings: c.findings - c.denied - c.review}
}

// count counts by what, or for totals when it is empty, from the cells or from
// rows. Groups without images are left out.
func countBy(ctx context.Context, t tx, what Group, f *Filter) (map[group]since, error) {
	out := map[group]since{}
	each := func(k group, c count, first int64) {
		if c = c.of(f.Level); c.images == 0 {
			return
		}
		n, ok := out[k]
		n.add(c, 1)
		if !ok || first < n.first {
			n.first = first
		}
		out[k] = n
	}
	switch {
	case f.counted():
		return out, countCells(ctx, t, what, f, "", each)
	case f.countedNew(what):
		return out, countNew(ctx, t, what, f, each)
	}
	p, err := divide(ctx, t, what, f)
	if err != nil {
		return out, err
	}
	if p.whole != none {
		g := *f
		g.NewIn, g.Since, g.Text = 0, time.Time{}, ""
		if err := countCells(ctx, t, what, &g, p.whole, each); err != nil {
			return out, err
		}
	}
	if p.mixed != none {
		return out, countRows(ctx, t, what, f, p.mixed, each)
	}
	return out, nil
}
