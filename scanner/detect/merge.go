package detect

import (
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// merged is what several detectors say of one file.
type merged struct {
	component *sbom.Component
	inside    []sbom.Component
}

// add takes over the result of the detector named id.
func (m *merged) add(f *scanner.File, id string, res scanner.Result) {
	if c := res.Component; c != nil {
		if c.FoundBy == "" {
			c.FoundBy = id
		}
		complete(c, f, id)
		if m.component == nil {
			m.component = c
		} else {
			merge(m.component, c)
		}
	}
	for _, c := range res.Inside {
		if c.FoundBy == "" {
			c.FoundBy = id
		}
		complete(&c, f, id)
		m.inside = append(m.inside, c)
	}
}

// complete fills in the file's place where a component does not state one.
func complete(c *sbom.Component, f *scanner.File, id string) {
	if len(c.Occurrences) == 0 {
		c.Occurrences = []sbom.Occurrence{{}}
	}
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		if o.Path == "" {
			o.Path = f.Path
		}
		if o.Layer == "" {
			o.Layer = f.Layer
		}
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		if e.Path == "" {
			e.Path = f.Path
		}
		if e.Layer == "" {
			e.Layer = f.Layer
		}
		if e.Detector == "" {
			e.Detector = id
		}
	}
}

// merge takes into c what o knows besides. Where both name a thing, c's name
// stands, but any type says more than "file".
func merge(c, o *sbom.Component) {
	if o.PURL != "" && c.PURL == "" || c.Type == "" || c.Type == sbom.FileType && o.Type != "" && o.Type != sbom.FileType {
		c.Type = o.Type
		if o.Name != "" {
			c.Group, c.Name, c.Version, c.FoundBy = o.Group, o.Name, o.Version, o.FoundBy
		}
	}
	for _, s := range []struct {
		to   *string
		from string
	}{
		{&c.Name, o.Name}, {&c.Version, o.Version}, {&c.PURL, o.PURL}, {&c.Supplier, o.Supplier},
		{&c.Publisher, o.Publisher}, {&c.Maker, o.Maker}, {&c.Copyright, o.Copyright},
		{&c.Desc, o.Desc}, {&c.Language, o.Language}, {&c.Ref, o.Ref},
	} {
		if *s.to == "" {
			*s.to = s.from
		}
	}
	c.CPEs = union(c.CPEs, o.CPEs)
	c.Licenses = union(c.Licenses, o.Licenses)
	c.Hashes = union(c.Hashes, o.Hashes)
	c.Authors = union(c.Authors, o.Authors)
	c.References = union(c.References, o.References)
	c.Occurrences = union(c.Occurrences, o.Occurrences)
	c.Evidence = union(c.Evidence, o.Evidence)
	c.Properties = union(c.Properties, o.Properties)
	c.DependsOn = union(c.DependsOn, o.DependsOn)
	c.Contains = union(c.Contains, o.Contains)
}

// union adds to a what is only in b, in b's order.
func union[T comparable](a, b []T) []T {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}
