package audit

import (
	"context"
	"errors"
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
// was, by today's law. Images that no audit's scope covers are refused: they are
// returned and not queued.
func (a *Audit) Enqueue(ctx context.Context, refs ...string) (refused []string, err error) {
	repositories := make([]string, len(refs))
	for i, ref := range refs {
		r, err := a.client.ParseReference(ref)
		if err != nil {
			return nil, err
		}
		repositories[i] = listing.RepositoryName(r.Context())
	}
	allowed, err := a.inScope(ctx, repositories)
	if err != nil {
		return nil, err
	}
	jobs := make([]river.InsertManyParams, 0, len(refs))
	for i, ref := range refs {
		if !allowed[repositories[i]] {
			refused = append(refused, ref)
			continue
		}
		jobs = append(jobs, river.InsertManyParams{Args: noticeJob{Ref: ref},
			InsertOpts: &river.InsertOpts{Queue: queueName, MaxAttempts: len(a.opt.Times.Retry) + 1, Priority: 1}})
	}
	if len(jobs) == 0 {
		return refused, nil
	}
	err = a.persist(ctx, func() error {
		_, err := a.insert.InsertMany(ctx, jobs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("queueing images: %w", err)
	}
	return refused, nil
}

// noticeWorker works on the jobs of notices.
type noticeWorker struct {
	river.WorkerDefaults[noticeJob]
	w *worker
}

// Work implements river.Worker.
func (nw *noticeWorker) Work(ctx context.Context, job *river.Job[noticeJob]) error {
	return nw.w.job(ctx, job.JobRow, func(ctx context.Context, _ *slot) error {
		a, ref := nw.w.a, job.Args.Ref
		err := a.notice(ctx, ref)
		if err == nil {
			return a.persist(ctx, func() error { return a.store.NoticeDone(ctx, ref) })
		}
		if ctx.Err() != nil {
			return err
		}
		nw.w.observe(Event{Kind: Trouble, Repository: ref, Attempt: job.Attempt, Err: err})
		switch {
		case store.IsDiskFull(err):
			nw.w.stop(err)
			return river.JobSnooze(0)
		case isDatabaseAway(err):
			return river.JobSnooze(time.Second)
		}
		never := retryClassOf(err) == retryNever
		if never || job.Attempt >= job.MaxAttempts {
			if ferr := a.noticeFailed(ctx, ref, err); ferr != nil {
				return river.JobSnooze(time.Second)
			}
		}
		if never {
			return river.JobCancel(err)
		}
		return err
	})
}

// noticeFailed keeps that a notice could not be worked on: readiness, metrics
// and the log tell of it until an audit has listed its repository.
func (a *Audit) noticeFailed(ctx context.Context, ref string, err error) error {
	n := store.FailedNotice{Ref: ref, Error: err.Error(), Failed: a.opt.Now()}
	if r, perr := a.client.ParseReference(ref); perr == nil {
		n.Repository = listing.RepositoryName(r.Context())
	}
	return a.persist(ctx, func() error { return a.store.SaveNoticeFailure(ctx, n) })
}

// notice finds out what a reference leads to, as a run of its own. A reference
// that leads nowhere any more needs no look.
func (a *Audit) notice(ctx context.Context, ref string) error {
	scope, err := listing.ParseImage(ref) // foreign words name no files and no whole registries
	if err != nil {
		return err
	}
	rules, err := a.currentRuleset(ctx)
	if err != nil {
		return err
	}
	run, err := a.Plan(ctx, PlanOptions{Scope: []listing.Scope{scope}, Ruleset: rules, Kind: store.Notified, Rate: a.limits.current()})
	if err != nil {
		return err
	}
	for _, p := range run.Problems {
		if !p.Absent {
			return fmt.Errorf("listing %s: %s", p.What, p.Reason)
		}
	}
	return nil
}

// currentRuleset is by what images are judged that no audit asked for.
func (a *Audit) currentRuleset(ctx context.Context) (store.Ruleset, error) {
	if len(a.opt.Ruleset.Text) > 0 || a.opt.Ruleset.Parsed != nil {
		return a.opt.Ruleset, nil
	}
	run, err := a.store.LatestAudit(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return store.Ruleset{}, errNoAudit
	}
	if err != nil {
		return store.Ruleset{}, &databaseError{err}
	}
	return a.today(run.Ruleset)
}

// errNoAudit tells that nothing says by what to judge an image. It may pass: an
// audit may begin.
var errNoAudit = errors.New("no audit was made yet: its list and laws are those that notices are judged by")

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
