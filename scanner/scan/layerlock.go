package scan

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// LayerLock lets scans that run at once read each layer once. Its method may be
// called from many goroutines.
type LayerLock interface {
	// Acquire gives the right to read a layer and to keep the result, until
	// release is called. If another scan has it, Acquire waits for it if wait is
	// set, and returns a nil release otherwise. Layer names the stored layer and
	// all else that the result depends on.
	Acquire(ctx context.Context, layer string, wait bool) (release func(), err error)
}

// readLocked reads layers, several at once: first those that no other scan is
// reading, then what is left of the others.
func (r *run) readLocked(ctx context.Context, todo []int) error {
	var (
		mu   sync.Mutex
		busy []int
	)
	err := r.eachLayer(ctx, todo, func(ctx context.Context, i int) error {
		done, err := r.readOnce(ctx, i, r.opt.Lock == nil)
		if err == nil && !done {
			mu.Lock()
			busy = append(busy, i)
			mu.Unlock()
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.eachLayer(ctx, busy, func(ctx context.Context, i int) error {
		_, err := r.readOnce(ctx, i, true)
		return err
	})
}

func (r *run) eachLayer(ctx context.Context, todo []int, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.opt.Jobs)
	for _, i := range todo {
		g.Go(func() error { return fn(ctx, i) })
	}
	return g.Wait()
}

// readOnce reads layer i unless another scan is reading it or has read it. It
// reports whether the layer is known now. Only layers that a cached result can
// be found for without reading them are locked.
func (r *run) readOnce(ctx context.Context, i int, wait bool) (bool, error) {
	l := r.src.Layers()[i]
	if blob, verified := blobOf(l); verified && r.opt.Lock != nil && r.opt.Cache != nil {
		release, err := r.opt.Lock.Acquire(ctx, blob+"-"+r.key, wait)
		if err != nil || release == nil {
			return false, err
		}
		defer release()
		// One that is read again for more of its contents is not in the cache.
		if r.also[i] == nil && r.useCached(ctx, i, r.cachedDiffID(ctx, blob)) {
			return true, nil
		}
	}
	return true, r.readLayer(ctx, l, i)
}
