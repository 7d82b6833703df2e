package denylist

import (
	"cmp"
	"maps"
	"slices"

	"github.com/interdict/interdict/sbom"
)

// Judge says which vendors' products are in the inventory and what each regime
// of the policy says of them. It is a pure function of its arguments, and does
// not depend on the order of what is in the inventory.
//
// Evidence is weighed file by file: what a component's files say of themselves,
// each alone; what package metadata says, together; what the image
// configuration says, together; and the traces of an installation in the file
// system (folders, units, services), together for each vendor. What lies beside
// a vendor's file is not thereby the vendor's.
func (l *List) Judge(inv *sbom.Inventory, p Policy) Verdict {
	ix := l.compiled()
	j := &evaluation{ix: ix, inv: inv, selection: ix.selectLaws(p), mentions: p.Mentions, installs: map[string]*install{}}
	j.subject()
	for i := range inv.Components {
		j.component(&inv.Components[i])
	}
	for _, id := range slices.Sorted(maps.Keys(j.installs)) {
		j.installation(id, j.installs[id])
	}
	v := Verdict{
		AsOf: p.AsOf, Regimes: j.selection.ids,
		List:     ListID{Name: l.Name, Version: l.Version, Digest: ix.digest},
		Findings: j.findings(),
		Gaps:     j.gaps(),
	}
	v.Outcome = v.outcome()
	return v
}

// evaluation is the state of one call of Judge.
type evaluation struct {
	ix         *index
	inv        *sbom.Inventory
	selection  selection
	mentions   bool           // are wanted
	matched    []patternMatch // of the component at hand
	buf        []*pattern     // of the value at hand
	found      []Finding
	installs   map[string]*install // by vendor
	containers *containers         // made when first needed
}

// find returns the patterns that a value matches, until the next call.
func (j *evaluation) find(k sbom.Kind, value string) []*pattern {
	j.buf = j.ix.find(k, value, j.buf[:0])
	return j.buf
}

// patternMatch is an evidence and a pattern that it matches.
type patternMatch struct {
	p *pattern
	e sbom.Evidence
}

// group is evidence that is weighed together.
type group struct {
	c        *sbom.Component // nil for the subject and for an installation
	evidence []*sbom.Evidence
	matched  []patternMatch
	path     string // of the file; empty for package metadata
	layer    string
	sorted   bool // evidence and matched
}

// match adds to j.matched what a fact matches.
func (j *evaluation) match(f sbom.Fact) {
	for _, p := range j.find(f.Kind, f.Value) {
		j.matched = append(j.matched, patternMatch{p, f.AsEvidence()})
	}
}

func (j *evaluation) component(c *sbom.Component) {
	j.matched = j.matched[:0]
	for f := range c.Facts() {
		j.match(f)
	}
	if len(j.matched) == 0 {
		return
	}
	for _, g := range j.groups(c) {
		for _, v := range g.vendors() {
			j.assessAndRule(g, v)
		}
	}
}

// groups sorts the matched of a component into groups, by path.
func (j *evaluation) groups(c *sbom.Component) []*group {
	byFile := map[[2]string]*group{}
	oneFile := onlyPath(c)
	at := func(e *sbom.Evidence) *group {
		key := [2]string{e.Path, e.Layer}
		if e.Kind.Info().Of == sbom.OfPackage || e.Path == "" {
			key = [2]string{}
		}
		g := byFile[key]
		if g == nil {
			g = &group{c: c, path: key[0], layer: key[1]}
			byFile[key] = g
		}
		return g
	}
	for i := range c.Evidence {
		g := at(&c.Evidence[i])
		g.evidence = append(g.evidence, &c.Evidence[i])
	}
	for i := range j.matched {
		h := &j.matched[i]
		ofInstall := h.e.Kind.Info().Of == sbom.OfInstallation
		if ofInstall || isFolder(h.p) {
			j.trace(c, *h)
		}
		if !ofInstall {
			g := at(&h.e)
			g.matched = append(g.matched, *h)
		}
	}
	// A component that is one file: what is said of the package is said of it.
	if whole := byFile[[2]string{}]; whole != nil && oneFile != "" {
		joined := false
		for key, g := range byFile {
			if key[0] == oneFile {
				g.matched = append(g.matched, whole.matched...)
				g.evidence = append(g.evidence, whole.evidence...)
				joined = true
			}
		}
		if joined {
			delete(byFile, [2]string{})
		}
	}
	gs := slices.Collect(maps.Values(byFile))
	slices.SortFunc(gs, func(a, b *group) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.layer, b.layer)) })
	return gs
}

