package catalog

import (
	"cmp"
	"errors"
	"io"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/anchore/syft/syft/file"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/catalog/manifest"
	"github.com/interdict/interdict/scanner/layer"
)

// view is one layer as catalogers see it: what it brought, and the tree of it
// and all layers below.
type view struct {
	layers []*layer.Index // up to and including the layer
	tree   *layer.Tree    // of these
	env    *environment
	kind   Kind
	globs  *globSet // all catalogers' own patterns

	own         [][]found    // files that the layer brought, by pattern
	programs    []layer.Node // kept executables that it brought
	manifests   []manifestFile
	scoped      map[string]layer.Node // folders of scoped npm packages, with a file that the layer brought into each
	nixStore    bool                  // it brought something into a Nix store
	whole       func() [][]found
	wholeProgs  func() []layer.Node
	listings    sync.Map // folder -> []layer.Node, for globs
	databases   map[string]*database
	missingLock sync.Mutex
	missing     map[Missing]bool
}

// database is a package database that is one file: what catalogers are shown of
// it, and what it lists.
type database struct {
	fresh []byte   // the stanzas that no layer below has
	keys  []string // of all stanzas, sorted
	// homes are the addresses that fresh stanzas give as their home, which
	// syft does not read, by key.
	homes map[string]string
}

// found is a file that matches a pattern.
type found struct {
	file.Location
	link bool // it is a symlink that matches, or a folder on the way is one
}

// best brings files into syft's order and leaves one name for each: its own
// rather than a link's, then the first. The name matters: a Java archive without
// other marks is called after it.
func best(all []found) []found {
	slices.SortFunc(all, func(a, b found) int {
		if a.link != b.link {
			if b.link {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.AccessPath, b.AccessPath), cmp.Compare(a.RealPath, b.RealPath))
	})
	seen := map[file.Coordinates]bool{}
	return slices.DeleteFunc(all, func(f found) bool {
		was := seen[f.Coordinates]
		seen[f.Coordinates] = true
		return was
	})
}

func newView(layers []*layer.Index, tree *layer.Tree, globs *globSet, env *environment, kind Kind) *view {
	v := &view{
		kind: kind, layers: layers, tree: tree, env: env, globs: globs,
		own: make([][]found, len(globs.patterns)), databases: map[string]*database{}, missing: map[Missing]bool{}, scoped: map[string]layer.Node{},
	}
	v.whole = sync.OnceValue(v.matchWhole)
	v.wholeProgs = sync.OnceValue(func() (all []layer.Node) {
		for n := range v.tree.All() {
			if isProgram(n) {
				all = append(all, n)
			}
		}
		return all
	})
	v.matchOwn()
	return v
}

func (v *view) top() int { return len(v.layers) - 1 }

func isFile(n layer.Node) bool {
	return n.Entry != nil && (n.Entry.Type == scanner.Regular || n.Entry.Type == scanner.Hardlink)
}

func isProgram(n layer.Node) bool {
	return n.Entry != nil && n.Entry.Type == scanner.Regular && n.Entry.Kept() &&
		(n.Entry.Format == layer.ELF || n.Entry.Format == layer.PE || n.Entry.Format == layer.MachO)
}

// matchOwn finds the files that the layer brought and catalogers start from.
func (v *view) matchOwn() {
	aliases := v.links()
	entries := v.layers[v.top()].Entries
	for i := range entries {
		e := &entries[i]
		if e.Type != scanner.Regular && e.Type != scanner.Hardlink {
			continue
		}
		n, ok := v.tree.Lstat(e.Path)
		if !ok || n.Entry != e || v.unchanged(e) {
			continue
		}
		v.nixStore = v.nixStore || strings.Contains(n.Path, "/nix/store/")
		if isProgram(n) {
			v.programs = append(v.programs, n)
		}
		if f := manifest.Find(n.Path); f != nil {
			v.manifests = append(v.manifests, manifestFile{n, f})
		}
		v.noteScope(n)
		v.noteLog(n)
		v.globs.match(n.Path, func(id int) { v.bring(id, n, n.Path, false) })
		for dir := path.Dir(n.Path); dir != "/"; dir = path.Dir(dir) {
			for _, link := range aliases[dir] {
				name := link + n.Path[len(dir):]
				v.globs.match(name, func(id int) { v.bring(id, n, name, true) })
			}
		}
	}
	for id := range v.own {
		v.own[id] = best(v.own[id])
	}
}

