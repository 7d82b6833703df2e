// Package scan is the pipeline: it reads the layers of a source once, runs the
// detectors and the catalogers over them, and puts together the inventory. It
// knows no vendor and no law: what is worth noting comes in as an sbom.Watch.
package scan

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/layer"
)

// DefaultMemory is the budget for contents that are held in memory, in bytes.
const DefaultMemory = 512 << 20

// Options of Run. The zero value is useful.
type Options struct {
	Watch  *sbom.Watch
	Memory int64 // budget for held contents in bytes; zero means DefaultMemory
	// TempDir is for what exceeds the budget; empty means os.TempDir.
	TempDir string
	Jobs    int    // layers and files at once; zero means GOMAXPROCS
	Cache   *Cache // nil keeps nothing
	// LayersOnly keeps no whole inventories in the Cache, only what they are
	// made of: for callers that keep what Run returns.
	LayersOnly bool
	// Lock lets scans that run at once and share the Cache read each layer of a
	// registry once; nil lets each read on its own.
	Lock LayerLock
	// Fatal reports whether an error of a layer that could not be read to its end
	// ends the scan, for a caller that tries again later. Nil means that none
	// does as long as anything of the image can be read: the rest is a gap.
	Fatal   func(error) bool
	Files   bool // a component and a digest for every regular file
	Tool    sbom.Tool
	Created time.Time // the clock, for the inventory; zero means not stated
	// Observe is told of the progress; nil tells nobody. It may be called from
	// many goroutines at once and must return soon.
	Observe func(Event)
}

// EventKind says what an Event tells.
type EventKind int

// The kinds of event.
const (
	LayerFound   EventKind = iota // N is the stored size of a layer that will be read
	LayerBytes                    // N more bytes of a layer were read
	LayerDone                     // a layer was read
	LayerCached                   // a layer came from the cache
	Cataloging                    // all layers are read; packages are being catalogued
	CacheTrouble                  // Err: the cache could not be used; the scan goes on without
)

// Event is one step of progress.
type Event struct {
	Kind  EventKind
	Layer string // diffID or digest
	N     int64
	Err   error
}

func (o Options) observe(e Event) {
	if o.Observe != nil {
		o.Observe(e)
	}
}

