// Package catalog names the packages of an image or a folder. It runs syft's
// catalogers over our own layer index: once for each layer, so that images which
// share a base pay for it once, and every component knows the layer that
// brought it. It is the only package that imports syft.
//
// Where a cataloger gives up on a manifest, or leaves out entries, the second
// reader (scanner/catalog/manifest) takes names and versions as leniently as the
// package managers do. What is left then and may name a package is a gap that
// counts. In an image, what a lock file declares and was not found installed is
// a component with the scope excluded.
//
// The purls of what it finds visible are at least those that "syft scan" names
// in the same image.
package catalog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// revision grows whenever our part of the results may change.
const revision = 7

// Version identifies what the results of a layer depend on beside its bytes.
func Version() string { return fmt.Sprintf("syft@%s/catalog@%d", syftVersion, revision) }

// Options of Components. The zero value catalogs an image.
type Options struct {
	Kind Kind // zero means Image
	// Jobs is how many catalogers run at once; zero means GOMAXPROCS.
	Jobs int
	// Cache keeps the results of layers; nil keeps none.
	Cache Cache
	// Tree is the squash of the layers, if the caller has it already.
	Tree *layer.Tree
}

// Cache keeps what was found in a layer, under a key that tells all it depends
// on. What Get returns is what was Put, or nothing.
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, bool)
	Put(ctx context.Context, key string, value []byte)
}

// Keeper is a Cache that also keeps decoded results in memory, by the same keys.
// Size is about how many bytes a result takes. Kept results are only read.
type Keeper interface {
	Cache
	Kept(key string) (value any, ok bool)
	Keep(key string, value any, size int64)
}

// Missing names contents that a cataloger asked for and that were not kept: a
// program that has a known name only through a symlink, for one. They are gaps
// in the result. Read the layer again, keep them, and ask again to close these.
type Missing struct {
	Layer int // its place in the call of Components
	Path  string
}

// Catalog is what was found.
type Catalog struct {
	// Components have their references set, which their DependsOn name. Equal
	// components of several layers and places are one, with its occurrences.
	Components []sbom.Component
	Gaps       []sbom.Gap // of the files that a cataloger failed on
	Missing    []Missing
	owners     owners
	tree       *layer.Tree
}

// Owned returns the reference of the operating system's package that says that
// a file is its own. The path is absolute; in the final filesystem it may lead
// through symlinked folders.
func (c *Catalog) Owned(path string) (ref string, ok bool) {
	o, ok := c.owners.find(c.tree, path)
	return o.ref, ok
}

// Components names the packages of the layers of one target, bottom first; nil
// is a layer that is absent. Their indexes must hold the contents that
// [Kind.Keep] asked for. An error means that ctx is done: what catalogers fail on
// is a gap.
//
// syft keeps temporary files, such as a copy of each Java archive, in TMPDIR: its
// own choice of folder is out of reach. Set TMPDIR to place them; they are gone
// when Components returns.
func Components(ctx context.Context, layers []*layer.Index, opt Options) (*Catalog, error) {
	opt.Kind = cmp.Or(opt.Kind, Image)
	if opt.Jobs <= 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	if opt.Tree == nil {
		opt.Tree = layer.Squash(layers)
	}
	env := newEnvironment(opt.Tree)
	s := newTarget(opt.Kind, opt.Jobs, layers, env)
	s.tree = opt.Tree
	if err := s.all(ctx, opt.Cache); err != nil {
		return nil, fmt.Errorf("cataloging packages: %w", err)
	}
	return merge(s, opt.Tree), nil
}

// all fills s.results: from the cache, or by cataloging.
func (s *target) all(ctx context.Context, cache Cache) error {
	keys := s.keys()
	s.results = make([]*layerResult, len(s.layers))
	var todo []int
	for i := range s.layers {
		if s.results[i] = s.cached(ctx, cache, keys[i], i); s.results[i] == nil {
			todo = append(todo, i)
		}
	}
	if len(todo) == 0 {
		return ctx.Err()
	}
	return inSyft(ctx, s.jobs, func(ctx context.Context) error {
		if err := s.catalog(ctx, todo); err != nil {
			return err
		}
		for _, i := range todo {
			if r := s.results[i]; cache != nil && len(r.missing) == 0 {
				if b, err := json.Marshal(r); err == nil {
					cache.Put(ctx, keys[i], b)
				}
			}
		}
		return nil
	})
}

func (s *target) cached(ctx context.Context, cache Cache, key string, i int) *layerResult {
	if s.layers[i] == nil {
		return &layerResult{}
	}
	if cache == nil || s.layers[i].DiffID == "" {
		return nil
	}
	keeper, _ := cache.(Keeper)
	if keeper != nil {
		if r, ok := keeper.Kept(key); ok {
			return r.(*layerResult).clone()
		}
	}
	b, ok := cache.Get(ctx, key)
	if !ok {
		return nil
	}
	var r layerResult
	if json.Unmarshal(b, &r) != nil {
		return nil // as good as none
	}
	if keeper == nil {
		return &r
	}
	const unpacked = 3 // times as large as its JSON
	keeper.Keep(key, &r, unpacked*int64(len(b)))
	return r.clone()
}

// clone copies of a result what is changed while results are merged.
func (r *layerResult) clone() *layerResult {
	c := *r
	c.Items = slices.Clone(r.Items)
	for i := range c.Items {
		c.Items[i].Component = r.Items[i].Component.Clone()
	}
	return &c
}

// keys are the cache keys of the layers: of all diffIDs up to each, the kind,
// the environment and the version.
func (s *target) keys() []string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %s\n", Version(), s.kind, s.env.digest)
	keys := make([]string, len(s.layers))
	for i, ix := range s.layers {
		id := "absent"
		if ix != nil {
			id = ix.DiffID
		}
		fmt.Fprintln(h, id)
		keys[i] = hex.EncodeToString(h.Sum(nil))
	}
	return keys
}

// sortItems brings items into an order that does not depend on who was first.
func sortItems(items []item) {
	key := func(it *item) (o sbom.Occurrence) {
		if len(it.Component.Occurrences) > 0 {
			o = it.Component.Occurrences[0]
		}
		return o
	}
	slices.SortStableFunc(items, func(a, b item) int {
		oa, ob := key(&a), key(&b)
		return cmp.Or(cmp.Compare(a.Component.Ref, b.Component.Ref), cmp.Compare(a.Component.FoundBy, b.Component.FoundBy),
			cmp.Compare(oa.Path, ob.Path), cmp.Compare(oa.Layer, ob.Layer))
	})
}
