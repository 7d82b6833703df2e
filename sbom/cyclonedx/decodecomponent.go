package cyclonedx

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// component adds c, and those nested in it, to the inventory and returns its
// reference. A reference that is taken already is given up: Normalize makes
// another.
func (r *reading) component(c *component) string {
	out := sbom.Component{
		Ref: c.Ref, Type: sbom.ComponentType(c.Type), Group: c.Group, Name: c.Name, Version: c.Version,
		PURL: c.PURL, Supplier: c.Supplier, Publisher: c.Publisher, Manufacturer: c.Maker,
		Copyright: c.Copyright, Description: c.Description, Scope: sbom.Scope(c.Scope),
	}
	if _, taken := r.at[c.Ref]; taken {
		out.Ref = ""
	}
	if c.CPE != "" {
		out.CPEs = append(out.CPEs, c.CPE)
	}
	for _, h := range c.Hashes {
		out.Hashes = append(out.Hashes, sbom.Hash{Algorithm: h.Algorithm, Value: h.Value})
	}
	for _, ref := range c.References {
		out.References = append(out.References, sbom.Reference(ref))
	}
	for _, a := range c.Authors {
		out.Authors = append(out.Authors, a.String())
	}
	out.Licenses = c.licenses()
	if r.ours {
		r.ownProperties(&out, c)
	} else {
		foreignComponent(&out, c)
		out.NoteName()
		out.NoteSWID(c.SWID.ID, c.SWID.Name)
	}
	at := len(r.inv.Components)
	r.inv.Components = append(r.inv.Components, out)
	if out.Ref != "" {
		r.at[out.Ref] = at
	}
	for i := range c.Components {
		if inside := r.component(&c.Components[i]); inside != "" {
			parent := &r.inv.Components[at]
			parent.Contains = append(parent.Contains, inside)
		}
	}
	if !r.ours {
		r.pedigree(c)
	}
	return out.Ref
}

func (c contact) String() string {
	switch {
	case c.Email == "":
		return c.Name
	case c.Name == "":
		return c.Email
	}
	return c.Name + " <" + c.Email + ">"
}

func (c *component) licenses() []sbom.License {
	var out []sbom.License
	for _, l := range c.Licenses {
		out = append(out, sbom.License{ID: l.ID, Name: l.Name, URL: l.URL, Declared: l.Ack == "declared"})
	}
	for _, e := range c.Expressions {
		out = append(out, sbom.License{Expression: e.Text, Declared: e.Ack == "declared"})
	}
	for _, e := range c.Detailed {
		out = append(out, sbom.License{Expression: e.Attr, Declared: e.Ack == "declared"})
	}
	return out
}

// ownProperties reads back what builder.ownProperties and the others noted.
func (r *reading) ownProperties(out *sbom.Component, c *component) {
	for _, p := range c.Properties {
		if p.Name == propOccurrence {
			out.Occurrences = append(out.Occurrences, r.occurrence(p))
		}
	}
	licensesNoted := false
	for _, p := range c.Properties {
		if kind, ok := strings.CutPrefix(p.Name, propEvidence); ok {
			out.Evidence = append(out.Evidence, r.evidence(kind, p, out.Occurrences))
			continue
		}
		switch p.Name {
		case propOccurrence:
		case propFoundBy:
			out.FoundBy = p.Value
		case propLanguage:
			out.Language = p.Value
		case propType:
			out.Type = sbom.ComponentType(p.Value)
		case propLicense:
			if !licensesNoted {
				out.Licenses, licensesNoted = nil, true
			}
			out.Licenses = append(out.Licenses, r.license(p))
		case propCPE:
			out.CPEs = append(out.CPEs, p.Value)
		case propPURL:
			out.PURL = p.Value
		case propHash:
			alg, value, _ := strings.Cut(p.Value, ":")
			out.Hashes = append(out.Hashes, sbom.Hash{Algorithm: alg, Value: value})
		case propMaker:
			out.Manufacturer = p.Value
		case propAuthor:
			out.Authors = append(out.Authors, p.Value)
		case propReference:
			ref := r.pair(p, "type", "url")
			out.References = append(out.References, sbom.Reference{Type: ref[0], URL: ref[1]})
		case propDependsOn:
			out.DependsOn = append(out.DependsOn, p.Value)
		case propContains:
			out.Contains = append(out.Contains, p.Value)
		case propProperty:
			prop := r.pair(p, "name", "value")
			out.Properties = append(out.Properties, sbom.Property{Name: prop[0], Value: prop[1]})
		default:
			out.Properties = append(out.Properties, sbom.Property(p))
		}
	}
	out.Evidence = sbom.UpgradeEvidence(out.Evidence)
}

func (r *reading) occurrence(p property) sbom.Occurrence {
	var o sbom.Occurrence
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "path":
			o.Path = l.text()
		case "layer":
			o.Layer = l.text()
		case "hidden":
			o.Hidden = l.boolean()
		case "digest":
			o.Digest = l.text()
		default:
			l.skip()
		}
	})
	return o
}

func (r *reading) evidence(kind string, p property, places []sbom.Occurrence) sbom.Evidence {
	e := sbom.Evidence{Kind: sbom.Kind(kind)}
	if len(places) == 1 {
		e.Path, e.Layer = places[0].Path, places[0].Layer
	}
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "value":
			e.Value = l.text()
		case "path":
			e.Path = l.text()
		case "layer":
			e.Layer = l.text()
		case "where":
			e.Where = l.text()
		case "detector":
			e.Detector = l.text()
		case "count":
			e.Count = int(l.number())
		case "group":
			e.Group = l.text()
		case "format":
			e.Format = sbom.FileFormat(l.text())
		default:
			l.skip()
		}
	})
	return e
}

func (r *reading) license(p property) sbom.License {
	var out sbom.License
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "id":
			out.ID = l.text()
		case "expression":
			out.Expression = l.text()
		case "name":
			out.Name = l.text()
		case "url":
			out.URL = l.text()
		case "declared":
			out.Declared = l.boolean()
		default:
			l.skip()
		}
	})
	return out
}

// pair reads a note of two strings.
func (r *reading) pair(p property, first, second string) (out [2]string) {
	r.note(p, func(l *lexer, key string) {
		switch key {
		case first:
			out[0] = l.text()
		case second:
			out[1] = l.text()
		default:
			l.skip()
		}
	})
	return out
}
