package audit

import (
	"context"
	"sync"
)

// turn is a job's right to be at work, one of a worker's slots. While the job
// waits for a layer that another reads, others have the slot.
type turn struct {
	slots chan struct{}

	mu      sync.Mutex
	held    bool
	waiting int // goroutines of the job that wait
}

// slot waits until one more image may be looked at.
func (w *worker) slot(ctx context.Context) (*turn, error) {
	select {
	case <-w.stopping:
		return nil, errStopping
	default:
	}
	select {
	case w.slots <- struct{}{}:
		return &turn{slots: w.slots, held: true}, nil
	case <-w.stopping:
		return nil, errStopping
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// leave gives the slot to others while the job waits.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting++
	t.end()
}

// back ends a leave: it waits for a slot, unless more of the job waits still.
// Whoever holds one and comes to wait for what this job has leaves it.
func (t *turn) back(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
	if t.waiting > 0 || t.held {
		return nil
	}
	select {
	case t.slots <- struct{}{}:
		t.held = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// free gives the slot back for good.
func (t *turn) free() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
}

func (t *turn) end() {
	if t.held {
		<-t.slots
		t.held = false
	}
}

// turnedClaims are the claims of a job that leaves its slot while it waits. It
// implements scan.Claims.
type turnedClaims struct {
	*claims
	turn *turn
}

// Claim implements scan.Claims.
func (c turnedClaims) Claim(ctx context.Context, layer string, wait bool) (func(), error) {
	release, err := c.claims.Claim(ctx, layer, false)
	if err != nil || release != nil || !wait {
		return release, err
	}
	c.turn.leave()
	release, err = c.claims.Claim(ctx, layer, true)
	if berr := c.turn.back(ctx); berr != nil && err == nil {
		release()
		return nil, berr
	}
	return release, err
}
