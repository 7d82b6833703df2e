package sbom

import (
	"cmp"
	"slices"
	"strings"
)

// Difference is what differs between the components of two inventories. Lists
// are sorted by name, version and reference.
type Difference struct {
	Added   []Component
	Removed []Component
	Changed []Change
}

// Change is a component of which the version, or the contents, changed.
type Change struct{ Before, After Component }

// Empty reports whether nothing differs.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed) == 0
}

// Diff compares the components of two inventories by what they are: type,
// group, name and package URL without its version; among those with the same,
// first by version, then by place. Places and evidence alone make no
// difference. It does not change its arguments.
func Diff(a, b *Inventory) Difference {
	before, after := kin(a), kin(b)
	var d Difference
	for key, olds := range before {
		d.pair(olds, after[key])
	}
	for key, news := range after {
		if _, ok := before[key]; !ok {
			d.pair(nil, news)
		}
	}
	slices.SortFunc(d.Added, compareByName)
	slices.SortFunc(d.Removed, compareByName)
	slices.SortFunc(d.Changed, func(x, y Change) int {
		return cmp.Or(compareByName(x.Before, y.Before), compareByName(x.After, y.After))
	})
	return d
}

func compareByName(a, b Component) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Ref, b.Ref))
}

// kin groups components that may be versions of each other, each group sorted.
func kin(inv *Inventory) map[string][]*Component {
	m := map[string][]*Component{}
	for i := range inv.Components {
		c := &inv.Components[i]
		key := strings.Join([]string{string(c.Type), c.Group, c.Name, unversioned(c.PURL)}, "\x00")
		m[key] = append(m[key], c)
	}
	for _, cs := range m {
		slices.SortFunc(cs, func(a, b *Component) int {
			return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(place(a), place(b)), cmp.Compare(a.Ref, b.Ref))
		})
	}
	return m
}

// unversioned is a package URL without version, qualifiers and subpath.
func unversioned(purl string) string {
	if i := strings.IndexAny(purl, "?#"); i >= 0 {
		purl = purl[:i]
	}
	if i := strings.LastIndexByte(purl, '@'); i > strings.LastIndexByte(purl, '/') {
		purl = purl[:i]
	}
	return purl
}

func place(c *Component) string {
	if len(c.Occurrences) == 0 {
		return ""
	}
	return c.Occurrences[0].Path
}

// pair pairs those that are the same, then those in the same place, then the
// rest in order.
func (d *Difference) pair(olds, news []*Component) {
	olds, news = slices.Clone(olds), slices.Clone(news)
	for _, same := range []func(a, b *Component) bool{
		func(a, b *Component) bool { return alike(a, b) && place(a) == place(b) },
		alike,
		func(a, b *Component) bool { return place(a) == place(b) },
		func(a, b *Component) bool { return a.Version == b.Version },
		func(_, _ *Component) bool { return true },
	} {
		olds = slices.DeleteFunc(olds, func(a *Component) bool {
			i := slices.IndexFunc(news, func(b *Component) bool { return same(a, b) })
			if i < 0 {
				return false
			}
			if !alike(a, news[i]) {
				d.Changed = append(d.Changed, Change{*a, *news[i]})
			}
			news = slices.Delete(news, i, i+1)
			return true
		})
	}
	for _, c := range olds {
		d.Removed = append(d.Removed, *c)
	}
	for _, c := range news {
		d.Added = append(d.Added, *c)
	}
}

// alike reports whether two components have the same version and contents, as
// far as both state them.
func alike(a, b *Component) bool {
	if a.Version != b.Version {
		return false
	}
	for _, h := range a.Hashes {
		for _, g := range b.Hashes {
			if h.Algorithm == g.Algorithm && h.Value != g.Value {
				return false
			}
		}
	}
	return true
}
