package registry

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// TestGreetsOnce: however many repositories are read, a host is asked once how
// to log in, and once more only when it spoke TLS in vain.
func TestGreetsOnce(t *testing.T) {
	var roots atomic.Int64
	addr := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				roots.Add(1)
			}
			inner.ServeHTTP(w, r)
		})
	})
	for n := range 8 {
		push(t, fmt.Sprintf("%s/team/app%d:1", addr, n))
	}
	roots.Store(0)
	c := client(t, Options{})
	if _, err := c.Catalog(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if _, err := c.Tags(t.Context(), fmt.Sprintf("%s/team/app%d", addr, n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if roots.Load() != 1 {
		t.Errorf("the host was asked %d times how to log in, want once", roots.Load())
	}
}

// TestGreetsAgain: an answer of trouble is not kept.
func TestGreetsAgain(t *testing.T) {
	var closed atomic.Bool
	closed.Store(true)
	addr := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if closed.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	c := client(t, Options{})
	if _, err := c.Catalog(t.Context(), addr); err == nil {
		t.Fatal("a registry that forbids all gave its catalog")
	}
	closed.Store(false)
	if _, err := c.Catalog(t.Context(), addr); err != nil {
		t.Error("after the trouble was over:", err)
	}
}
