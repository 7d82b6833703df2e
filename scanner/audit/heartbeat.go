package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
	"github.com/interdict/interdict/scanner/scan"
)

// heartbeat gives signs of life until ctx is done. A worker that could give none for
// so long that others may soon take its jobs stops them: two must not look at
// one image.
func (w *worker) heartbeat(ctx context.Context) {
	t := w.a.opt.Times
	last := time.Now()
	for retry.Sleep(ctx, t.Heartbeat) == nil {
		bctx, cancel := context.WithTimeout(ctx, t.Heartbeat)
		err := w.a.store.Heartbeat(bctx, w.name)
		cancel()
		switch {
		case err == nil:
			last = time.Now()
			w.lease.renew()
		case ctx.Err() != nil:
			return
		case store.IsDiskFull(err):
			w.stop(fmt.Errorf("giving a sign of life: %w", err))
		case time.Since(last) > t.HeartbeatTimeout*2/3:
			w.lease.lose()
		}
	}
}

// lease is the right to work on jobs, which a worker has while others know that
// it lives.
type lease struct {
	mu   sync.Mutex
	lost bool
	held map[int]context.CancelCauseFunc
	next int
}

var errLease = errors.New("the database did not answer for too long; others take the image")

// join returns a context that also ends when the lease is lost.
func (l *lease) join(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[int]context.CancelCauseFunc{}
	}
	l.next++
	id := l.next
	l.held[id] = cancel
	if l.lost {
		cancel(errLease)
	}
	return ctx, func() {
		l.mu.Lock()
		delete(l.held, id)
		l.mu.Unlock()
		cancel(nil)
	}
}

func (l *lease) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
	for _, cancel := range l.held {
		cancel(errLease)
	}
}

func (l *lease) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = false
}

// sweep puts back the jobs of workers that gave no sign of life, and ends the
// runs whose planners did not.
func (w *worker) sweep(ctx context.Context) {
	pruned := time.Now()
	var strays []int64
	for {
		err := w.sweepOnce(ctx)
		if err == nil {
			strays, err = w.recall(ctx, strays)
		}
		if err == nil && w.a.shares() && time.Since(pruned) > pruneEvery {
			pruned = time.Now()
			err = w.a.store.PruneBlobs(ctx, scan.DefaultCacheSize)
		}
		if err != nil && ctx.Err() == nil {
			w.observe(Event{Kind: Trouble, Err: fmt.Errorf("tidying up after others: %w", err)})
		}
		if retry.Sleep(ctx, w.a.opt.Times.Heartbeat) != nil {
			return
		}
	}
}

// pruneEvery is how often a worker looks whether the results that all share
// have become too large.
const pruneEvery = 10 * time.Minute

func (w *worker) sweepOnce(ctx context.Context) error {
	dead, err := w.a.store.Stale(ctx, w.a.opt.Times.HeartbeatTimeout)
	if err != nil {
		return err
	}
	for _, name := range dead {
		if name == w.name {
			continue
		}
		if run, ok := keptBy(name); ok {
			err = w.abandon(ctx, run)
		} else {
			err = w.a.putBack(ctx, name)
		}
		if err == nil {
			_, err = w.a.store.Forget(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// abandon ends a run whose process is gone, unless images are all that it still
// waits for: others look at them.
func (w *worker) abandon(ctx context.Context, id int64) error {
	run, err := w.a.store.Run(ctx, id)
	if err != nil || !w.kept(store.OpenRun{ID: run.ID, Kind: run.Kind, State: run.State}) {
		return err
	}
	return w.a.store.SetRun(ctx, id, store.Stopped, nil, "its process was gone before it was done")
}

// kept reports whether a run needs its own process.
func (w *worker) kept(run store.OpenRun) bool {
	return run.State == store.Planning || run.State == store.Working && run.Kind == store.Rejudging
}

// recall puts back the jobs that the queue has as this worker's and that it is
// not at, for two sweeps now: the database was away when they ended. It returns
// those it found, for the next sweep.
func (w *worker) recall(ctx context.Context, before []int64) (strays []int64, err error) {
	running, err := w.a.running(ctx, w.name)
	if err != nil {
		return nil, err
	}
	for _, id := range running {
		switch {
		case w.inFlight.has(id):
		case !slices.Contains(before, id):
			strays = append(strays, id)
		default:
			if err := w.a.putBack(ctx, w.name, id); err != nil {
				return nil, err
			}
		}
	}
	return strays, nil
}
