package sbom

// Reduce returns an inventory of what a verdict is made of, and nothing else:
// judged by any list, it gets the same verdict. Components of which nothing is
// known but that they are there are left out. It shares its lists with inv.
func (inv *Inventory) Reduce() *Inventory {
	s := &inv.Subject
	out := &Inventory{
		Subject:  Subject{Kind: s.Kind, Name: s.Name, Digest: s.Digest, PURL: s.PURL, Labels: s.Labels, Evidence: s.Evidence},
		Tool:     Tool{Watched: inv.Tool.Watched},
		Coverage: Coverage{Gaps: inv.Coverage.Gaps},
		Foreign:  inv.Foreign,
	}
	out.Components = make([]Component, 0, len(inv.Components))
	for i := range inv.Components {
		if c := &inv.Components[i]; c.hasFacts() || len(c.Contains) > 0 {
			out.Components = append(out.Components, c.reduce())
		}
	}
	return out
}

func (c *Component) hasFacts() bool {
	for range c.Facts() {
		return true
	}
	return false
}

func (c *Component) reduce() Component {
	out := Component{
		Ref: c.Ref, Type: c.Type, Group: c.Group, Name: c.Name, Version: c.Version, PURL: c.PURL, CPEs: c.CPEs,
		Supplier: c.Supplier, Publisher: c.Publisher, Manufacturer: c.Manufacturer, Authors: c.Authors,
		Scope: c.Scope, Occurrences: c.Occurrences, Evidence: c.Evidence, Contains: c.Contains,
	}
	for i := range c.References {
		if r := &c.References[i]; r.hostKind() != "" {
			out.References = append(out.References, *r)
		}
	}
	return out
}
