package denylist

import (
	"slices"
	"strings"
)

// Difference is what differs between the findings of two verdicts. Lists are in
// the order of the verdicts.
type Difference struct {
	Added   []Finding
	Removed []Finding
	Changed []Change
}

// Change is a finding in the same component by name, of which the version, the
// level, the evidence or the places changed.
type Change struct{ Before, After Finding }

// Empty reports whether nothing differs.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed) == 0
}

// Diff compares the findings of two verdicts: by ID, and then by vendor,
// component and what they identify.
func Diff(a, b Verdict) Difference {
	news := slices.Clone(b.Findings)
	taken := make([]bool, len(news))
	paired := make([]int, len(a.Findings))
	for i := range paired {
		paired[i] = -1
	}
	for _, key := range []func(*Finding) string{
		func(f *Finding) string { return f.ID },
		func(f *Finding) string {
			return strings.Join([]string{f.Vendor, string(f.Identifies), f.Component.Type, f.Component.Name}, "\x00")
		},
	} {
		at := map[string][]int{}
		for i := range news {
			if !taken[i] {
				at[key(&news[i])] = append(at[key(&news[i])], i)
			}
		}
		for i := range a.Findings {
			k := key(&a.Findings[i])
			if paired[i] < 0 && len(at[k]) > 0 {
				paired[i], taken[at[k][0]] = at[k][0], true
				at[k] = at[k][1:]
			}
		}
	}
	var d Difference
	for i, n := range paired {
		old := a.Findings[i]
		switch {
		case n < 0:
			d.Removed = append(d.Removed, old)
		case old.ID != news[n].ID || old.Standing() != news[n].Standing() || old.Level != news[n].Level || old.Component.Version != news[n].Component.Version:
			d.Changed = append(d.Changed, Change{old, news[n]})
		}
	}
	for i := range news {
		if !taken[i] {
			d.Added = append(d.Added, news[i])
		}
	}
	return d
}
