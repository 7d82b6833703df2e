package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cataloging/pkgcataloging"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// maxDatabase bounds a text package database, in bytes. Those of the largest
// images have some 20 MB.
const maxDatabase = 512 << 20

// layerResult is what catalogers found in one layer. It depends on the layer,
// those below it and the environment, and on nothing above: it can be stored
// under their digests. See [Options.Cache].
type layerResult struct {
	Items []item
	// Databases are the keys that each package database of the layer lists.
	Databases map[string][]string
	Gaps      []sbom.Gap
	missing   []Missing // makes the result unfit for storing
}

// item is one package that one cataloger found, with what Merge needs to know.
type item struct {
	Component sbom.Component
	// Type is syft's type of package; it decides how Requires and Provides are
	// compared, and who owns files.
	Type     string
	Database string   // the package database that lists it, or empty
	Key      string   // its key there
	Files    []string // files that it says are its own
	Requires []string
	Provides []string
	// Weak tells that it was recognized by a file's contents: it gives way to a
	// package that owns the file.
	Weak bool
	// JVM tells that it is a Java installation, which owns its programs.
	JVM bool
	// Declared tells that it was not seen installed: it gives way to the same
	// package that was.
	Declared bool
}

// target is one target whose layers are cataloged, bottom first.
type target struct {
	kind    Kind
	jobs    int
	layers  []*layer.Index
	tree    *layer.Tree // the squash of all, if it is known
	env     *environment
	conf    pkgcataloging.Config
	asked   map[string]request
	globs   *globSet
	ids     map[string]int // of patterns in globs
	results []*layerResult
}

func newTarget(kind Kind, jobs int, layers []*layer.Index, env *environment) *target {
	s := &target{kind: kind, jobs: jobs, layers: layers, env: env, conf: configuration(), asked: requestsOf(kind), ids: map[string]int{}}
	var all []string
	for _, r := range s.asked {
		all = append(all, r.Globs...)
	}
	slices.Sort(all)
	s.globs = newGlobSet(slices.Compact(all))
	for id, p := range s.globs.patterns {
		s.ids[p] = id
	}
	return s
}

// treeOf is the filesystem up to a layer.
func (s *target) treeOf(i int) *layer.Tree {
	if i == len(s.layers)-1 && s.tree != nil {
		return s.tree
	}
	return layer.Squash(s.layers[:i+1])
}

// catalog runs the catalogers on the layers that todo names, in its order. Those
// of a layer begin while the slowest of the layer below still run.
func (s *target) catalog(ctx context.Context, todo []int) error {
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(s.jobs, 1))
	missing := map[int]map[Missing]bool{} // a view itself is large: it goes with its last cataloger
	for _, i := range todo {
		if gctx.Err() != nil {
			break
		}
		res := &layerResult{Databases: map[string][]string{}}
		s.results[i] = res
		v := newView(s.layers[:i+1], s.treeOf(i), s.globs, s.env, s.kind)
		missing[i] = v.missing
		s.readDatabases(v, i, res)
		work := s.resolvers(gctx, v)
		var left atomic.Int64 // the last cataloger of a layer is followed by the second reader
		left.Store(int64(len(work)))
		if len(work) == 0 {
			g.Go(func() error { return s.readManifests(gctx, v, res) })
		}
		for _, r := range work {
			g.Go(func() error {
				items, gaps, err := s.run(gctx, r)
				mu.Lock()
				res.Items = append(res.Items, items...)
				res.Gaps = append(res.Gaps, gaps...)
				mu.Unlock()
				if left.Add(-1) > 0 || err != nil {
					return err
				}
				return s.readManifests(gctx, v, res)
			})
		}
	}
	if err := cmp.Or(g.Wait(), ctx.Err()); err != nil {
		return err
	}
	for _, i := range todo {
		s.dropKnown(i, s.results[i])
		dropNoted(s.results[i])
		for m := range missing[i] {
			s.results[i].missing = append(s.results[i].missing, m)
		}
	}
	return nil
}

// resolvers are what each cataloger that finds something to start from is to see.
func (s *target) resolvers(ctx context.Context, v *view) (all []*resolver) {
	for _, c := range catalogers(s.conf) {
		if r, ok := s.resolver(ctx, v, &c); ok {
			all = append(all, r)
		}
	}
	return all
}

// contextOnly are patterns of the catalogers' that find no package: they are
// answered from the view, and do not make a cataloger run.
var contextOnly = []string{"**/pyvenv.cfg"}

// resolver returns what a cataloger is to see; ok is false if it would find
// nothing to start from.
func (s *target) resolver(ctx context.Context, v *view, c *cataloger) (r *resolver, ok bool) {
	if c.kinds&s.kind == 0 {
		return nil, false
	}
	asks := s.asked[c.Name()]
	r = &resolver{view: v, err: ctx.Err, cat: c, first: map[string]int{}, whole: c.whole}
	for _, g := range asks.Globs {
		if !slices.Contains(contextOnly, g) {
			r.first[g] = s.ids[g]
			ok = ok || len(v.own[s.ids[g]]) > 0
		}
	}
	ok = ok || len(asks.MIMEs) > 0 && len(v.programs) > 0
	ok = ok || c.Name() == "nix-cataloger" && v.nixStore
	return r, ok
}