// noteLog has a layer that brings the write-ahead log of a database bring the
// database.
func (v *view) noteLog(n layer.Node) {
	p, ok := strings.CutSuffix(n.Path, ".sqlite"+walSuffix)
	if !ok {
		return
	}
	if db, ok := v.tree.Lookup(p + ".sqlite"); ok && isFile(db) && (db.Layer != v.top() || v.unchanged(db.Entry)) {
		v.globs.match(db.Path, func(id int) { v.bring(id, db, db.Path, false) })
	}
}

// noteScope notes the folder of a scoped npm package that a file is in:
// "node_modules/@scope/name". Hidden folders are npm's own, half installed.
func (v *view) noteScope(n layer.Node) {
	i := strings.LastIndex(n.Path, "/node_modules/@")
	if i < 0 {
		return
	}
	i += len("/node_modules/")
	scope, rest, _ := strings.Cut(n.Path[i:], "/")
	name, _, ok := strings.Cut(rest, "/")
	if !ok || name == "" || name[0] == '.' || len(scope) < 2 {
		return
	}
	if dir := n.Path[:i+len(scope)+1+len(name)]; v.scoped[dir].Entry == nil {
		v.scoped[dir] = n
	}
}

// bring notes a file under the pattern that it matches by name.
func (v *view) bring(id int, n layer.Node, name string, link bool) {
	v.own[id] = append(v.own[id], found{v.at(n, name), link})
}

// links goes through the symlinks of all layers. Those to files match patterns
// by their own name, if they or the file are the layer's. Those to folders give
// the files in them another name: it returns these, by the folder's real path.
func (v *view) links() map[string][]string {
	aliases := map[string][]string{}
	for l, ix := range v.layers {
		if ix == nil {
			continue
		}
		for i := range ix.Entries {
			e := &ix.Entries[i]
			if e.Type != scanner.Symlink {
				continue
			}
			link, ok := v.tree.Lstat(e.Path)
			if !ok || link.Entry != e {
				continue
			}
			n, ok := v.tree.Lookup(e.Path)
			switch {
			case !ok:
			case n.IsDir():
				if n.Path != "/" && !strings.HasPrefix(link.Path, n.Path+"/") {
					aliases[n.Path] = append(aliases[n.Path], link.Path)
				}
			case isFile(n) && (n.Layer == v.top() && !v.unchanged(n.Entry) || l == v.top() && !v.unchanged(e)):
				v.globs.match(link.Path, func(id int) { v.bring(id, n, link.Path, true) })
			}
		}
	}
	return aliases
}

// unchanged reports whether the nearest layer below that has the path of an
// entry of the top layer has the same there.
func (v *view) unchanged(e *layer.Entry) bool {
	for l := v.top() - 1; l >= 0; l-- {
		if v.layers[l] == nil {
			continue
		}
		if old, ok := v.layers[l].Lookup(e.Path); ok {
			return same(old, e)
		}
	}
	return false
}

func same(a, b *layer.Entry) bool {
	if a.Type == scanner.Symlink || b.Type == scanner.Symlink {
		return a.Type == b.Type && a.Link == b.Link
	}
	return a.Digest == b.Digest && a.Digest != [32]byte{} && a.Size == b.Size
}

// matchWhole matches the patterns against all files of the tree.
func (v *view) matchWhole() [][]found {
	all := make([][]found, len(v.globs.patterns))
	for n := range v.tree.All() {
		at, link := n, n.Entry != nil && n.Entry.Type == scanner.Symlink
		if link {
			at, _ = v.tree.Lookup(n.Path)
		}
		if isFile(at) {
			v.globs.match(n.Path, func(id int) { all[id] = append(all[id], found{v.at(at, n.Path), link}) })
		}
	}
	for id := range all {
		all[id] = best(all[id])
	}
	return all
}

// executables lists kept programs of a format, as far as a cataloger could find
// something in them.
func (v *view) executables(f layer.Format, c *cataloger) (locs []file.Location) {
	nodes := v.programs
	if c.whole {
		nodes = v.wholeProgs()
	}
	for _, n := range nodes {
		if n.Entry.Format == f && (c.Name() != dotnetCataloger || f != layer.ELF || v.mayBundle(n)) {
			locs = append(locs, v.at(n, n.Path))
		}
	}
	return locs
}

// dotnetCataloger reads the whole of each ELF program, in every layer from the
// one that brought it, in search of a bundle.
const dotnetCataloger = "dotnet-deps-binary-cataloger"

// mayBundle reports whether an ELF program has something behind its end, as a
// .NET bundle has.
func (v *view) mayBundle(n layer.Node) bool {
	c, err := v.tree.Open(n)
	if err != nil {
		return true // the cataloger meets the same error, and tells it
	}
	defer c.Close()
	head := make([]byte, min(c.Size(), 64))
	if _, err := c.ReadAt(head, 0); err != nil && err != io.EOF {
		return true
	}
	return appended(&scanner.File{Path: n.Path, Size: c.Size(), Head: head, ReaderAt: c})
}

