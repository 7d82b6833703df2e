package layer

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner"
)

// maxLinks is how many symbolic links one look-up follows, as Linux does
// (path_resolution(7), ELOOP).
const maxLinks = 40

// maxFollow bounds in bytes what a path grows to while links are followed, and
// maxImplied the folders that dangling links make in a tree.
const (
	maxFollow  = 2 * maxPath
	maxImplied = 1_000_000
)

// spareNames is how many names are allocated at once.
const spareNames = 512

// name is one name of the tree while layers are laid over each other.
type name struct {
	path          string
	layer, entry  int32 // entry is -1 for a folder that is only implied
	parent, child *name
	next, prev    *name // others of the same folder
	gone          bool  // removed again
}

// folder tells whether others may be below.
func (n *name) folder(t *Tree) bool {
	e := t.entryOf(n)
	return e == nil || e.Type == scanner.Dir
}

// Squash lays layers over each other, bottom first, as a runtime unpacks them
// (OCI image-spec layer.md): whiteouts hide what the layers below have, never
// their own layer's entries; a folder over a folder keeps what is in it; all
// else takes the place of what was there, with everything below. Entries whose
// folder is a symbolic link to another folder go there. A nil Index is a layer
// that could not be read.
func Squash(layers []*Index) *Tree {
	t := &Tree{layers: layers, names: map[string]*name{}}
	size := 1
	for _, ix := range layers {
		if ix != nil {
			size = max(size, len(ix.Entries))
		}
	}
	t.names = make(map[string]*name, size)
	t.root = &name{path: "/", entry: -1}
	t.names["/"] = t.root
	t.made = make([][]*name, len(layers))
	for l, ix := range layers {
		if ix == nil {
			continue
		}
		t.hide(ix)
		t.made[l] = make([]*name, 0, len(ix.Entries))
		for i := range ix.Entries {
			t.put(int32(l), int32(i), &ix.Entries[i])
		}
	}
	t.last, t.spare = nil, nil
	t.finish()
	return t
}

// hide applies the whiteouts of a layer to what the layers below have.
func (t *Tree) hide(ix *Index) {
	for i := range ix.Entries {
		hidden, opaque := ix.Entries[i].Hides()
		if hidden == "" {
			continue
		}
		n := t.lookup(hidden, opaque)
		if n == nil {
			continue
		}
		if !opaque {
			t.remove(n)
			continue
		}
		for n.child != nil {
			t.remove(n.child)
		}
	}
}

// put adds an entry of a layer.
func (t *Tree) put(layer, i int32, e *Entry) {
	if e.Type == scanner.Whiteout || e.Type == scanner.Opaque {
		return
	}
	if e.Path == "/" {
		t.root.layer, t.root.entry = layer, i
		return
	}
	cut := strings.LastIndexByte(e.Path, '/')
	parent := t.folderAt(layer, e.Path[:cut])
	if parent == nil {
		return // its folder is a loop of links: nobody can unpack it
	}
	full := e.Path
	if parent.path != e.Path[:cut] {
		full = join(parent.path, e.Path[cut+1:])
	}
	if old := t.names[full]; old != nil {
		if old.folder(t) && e.Type == scanner.Dir {
			old.layer, old.entry = layer, i
			return
		}
		t.remove(old)
	}
	t.add(parent, full, layer, i)
}

// folderAt finds or makes the folder that an entry is in.
func (t *Tree) folderAt(layer int32, dir string) *name {
	if dir == "" {
		return t.root
	}
	// Most entries lie beside the one before.
	if n := t.last; n != nil && n.path == dir && !n.gone && n.folder(t) {
		return n
	}
	n := t.names[dir]
	if n == nil || !n.folder(t) {
		return t.makeDir(layer, dir)
	}
	t.last = n
	return n
}

