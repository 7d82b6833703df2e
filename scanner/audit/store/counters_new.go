package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// writeNew brings the counters of what is new in runs up to date.
func (y *tally) writeNew(ctx context.Context, t tx) error {
	keys := slices.SortedFunc(maps.Keys(y.fresh), func(a, b newCell) int {
		return cmp.Or(cmp.Compare(a.run, b.run), compareCells(a.cell, b.cell))
	})
	var rows [][]any
	for _, k := range keys {
		c := y.fresh[k]
		if c.count == (count{}) {
			continue
		}
		rows = append(rows, []any{
			k.run, k.gone, k.repository, k.team, k.platform, k.state, k.outcome,
			c.images, c.withDenied, c.withReview, c.onlyReview, c.withMention, c.findings, c.denied, c.review, c.first, c.last,
		})
	}
	return t.insert(ctx, `audit_new (first_run, gone, repository_id, team, platform, state, outcome,
		images, with_denied, with_review, only_review, with_mention, findings, denied, review, first_seen, newest)`, 17, rows,
		"ON CONFLICT (first_run, gone, repository_id, team, platform, state, outcome) DO UPDATE SET "+
			added("audit_new", "images", "with_denied", "with_review", "only_review", "with_mention", "findings", "denied", "review")+
			", first_seen = CASE WHEN excluded.first_seen < audit_new.first_seen THEN excluded.first_seen ELSE audit_new.first_seen END"+
			", newest = CASE WHEN excluded.newest > audit_new.newest THEN excluded.newest ELSE audit_new.newest END")
}

// writeRuns brings the counters of the runs that have not ended up to date.
func (y *tally) writeRuns(ctx context.Context, t tx) error {
	keys := slices.SortedFunc(maps.Keys(y.runs), func(a, b runCell) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.repository, b.repository), cmp.Compare(a.state, b.state), cmp.Compare(a.outcome, b.outcome))
	})
	var rows [][]any
	for _, k := range keys {
		if c := y.runs[k]; c != (count{}) {
			rows = append(rows, []any{k.run, k.repository, k.state, k.outcome, c.images, c.findings, c.denied, c.review})
		}
	}
	return t.insert(ctx, "audit_run_cell (run_id, repository_id, state, outcome, images, findings, denied, review)", 8, rows,
		"ON CONFLICT (run_id, repository_id, state, outcome) DO UPDATE SET "+added("audit_run_cell", "images", "findings", "denied", "review"))
}
