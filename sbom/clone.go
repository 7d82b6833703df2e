package sbom

import "slices"

// Clone returns a copy that shares nothing that can be changed.
func (c *Component) Clone() Component {
	out := *c
	for _, s := range []*[]string{&out.CPEs, &out.Authors, &out.DependsOn, &out.Contains} {
		*s = slices.Clone(*s)
	}
	out.Licenses = slices.Clone(c.Licenses)
	out.Hashes = slices.Clone(c.Hashes)
	out.References = slices.Clone(c.References)
	out.Occurrences = slices.Clone(c.Occurrences)
	out.Evidence = slices.Clone(c.Evidence)
	out.Properties = slices.Clone(c.Properties)
	return out
}
