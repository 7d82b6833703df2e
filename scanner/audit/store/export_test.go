package store

import (
	"context"
	"database/sql"
)

// Reader is what a store reads by.
func (s *Store) Reader() *sql.DB { return s.reader }

// Counted is a line of counts: of a name, a state and an outcome.
type Counted struct {
	Name, State, Outcome                               string
	Images, Deny, OnlyReview, Findings, Denied, Review int64
}

// Count counts what a filter selects, for totals if by nothing: as all readers
// do, and by reading the rows.
func (s *Store) Count(ctx context.Context, by Group, f Filter) (fast, slow map[Counted]bool, err error) {
	lines := func(groups map[group]since) map[Counted]bool {
		out := map[Counted]bool{}
		for k, n := range groups {
			out[Counted{k.name, string(k.state), string(k.outcome), n.images, n.withDenied, n.onlyReview, n.findings, n.denied, n.review}] = true
		}
		return out
	}
	t := tx{s.reader, s.dialect}
	counted, err := countBy(ctx, t, by, &f)
	if err != nil {
		return nil, nil, err
	}
	read := map[group]since{}
	err = countRows(ctx, t, by, &f, "", func(k group, c count, _ int64) {
		if c = c.of(f.Level); c.images > 0 {
			n := read[k]
			n.add(c, 1)
			read[k] = n
		}
	})
	return lines(counted), lines(read), err
}
