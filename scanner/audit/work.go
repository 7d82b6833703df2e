package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/interdict/interdict/scanner/audit/store"
)

// WorkOptions say how to work. The zero value works for ever, with all
// processors.
type WorkOptions struct {
	// Run is the run to wait for: Work returns when all of its images have their
	// result, whoever looks at them. Zero works until ctx is done.
	Run  int64
	Jobs int     // images at once; zero means one a processor
	Rate float64 // as PlanOptions.Rate
	// Grace is how long images that are being looked at may take to end after ctx
	// is done; 10 s if zero. Those that take longer are put back.
	Grace time.Duration
	// Observe is told of the progress; nil tells nobody. It may be called from
	// many goroutines at once and must return soon.
	Observe func(Event)
}

// defaultGrace is how long a container engine waits between asking a process to
// end and killing it.
const defaultGrace = 10 * time.Second

// Work takes images from the queue, whichever run they are for, looks at them
// and keeps what it finds. It returns nil when the run is done, and ctx's error
// when ctx ended it; an error of the database, or a full disk, ends it too. What
// it was at is then put back into the queue, and nothing is lost: any later Work
// goes on.
func (a *Audit) Work(ctx context.Context, opt WorkOptions) error {
	if opt.Jobs <= 0 {
		opt.Jobs = processors()
	}
	if opt.Grace <= 0 {
		opt.Grace = defaultGrace
	}
	a.limits.setRate(opt.Rate)
	if opt.Run != 0 {
		if done, err := a.finished(ctx, opt.Run); done || err != nil {
			return err
		}
	}
	w := &worker{a: a, opt: opt, name: workerName(), slots: make(chan struct{}, opt.Jobs),
		failed: make(chan error, 1), idle: make(chan struct{}, 1), stopping: make(chan struct{})}
	return w.work(ctx)
}

// finishIfDone ends the run if nothing of it waits any more, and reports whether it
// has ended.
func (a *Audit) finishIfDone(ctx context.Context, run int64) (done bool, err error) {
	err = a.persist(ctx, func() (err error) {
		done, err = a.store.FinishIfDone(ctx, run)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking at how far run %d is: %w", run, err)
	}
	return done, nil
}

// worker is one Work.
type worker struct {
	a        *Audit
	opt      WorkOptions
	name     string
	slots    chan struct{} // of images that are looked at now
	stopping chan struct{} // closed when no look begins any more
	failed   chan error    // what ends the work
	idle     chan struct{} // told when no job is in flight any more
	lease    lease
	inFlight inFlight
}

func (w *worker) work(ctx context.Context) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &imageWorker{w: w})
	river.AddWorker(workers, &noticeWorker{w: w})
	q, err := w.a.driver.client(w.a.working(w, workers))
	if err != nil {
		return fmt.Errorf("making a worker: %w", err)
	}
	// Nobody may take this worker for dead before it begins.
	if err := w.a.persist(ctx, func() error { return w.a.store.Heartbeat(ctx, w.name) }); err != nil {
		return fmt.Errorf("saying that a worker is there: %w", err)
	}
	// What is at work must outlive ctx for the grace, and its keepers with it.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	if err := w.a.persist(ctx, func() error { return q.Start(alive) }); err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	var keepers sync.WaitGroup
	keepers.Go(func() { w.heartbeat(alive) })
	keepers.Go(func() { w.sweep(alive) })
	err = w.wait(ctx)
	close(w.stopping)
	stop, cancel := context.WithTimeout(alive, w.opt.Grace+15*time.Second)
	defer cancel()
	serr := q.Stop(stop)
	end()
	keepers.Wait()
	if serr == nil {
		w.a.forget(alive, w.name)
	}
	if err == nil && serr != nil {
		err = fmt.Errorf("stopping a worker: %w", serr)
	}
	return err
}

// wait returns when the run is done, ctx is, or the work cannot go on.
func (w *worker) wait(ctx context.Context) error {
	tick := time.NewTicker(w.a.opt.Times.Poll)
	defer tick.Stop()
	for quiet := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.failed:
			return err
		case <-w.idle:
		case <-tick.C:
			quiet++
		}
		done, err := w.look(ctx)
		if done || err != nil {
			return err
		}
		if w.inFlight.count() > 0 {
			quiet = 0
		}
		if quiet >= 3 {
			quiet = 0
			if err := w.requeue(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// look tells how far the run is, and reports whether it is done. Runs that
// nobody waits for are ended too.
func (w *worker) look(ctx context.Context) (bool, error) {
	open, err := w.a.store.OpenRuns(ctx)
	if err != nil {
		return false, nil // asked again
	}
	w.progressed(ctx, open)
	for _, run := range open {
		if run.Waits || w.kept(run) || run.ID == w.opt.Run {
			continue
		}
		if _, err := w.a.finishIfDone(ctx, run.ID); err != nil {
			return false, err
		}
	}
	if w.opt.Run == 0 {
		return false, nil
	}
	return w.a.finished(ctx, w.opt.Run)
}

// progressed tells of the totals of the run that is waited for, or of the newest
// that has not ended.
func (w *worker) progressed(ctx context.Context, open []store.OpenRun) {
	id := w.opt.Run
	if id == 0 && len(open) > 0 {
		id = open[len(open)-1].ID
	}
	if id == 0 || w.opt.Observe == nil {
		return
	}
	if run, err := w.a.store.Run(ctx, id); err == nil {
		w.observe(Event{Kind: Progressed, Totals: run.Totals})
	}
}

// finished reports whether a run is done, and an error if it ended otherwise.
func (a *Audit) finished(ctx context.Context, id int64) (bool, error) {
	if done, err := a.finishIfDone(ctx, id); !done || err != nil {
		return false, err
	}
	run, err := a.store.Run(ctx, id)
	if err == nil && run.State == store.Stopped {
		err = fmt.Errorf("run %d was stopped: %s", id, run.Error)
	}
	return err == nil, err
}

// stop ends the work with an error.
func (w *worker) stop(err error) {
	select {
	case w.failed <- err:
	default:
	}
}

func (w *worker) observe(e Event) {
	if w.opt.Observe != nil {
		w.opt.Observe(e)
	}
}

var errStopping = errors.New("the worker is stopping")

// requeueBatch is how many images that wait are looked at at once for whether
// they still have a job.
const requeueBatch = 1000

// requeue queues what waits and has no job, if any has none: its planner was
// killed in between, or its job ended while another run came to wait for it.
func (w *worker) requeue(ctx context.Context) error {
	open, err := w.a.store.OpenRuns(ctx)
	if err != nil {
		return nil // asked again
	}
	for _, run := range open {
		if !run.Waits || w.kept(run) || w.opt.Run != 0 && run.ID != w.opt.Run {
			continue
		}
		j, err := w.a.rulesets.of(ctx, run.ID)
		if err != nil {
			return err
		}
		for after := ""; ; {
			waiting, err := w.a.store.Pending(ctx, run.ID, after, requeueBatch)
			if err != nil {
				return err
			}
			if err := w.a.enqueue(ctx, run.ID, j.key, j, waiting); err != nil {
				return err
			}
			if len(waiting) < requeueBatch {
				break
			}
			after = waiting[len(waiting)-1]
		}
	}
	return nil
}
