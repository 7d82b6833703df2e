package layer

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner"
)

// Bounds of [Tree.Aliases].
const (
	maxAliases    = 2_000_000 // paths that are passed
	maxAliasLinks = 8         // links to folders on the way
	maxAliasQueue = 100_000   // folders with another path that wait
)

// alias is another path of a folder.
type alias struct {
	path, dir string
	links     int
}

// Aliases calls fn for the paths by which a container opens a visible name
// beside the one in the tar: its real path, where a folder on the way is a link,
// and those that lead through links to folders, up to 8 of them. It reports
// false if there are more than 2,000,000 and the rest was left out.
func (t *Tree) Aliases(fn func(n Node, path string)) bool {
	var todo []alias
	inside := map[string][]alias{} // links to folders, by the folder they are in
	for _, n := range t.sorted {
		e := t.entryOf(n)
		if e == nil {
			continue
		}
		if e.Path != n.path {
			fn(t.node(n), n.path)
		}
		if e.Type != scanner.Symlink {
			continue
		}
		if dir := t.lookup(n.path, true); dir != nil && dir.folder(t) && dir != t.root {
			l := alias{n.path, dir.path, 1}
			todo = append(todo, l)
			parent := n.up(t).path
			inside[parent] = append(inside[parent], l)
		}
	}
	for left := maxAliases; len(todo) > 0; {
		if len(todo) > maxAliasQueue {
			return false
		}
		a := todo[0]
		todo = todo[1:]
		for _, n := range t.below(a.dir) {
			if left--; left < 0 {
				return false
			}
			p := a.path + n.path[len(a.dir):]
			if n.folder(t) {
				todo = appendFurther(todo, a, p, inside[n.path])
				continue
			}
			if e := t.entryOf(n); p != n.path && p != e.Path {
				fn(t.node(n), p)
			}
		}
		todo = appendFurther(todo, a, a.path, inside[a.dir])
	}
	return true
}

// appendFurther adds the paths that links lead to which are in a folder that
// has another path p.
func appendFurther(todo []alias, a alias, p string, links []alias) []alias {
	if a.links >= maxAliasLinks {
		return todo
	}
	for _, l := range links {
		if further := p + l.path[strings.LastIndexByte(l.path, '/'):]; further != l.path && len(further) <= maxPath {
			todo = append(todo, alias{further, l.dir, a.links + 1})
		}
	}
	return todo
}

// below are the names in a folder and in those in it.
func (t *Tree) below(dir string) []*name {
	from, _ := slices.BinarySearchFunc(t.sorted, dir+"/", func(n *name, p string) int { return strings.Compare(n.path, p) })
	to := from
	for to < len(t.sorted) && strings.HasPrefix(t.sorted[to].path, dir+"/") {
		to++
	}
	return t.sorted[from:to]
}
