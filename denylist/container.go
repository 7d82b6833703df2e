package denylist

import (
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// containers finds what contains a component or a file.
type containers struct {
	parents map[string][]*sbom.Component // by ref of what they contain
	first   map[string]int32             // by path of an occurrence: of places, which one, from 1
	places  []place
}

// place is one component at a path, and which place is the next there; 0 is none.
type place struct {
	c    *sbom.Component
	next int32
}

func newContainers(inv *sbom.Inventory) *containers {
	n := len(inv.Components)
	h := &containers{parents: map[string][]*sbom.Component{}, first: make(map[string]int32, n), places: make([]place, 0, n)}
	for i := range inv.Components {
		c := &inv.Components[i]
		for _, ref := range c.Contains {
			h.parents[ref] = append(h.parents[ref], c)
		}
		for j := range c.Occurrences {
			path := c.Occurrences[j].Path
			h.places = append(h.places, place{c, h.first[path]})
			h.first[path] = int32(len(h.places))
		}
	}
	for _, cs := range h.parents {
		sortByRef(cs)
	}
	return h
}

// at returns the components at a path.
func (h *containers) at(path string) (cs []*sbom.Component) {
	for i := h.first[path]; i > 0; i = h.places[i-1].next {
		cs = append(cs, h.places[i-1].c)
	}
	sortByRef(cs)
	return slices.Compact(cs)
}

func sortByRef(cs []*sbom.Component) {
	slices.SortFunc(cs, func(a, b *sbom.Component) int { return strings.Compare(a.Ref, b.Ref) })
}

// container returns the other vendor's product that contains the finding's
// component: what says that it contains it, else the innermost archive or
// package around the file that has a maker or a package of its own, else the
// component itself, when it is a product of its own that holds an engine.
func (j *evaluation) container(g *group, w *assessment) *ComponentRef {
	if j.containers == nil {
		j.containers = newContainers(j.inv)
	}
	for c := range j.containers.around(g) {
		if c != g.c && isProduct(c) && !j.isOf(c, w.vendor.ID) {
			ref := refOf(c)
			return &ref
		}
	}
	if w.identifies == Engine && isProduct(g.c) && g.isThirdParty(w.vendor.ID) {
		ref := refOf(g.c)
		return &ref
	}
	return nil
}

// around yields what is around a group, from the inside out.
func (h *containers) around(g *group) func(func(*sbom.Component) bool) {
	return func(yield func(*sbom.Component) bool) {
		seen := map[string]bool{g.c.Ref: true}
		for level := []*sbom.Component{g.c}; len(level) > 0; {
			var next []*sbom.Component
			for _, c := range level {
				for _, parent := range h.parents[c.Ref] {
					if seen[parent.Ref] {
						continue
					}
					seen[parent.Ref] = true
					if !yield(parent) {
						return
					}
					next = append(next, parent)
				}
			}
			level = next
		}
		file := g.path
		if file == "" {
			file = onlyPath(g.c)
		}
		for dir := file; dir != ""; {
			outer, inner := dir, ""
			if i := strings.LastIndex(dir, "!/"); i >= 0 {
				outer, inner = dir[:i], dir[i+1:]
			} else if outer, inner = "", dir; inner == "" {
				return
			}
			if !h.packagesAbove(dir[:len(dir)-len(inner)], inner, yield) {
				return
			}
			for _, c := range h.at(outer) {
				if !yield(c) {
					return
				}
			}
			dir = outer
		}
	}
}

// packagesAbove yields the npm packages whose folders the file is in.
func (h *containers) packagesAbove(prefix, file string, yield func(*sbom.Component) bool) bool {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		for _, c := range h.at(prefix + path.Join(dir, "package.json")) {
			if strings.HasPrefix(c.PURL, "pkg:npm/") && !yield(c) {
				return false
			}
		}
		if dir == "/" || dir == "." {
			return true
		}
	}
}

// isProduct reports whether a component is more than a container of files: a
// package, or something that names its maker.
func isProduct(c *sbom.Component) bool {
	if c.Type == sbom.OperatingSystem || c.Type == sbom.Container {
		return false
	}
	return c.PURL != "" || c.Supplier != "" || c.Publisher != "" || c.Manufacturer != "" ||
		slices.ContainsFunc(c.Evidence, func(e sbom.Evidence) bool { return e.Kind.Info().Is(sbom.OfProduct) })
}

// isOf reports whether a component's own evidence or fields are strong for the
// vendor.
func (j *evaluation) isOf(c *sbom.Component, vendor string) bool {
	for f := range c.Facts() {
		for _, p := range j.find(f.Kind, f.Value) {
			r := p.rule
			if r.vendor.ID == vendor && p.element < 0 && r.Identifies != Engine && strengthOrder[r.Strength] >= strengthOrder[Strong] {
				return true
			}
		}
	}
	return false
}

// isThirdParty reports whether the group's own identity, apart from the
// engine in it, is not the vendor's.
func (g *group) isThirdParty(vendor string) bool {
	return !slices.ContainsFunc(g.matched, func(h patternMatch) bool {
		return h.p.rule.vendor.ID == vendor && h.e.Kind.Info().Is(sbom.OwnIdentity)
	})
}
