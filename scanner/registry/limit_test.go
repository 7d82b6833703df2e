package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestSharedLimits: whoever shares a registry with others is asked before every
// request, and told when the registry wants a rest.
func TestSharedLimits(t *testing.T) {
	var busy atomic.Bool
	addr := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if busy.Load() {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	push(t, addr+"/app:1")

	var asked atomic.Int32
	var until atomic.Pointer[time.Time]
	var full atomic.Bool
	errFull := &Error{Kind: RateLimited, Err: errors.New("no more today")}
	c := client(t, Options{
		Limit: func(_ context.Context, host string) error {
			asked.Add(1)
			if full.Load() || host != addr {
				return errFull
			}
			return nil
		},
		OnPause: func(host string, at time.Time) {
			if host == addr {
				until.Store(&at)
			}
		},
	})
	if err := pull(t.Context(), c, addr+"/app:1"); err != nil {
		t.Fatal(err)
	}
	if asked.Load() < 4 || until.Load() != nil {
		t.Errorf("asked %d times, paused until %v", asked.Load(), until.Load())
	}
	busy.Store(true)
	var e *Error
	if err := pull(t.Context(), c, addr+"/app:1"); !errors.As(err, &e) || e.Kind != RateLimited {
		t.Errorf("error %v of a registry that wants an hour", err)
	}
	if at := until.Load(); at == nil || time.Until(*at) < 50*time.Minute {
		t.Errorf("paused until %v", at)
	}
	busy.Store(false)
	full.Store(true)
	if err := pull(t.Context(), c, addr+"/app:1"); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "no more today") {
		t.Errorf("error %v where the limit was reached", err)
	}
}
