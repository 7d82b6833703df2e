// Package lru is the one cache policy of the scanner: values by key within a
// budget, of which the least recently used are evicted first.
package lru

import (
	"container/list"
	"sync"
)

// Cache holds values up to a budget. It may be used by many goroutines at once.
// A nil Cache is empty and keeps nothing.
type Cache[K comparable, V any] struct {
	max int64

	mu      sync.Mutex
	size    int64
	entries map[K]*list.Element // of *entry[K, V]
	order   list.List           // the most recently used first
}

// entry is one value. It is closed when its last user releases it; the cache
// itself is a user until it evicts the entry.
type entry[K comparable, V any] struct {
	key   K
	value V
	size  int64
	users int
	close func()
}

// New returns a Cache whose values have a total size of at most max: bytes,
// or a number of entries where each has size 1. It keeps nothing if max is 0 or
// less.
func New[K comparable, V any](max int64) *Cache[K, V] {
	return &Cache[K, V]{max: max, entries: map[K]*list.Element{}}
}

// Get returns the value of a key, which becomes the most recently used.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	value, release, ok := c.Acquire(key)
	if ok {
		release()
	}
	return value, ok
}

// Put keeps a value that needs no closing. A value larger than half of the
// budget is not kept. The value that the key had before is evicted.
func (c *Cache[K, V]) Put(key K, value V, size int64) {
	c.Share(key, value, size, func() {})()
}

// Acquire returns the value of a key, which stays open until release is called,
// even if it is evicted. Release may be called more than once. Without a value
// both are zero.
func (c *Cache[K, V]) Acquire(key K) (value V, release func(), ok bool) {
	if c == nil {
		return value, nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.entries[key]
	if el == nil {
		return value, nil, false
	}
	c.order.MoveToFront(el)
	e := el.Value.(*entry[K, V])
	return e.value, c.use(e), true
}

// Share is Put for a value that must be closed. The caller uses it until it
// calls release. Close is called once, when the value is evicted and all users
// have released it; for a value that is not kept, by release.
func (c *Cache[K, V]) Share(key K, value V, size int64, close func()) (release func()) {
	if c == nil || size > c.max/2 && size > 1 || size > c.max {
		c.Delete(key)
		return sync.OnceFunc(close)
	}
	e := &entry[K, V]{key: key, value: value, size: size, users: 1, close: close}
	c.mu.Lock()
	var closes []func()
	if old := c.entries[key]; old != nil {
		closes = c.evict(old, closes)
	}
	c.entries[key] = c.order.PushFront(e)
	c.size += size
	release = c.use(e)
	for c.size > c.max {
		closes = c.evict(c.order.Back(), closes)
	}
	c.mu.Unlock()
	for _, f := range closes {
		f()
	}
	return release
}

// Delete evicts the value of a key.
func (c *Cache[K, V]) Delete(key K) {
	if c == nil {
		return
	}
	c.mu.Lock()
	var closes []func()
	if el := c.entries[key]; el != nil {
		closes = c.evict(el, nil)
	}
	c.mu.Unlock()
	for _, f := range closes {
		f()
	}
}

// Size returns the total size of all values.
func (c *Cache[K, V]) Size() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// use adds a user. The lock is held.
func (c *Cache[K, V]) use(e *entry[K, V]) (release func()) {
	e.users++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		last := e.leave()
		c.mu.Unlock()
		if last {
			e.close()
		}
	})
}

// leave takes one user away, and reports whether it was the last.
func (e *entry[K, V]) leave() bool {
	e.users--
	return e.users == 0
}

// evict takes an entry out of the cache. It appends what is to be called once
// the lock is not held any more.
func (c *Cache[K, V]) evict(el *list.Element, closes []func()) []func() {
	e := c.order.Remove(el).(*entry[K, V])
	delete(c.entries, e.key)
	c.size -= e.size
	if e.leave() {
		closes = append(closes, e.close)
	}
	return closes
}