// makeDir makes folders one by one, and follows links on the way.
func (t *Tree) makeDir(layer int32, dir string) *name {
	at, links := t.root, 0
	for rest := dir; rest != ""; {
		var part string
		part, rest = nextPart(rest)
		switch part {
		case "", ".":
			continue
		case "..":
			at = at.up(t)
			continue
		}
		full := join(at.path, part)
		n := t.names[full]
		if n == nil {
			if links > 0 {
				if t.implied++; t.implied > maxImplied {
					return nil
				}
			}
			at = t.add(at, full, layer, -1)
			continue
		}
		e := t.entryOf(n)
		if e != nil && e.Type == scanner.Symlink {
			if links++; links > maxLinks || len(e.Link)+len(rest) > maxFollow {
				return nil
			}
			if strings.HasPrefix(e.Link, "/") {
				at = t.root
			}
			rest = e.Link + "/" + rest
			continue
		}
		if !n.folder(t) { // a file of a layer below is in the way
			t.remove(n)
			n = t.add(at, full, layer, -1)
		}
		at = n
	}
	return at
}

func nextPart(p string) (part, rest string) {
	part, rest, _ = strings.Cut(p, "/")
	return part, rest
}

func join(dir, base string) string {
	if dir == "/" {
		return "/" + base
	}
	return dir + "/" + base
}

func (n *name) up(t *Tree) *name {
	if n.parent == nil {
		return t.root
	}
	return n.parent
}

func (t *Tree) add(parent *name, full string, layer, entry int32) *name {
	if len(t.spare) == 0 {
		t.spare = make([]name, spareNames)
	}
	n := &t.spare[0]
	t.spare = t.spare[1:]
	*n = name{path: full, layer: layer, entry: entry, parent: parent, next: parent.child}
	if parent.child != nil {
		parent.child.prev = n
	}
	parent.child = n
	t.names[full] = n
	t.made[layer] = append(t.made[layer], n)
	return n
}

// remove takes a name and all below it out of the tree.
func (t *Tree) remove(n *name) {
	switch {
	case n.parent == nil:
		return // the root stays
	case n.prev != nil:
		n.prev.next = n.next
	default:
		n.parent.child = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	t.forget(n)
}

// forget does not recurse: folders may be nested as deep as names are long.
func (t *Tree) forget(n *name) {
	for todo := []*name{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n.gone = true
		delete(t.names, n.path)
		for c := n.child; c != nil; c = c.next {
			todo = append(todo, c)
		}
	}
}

// finish sorts what is left, and notes for every layer what of it is visible.
func (t *Tree) finish() {
	t.visible = make([][]uint64, len(t.layers))
	for l, ix := range t.layers {
		if ix != nil {
			t.visible[l] = make([]uint64, (len(ix.Entries)+63)/64)
		}
	}
	t.sorted = append(make([]*name, 0, len(t.names)), t.root)
	runs := []int{0}
	for _, made := range t.made {
		from := len(t.sorted)
		for _, n := range made {
			if !n.gone {
				t.sorted = append(t.sorted, n)
			}
		}
		// A layer's entries come in order; what links and implied folders make
		// of them may not.
		if rest := t.sorted[from:]; !slices.IsSortedFunc(rest, byPath) {
			slices.SortFunc(rest, byPath)
		}
		runs = append(runs, from)
	}
	t.made = nil
	t.sorted = mergeRuns(t.sorted, runs)
	for _, n := range t.sorted {
		if n.entry >= 0 {
			t.visible[n.layer][n.entry/64] |= 1 << (n.entry % 64)
		}
	}
}

func byPath(a, b *name) int { return strings.Compare(a.path, b.path) }

// mergeRuns sorts names that consist of sorted runs, which begin at starts: two
// neighbours become one until one is left.
func mergeRuns(names []*name, starts []int) []*name {
	out := make([]*name, len(names))
	for len(starts) > 1 {
		var next []int
		for i := 0; i < len(starts); i += 2 {
			next = append(next, starts[i])
			end := len(names)
			if i+2 < len(starts) {
				end = starts[i+2]
			}
			if i+1 == len(starts) {
				copy(out[starts[i]:end], names[starts[i]:end])
				continue
			}
			mergeTwo(out[starts[i]:end], names[starts[i]:starts[i+1]], names[starts[i+1]:end])
		}
		names, out, starts = out, names, next
	}
	return names
}

func mergeTwo(out, a, b []*name) {
	if len(a) == 0 || len(b) == 0 || byPath(a[len(a)-1], b[0]) < 0 {
		copy(out[copy(out, a):], b)
		return
	}
	for i := range out {
		if len(b) == 0 || len(a) > 0 && byPath(a[0], b[0]) < 0 {
			out[i], a = a[0], a[1:]
		} else {
			out[i], b = b[0], b[1:]
		}
	}
}
