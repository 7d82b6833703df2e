package sbom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Merge returns one inventory of several subjects: the platforms of an image,
// or the images of a release. Each becomes a component that contains its parts,
// with what its own configuration tells as evidence; a part that several have
// is there once, with the places and evidence of all. Layers, gaps and sizes
// are those of all; patterns count as watched for only where all subjects were
// examined for them. The subject is named name, or after the subjects when it is
// empty; it has no digest.
//
// What merges is equal in all but lists: equal names of different makers stay
// apart. The order of the inventories does not matter, and they are not changed.
// The result is normalized. One inventory of a kind of [Collection] adds its
// parts and not itself.
func Merge(name string, invs []*Inventory) *Inventory {
	m := &merging{out: &Inventory{}, at: map[string]int{}, layers: map[Layer]bool{}}
	invs = slices.Clone(invs)
	slices.SortStableFunc(invs, func(a, b *Inventory) int {
		return cmp.Or(cmp.Compare(a.Subject.Name, b.Subject.Name), cmp.Compare(a.Subject.Platform, b.Subject.Platform),
			cmp.Compare(a.Subject.Digest, b.Subject.Digest))
	})
	for i, inv := range invs {
		m.add(inv, i == 0)
	}
	m.out.Subject.Kind = Collection
	m.out.Subject.Name = cmp.Or(name, strings.Join(sortedSet(m.names), " + "))
	m.out.Foreign = strings.Join(sortedSet(m.foreign), ", ")
	m.link()
	m.out.Normalize()
	return m.out
}

// merging is the state of one call of Merge.
type merging struct {
	out     *Inventory
	at      map[string]int // component by identity
	layers  map[Layer]bool
	names   []string
	foreign []string
	edges   []edges
}

// edges are references of one inventory's component, and what they mean now.
type edges struct {
	to                  int
	dependsOn, contains []string
	refs                map[string]int // of that inventory
}

func (m *merging) add(inv *Inventory, first bool) {
	out := m.out
	m.names = append(m.names, inv.Subject.Name)
	if inv.Foreign != "" {
		m.foreign = append(m.foreign, inv.Foreign)
	}
	if first {
		out.Tool = Tool{Name: inv.Tool.Name, Version: inv.Tool.Version, Watched: slices.Clone(inv.Tool.Watched)}
	} else {
		out.Tool.Watched = both(out.Tool.Watched, inv.Tool.Watched)
	}
	out.Tool.Detectors = append(out.Tool.Detectors, inv.Tool.Detectors...)
	if inv.Created.After(out.Created) {
		out.Created = inv.Created
	}
	for _, l := range inv.Layers {
		if !m.layers[l] {
			m.layers[l] = true
			out.Layers = append(out.Layers, l)
		}
	}
	c := inv.Coverage
	out.Coverage.FilesSeen += c.FilesSeen
	out.Coverage.FilesExamined += c.FilesExamined
	out.Coverage.BytesSeen += c.BytesSeen
	for _, g := range c.Gaps {
		if g.Layer == "" && inv.Subject.Kind != Collection {
			g.Detail = strings.TrimSuffix(title(&inv.Subject)+": "+g.Detail, ": ")
		}
		out.Coverage.Gaps = append(out.Coverage.Gaps, g)
	}
	refs := make(map[string]int, len(inv.Components))
	inside := map[string]bool{}
	for i := range inv.Components {
		refs[inv.Components[i].Ref] = m.part(inv.Components[i])
		for _, r := range inv.Components[i].Contains {
			inside[r] = true
		}
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		m.edges = append(m.edges, edges{refs[c.Ref], c.DependsOn, c.Contains, refs})
	}
	if inv.Subject.Kind != Collection {
		e := edges{to: m.part(subjectComponent(inv)), refs: refs}
		for i := range inv.Components {
			if ref := inv.Components[i].Ref; !inside[ref] {
				e.dependsOn = append(e.dependsOn, ref)
			}
		}
		m.edges = append(m.edges, e)
	}
}

// title names a subject with its platform.
func title(s *Subject) string {
	return strings.TrimSpace(cmp.Or(s.Name, s.Digest) + " " + s.Platform)
}

// subjectComponent is a subject as a part of a collection.
func subjectComponent(inv *Inventory) Component {
	s := &inv.Subject
	c := Component{
		Type: Container, Name: cmp.Or(s.Name, s.Digest, "unnamed"), Version: s.Digest, PURL: s.PURL,
	}
	if s.Kind != Image {
		c.Type = FileType
	}
	for f := range s.Facts() {
		c.Evidence = append(c.Evidence, f.AsEvidence())
	}
	if hex, ok := strings.CutPrefix(s.Digest, "sha256:"); ok {
		c.Hashes = []Hash{{"SHA-256", hex}}
	}
	for _, p := range []Property{
		{"interdict:subject:kind", string(s.Kind)}, {"interdict:subject:platform", s.Platform}, {"interdict:subject:imageID", s.ImageID},
		{"interdict:subject:indexedBy", s.IndexedBy}, {"interdict:subject:tool", strings.TrimSpace(inv.Tool.Name + " " + inv.Tool.Version)},
		{"interdict:subject:foreign", inv.Foreign},
	} {
		if p.Value != "" {
			c.Properties = append(c.Properties, p)
		}
	}
	for _, l := range inv.Layers {
		c.Properties = append(c.Properties, Property{"interdict:subject:layer", cmp.Or(l.DiffID, l.Digest)})
	}
	return c
}

