package store_test

import (
	"context"
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// TestReviewIsNoPass: a database of before review was an outcome counts what
// needs a person as such, and what passed as passed.
func TestReviewIsNoPass(t *testing.T) {
	ctx, url := context.Background(), "sqlite://"+t.TempDir()+"/a.db"
	s := must(store.Open(ctx, url))(t)
	seenAndJudged(t, s, store.Ruleset{}, denylist.Verdict{Outcome: denylist.Pass, Findings: []denylist.Finding{finding("f", denylist.Review)}})
	before := must(s.Totals(ctx, store.Filter{}))(t)
	for _, q := range []string{"DELETE FROM audit_schema WHERE version >= 4", "DROP TABLE audit_outcome_version"} {
		if _, err := s.DB().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s.Close())
	s = must(store.Open(ctx, url))(t)
	defer s.Close()
	after := must(s.Totals(ctx, store.Filter{}))(t)
	if before.Pass == 0 || after.Pass != 0 || after.ToReview != before.Pass || after.Images != before.Images || after.Review != before.Review {
		t.Errorf("before %+v, after %+v", before, after)
	}
	page, _, err := s.Images(ctx, store.Filter{Verdict: denylist.NeedsReview})
	check(t, err)
	if int64(len(page)) != after.ToReview {
		t.Errorf("%d images to review, want %d", len(page), after.ToReview)
	}
}