// onlyPath returns the path that all occurrences of c have, or "".
func onlyPath(c *sbom.Component) string {
	for _, o := range c.Occurrences {
		if o.Path != c.Occurrences[0].Path {
			return ""
		}
	}
	if len(c.Occurrences) == 0 {
		return ""
	}
	return c.Occurrences[0].Path
}

// vendors returns the IDs of the vendors that the group's matched name, sorted.
// The folder alone names none: see installation.
func (g *group) vendors() []string {
	ids := map[string]bool{}
	for i := range g.matched {
		if !isFolder(g.matched[i].p) {
			ids[g.matched[i].p.rule.vendor.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// subject judges the image's own configuration.
func (j *evaluation) subject() {
	j.matched = j.matched[:0]
	g := &group{}
	for f := range j.inv.Subject.Facts() {
		j.match(f)
		e := f.AsEvidence()
		g.evidence = append(g.evidence, &e)
	}
	g.matched = slices.Clone(j.matched)
	for _, v := range g.vendors() {
		j.assessAndRule(g, v)
	}
}

// subjectOccurrences are the layers that the configuration says were made with
// a vendor's product. They have no path: nobody knows where it was put.
func subjectOccurrences(g *group, vendor string) (os []sbom.Occurrence) {
	for _, h := range g.matched {
		o := sbom.Occurrence{Layer: h.e.Layer}
		if o.Layer != "" && h.p.rule.vendor.ID == vendor && !slices.Contains(os, o) {
			os = append(os, o)
		}
	}
	slices.SortFunc(os, compareOccurrences)
	return os
}

// assessAndRule turns what a group says of a vendor into a finding.
func (j *evaluation) assessAndRule(g *group, vendor string) {
	w := assess(g, vendor)
	if w.identity == "" || w.identity == Mention && !j.mentions {
		return
	}
	f := Finding{
		Vendor: vendor, VendorName: w.vendor.Name, Identity: w.identity, Identifies: w.identifies,
		Matches: w.published(),
	}
	if g.c == nil {
		s := &j.inv.Subject
		f.Component = ComponentRef{Type: string(sbom.Container), Name: s.Name, PURL: s.PURL}
		f.Occurrences = subjectOccurrences(g, vendor)
	} else {
		f.Component = refOf(g.c)
		f.Occurrences = occurrences(g)
		f.EmbeddedIn = j.container(g, w)
	}
	j.rule(&f, w)
	j.found = append(j.found, f)
}

func refOf(c *sbom.Component) ComponentRef {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	return ComponentRef{Ref: c.Ref, Type: string(c.Type), Name: name, Version: c.Version, PURL: c.PURL}
}

// occurrences returns the places of the group's file, or those of the whole
// component for package metadata.
func occurrences(g *group) []sbom.Occurrence {
	if g.path == "" {
		return slices.Clone(g.c.Occurrences)
	}
	var os []sbom.Occurrence
	for _, o := range g.c.Occurrences {
		if o.Path == g.path && o.Layer == g.layer {
			os = append(os, o)
		}
	}
	if len(os) == 0 {
		os = append(os, sbom.Occurrence{Path: g.path, Layer: g.layer})
	}
	return os
}
