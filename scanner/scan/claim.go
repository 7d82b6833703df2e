package scan

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Claims says who reads a layer. Its method may be called from many goroutines.
type Claims interface {
	// Claim gives the right to read a layer and to keep the result, until
	// release is called. If somebody else has it, Claim waits for them if wait
	// is set, and returns a nil release otherwise. Layer names the layer and all
	// else that the result depends on.
	Claim(ctx context.Context, layer string, wait bool) (release func(), err error)
}

// readClaimed reads layers, several at once: first those that nobody else is
// reading, then what is left of the others.
func (r *run) readClaimed(ctx context.Context, todo []int) error {
	var (
		mu   sync.Mutex
		busy []int
	)
	err := r.eachLayer(ctx, todo, func(ctx context.Context, i int) error {
		done, err := r.readOnce(ctx, i, r.opt.Claims == nil)
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

// readOnce reads layer i unless somebody else is reading it or has. It reports
// whether the layer is known now.
func (r *run) readOnce(ctx context.Context, i int, wait bool) (bool, error) {
	l := r.src.Layers()[i]
	desc := l.Describe()
	if r.opt.Claims != nil && r.opt.Cache != nil && desc.DiffID != "" {
		release, err := r.opt.Claims.Claim(ctx, desc.DiffID+"-"+r.key, wait)
		if err != nil || release == nil {
			return false, err
		}
		defer release()
		if rl, ok := r.readElsewhere(ctx, i); ok {
			r.layers[i] = rl
			return true, nil
		}
	}
	var err error
	r.layers[i], err = r.readLayer(ctx, l, desc)
	return err == nil, err
}

// readElsewhere returns a layer that was read since this run looked for it. One
// that has to be read again for more of its contents was not.
func (r *run) readElsewhere(ctx context.Context, i int) (*readLayer, bool) {
	desc := r.src.Layers()[i].Describe()
	if r.also[desc.DiffID] != nil {
		return nil, false
	}
	rl, ok := r.cachedLayer(ctx, desc)
	if ok {
		r.opt.observe(Event{Kind: LayerCached, Layer: desc.DiffID, N: desc.Size})
	}
	return rl, ok
}
