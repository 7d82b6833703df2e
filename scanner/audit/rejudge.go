package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/scanner/audit/store"
)

// RejudgeOptions say by what to judge again. Law must be set.
type RejudgeOptions struct {
	Ruleset store.Ruleset
	Jobs    int // at once; zero means one a processor
	Observe func(Event)
}

// Rejudge judges the stored bills of materials of all images that are there by
// another ruleset, and keeps the verdicts, as a run of its own. Nothing is
// pulled. When it is interrupted the run is Stopped; another Rejudge by the same ruleset leaves out what was judged by it already. A pattern
// that was not looked for makes a verdict incomplete, never clean.
func (a *Audit) Rejudge(ctx context.Context, opt RejudgeOptions) (store.Run, error) {
	j, err := a.rulesets.make(opt.Ruleset)
	if err != nil {
		return store.Run{}, err
	}
	run, err := a.store.BeginRun(ctx, store.Run{Kind: store.Rejudging, State: store.Working, Started: a.opt.Now(), Ruleset: opt.Ruleset,
		Scope: []string{"all stored bills of materials"}, Method: "Bills of materials that are stored were judged again. Nothing was pulled."})
	if err != nil {
		return store.Run{}, fmt.Errorf("beginning a run: %w", err)
	}
	forget, err := a.keep(ctx, run.ID)
	if err != nil {
		return store.Run{}, err
	}
	defer forget()
	r := &rejudging{a: a, opt: opt, run: run.ID, judge: j}
	state, reason := store.Done, ""
	err = r.all(ctx)
	if err != nil {
		state, reason = store.Stopped, err.Error()
		if ctx.Err() != nil {
			reason = "interrupted"
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
	}
	if serr := a.persist(ctx, func() error { return a.store.SetRun(ctx, run.ID, state, nil, reason) }); serr != nil && err == nil {
		err = serr
	}
	if err != nil {
		return store.Run{ID: run.ID}, fmt.Errorf("judging again: %w", err)
	}
	return a.store.Run(ctx, run.ID)
}

// rejudging is one Rejudge, or the part of a Plan that judges again what is
// known.
type rejudging struct {
	a     *Audit
	opt   RejudgeOptions
	run   int64
	judge *judge
	// answered, if set, takes a verdict in place of the store.
	answered func(ctx context.Context, digest string, v *denylist.Verdict) error
}

// page is how many bills of materials are read from the store at once.
const page = 16

// all judges everything that is there, but what was judged by this ruleset already.
func (r *rejudging) all(ctx context.Context) error {
	return r.pages(ctx, func(after string) ([]store.StoredBOM, error) { return r.a.store.Outdated(ctx, r.run, after, page) })
}

// judgedBy judges what this run saw and was judged by a ruleset.
func (r *rejudging) judgedBy(ctx context.Context, law int64) error {
	return r.pages(ctx, func(after string) ([]store.StoredBOM, error) {
		digests, err := r.a.store.SeenJudgedBy(ctx, r.run, law, after, page)
		if err != nil {
			return nil, err
		}
		boms := make([]store.StoredBOM, 0, len(digests))
		for _, d := range digests {
			text, err := r.a.store.BOM(ctx, d)
			if err != nil {
				return nil, err
			}
			boms = append(boms, store.StoredBOM{Digest: d, BOM: text})
		}
		return boms, nil
	})
}

// pages judges what next gives, page by page, after the digest of the last.
func (r *rejudging) pages(ctx context.Context, next func(after string) ([]store.StoredBOM, error)) error {
	g, gctx := errgroup.WithContext(ctx)
	jobs := r.opt.Jobs
	if jobs <= 0 {
		jobs = processors()
	}
	g.SetLimit(jobs)
	for after := ""; gctx.Err() == nil; {
		var boms []store.StoredBOM
		err := r.a.persist(ctx, func() (err error) {
			boms, err = next(after)
			return err
		})
		if err != nil {
			return errors.Join(fmt.Errorf("reading bills of materials: %w", err), g.Wait())
		}
		for _, b := range boms {
			after = b.Digest
			g.Go(func() error { return r.one(gctx, b) })
		}
		if len(boms) < page {
			break
		}
	}
	return g.Wait()
}

// one judges one bill of materials.
func (r *rejudging) one(ctx context.Context, b store.StoredBOM) error {
	inv, err := cyclonedx.Decode(bytes.NewReader(b.BOM))
	if err != nil {
		return fmt.Errorf("reading the bill of materials of %s: %w", b.Digest, err)
	}
	target := inv.Subject.Name
	v, text, err := r.judge.verdict(target, inv)
	if err != nil {
		return fmt.Errorf("judging %s: %w", b.Digest, err)
	}
	err = r.a.persist(ctx, func() error {
		if r.answered != nil {
			return r.answered(ctx, b.Digest, &v)
		}
		return r.a.store.SaveVerdict(ctx, r.run, b.Digest, v, text, r.a.opt.Now())
	})
	if err != nil {
		return fmt.Errorf("keeping the verdict of %s: %w", b.Digest, err)
	}
	if r.opt.Observe != nil {
		r.opt.Observe(Event{Kind: Judged, Digest: b.Digest, Outcome: v.Outcome, Findings: count(v)})
	}
	return nil
}
