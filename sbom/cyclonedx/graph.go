package cyclonedx

import (
	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// dependencies writes subject -> layers -> components, and what components
// need of each other. A component that is not named on the left has unknown
// dependencies (specification, "dependencies"), so none is named for nothing.
func (b *builder) dependencies() *[]cdx.Dependency {
	inLayer := make([][]string, len(b.layerRefs))
	var roots []string
	for i, r := range b.layerRefs {
		if r != "" {
			roots = append(roots, b.layerRefs[i])
		}
	}
	needed := make(map[string]bool)
	for i := range b.inv.Components {
		for _, d := range b.inv.Components[i].DependsOn {
			needed[d] = true
		}
	}
	var out []cdx.Dependency
	for i := range b.inv.Components {
		c := &b.inv.Components[i]
		if !b.refs[c.Ref] {
			continue
		}
		if !b.place(c, inLayer) && !needed[c.Ref] {
			roots = append(roots, c.Ref)
		}
		if on := b.known(c.DependsOn); len(on) > 0 {
			out = append(out, cdx.Dependency{Ref: c.Ref, Dependencies: &on})
		}
	}
	top := cdx.Dependency{Ref: b.subjectRef, Dependencies: list(roots)}
	all := append(make([]cdx.Dependency, 0, len(out)+len(inLayer)+1), top)
	for i, refs := range inLayer {
		if b.layerRefs[i] != "" {
			all = append(all, cdx.Dependency{Ref: b.layerRefs[i], Dependencies: list(refs)})
		}
	}
	all = append(all, out...)
	return &all
}

// place puts the component into each layer that it occurs in, and reports
// whether there is one.
func (b *builder) place(c *sbom.Component, inLayer [][]string) bool {
	placed := false
	for _, o := range c.Occurrences {
		i, ok := b.layerIndex[o.Layer]
		if !ok || b.layerRefs[i] == "" {
			continue
		}
		placed = true
		if n := len(inLayer[i]); n == 0 || inLayer[i][n-1] != c.Ref {
			inLayer[i] = append(inLayer[i], c.Ref)
		}
	}
	return placed
}

func (b *builder) known(refs []string) []string {
	var out []string
	for _, r := range refs {
		if b.refs[r] {
			out = append(out, r)
		}
	}
	return out
}

// compositions says what is complete: the subject as a whole, and each layer
// and component in which something was not examined.
func (b *builder) compositions() *[]cdx.Composition {
	paths := make(map[string]bool)
	layers := make(map[string]bool)
	for _, g := range b.inv.Coverage.Gaps {
		if g.Reason != sbom.Malformed {
			paths[g.Path], layers[g.Layer] = true, true
		}
	}
	delete(paths, "")
	delete(layers, "")
	var whole, part []cdx.BOMReference
	put := func(ref string, gap bool) {
		if gap {
			part = append(part, cdx.BOMReference(ref))
		} else {
			whole = append(whole, cdx.BOMReference(ref))
		}
	}
	put(b.subjectRef, !b.inv.Coverage.Complete() || b.inv.Foreign != "")
	for i, l := range b.inv.Layers {
		if b.layerRefs[i] != "" {
			put(b.layerRefs[i], layers[l.DiffID] || layers[l.Digest] || b.inv.Foreign != "")
		}
	}
	for i := range b.inv.Components {
		if c := &b.inv.Components[i]; b.refs[c.Ref] && anyPath(c.Occurrences, paths) {
			part = append(part, cdx.BOMReference(c.Ref))
		}
	}
	var out []cdx.Composition
	if len(part) > 0 {
		out = append(out, cdx.Composition{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &part})
	}
	if len(whole) > 0 {
		out = append(out, cdx.Composition{Aggregate: cdx.CompositionAggregateComplete, Assemblies: &whole})
	}
	return &out
}

func anyPath(os []sbom.Occurrence, paths map[string]bool) bool {
	for _, o := range os {
		if paths[o.Path] {
			return true
		}
	}
	return false
}
