package scan

import (
	"container/list"
	"slices"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// WithMemory returns a cache in the same folder that also keeps in memory,
// decoded, what it read most recently, up to about max bytes: for a program that
// scans many images which share layers.
func (c *Cache) WithMemory(max int64) *Cache {
	with := *c
	with.memory = &memory{max: max, held: map[string]*list.Element{}}
	return &with
}

// memory holds decoded results, of which many scans may use one at once. What
// was not used for longest goes first.
type memory struct {
	max int64

	mu   sync.Mutex
	size int64
	held map[string]*list.Element // of *memo
	used list.List                // the latest first
}

// memo is one decoded result.
type memo struct {
	key   string
	value any
	size  int64 // about, in bytes
	users int   // and one more while it is held
	drop  func()
}

// get returns a result, and what to call when it is not used any more.
func (m *memory) get(key string) (value any, release func(), ok bool) {
	if m == nil {
		return nil, nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.held[key]
	if e == nil {
		return nil, nil, false
	}
	m.used.MoveToFront(e)
	return e.Value.(*memo).value, m.use(e.Value.(*memo)), true
}

// put holds a result, and returns what to call when the caller does not use it
// any more. Drop is called when nobody does.
func (m *memory) put(key string, value any, size int64, drop func()) (release func()) {
	x := &memo{key: key, value: value, size: size, drop: drop}
	if m == nil || size > m.max/2 {
		return drop
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.held[key]; old != nil {
		m.forget(old)
	}
	x.users = 1
	m.held[key] = m.used.PushFront(x)
	m.size += size
	release = m.use(x)
	for m.size > m.max {
		m.forget(m.used.Back())
	}
	return release
}

// delete forgets a result that is not what it was.
func (m *memory) delete(key string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.held[key]; e != nil {
		m.forget(e)
	}
}

func (m *memory) use(x *memo) (release func()) {
	x.users++
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.leave(x)
	})
}

func (m *memory) leave(x *memo) {
	if x.users--; x.users == 0 {
		x.drop()
	}
}

func (m *memory) forget(e *list.Element) {
	x := m.used.Remove(e).(*memo)
	delete(m.held, x.key)
	m.size -= x.size
	m.leave(x)
}

// decodedLayer is a layer from the cache. It is only read: a scan takes a copy
// of what it changes.
type decodedLayer struct {
	index  *layer.Index
	record record
	traces *traces
}

// lend makes a layer of one scan. Release is called when that is over.
func (d *decodedLayer) lend(s *layer.Spool, desc sbom.Layer, release func()) *readLayer {
	ix := d.index.Lend(s)
	return &readLayer{desc: describe(desc, ix), index: ix, record: d.record.clone(), gaps: ix.Gaps, traces: d.traces, close: release}
}

// size is about how much memory it takes, in bytes: that of its names, and of
// what was found as it was stored.
func (d *decodedLayer) size(stored int64) int64 {
	const entry, unpacked = 280, 12
	return int64(len(d.index.Entries))*entry + stored*unpacked
}

func (rec record) clone() record {
	rec.Findings = slices.Clone(rec.Findings)
	for i := range rec.Findings {
		fs := &rec.Findings[i]
		fs.Gaps = slices.Clone(fs.Gaps)
		components := make([]sbom.Component, len(fs.Components))
		for j := range fs.Components {
			components[j] = fs.Components[j].Clone()
		}
		fs.Components = components
	}
	return rec
}
