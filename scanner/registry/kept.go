package registry

import (
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// kept are manifests that were read by their digests: such a one is never
// another. Each is of one repository, for another may not have it.
type kept struct {
	mu     sync.Mutex
	max    int64
	size   int64 // of all, in bytes
	byName map[string]manifest
}

type manifest struct {
	desc v1.Descriptor
	raw  []byte
}

func (k *kept) get(ref name.Reference) (manifest, bool) {
	if _, ok := ref.(name.Digest); !ok || k.max <= 0 {
		return manifest{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	m, ok := k.byName[ref.Name()]
	return m, ok
}

// put keeps a manifest. When there is no more room, all begins anew.
func (k *kept) put(ref name.Reference, m manifest) {
	if _, ok := ref.(name.Digest); !ok || int64(len(m.raw)) > k.max/8 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byName == nil || k.size+int64(len(m.raw)) > k.max {
		k.byName, k.size = map[string]manifest{}, 0
	}
	if _, ok := k.byName[ref.Name()]; !ok {
		k.byName[ref.Name()] = m
		k.size += int64(len(m.raw))
	}
}
