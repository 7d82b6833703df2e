package cyclonedx

import (
	"maps"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// A document of another tool names makers and products in many places. Each
// becomes a component, so that it is judged as one: the subject, its parts, what
// a component was made from, and the services that it calls.

// foreignSubject adds the subject as a component, where the document says more of
// it than which image or file it is, and the parts that are nested in it.
func (r *reading) foreignSubject(s *component) {
	c := *s
	c.Components = nil
	if c.Supplier == "" {
		c.Supplier = r.doc.Supplier.Name
	}
	if c.Maker == "" {
		c.Maker = r.doc.Manufacture.Name
	}
	if c.says() {
		r.component(&c)
	}
	for i := range s.Components {
		r.component(&s.Components[i])
	}
}

// says reports whether a subject is more than the name of an image or a file.
func (c *component) says() bool {
	if c.Type != "container" && c.Type != "file" && c.Name != "" {
		return true
	}
	return c.Supplier+c.Maker+c.Publisher+c.Author+c.CPE+c.SWID.ID+c.SWID.Name != "" || c.PURL != "" && !strings.HasPrefix(c.PURL, "pkg:oci/") ||
		len(c.Authors)+len(c.References)+len(c.Ancestors)+len(c.Descendants)+len(c.Variants) > 0
}

// pedigree adds what a component was made from, what was made from it and what
// shares its origin. They are not in the subject as such, so that they are
// excluded from its scope.
func (r *reading) pedigree(c *component) {
	for _, kin := range []struct {
		relation string
		of       []component
	}{{"ancestor", c.Ancestors}, {"descendant", c.Descendants}, {"variant", c.Variants}} {
		for _, k := range kin.of {
			k.Scope = string(sbom.Excluded)
			k.Properties = append(slices.Clone(k.Properties), property{Name: propRelation, Value: kin.relation + " of " + c.Name})
			r.component(&k)
		}
	}
}

// services adds what is called over a network: data goes there, but nothing of it
// is in the subject.
func (r *reading) services(in []service) {
	for i := range in {
		s := &in[i]
		c := component{
			Ref: s.Ref, Type: string(sbom.Service), Group: s.Group, Name: s.Name, Version: s.Version,
			Supplier: s.Provider.Name, Scope: string(sbom.Excluded), References: slices.Clone(s.References),
		}
		for _, u := range append(slices.Clone(s.Provider.URLs), s.Endpoints...) {
			c.References = append(c.References, reference{Type: "website", URL: u})
		}
		r.component(&c)
		r.services(s.Services)
	}
}

// unreadFields notes which fields of the document nobody judges.
func (r *reading) unreadFields() {
	if len(r.doc.Unread) == 0 {
		return
	}
	r.inv.Coverage.Gaps = append(r.inv.Coverage.Gaps, sbom.Gap{
		Reason: sbom.NotEvaluated,
		Detail: "fields of the document that are not judged: " + strings.Join(slices.Sorted(maps.Keys(r.doc.Unread)), ", "),
	})
}
