package denylist

import (
	"cmp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// maxOccurrences is how many places of an installation a finding lists; what
// is visible in the final filesystem comes first.
const maxOccurrences = 100

// install gathers the traces of one vendor's installation.
type install struct {
	matched map[*pattern]patternMatch // for each pattern, its first evidence by path and layer
	files   map[sbom.Occurrence]bool
	of      *sbom.Component // the one component that they are of; nil for several
	some    bool
}

// isFolder reports whether a pattern is a folder and all that is in it.
func isFolder(p *pattern) bool {
	m := p.rule.Match
	return p.rule.Kind == sbom.Path && (m == Prefix || m == PrefixFold || m == Elements)
}

// trace notes a trace of an installation in component c.
func (j *evaluation) trace(c *sbom.Component, h patternMatch) {
	id := h.p.rule.vendor.ID
	in := j.installs[id]
	if in == nil {
		in = &install{matched: map[*pattern]patternMatch{}, files: map[sbom.Occurrence]bool{}}
		j.installs[id] = in
	}
	if !in.some {
		in.of, in.some = c, true
	} else if in.of != c {
		in.of = nil
	}
	if old, ok := in.matched[h.p]; !ok || compareEvidence(h.e, old.e) < 0 {
		in.matched[h.p] = h
	}
	for _, o := range c.Occurrences {
		if h.e.Path == "" || o.Path == h.e.Path && o.Layer == h.e.Layer {
			in.files[o] = true
		}
	}
}

func compareEvidence(a, b sbom.Evidence) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Value, b.Value),
		cmp.Compare(a.Format, b.Format), cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Where, b.Where))
}

// installation judges the traces of one vendor together.
func (j *evaluation) installation(vendor string, in *install) {
	g := &group{}
	for _, h := range in.matched {
		e := h.e
		g.matched = append(g.matched, patternMatch{h.p, e})
		g.evidence = append(g.evidence, &e)
	}
	w := assess(g, vendor)
	if w.identity == "" || w.identity == Mention && !j.mentions {
		return
	}
	first := &w.proofs[0]
	f := Finding{
		Vendor: vendor, VendorName: w.vendor.Name, Identity: w.identity, Identifies: w.identifies,
		Component: ComponentRef{Type: string(sbom.Application), Name: first.Value},
		Matches:   w.published(),
	}
	if in.of != nil {
		f.Component = refOf(in.of)
		f.Component.Name = first.Value
	}
	for p := range in.matched {
		if isFolder(p) && p.id() == first.Rule {
			f.Component.Name = strings.TrimSuffix(p.value, "/")
		}
	}
	for o := range in.files {
		f.Occurrences = append(f.Occurrences, o)
	}
	slices.SortFunc(f.Occurrences, func(a, b sbom.Occurrence) int {
		if a.Hidden != b.Hidden {
			if b.Hidden {
				return -1
			}
			return 1
		}
		return compareOccurrences(a, b)
	})
	f.Occurrences = f.Occurrences[:min(len(f.Occurrences), maxOccurrences)]
	slices.SortFunc(f.Occurrences, compareOccurrences)
	j.rule(&f, w)
	j.found = append(j.found, f)
}

func compareOccurrences(a, b sbom.Occurrence) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Digest, b.Digest))
}
