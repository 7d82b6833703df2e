package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
)

// Enqueue queues single images, "host/repository:tag" or "...@sha256:...": as a
// registry tells that somebody pushed them. What they lead to is found out by
// whoever works. They are judged by Options.Ruleset, or else as the newest audit
// was, by today's ruleset.
func (a *Audit) Enqueue(ctx context.Context, refs ...string) error {
	if len(refs) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, 0, len(refs))
	for _, ref := range refs {
		if _, err := a.client.ParseReference(ref); err != nil {
			return err
		}
		jobs = append(jobs, river.InsertManyParams{Args: noticeJob{Ref: ref},
			InsertOpts: &river.InsertOpts{Queue: queueName, MaxAttempts: len(a.opt.Times.Retry) + 1, Priority: 1}})
	}
	err := a.persist(ctx, func() error {
		_, err := a.insert.InsertMany(ctx, jobs)
		return err
	})
	if err != nil {
		return fmt.Errorf("queueing images: %w", err)
	}
	return nil
}

// noticeWorker works on the jobs of notices.
type noticeWorker struct {
	river.WorkerDefaults[noticeJob]
	w *worker
}

// Work implements river.Worker.
func (nw *noticeWorker) Work(ctx context.Context, job *river.Job[noticeJob]) error {
	return nw.w.job(ctx, job.JobRow, func(ctx context.Context, _ *slot) error {
		err := nw.w.a.notice(ctx, job.Args.Ref)
		if err == nil || ctx.Err() != nil {
			return err
		}
		nw.w.observe(Event{Kind: Trouble, Repository: job.Args.Ref, Attempt: job.Attempt, Err: err})
		switch {
		case store.IsDiskFull(err):
			nw.w.stop(err)
			return river.JobSnooze(0)
		case isDatabaseAway(err):
			return river.JobSnooze(time.Second)
		case retryClassOf(err) == retryNever:
			return river.JobCancel(err)
		}
		return err
	})
}

// notice finds out what a reference leads to, as a run of its own.
func (a *Audit) notice(ctx context.Context, ref string) error {
	scope, err := listing.ParseImage(ref) // foreign words name no files and no whole registries
	if err != nil {
		return err
	}
	law, err := a.currentRuleset(ctx)
	if err != nil {
		return err
	}
	_, err = a.Plan(ctx, PlanOptions{Scope: []listing.Scope{scope}, Ruleset: law, Kind: store.Notified, Rate: a.limits.current()})
	return err
}

// currentRuleset is by what images are judged that no audit asked for.
func (a *Audit) currentRuleset(ctx context.Context) (store.Ruleset, error) {
	if len(a.opt.Ruleset.Text) > 0 || a.opt.Ruleset.Parsed != nil {
		return a.opt.Ruleset, nil
	}
	runs, err := a.store.Runs(ctx, recentRuns)
	if err != nil {
		return store.Ruleset{}, err
	}
	for _, r := range runs {
		if r.Kind != store.Auditing {
			continue
		}
		run, err := a.store.Run(ctx, r.ID)
		if err != nil {
			return store.Ruleset{}, err
		}
		return a.today(run.Ruleset)
	}
	return store.Ruleset{}, fmt.Errorf("there is no audit yet whose list could be used")
}

// today is a ruleset as of today.
func (a *Audit) today(l store.Ruleset) (store.Ruleset, error) {
	day, err := denylist.ParseDate(a.opt.Now().UTC().Format(time.DateOnly))
	if err != nil {
		return l, err
	}
	l.AsOf, l.Policy.AsOf = day, day
	j, err := a.rulesets.make(l)
	if err != nil {
		return l, err
	}
	l.Regimes = nil
	for _, r := range j.regimes {
		l.Regimes = append(l.Regimes, r.ID)
	}
	return l, nil
}

// Every calls fn now, and again when the interval has gone by since it began
// the last time, or at once if it took longer. It returns the first error of fn,
// or that of ctx.
func Every(ctx context.Context, interval time.Duration, fn func(ctx context.Context) error) error {
	for {
		next := time.Now().Add(interval)
		if err := fn(ctx); err != nil {
			return err
		}
		if err := retry.Sleep(ctx, time.Until(next)); err != nil {
			return err
		}
	}
}
