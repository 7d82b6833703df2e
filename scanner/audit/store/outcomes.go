package store

import (
	"context"
	"slices"

	"github.com/interdict/interdict/denylist"
)

// reviewVersion is the schema's version from which on review is an outcome.
const reviewVersion = 4

// reviewOutcomes gives the manifests that were judged before review was an
// outcome the one that they have now: one with something to review, nothing
// denied and all examined had passed.
func (s *Store) reviewOutcomes(ctx context.Context, t tx) error {
	digests, err := t.digests(ctx, "SELECT digest FROM audit_manifest WHERE outcome = ? AND denied = 0 AND review > 0 ORDER BY digest", denylist.Pass)
	if err != nil {
		return err
	}
	y := newTally()
	for part := range slices.Chunk(digests, maxRows) {
		ms, err := s.manifests(ctx, t, part)
		if err != nil {
			return err
		}
		var ids []int64
		for _, m := range ms {
			ids = append(ids, m.id)
		}
		slices.Sort(ids)
		places, err := s.places(ctx, t, ids)
		if err != nil {
			return err
		}
		found, err := readFound(ctx, t, ids)
		if err != nil {
			return err
		}
		for _, m := range ms {
			is := *m
			is.outcome = denylist.NeedsReview
			for _, p := range places[m.id] {
				y.off(p, m, found[m.id])
				y.on(p, &is, found[m.id])
				y.seen(p.runs, p, m, -1)
				y.seen(p.runs, p, &is, 1)
			}
		}
		in, args := placeholders(ids)
		if err := t.exec(ctx, "UPDATE audit_manifest SET outcome = '"+string(denylist.NeedsReview)+"' WHERE id IN "+in, args...); err != nil {
			return err
		}
	}
	return y.write(ctx, t, s.now(), 0)
}
