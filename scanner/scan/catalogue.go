package scan

import (
	"context"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/layer"
)

// catalogue names the packages of all layers. What catalogers want is known
// before a layer is read, but for files whose names lead to others that nobody
// could foresee: for those their layers are read again.
func (r *run) catalogue(ctx context.Context) (*catalog.Catalog, *layer.Tree, error) {
	const passes = 3
	opt := catalog.Options{Kind: r.kind(), Jobs: r.opt.Jobs}
	damaged := slices.ContainsFunc(r.layers, func(l *readLayer) bool { return l.damage != nil })
	if r.opt.Cache != nil && !r.walker && !damaged { // a damaged layer has no true diffID
		opt.Cache = packageCache{r}
		if r.opt.Cache.memory != nil {
			opt.Cache = keptPackages{packageCache{r}}
		}
	}
	for pass := 1; ; pass++ {
		indexes := make([]*layer.Index, len(r.layers))
		for i, l := range r.layers {
			indexes[i] = l.index
		}
		opt.Tree = layer.Squash(indexes)
		c, err := catalog.Components(ctx, indexes, opt)
		if err != nil {
			return nil, nil, err
		}
		if len(c.Missing) == 0 || r.walker || pass == passes {
			return c, opt.Tree, nil
		}
		for i, m := range c.Missing {
			c.Missing[i].Layer, c.Missing[i].Path = opt.Tree.Target(m.Layer, m.Path)
		}
		if err := r.readAgain(ctx, c.Missing, true); err != nil {
			return nil, nil, err
		}
	}
}

// kind chooses the catalogers: an image has what is installed, a folder may
// have manifests and lock files of what will be.
func (r *run) kind() catalog.Kind {
	if r.walker {
		return catalog.Folder
	}
	return catalog.Image
}

// packageCache keeps the packages of a layer.
type packageCache struct{ *run }

func (c packageCache) Get(ctx context.Context, key string) ([]byte, bool) {
	f, err := c.opt.Cache.open(ctx, "packages", key[:32], key[32:])
	if f == nil {
		c.trouble(err)
		return nil, false
	}
	defer f.Close()
	zr, err := zstd.NewReader(io.LimitReader(f, f.size), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, false
	}
	defer zr.Close()
	b, err := io.ReadAll(zr)
	return b, err == nil
}

func (c packageCache) Put(ctx context.Context, key string, value []byte) {
	c.trouble(c.opt.Cache.put(ctx, "packages", key[:32], key[32:], func(w io.Writer) error {
		zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		if _, err := zw.Write(value); err != nil {
			zw.Close()
			return err
		}
		return zw.Close()
	}))
}

// keptPackages also keeps the packages of a layer in memory.
type keptPackages struct{ packageCache }

// Kept implements catalog.Keeper.
func (c keptPackages) Kept(key string) (value any, ok bool) {
	return c.opt.Cache.memory.Get("packages-" + key)
}

// Keep implements catalog.Keeper.
func (c keptPackages) Keep(key string, value any, size int64) {
	c.opt.Cache.memory.Put("packages-"+key, value, size)
}