// part puts a component in, or into the one that is the same, and returns its
// position.
func (m *merging) part(c Component) int {
	key := mergeKey(&c)
	i, ok := m.at[key]
	if !ok {
		sum := sha256.Sum256([]byte(key))
		ref := cmp.Or(c.PURL, string(c.Type)+":"+c.Name) + "#" + hex.EncodeToString(sum[:8])
		i = len(m.out.Components)
		m.at[key] = i
		c.Ref, c.DependsOn, c.Contains = ref, nil, nil
		m.out.Components = append(m.out.Components, c.own())
		return i
	}
	to := &m.out.Components[i]
	to.CPEs = append(to.CPEs, c.CPEs...)
	to.Licenses = append(to.Licenses, c.Licenses...)
	to.References = append(to.References, c.References...)
	to.Occurrences = append(to.Occurrences, c.Occurrences...)
	to.Evidence = append(to.Evidence, c.Evidence...)
	to.Properties = append(to.Properties, c.Properties...)
	return i
}

// own returns the component with lists of its own.
func (c Component) own() Component {
	c.CPEs, c.Licenses, c.Hashes = slices.Clone(c.CPEs), slices.Clone(c.Licenses), slices.Clone(c.Hashes)
	c.Authors, c.References, c.Occurrences = slices.Clone(c.Authors), slices.Clone(c.References), slices.Clone(c.Occurrences)
	c.Evidence, c.Properties = slices.Clone(c.Evidence), slices.Clone(c.Properties)
	return c
}

// mergeKey is equal for components that are the same thing in the same place:
// evidence is weighed file by file, so what lies elsewhere stays apart.
func mergeKey(c *Component) string {
	var b strings.Builder
	put := func(parts ...string) {
		fmt.Fprintf(&b, "%d(", len(parts))
		for _, p := range parts {
			fmt.Fprintf(&b, "%d:%s", len(p), p)
		}
	}
	put(string(c.Type), c.Group, c.Name, c.Version, c.PURL, c.Supplier, c.Publisher, c.Manufacturer, c.Copyright, c.Description, c.FoundBy, c.Language, string(c.Scope))
	put(c.Authors...)
	for _, h := range c.Hashes {
		put(h.Algorithm, h.Value)
	}
	var paths []string
	for _, o := range c.Occurrences {
		paths = append(paths, o.Path)
	}
	put(sortedSet(paths)...)
	return b.String()
}

// link rewrites the references to what they mean in the whole. One to nothing
// stays as it was.
func (m *merging) link() {
	for _, e := range m.edges {
		to := &m.out.Components[e.to]
		name := func(old string) string {
			if i, ok := e.refs[old]; ok {
				return m.out.Components[i].Ref
			}
			return old
		}
		for _, r := range e.dependsOn {
			to.DependsOn = append(to.DependsOn, name(r))
		}
		for _, r := range e.contains {
			to.Contains = append(to.Contains, name(r))
		}
	}
}

// both returns what is in both sets.
func both(a, b []string) []string {
	return slices.DeleteFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// Fill takes from o what c does not say: texts that c lacks, and entries of
// lists that c has not. It leaves alone what names a component (Ref, Type,
// Group, Name, PURL, FoundBy), the evidence and the edges to others.
func (c *Component) Fill(o *Component) {
	for _, f := range []struct{ to, from *string }{
		{&c.Version, &o.Version}, {&c.Supplier, &o.Supplier}, {&c.Publisher, &o.Publisher}, {&c.Manufacturer, &o.Manufacturer},
		{&c.Copyright, &o.Copyright}, {&c.Description, &o.Description}, {&c.Language, &o.Language},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	switch {
	case c.Scope == Excluded:
		c.Scope = o.Scope
	case c.Scope != o.Scope && o.Scope != Excluded:
		c.Scope = "" // one of them is there to run
	}
	c.CPEs = Union(c.CPEs, o.CPEs)
	c.Licenses = Union(c.Licenses, o.Licenses)
	c.Hashes = Union(c.Hashes, o.Hashes)
	c.Authors = Union(c.Authors, o.Authors)
	c.References = Union(c.References, o.References)
	c.Occurrences = Union(c.Occurrences, o.Occurrences)
	c.Properties = Union(c.Properties, o.Properties)
}

// Union adds to a what is only in b, in b's order.
func Union[T comparable](a, b []T) []T {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