// run runs one cataloger. Its failure, or panic, is a gap.
func (s *target) run(ctx context.Context, r *resolver) (items []item, gaps []sbom.Gap, err error) {
	pkgs, rels, cerr := safely(ctx, r)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	items = s.items(r, pkgs, rels)
	for _, u := range unknowns(cerr) {
		if u.reason != nil && strings.HasSuffix(u.reason.Error(), noPackage) {
			if it, ok := s.unnamedArchive(r, u.at.RealPath); ok {
				items = append(items, it)
			}
		}
	}
	return items, s.gaps(r, cerr), nil
}

func safely(ctx context.Context, r *resolver) (pkgs []pkg.Package, rels []artifact.Relationship, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v at %s", p, panicSite(debug.Stack()))
		}
	}()
	return r.cat.Catalog(ctx, r)
}

// panicSite is the function that panicked, for a gap's detail.
func panicSite(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 < len(lines) {
			return strings.TrimSpace(lines[i+2])
		}
	}
	return "an unknown place"
}

// readDatabases reads the text package databases that the layer brought, and
// has catalogers see only what no layer below lists.
func (s *target) readDatabases(v *view, i int, res *layerResult) {
	for pattern, format := range map[string]*stanzaFormat{
		"**/lib/dpkg/status": dpkgStatus, "**/lib/opkg/status": dpkgStatus, "**/lib/apk/db/installed": apkInstalled,
	} {
		id, ok := s.ids[pattern]
		if !ok {
			continue
		}
		v.own[id] = slices.DeleteFunc(v.own[id], func(l found) bool {
			db := v.databases[l.RealPath]
			if db == nil {
				var err error
				if db, err = s.readDatabase(v, i, l.Location, format); err != nil {
					return false // the cataloger meets the same error, and tells it
				}
				v.databases[l.RealPath] = db
				res.Databases[l.RealPath] = db.keys
			}
			// A cataloger takes an empty database for a broken one.
			return len(db.fresh) == 0
		})
	}
}

func (s *target) readDatabase(v *view, i int, l file.Location, format *stanzaFormat) (*database, error) {
	r, err := v.open(l)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxDatabase+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxDatabase {
		return nil, errors.New("package database is too large")
	}
	b = format.text(b)
	db := &database{}
	db.fresh, db.keys = format.fresh(b, s.lower(i, l.RealPath))
	db.homes = format.homes(db.fresh)
	return db, nil
}

// filtered returns what catalogers see of a package database.
func (v *view) filtered(l file.Location) ([]byte, bool) {
	db, ok := v.databases[l.RealPath]
	if !ok {
		return nil, false
	}
	return db.fresh, true
}

// lower returns the keys that the layers below i list in a database.
func (s *target) lower(i int, db string) map[string]bool {
	keys := map[string]bool{}
	for _, r := range s.results[:min(i, len(s.results))] {
		for _, k := range r.Databases[db] {
			keys[k] = true
		}
	}
	return keys
}

// dropKnown leaves out packages of a binary database, which catalogers read
// whole, that a layer below lists too.
func (s *target) dropKnown(i int, res *layerResult) {
	known := map[string]map[string]bool{}
	listed := map[string][]string{}
	res.Items = slices.DeleteFunc(res.Items, func(it item) bool {
		if it.Type != string(pkg.RpmPkg) || it.Database == "" {
			return false
		}
		if known[it.Database] == nil {
			known[it.Database] = s.lower(i, it.Database)
		}
		listed[it.Database] = append(listed[it.Database], it.Key)
		it.setLayer(s.layers[i].DiffID)
		return known[it.Database][it.Key]
	})
	for db, keys := range listed {
		slices.Sort(keys)
		res.Databases[db] = slices.Compact(keys)
	}
}

// setLayer says which layer brought an item of a database: where only the log of
// a database is new, that is not the layer of the database itself.
func (it *item) setLayer(id string) {
	for i := range it.Component.Occurrences {
		if o := &it.Component.Occurrences[i]; o.Path == it.Database {
			o.Layer = id
		}
	}
	for i := range it.Component.Evidence {
		if e := &it.Component.Evidence[i]; e.Path == it.Database {
			e.Layer = id
		}
	}
}

// dropNoted leaves out programs recognized by their contents that have a
// package note: it says better what they are. So does syft
// (internal/relationship/binary).
func dropNoted(res *layerResult) {
	noted := map[string]bool{}
	for _, it := range res.Items {
		if it.Component.FoundBy == "elf-binary-package-cataloger" {
			for _, o := range it.Component.Occurrences {
				noted[o.Path] = true
			}
		}
	}
	res.Items = slices.DeleteFunc(res.Items, func(it item) bool {
		return it.Type == string(pkg.BinaryPkg) && it.Component.FoundBy != "elf-binary-package-cataloger" && !it.JVM &&
			slices.ContainsFunc(it.Component.Occurrences, func(o sbom.Occurrence) bool { return noted[o.Path] })
	})
}

func isStatusFile(p string) bool {
	switch path.Base(p) {
	case "status", "installed", "Packages", "Packages.db", "rpmdb.sqlite", "container-manifest-2":
		return true
	}
	return false
}
