package detect

import (
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
	for _, f := range []struct{ to, from *string }{{&c.Name, &o.Name}, {&c.PURL, &o.PURL}, {&c.Ref, &o.Ref}} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	c.Fill(o)
	c.Evidence = sbom.Union(c.Evidence, o.Evidence)
	c.DependsOn = sbom.Union(c.DependsOn, o.DependsOn)
	c.Contains = sbom.Union(c.Contains, o.Contains)
}
