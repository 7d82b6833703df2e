package audit

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// job runs one job of this worker: within its slots, and until its lease is
// lost.
func (w *worker) job(ctx context.Context, row *rivertype.JobRow, fn func(ctx context.Context, t *slot) error) error {
	w.inFlight.take(row.ID)
	defer func() {
		if w.inFlight.drop(row.ID) == 0 {
			select {
			case w.idle <- struct{}{}:
			default:
			}
		}
	}()
	t, err := w.slot(ctx)
	if errors.Is(err, errStopping) {
		return river.JobSnooze(0)
	}
	if err != nil {
		return err
	}
	defer t.release()
	leased, cancel := w.lease.join(ctx)
	defer cancel()
	err = fn(leased, t)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // River puts it back
	case leased.Err() != nil:
		return river.JobSnooze(0) // others have it by now
	}
	return err
}

// inFlight holds the jobs that a worker is at.
type inFlight struct {
	mu   sync.Mutex
	jobs map[int64]bool
}

func (h *inFlight) take(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.jobs == nil {
		h.jobs = map[int64]bool{}
	}
	h.jobs[id] = true
}

// drop returns how many are left.
func (h *inFlight) drop(id int64) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.jobs, id)
	return len(h.jobs)
}

func (h *inFlight) has(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.jobs[id]
}

func (h *inFlight) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.jobs)
}

// maxCrashes is how many workers may end, by their own crash or by another process,
// while they look at an image, until the image is taken for the reason.
const maxCrashes = 20

var (
	errCrashes = errors.New("workers ended again and again while they looked at it")
	errPanic   = errors.New("the program is at fault")
	errUnread  = errors.New("a part of the image came damaged")
)

// crashes is how many workers took a job and neither failed at it nor gave it
// back.
func crashes(row *rivertype.JobRow) int {
	return len(row.AttemptedBy) - 1 - len(row.Errors) - snoozes(row)
}

// snoozes is how often a job was given back because it was not its fault.
func snoozes(row *rivertype.JobRow) int {
	var meta struct {
		Snoozes int `json:"snoozes"`
	}
	_ = json.Unmarshal(row.Metadata, &meta) // River's own
	return meta.Snoozes
}