// at is the location of a node that was found by a name. A hard link is at the
// file that it links to, if that is of the same layer, as for syft.
func (v *view) at(n layer.Node, name string) file.Location {
	real := n.Path
	if n.Entry != nil && n.Entry.Type == scanner.Hardlink {
		if to, ok := v.tree.Lstat(n.Entry.Link); ok && to.Layer == n.Layer && isFile(to) {
			real = to.Path
		}
	}
	id := ""
	if ix := v.layers[n.Layer]; ix != nil {
		id = ix.DiffID
	}
	return file.NewVirtualLocationFromCoordinates(file.NewCoordinates(real, id), name)
}

// locate finds a file by a path, through symlinks. Folders are not files.
func (v *view) locate(p string) (file.Location, bool) {
	n, ok := v.tree.Lookup(p)
	if !ok || !isFile(n) {
		return file.Location{}, false
	}
	return v.at(n, p), true
}

// glob answers a pattern that a cataloger made from what it found.
func (v *view) glob(pattern string, out *locations) {
	for _, a := range compileGlob(pattern) {
		cut := strings.LastIndexByte(a.pattern, '/')
		switch {
		case !hasMeta(a.pattern):
			if loc, ok := v.locate(a.pattern); ok {
				out.add(loc)
			}
		case cut >= 0 && !hasMeta(a.pattern[:cut]) && !strings.Contains(a.pattern[cut:], "**"):
			v.globDir(a.pattern[:cut], a.pattern[cut+1:], &a, out)
		default:
			v.globAll(&a, out)
		}
	}
}

// globDir matches the names of one folder. Catalogers ask for all of a folder
// only to find the licenses in it (syft/pkg/cataloger/internal/licenses,
// FindInDirs), and there may be thousands of other files: those are left out.
func (v *view) globDir(dir, last string, a *alternative, out *locations) {
	lead := last
	if i := strings.IndexAny(last, `*?[{\`); i >= 0 {
		lead = last[:i]
	}
	list := v.listing(dir)
	from := sort.Search(len(list), func(i int) bool { return path.Base(list[i].Path) >= lead })
	for _, n := range list[from:] {
		base := path.Base(n.Path)
		if !strings.HasPrefix(base, lead) {
			break
		}
		if last == "*" && !licenseFile(base) {
			continue
		}
		name := dir + "/" + base
		if !a.matchAt(name, len(dir)+1) {
			continue
		}
		if loc, ok := v.locate(name); ok {
			out.add(loc)
		}
	}
}

func (v *view) listing(dir string) []layer.Node {
	if l, ok := v.listings.Load(dir); ok {
		return l.([]layer.Node)
	}
	l := v.tree.ReadDir(dir)
	v.listings.Store(dir, l)
	return l
}

// globAll matches all names of the tree.
func (v *view) globAll(a *alternative, out *locations) {
	lead := a.pattern
	if i := strings.IndexAny(lead, `*?[{\`); i >= 0 {
		lead = lead[:i]
	}
	for n := range v.tree.All() {
		if !strings.HasPrefix(n.Path, lead) || !a.matchAt(n.Path, strings.LastIndexByte(n.Path, '/')+1) {
			continue
		}
		if loc, ok := v.locate(n.Path); ok {
			out.add(loc)
		}
	}
}

// entry finds what a location that this view gave out stands for.
func (v *view) entry(l file.Location) (layer.Node, *layer.Entry, bool) {
	n, ok := v.tree.Lstat(l.RealPath)
	if !ok || n.Entry == nil {
		return n, nil, false
	}
	return n, n.Entry, true
}

// open opens the contents behind a location. Contents that were not kept are
// noted: the caller can have them read again.
func (v *view) open(l file.Location) (io.ReadCloser, error) {
	n, e, ok := v.entry(l)
	if !ok || !isFile(n) {
		return nil, errNoFile
	}
	c, err := v.tree.Open(n)
	if err != nil {
		if errors.Is(err, layer.ErrNotKept) {
			v.miss(n.Layer, e.Path)
		}
		return nil, err
	}
	return contents{io.NewSectionReader(c, 0, c.Size()), c}, nil
}

var errNoFile = errors.New("no such file in this layer or below")

func (v *view) miss(l int, p string) {
	v.missingLock.Lock()
	defer v.missingLock.Unlock()
	v.missing[Missing{l, p}] = true
}
