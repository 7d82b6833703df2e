package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// Answer is what other rules would say of all images that are there.
type Answer struct {
	// Run describes the question as a run would; its ID is 0, because nothing is
	// kept of it.
	Run     store.Run
	Changes []store.Change // sorted by repository and digest
}

// Ask is Rejudge that writes nothing: the standing verdicts stay.
func (a *Audit) Ask(ctx context.Context, opt RejudgeOptions) (*Answer, error) {
	j, err := a.rulesets.make(opt.Ruleset)
	if err != nil {
		return nil, err
	}
	out := &Answer{Run: store.Run{Kind: store.Rejudging, State: store.Done, Started: a.opt.Now(), Ruleset: opt.Ruleset,
		Scope: []string{"all stored bills of materials"}}}
	var mu sync.Mutex
	r := &rejudging{a: a, opt: opt, judge: j, answered: func(ctx context.Context, digest string, v *denylist.Verdict) error {
		changes, err := a.store.Compare(ctx, digest, v)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range changes {
			out.Run.Totals.AddVerdict(v)
			if c.Before != c.After || len(c.Added)+len(c.Removed) > 0 {
				out.Changes = append(out.Changes, c)
			}
		}
		return nil
	}}
	err = r.pages(ctx, func(after string) ([]store.StoredBOM, error) { return a.store.Current(ctx, after, page) })
	if err != nil {
		return nil, fmt.Errorf("judging by other rules: %w", err)
	}
	slices.SortFunc(out.Changes, func(a, b store.Change) int {
		return cmp.Or(strings.Compare(a.Repository, b.Repository), strings.Compare(a.Digest, b.Digest))
	})
	waits, err := a.store.Totals(ctx, store.Filter{})
	if err != nil {
		return nil, err
	}
	t := &out.Run.Totals
	t.Waiting, t.Failed = waits.Waiting, waits.Failed
	t.Images = max(waits.Images, t.Images)
	out.Run.Ended = a.opt.Now()
	return out, nil
}
