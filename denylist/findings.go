package denylist

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// maxMatches is how many proofs a finding lists, the strongest first.
const maxMatches = 64

var levelOrder = map[Level]int{Denied: 0, Review: 1, Mention: 2}

// findings returns the findings, those of one component and one answer merged,
// with their IDs, in the order that Verdict promises.
func (j *evaluation) findings() []Finding {
	type key struct {
		vendor, ref, name, host string
		identity, level         Level
		identifies              Identifies
	}
	at := map[key]int{}
	var fs []Finding
	for i := range j.found {
		f := &j.found[i]
		k := key{vendor: f.Vendor, ref: f.Component.Ref, name: f.Component.Name, identity: f.Identity, level: f.Level, identifies: f.Identifies}
		if f.EmbeddedIn != nil {
			k.host = f.EmbeddedIn.Ref
		}
		if n, ok := at[k]; ok && f.Component.Ref != "" {
			fs[n].merge(f)
			continue
		}
		at[k] = len(fs)
		fs = append(fs, *f)
	}
	fs = mergeContained(fs)
	for i := range fs {
		f := &fs[i]
		f.Matches = f.Matches[:min(len(f.Matches), maxMatches)]
		f.ID = f.id()
	}
	slices.SortFunc(fs, compareFindings)
	return fs
}

// mergeContained merges a finding into one of the same vendor that says no less of the
// same files and of more: the product folder that a program is in. Two
// findings of one thing would ask the reader twice.
func mergeContained(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(len(a.Occurrences), len(b.Occurrences)), compareFindings(b, a))
	})
	var kept []Finding
	for i := range fs {
		into := slices.IndexFunc(fs[i+1:], func(g Finding) bool { return g.covers(&fs[i]) })
		if into < 0 {
			kept = append(kept, fs[i])
			continue
		}
		fs[i+1+into].merge(&fs[i])
	}
	return kept
}

// covers reports whether f says no less than g, of all that g is about. A
// package is itself, whatever else lies in the same place.
func (f *Finding) covers(g *Finding) bool {
	if f.Vendor != g.Vendor || len(g.Occurrences) == 0 || f.Component.PURL != "" || g.Component.PURL != "" || f.EmbeddedIn != nil || g.EmbeddedIn != nil ||
		levelOrder[f.Level] > levelOrder[g.Level] || levelOrder[f.Identity] > levelOrder[g.Identity] ||
		f.Level == g.Level && f.Identifies != g.Identifies {
		return false
	}
	for _, o := range g.Occurrences {
		if !slices.Contains(f.Occurrences, o) {
			return false
		}
	}
	return true
}

// merge takes in what g says of another file of the same component.
func (f *Finding) merge(g *Finding) {
	for _, o := range g.Occurrences {
		if !slices.Contains(f.Occurrences, o) {
			f.Occurrences = append(f.Occurrences, o)
		}
	}
	slices.SortFunc(f.Occurrences, compareOccurrences)
	for _, p := range g.Matches {
		if !slices.Contains(f.Matches, p) {
			f.Matches = append(f.Matches, p)
		}
	}
	slices.SortFunc(f.Matches, func(a, b Match) int {
		return cmp.Or(
			cmp.Compare(strengthOrder[b.Strength], strengthOrder[a.Strength]),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Rule, b.Rule),
			compareEvidence(a.Evidence, b.Evidence))
	})
}

// id is derived from what was found and where, not from layers or order: the
// same finding in a rebuilt image has the same ID.
func (f *Finding) id() string {
	h := sha256.New()
	add := func(parts ...string) { h.Write([]byte(strings.Join(parts, "\x00") + "\x01")) }
	add(f.Vendor, string(f.Identifies), f.Component.Type, f.Component.Name, f.Component.PURL)
	var facts []string
	for _, p := range f.Matches {
		facts = append(facts, string(p.Kind)+"\x00"+p.Value+"\x00"+p.Rule)
	}
	slices.Sort(facts)
	add(slices.Compact(facts)...)
	var paths []string
	for _, o := range f.Occurrences {
		paths = append(paths, o.Path)
	}
	slices.Sort(paths)
	add(slices.Compact(paths)...)
	return f.Vendor + "-" + hex.EncodeToString(h.Sum(nil)[:5])
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(levelOrder[a.Level], levelOrder[b.Level]),
		cmp.Compare(a.Vendor, b.Vendor),
		cmp.Compare(a.Component.Name, b.Component.Name), cmp.Compare(a.Component.Version, b.Component.Version),
		slices.CompareFunc(a.Occurrences, b.Occurrences, compareOccurrences),
		cmp.Compare(a.Component.Ref, b.Component.Ref), cmp.Compare(a.ID, b.ID))
}

// gaps returns the inventory's gaps and those that judging adds: rules that the
// inventory was not made to answer, and regimes that the list does not have.
func (j *evaluation) gaps() []sbom.Gap {
	gs := slices.Clone(j.inv.Coverage.Gaps)
	for _, id := range j.selection.unknown {
		gs = append(gs, sbom.Gap{Reason: sbom.NotEvaluated, Detail: fmt.Sprintf("regime %s is not in the list", id)})
	}
	if j.inv.Foreign != "" {
		gs = append(gs, sbom.Gap{Reason: sbom.NotEvaluated, Detail: fmt.Sprintf(
			"the document was made by %s: it tells of packages, but not of signers, symbols, paths and names inside files", j.inv.Foreign)})
	} else {
		gs = append(gs, j.unwatched()...)
	}
	slices.SortFunc(gs, func(a, b sbom.Gap) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail), cmp.Compare(a.Detector, b.Detector))
	})
	return slices.Compact(gs)
}

// unwatched returns a gap for every rule whose patterns the scan did not look
// for, of vendors that a regime asked names. When it looked for none of them
// there is one gap.
func (j *evaluation) unwatched() []sbom.Gap {
	looked := j.inv.Tool.Watched
	if !slices.IsSorted(looked) {
		looked = slices.Sorted(slices.Values(looked))
	}
	if holdsAll(looked, j.ix.prints) {
		return nil
	}
	missing, all := map[string]int{}, 0
	var order []string
	for _, w := range j.ix.watched {
		if len(j.selection.vendors[w.vendor]) == 0 {
			continue
		}
		all++
		if _, ok := slices.BinarySearch(looked, w.print); ok {
			continue
		}
		if missing[w.rule] == 0 {
			order = append(order, w.rule)
		}
		missing[w.rule]++
	}
	total := 0
	for _, n := range missing {
		total += n
	}
	if total == all && all > 0 {
		return []sbom.Gap{{Reason: sbom.NotEvaluated, Detail: "the scan looked for none of the list's paths, names, symbols and strings"}}
	}
	gs := make([]sbom.Gap, 0, len(order))
	for _, rule := range order {
		gs = append(gs, sbom.Gap{Reason: sbom.NotEvaluated, Detail: fmt.Sprintf("rule %s: %d of its patterns were not looked for", rule, missing[rule])})
	}
	return gs
}

// holdsAll reports whether all of part are in all. Both are sorted.
func holdsAll(all, part []string) bool {
	for _, s := range part {
		for len(all) > 0 && all[0] < s {
			all = all[1:]
		}
		if len(all) == 0 || all[0] != s {
			return false
		}
	}
	return true
}
