package audit

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
	"github.com/interdict/interdict/scanner/registry"
)

const (
	// pauseAge is how old an answer of the store may be to whether a host asked
	// for a rest.
	pauseAge = time.Second
	// maxHold is how long a request waits for a host that asked for a rest. It
	// fails when it would have to wait for longer: its worker has other things
	// to do.
	maxHold = 10 * time.Second
)

// limits are the limits of registries, which all workers keep together.
type limits struct {
	store *store.Store

	mu    sync.Mutex
	rate  float64 // requests a second to each host; zero for no limit
	hosts map[string]*hostLimit
}

type hostLimit struct {
	mu     sync.Mutex
	asked  time.Time // when the store was asked for until
	until  time.Time // no request before
	tokens int       // requests that may be made
}

func newLimits(s *store.Store) *limits {
	return &limits{store: s, hosts: map[string]*hostLimit{}}
}

func (l *limits) setRate(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = perSecond
}

func (l *limits) current() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

func (l *limits) host(name string) (*hostLimit, float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[name]
	if h == nil {
		h = &hostLimit{}
		l.hosts[name] = h
	}
	return h, l.rate
}

// paused tells all workers that a host asked for a rest.
func (l *limits) paused(name string, until time.Time) {
	h, _ := l.host(name)
	h.mu.Lock()
	if until.After(h.until) {
		h.until = until
	}
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// Without the store the others find out for themselves.
	_ = l.store.Pause(ctx, name, until)
}

// until is when a host may be asked again; a time past if it may be now.
func (l *limits) until(ctx context.Context, name string) time.Time {
	h, _ := l.host(name)
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) >= pauseAge {
		// Without the store what is known here has to do.
		if t, err := l.store.Paused(ctx, name); err == nil && t.After(h.until) {
			h.until = t
		}
		h.asked = time.Now()
	}
	return h.until
}

// wait lets one request to a host pass when it may.
func (l *limits) wait(ctx context.Context, name string) error {
	if d := time.Until(l.until(ctx, name)); d > maxHold {
		return &registry.Error{Ref: name, Kind: registry.RateLimited, Err: fmt.Errorf("%s asked to wait %s more", name, d.Round(time.Second))}
	} else if err := retry.Sleep(ctx, d); err != nil {
		return err
	}
	return l.take(ctx, name)
}

// take takes one of the tokens that all workers share. They are taken half a
// second's worth at a time, so that not every request asks the store.
func (l *limits) take(ctx context.Context, name string) error {
	h, rate := l.host(name)
	if rate <= 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tokens == 0 {
		n := max(1, int(math.Floor(rate/2)))
		wait, err := l.store.Take(ctx, name, rate, n)
		if err != nil {
			return fmt.Errorf("asking how often %s may be asked: %w", name, err)
		}
		if err := retry.Sleep(ctx, wait); err != nil {
			return err
		}
		h.tokens = n
	}
	h.tokens--
	return nil
}
