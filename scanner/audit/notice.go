package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
)

// Enqueue queues single images, "host/repository:tag" or "...@sha256:...": as a
// registry tells that somebody pushed them. What they lead to is found out by
// whoever works. They are judged by Options.Law, or else as the newest audit
// was, by today's law.
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
	return nw.w.job(ctx, job.JobRow, func(ctx context.Context, _ *turn) error {
		err := nw.w.a.notice(ctx, job.Args.Ref)
		if err == nil || ctx.Err() != nil {
			return err
		}
		nw.w.observe(Event{Kind: Trouble, Repository: job.Args.Ref, Attempt: job.Attempt, Err: err})
		switch {
		case full(err):
			nw.w.stop(err)
			return river.JobSnooze(0)
		case troubled(err):
			return river.JobSnooze(time.Second)
		case fateOf(err) == never:
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
	law, err := a.currentLaw(ctx)
	if err != nil {
		return err
	}
	_, err = a.Plan(ctx, PlanOptions{Scope: []listing.Scope{scope}, Law: law, Kind: store.Notified, Rate: a.limits.current()})
	return err
}

// currentLaw is by what images are judged that no audit asked for.
func (a *Audit) currentLaw(ctx context.Context) (store.Law, error) {
	if len(a.opt.Law.Text) > 0 || a.opt.Law.Parsed != nil {
		return a.opt.Law, nil
	}
	runs, err := a.store.Runs(ctx, recentRuns)
	if err != nil {
		return store.Law{}, err
	}
	for _, r := range runs {
		if r.Kind != store.Auditing {
			continue
		}
		run, err := a.store.Run(ctx, r.ID)
		if err != nil {
			return store.Law{}, err
		}
		return a.today(run.Law)
	}
	return store.Law{}, fmt.Errorf("there is no audit yet whose list could be used")
}

// today is a law as of today.
func (a *Audit) today(l store.Law) (store.Law, error) {
	day, err := denylist.ParseDate(a.opt.Now().UTC().Format(time.DateOnly))
	if err != nil {
		return l, err
	}
	l.AsOf, l.Policy.AsOf = day, day
	j, err := a.judges.make(l)
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
		if err := sleep(ctx, time.Until(next)); err != nil {
			return err
		}
	}
}
