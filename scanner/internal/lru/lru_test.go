package lru_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/interdict/interdict/scanner/internal/lru"
)

// TestEvictsLeastRecentlyUsed: what was read last stays.
func TestEvictsLeastRecentlyUsed(t *testing.T) {
	c := lru.New[string, int](3)
	for i, k := range []string{"a", "b", "c"} {
		c.Put(k, i, 1)
	}
	c.Get("a")
	c.Put("d", 3, 1)
	for k, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := c.Get(k); ok != want {
			t.Errorf("%s is kept: %v, want %v", k, ok, want)
		}
	}
	c.Put("a", 7, 1)
	if v, _ := c.Get("a"); v != 7 {
		t.Errorf("a is %d, want the value that was put last", v)
	}
	if n := c.Size(); n != 3 {
		t.Errorf("size %d, want 3", n)
	}
	c.Delete("a")
	if _, ok := c.Get("a"); ok {
		t.Error("a deleted value is still there")
	}
}

// TestKeepsNothing: a nil cache, one without a budget, and a value that is too
// large for the budget.
func TestKeepsNothing(t *testing.T) {
	var none *lru.Cache[string, int]
	for name, c := range map[string]*lru.Cache[string, int]{"nil": none, "no budget": lru.New[string, int](0), "small": lru.New[string, int](10)} {
		closed := 0
		release := c.Share("a", 1, 6, func() { closed++ })
		if closed != 0 {
			t.Errorf("%s: closed while it is used", name)
		}
		release()
		release()
		if closed != 1 {
			t.Errorf("%s: closed %d times, want once", name, closed)
		}
		if _, ok := c.Get("a"); ok {
			t.Errorf("%s: it was kept", name)
		}
	}
}

// TestShared: a value that is evicted while it is used is closed by its last
// user, and every value is closed exactly once.
func TestShared(t *testing.T) {
	c := lru.New[int, *value](8)
	var made sync.Map
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 2000 {
				k := r.IntN(12)
				v, release, ok := c.Acquire(k)
				if !ok {
					v = &value{}
					made.Store(v, nil)
					release = c.Share(k, v, 1, v.close)
				}
				if v.isClosed() {
					t.Error("a value that is used was closed")
				}
				release()
			}
		})
	}
	wg.Wait()
	for k := range 12 {
		c.Delete(k)
	}
	for v := range made.Range {
		if n := v.(*value).closed; n != 1 {
			t.Fatalf("a value was closed %d times", n)
		}
	}
	if n := c.Size(); n != 0 {
		t.Errorf("size %d after all was deleted", n)
	}
}

type value struct {
	mu     sync.Mutex
	closed int
}

func (v *value) close() {
	v.mu.Lock()
	v.closed++
	v.mu.Unlock()
}

func (v *value) isClosed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.closed > 0
}
