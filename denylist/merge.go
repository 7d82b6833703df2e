package denylist

import (
	"slices"
	"sync"
)

// Merge returns base with over laid on it: regimes, vendors and rules of over
// are added, or replace those with the same ID. Of a vendor that both have,
// base's fields stand where over's are empty. Name and version are over's, if
// it has them, after base's. Neither list is changed.
func Merge(base, over *List) *List {
	l := Join(base, over)
	if over.Name != "" {
		l.Name += " + " + over.Name
	}
	if over.Version != "" {
		l.Version += "+" + over.Version
	}
	return l
}

// Join is Merge for the parts of one list: it keeps base's name and version.
func Join(base *List, parts ...*List) *List {
	l := &List{Name: base.Name, Version: base.Version, Regimes: slices.Clone(base.Regimes), Vendors: slices.Clone(base.Vendors)}
	for _, p := range parts {
		l.lay(p)
	}
	l.index = sync.OnceValue(func() *index { return compile(l) })
	return l
}

// lay adds over's parts to l, which owns its slices.
func (l *List) lay(over *List) {
	for _, r := range over.Regimes {
		l.Regimes = replaceOrAppend(l.Regimes, r, func(x Regime) bool { return x.ID == r.ID })
	}
	for _, v := range over.Vendors {
		i := slices.IndexFunc(l.Vendors, func(x Vendor) bool { return x.ID == v.ID })
		if i < 0 {
			l.Vendors = append(l.Vendors, v)
			continue
		}
		l.Vendors[i] = mergeVendor(l.Vendors[i], v)
	}
}

func mergeVendor(base, over Vendor) Vendor {
	if over.Name != "" {
		base.Name = over.Name
	}
	if over.Country != "" {
		base.Country = over.Country
	}
	if over.Note != "" {
		base.Note = over.Note
	}
	base.Security = base.Security || over.Security
	base.Rules = slices.Clone(base.Rules)
	for _, r := range over.Rules {
		base.Rules = replaceOrAppend(base.Rules, r, func(x Rule) bool { return x.ID == r.ID })
	}
	base.Embedders = slices.Clone(base.Embedders)
	for _, e := range over.Embedders {
		base.Embedders = replaceOrAppend(base.Embedders, e, func(x Embedder) bool { return x.Product == e.Product })
	}
	return base
}

// replaceOrAppend replaces the element that same finds by v, or appends v.
func replaceOrAppend[T any](s []T, v T, same func(T) bool) []T {
	if i := slices.IndexFunc(s, same); i >= 0 {
		s[i] = v
		return s
	}
	return append(s, v)
}
