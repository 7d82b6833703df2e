package registry

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner/internal/lru"
)

// manifestCache caches manifests that were read by digest: content-addressed, so
// never stale. A manifest is cached for one repository, since another may not
// have it.
type manifestCache struct{ *lru.Cache[string, manifest] }

type manifest struct {
	desc v1.Descriptor
	raw  []byte
}

func newManifestCache(max int64) manifestCache {
	return manifestCache{lru.New[string, manifest](max)}
}

func (c manifestCache) get(ref name.Reference) (manifest, bool) {
	if _, ok := ref.(name.Digest); !ok {
		return manifest{}, false
	}
	return c.Get(ref.Name())
}

func (c manifestCache) put(ref name.Reference, m manifest) {
	if _, ok := ref.(name.Digest); ok {
		c.Put(ref.Name(), m, int64(len(m.raw)))
	}
}
