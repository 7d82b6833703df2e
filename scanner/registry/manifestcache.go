package registry

import (
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// manifestCache caches manifests that were read by digest: content-addressed, so
// never stale. A manifest is cached for one repository, since another may not
// have it.
type manifestCache struct {
	mu     sync.Mutex
	max    int64
	size   int64 // of all, in bytes
	byName map[string]manifest
}

type manifest struct {
	desc v1.Descriptor
	raw  []byte
}

func (c *manifestCache) get(ref name.Reference) (manifest, bool) {
	if _, ok := ref.(name.Digest); !ok || c.max <= 0 {
		return manifest{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.byName[ref.Name()]
	return m, ok
}

// put adds a manifest. The cache is cleared when full.
func (c *manifestCache) put(ref name.Reference, m manifest) {
	if _, ok := ref.(name.Digest); !ok || int64(len(m.raw)) > c.max/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil || c.size+int64(len(m.raw)) > c.max {
		c.byName, c.size = map[string]manifest{}, 0
	}
	if _, ok := c.byName[ref.Name()]; !ok {
		c.byName[ref.Name()] = m
		c.size += int64(len(m.raw))
	}
}