// Run looks at a source and returns its inventory, normalized. It does not
// close the source. An error means that there is no inventory: nothing of any
// layer could be read, or ctx is done. What could not be read or examined is in
// the inventory's coverage.
func Run(ctx context.Context, src scanner.Source, opt Options) (*sbom.Inventory, error) {
	if opt.Memory <= 0 {
		opt.Memory = DefaultMemory
	}
	if opt.Jobs <= 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	inside := &nested{}
	r := &run{opt: opt, src: src, detectors: detect.All(opt.Watch, inside)}
	r.walker = isWalker(src)
	r.key = key(r.detectors, opt, r.walker)
	opt.Tool.Detectors = append(r.detectors.Names(), catalog.Version())
	if opt.Watch != nil {
		opt.Tool.Watched = slices.Clone(opt.Watch.Fingerprints) // others may scan by the same Watch
	}
	r.opt = opt
	r.distinct()
	diffIDs, err := r.identify(ctx)
	if err != nil {
		return nil, err
	}
	if inv, ok := r.cachedInventory(ctx, diffIDs); ok {
		return withSourceGaps(inv, src), nil
	}
	temp, err := os.MkdirTemp(opt.TempDir, "interdict-scan-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	r.store = layer.NewStore(opt.Memory, temp)
	defer r.store.Close()
	inside.store, inside.temp = r.store, temp
	defer r.closeLayers()
	if err := r.readLayers(ctx, diffIDs); err != nil {
		return nil, err
	}
	opt.observe(Event{Kind: Cataloging})
	inv, err := r.assemble(ctx)
	if err != nil {
		return nil, err
	}
	r.saveInventory(ctx, inv)
	if r.opt.Cache != nil {
		r.trouble(r.opt.Cache.tidy())
	}
	return withSourceGaps(inv, src), nil
}

// withSourceGaps adds what opening the source found wrong. The cache does not
// keep it: another source of the same image may be whole.
func withSourceGaps(inv *sbom.Inventory, src scanner.Source) *sbom.Inventory {
	if s, ok := src.(scanner.Incomplete); ok && len(s.Gaps()) > 0 {
		inv.Coverage.Gaps = append(inv.Coverage.Gaps, s.Gaps()...)
		inv.Normalize()
	}
	return inv
}

// run is one Run.
type run struct {
	opt       Options
	src       scanner.Source
	detectors *detect.Set
	store     *layer.Spool
	walker    bool
	key       string // of everything but the subject that results depend on
	first     []int  // for each layer the first that has the same bytes: itself, mostly
	layers    []*readLayer
	// also are paths, by the place of the layer, that turned out to be wanted
	// after the layer was read, and whether their contents are kept: those that a
	// cataloger asked for are, see catalogue.
	also map[int]map[string]bool
}

// readLayer is a layer and what the detectors found in it.
type readLayer struct {
	record
	desc   sbom.Layer
	index  *layer.Index // nil when the layer is absent
	gaps   []sbom.Gap
	damage error // why it could not be read to its end
	traces *traces
	close  func()
}

// whole reports whether the layer was read to its end.
func (l *readLayer) whole() bool { return l.index != nil && l.damage == nil }

func isWalker(src scanner.Source) bool {
	for _, l := range src.Layers() {
		if _, ok := l.(scanner.Walker); ok {
			return true
		}
	}
	return false
}

// readLayers reads all layers, several at a time, each distinct one once. Those
// of which the diffID is known may come from the cache.
func (r *run) readLayers(ctx context.Context, diffIDs []string) error {
	srcs := r.src.Layers()
	r.layers = make([]*readLayer, len(srcs))
	r.also = map[int]map[string]bool{}
	var todo []int
	for i, l := range srcs {
		if r.first[i] != i || r.useCached(ctx, i, diffIDs[i]) {
			continue
		}
		desc := l.Describe()
		r.opt.observe(Event{Kind: LayerFound, Layer: desc.DiffID, N: desc.Size})
		todo = append(todo, i)
	}
	if len(todo) > 0 {
		catalog.Prepare()
	}
	if err := r.readAll(ctx, todo); err != nil {
		return err
	}
	if err := r.rereadTails(ctx); err != nil {
		return err
	}
	return r.unread()
}

// rereadTails reads the layers again of which a large file turned out to be
// wanted by its last bytes, until none is left: while a layer is read again,
// another file of it may find no memory. Each time more files are known to be
// wanted, so it ends.
func (r *run) rereadTails(ctx context.Context) error {
	for {
		var missing []catalog.Missing
		for i, l := range r.layers {
			if l == nil || l.index == nil || l.close == nil || l.damage != nil {
				continue
			}
			for _, p := range l.index.Reread {
				if _, known := r.also[r.first[i]][p]; !known {
					missing = append(missing, catalog.Missing{Layer: i, Path: p})
				}
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if err := r.readAgain(ctx, missing, false); err != nil {
			return err
		}
	}
}

// readAgain reads the layers of contents that were not kept and turned out to
// be wanted, and keeps them if keep is set. A damaged layer is not read again:
// it would not be better.
func (r *run) readAgain(ctx context.Context, missing []catalog.Missing, keep bool) error {
	var todo []int
	for _, m := range missing {
		i := r.first[m.Layer]
		l := r.layers[i]
		if l.close == nil || l.damage != nil {
			continue
		}
		if r.also[i] == nil {
			r.also[i] = map[string]bool{}
		}
		r.also[i][m.Path] = keep || r.also[i][m.Path]
		if !slices.Contains(todo, i) {
			todo = append(todo, i)
		}
	}
	for _, i := range todo {
		r.layers[i].close()
		r.layers[i] = nil
	}
	return r.readAll(ctx, todo)
}

// readAll reads the layers that are not known yet: those that come in one
// stream one after the other, as they come, and all others at once.
func (r *run) readAll(ctx context.Context, todo []int) error {
	left := map[int]bool{}
	for _, i := range todo {
		left[i] = true
	}
	if s, ok := r.src.(scanner.Streamer); ok && len(todo) > 0 {
		if err := r.readStream(ctx, s, left); err != nil {
			return err
		}
	}
	todo = slices.DeleteFunc(todo, func(i int) bool { return !left[i] })
	if err := r.readLocked(ctx, todo); err != nil {
		return err
	}
	r.nameDamaged()
	for i, j := range r.first {
		if i != j {
			r.repeat(i, j)
		}
	}
	return nil
}

// readStream reads the layers of a stream, and takes them out of left. When the
// stream ends too early, that is the damage of all that it did not come to.
func (r *run) readStream(ctx context.Context, s scanner.Streamer, left map[int]bool) error {
	var fatal error
	err := s.Stream(ctx, func(i int, l scanner.Layer) error {
		if left[i] {
			delete(left, i)
			fatal = r.readLayer(ctx, l, i)
		}
		return fatal
	})
	if fatal != nil || err == nil {
		return fatal
	}
	for i := range left {
		delete(left, i)
		r.layers[i] = damagedLayer(r.src.Layers()[i].Describe(), err)
	}
	return r.damaged(ctx, err)
}

// repeat uses layer j again as layer i: the same bytes came twice.
func (r *run) repeat(i, j int) {
	again := *r.layers[j]
	desc := r.src.Layers()[i].Describe()
	desc.DiffID = again.desc.DiffID
	again.desc, again.close = desc, nil
	r.layers[i] = &again
}

func (r *run) closeLayers() {
	for _, l := range r.layers {
		if l != nil && l.close != nil {
			l.close()
		}
	}
}
