package layer

import (
	"iter"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner"
)

// Tree is the final filesystem of an image: what is visible once all layers lie
// over each other. It is safe for many readers. The Indexes that it was made of
// must stay open while contents are read.
type Tree struct {
	layers  []*Index
	root    *name
	names   map[string]*name
	sorted  []*name
	made    [][]*name  // by each layer, while layers are laid over each other
	visible [][]uint64 // a bit for every entry of every layer
	implied int        // folders that links made
	// While layers are laid over each other: the folder of the entry before, and
	// names to use.
	last  *name
	spare []name
}

// Node is one visible name.
type Node struct {
	Layer int    // the layer's place in the call of Squash
	Entry *Entry // nil for a folder that only the names in it imply
	Path  string // real path: no symbolic link leads to it
}

// IsDir reports a folder, one that is only implied included.
func (n Node) IsDir() bool { return n.Entry == nil || n.Entry.Type == scanner.Dir }

func (t *Tree) entryOf(n *name) *Entry {
	if n.entry < 0 {
		return nil
	}
	return &t.layers[n.layer].Entries[n.entry]
}

func (t *Tree) node(n *name) Node {
	return Node{Layer: int(n.layer), Entry: t.entryOf(n), Path: n.path}
}

// Lookup finds what is at a path, and follows symbolic links: at most 40 of
// them, and never above the root. The path need be neither clean nor absolute.
func (t *Tree) Lookup(path string) (Node, bool) {
	n := t.lookup(path, true)
	if n == nil {
		return Node{}, false
	}
	return t.node(n), true
}

// Lstat is Lookup, but does not follow the last element.
func (t *Tree) Lstat(path string) (Node, bool) {
	n := t.lookup(path, false)
	if n == nil {
		return Node{}, false
	}
	return t.node(n), true
}

func (t *Tree) lookup(path string, follow bool) *name {
	if n := t.names[path]; n != nil {
		if e := t.entryOf(n); !follow || e == nil || e.Type != scanner.Symlink {
			return n
		}
	}
	at, links := t.root, 0
	for rest := path; rest != ""; {
		var part string
		part, rest = nextPart(rest)
		if !at.folder(t) {
			return nil
		}
		switch part {
		case "", ".":
			continue
		case "..":
			at = at.up(t)
			continue
		}
		n := t.names[join(at.path, part)]
		if n == nil {
			return nil
		}
		e := t.entryOf(n)
		if e == nil || e.Type != scanner.Symlink || !follow && strings.Trim(rest, "/") == "" {
			at = n
			continue
		}
		if links++; links > maxLinks || e.Link == "" || len(e.Link)+len(rest) > maxFollow {
			return nil
		}
		if strings.HasPrefix(e.Link, "/") {
			at = t.root
		}
		rest = e.Link + "/" + rest
	}
	return at
}

// ReadDir lists what is in a folder, sorted by path. Links that lead to the
// folder are followed; the names in it are listed as they are.
func (t *Tree) ReadDir(path string) []Node {
	dir := t.lookup(path, true)
	if dir == nil {
		return nil
	}
	var nodes []Node
	for c := dir.child; c != nil; c = c.next {
		nodes = append(nodes, t.node(c))
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Path, b.Path) })
	return nodes
}

// Visible reports whether the entry that a layer has at path is in the final
// filesystem. The path is the entry's own.
func (t *Tree) Visible(layer int, path string) bool {
	if layer < 0 || layer >= len(t.layers) || t.layers[layer] == nil {
		return false
	}
	i, ok := t.layers[layer].find(path)
	return ok && t.visible[layer][i/64]&(1<<(i%64)) != 0
}

// All yields what is visible, sorted by path; folders that are only implied
// included.
func (t *Tree) All() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, n := range t.sorted {
			if !yield(t.node(n)) {
				return
			}
		}
	}
}

// Open returns the kept contents of a node. For a hard link to a file that is
// not in its own layer, those are the contents of the nearest layer below that
// has the file.
func (t *Tree) Open(n Node) (Content, error) {
	if n.Entry == nil || n.Layer < 0 || n.Layer >= len(t.layers) || t.layers[n.Layer] == nil {
		return nil, ErrNotKept
	}
	e := n.Entry
	for l := n.Layer; ; {
		if e.kept || e.Type != scanner.Hardlink {
			return t.layers[l].Open(e)
		}
		target, below := t.lower(l, e.Link)
		if target == nil {
			return nil, ErrNotKept
		}
		e, l = target, below
	}
}

// Target returns where the contents of the entry that a layer has at path are:
// there, or for a hard link to a file of a layer below, in that layer.
func (t *Tree) Target(layer int, path string) (int, string) {
	if layer < 0 || layer >= len(t.layers) || t.layers[layer] == nil {
		return layer, path
	}
	e, ok := t.layers[layer].Lookup(path)
	for ok && e.Type == scanner.Hardlink && e.Digest == [32]byte{} {
		target, below := t.lower(layer, e.Link)
		if target == nil {
			break
		}
		e, layer, path = target, below, target.Path
	}
	return layer, path
}

// lower finds the entry at path in the nearest layer below l.
func (t *Tree) lower(l int, path string) (*Entry, int) {
	for l--; l >= 0; l-- {
		if t.layers[l] == nil {
			continue
		}
		if e, ok := t.layers[l].Lookup(path); ok {
			return e, l
		}
	}
	return nil, 0
}
