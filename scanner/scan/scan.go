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
	// Claims lets scans that run at once and share the Cache read each layer
	// once; nil lets each read on its own.
	Claims  Claims
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
// close the source. An error means that there is no inventory: a layer could
// not be read to its end, or ctx is done. What could be read but not examined
// is in the inventory's coverage.
func Run(ctx context.Context, src scanner.Source, opt Options) (*sbom.Inventory, error) {
	if opt.Memory <= 0 {
		opt.Memory = DefaultMemory
	}
	if opt.Jobs <= 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	r := &run{opt: opt, src: src, detectors: detect.All(opt.Watch)}
	r.walker = isWalker(src)
	r.key = key(r.detectors, opt, r.walker)
	opt.Tool.Detectors = append(r.detectors.Names(), catalog.Version())
	if opt.Watch != nil {
		opt.Tool.Watched = slices.Clone(opt.Watch.Fingerprints) // others may scan by the same Watch
	}
	r.opt = opt
	if inv, ok := r.cachedInventory(ctx); ok {
		return withSourceGaps(inv, src), nil
	}
	temp, err := os.MkdirTemp(opt.TempDir, "interdict-scan-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	r.store = layer.NewStore(opt.Memory, temp)
	defer r.store.Close()
	defer r.closeLayers()
	if err := r.readLayers(ctx); err != nil {
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
	layers    []*readLayer
	// also are paths, by the layer's stated diffID, that turned out to be wanted
	// after the layer was read, and whether their contents are kept: those that a
	// cataloger asked for are, see catalogue.
	also map[string]map[string]bool
}

// readLayer is a layer and what the detectors found in it.
type readLayer struct {
	record
	desc   sbom.Layer
	index  *layer.Index // nil when the layer is absent
	gaps   []sbom.Gap
	traces *traces
	close  func()
}

func isWalker(src scanner.Source) bool {
	for _, l := range src.Layers() {
		if _, ok := l.(scanner.Walker); ok {
			return true
		}
	}
	return false
}

// readLayers reads all layers, several at a time, each distinct one once.
func (r *run) readLayers(ctx context.Context) error {
	srcs := r.src.Layers()
	r.layers = make([]*readLayer, len(srcs))
	seen := map[string]bool{}
	var todo []int
	for i, l := range srcs {
		desc := l.Describe()
		if seen[desc.DiffID] && desc.DiffID != "" {
			continue
		}
		seen[desc.DiffID] = true
		if rl, ok := r.cachedLayer(ctx, desc); ok {
			r.layers[i] = rl
			r.opt.observe(Event{Kind: LayerCached, Layer: desc.DiffID, N: desc.Size})
			continue
		}
		r.opt.observe(Event{Kind: LayerFound, Layer: desc.DiffID, N: desc.Size})
		todo = append(todo, i)
	}
	if len(todo) > 0 {
		catalog.Prepare()
	}
	if err := r.readAll(ctx, todo); err != nil {
		return err
	}
	r.repeatLayers()
	return r.rereadTails(ctx)
}

// rereadTails reads the layers again of which a large file turned out to be
// wanted by its last bytes.
func (r *run) rereadTails(ctx context.Context) error {
	var missing []catalog.Missing
	for i, l := range r.layers {
		if l == nil || l.index == nil {
			continue
		}
		for _, p := range l.index.Reread {
			missing = append(missing, catalog.Missing{Layer: i, Path: p})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return r.readAgain(ctx, missing, false)
}

// repeatLayers uses a layer again wherever its bytes come again.
func (r *run) repeatLayers() {
	first := map[string]int{}
	for i, l := range r.src.Layers() {
		desc := l.Describe()
		if j, seen := first[desc.DiffID]; seen && r.layers[i] == nil {
			r.repeat(i, j, desc)
		} else if !seen {
			first[desc.DiffID] = i
		}
	}
}

// readAgain reads the layers of contents that were not kept and turned out to
// be wanted, and keeps them if keep is set.
func (r *run) readAgain(ctx context.Context, missing []catalog.Missing, keep bool) error {
	if r.also == nil {
		r.also = map[string]map[string]bool{}
	}
	again := map[string]bool{}
	for _, m := range missing {
		id := r.src.Layers()[m.Layer].Describe().DiffID
		if r.also[id] == nil {
			r.also[id] = map[string]bool{}
		}
		r.also[id][m.Path] = keep || r.also[id][m.Path]
		again[id] = true
	}
	var todo []int
	for i, l := range r.src.Layers() {
		id := l.Describe().DiffID
		if !again[id] || r.layers[i] == nil {
			continue
		}
		if r.layers[i].close != nil {
			r.layers[i].close()
			todo = append(todo, i)
		}
		r.layers[i] = nil
	}
	if err := r.readAll(ctx, todo); err != nil {
		return err
	}
	r.repeatLayers()
	return nil
}

// readAll reads the layers that are not known yet: those that come in one
// stream one after the other, as they come, and all others at once.
func (r *run) readAll(ctx context.Context, todo []int) error {
	left := map[int]bool{}
	for _, i := range todo {
		left[i] = true
	}
	if s, ok := r.src.(scanner.Streamer); ok && len(todo) > 0 {
		err := s.Stream(ctx, func(i int, l scanner.Layer) (err error) {
			if left[i] {
				delete(left, i)
				r.layers[i], err = r.readLayer(ctx, l, r.src.Layers()[i].Describe())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	todo = slices.DeleteFunc(todo, func(i int) bool { return !left[i] })
	return r.readClaimed(ctx, todo)
}

// repeat uses layer j again as layer i: the same bytes came twice.
func (r *run) repeat(i, j int, desc sbom.Layer) {
	if r.layers[j] == nil {
		return
	}
	again := *r.layers[j]
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
