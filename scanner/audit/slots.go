package audit

import (
	"context"
	"sync"
)

// slot is a job's right to work. A worker has as many as it looks at images at
// once. A job that waits for a layer that another job reads yields its slot.
type slot struct {
	slots chan struct{}

	mu      sync.Mutex
	held    bool
	waiting int // goroutines of the job that wait
}

// slot waits until one more image may be looked at.
func (w *worker) slot(ctx context.Context) (*slot, error) {
	select {
	case <-w.stopping:
		return nil, errStopping
	default:
	}
	select {
	case w.slots <- struct{}{}:
		return &slot{slots: w.slots, held: true}, nil
	case <-w.stopping:
		return nil, errStopping
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// yield gives the slot to other jobs while a goroutine of this job waits.
func (t *slot) yield() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting++
	t.end()
}

// reacquire ends a yield: it waits for a slot, unless another goroutine of the
// job still waits. No deadlock follows: a job that holds a slot and comes to wait
// for what this job reads yields its own.
func (t *slot) reacquire(ctx context.Context) error {
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

// release ends the job's use of its slot.
func (t *slot) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
}

func (t *slot) end() {
	if t.held {
		<-t.slots
		t.held = false
	}
}

// yieldingLocks are the layer locks of a job that yields its slot while it
// waits for one. It implements scan.LayerLock.
type yieldingLocks struct {
	*layerLocks
	slot *slot
}

// Acquire implements scan.LayerLock.
func (c yieldingLocks) Acquire(ctx context.Context, layer string, wait bool) (func(), error) {
	release, err := c.layerLocks.Acquire(ctx, layer, false)
	if err != nil || release != nil || !wait {
		return release, err
	}
	c.slot.yield()
	release, err = c.layerLocks.Acquire(ctx, layer, true)
	if berr := c.slot.reacquire(ctx); berr != nil && err == nil {
		release()
		return nil, berr
	}
	return release, err
}
