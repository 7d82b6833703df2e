package sbom

import "strings"

// NoteName adds the name of a component of another tool's document as evidence,
// where its package URL does not say which package it is: many tools write no
// more than a name. Files and systems are known by other means.
func (c *Component) NoteName() {
	if c.Type == FileType || c.Type == OperatingSystem || c.Name == "" {
		return
	}
	if k, _ := packageName(c.PURL); k != "" {
		return
	}
	c.Evidence = append(c.Evidence, Evidence{Kind: ComponentName, Value: c.Name, Where: "name"})
}

// NoteSWID adds what a software identification tag says of a component: the
// name of the product, and the domain of who registered the tag. The tag's
// identifier begins with "regid.", a month and the domain in reverse
// (ISO/IEC 19770-2:2009, 6.1.2: "regid.1995-09.com.example"), or with the domain.
func (c *Component) NoteSWID(id, product string) {
	if product != "" && product != c.Name {
		c.Evidence = append(c.Evidence, Evidence{Kind: ComponentName, Value: product, Where: "swid name"})
	}
	if domain := registrant(id); strings.Contains(domain, ".") {
		c.Evidence = append(c.Evidence, Evidence{Kind: HomepageHost, Value: domain, Where: "swid tag identifier"})
	}
}

// registrant is the domain that a tag's identifier begins with.
func registrant(id string) string {
	id, _, _ = strings.Cut(id, "_")
	id, _, _ = strings.Cut(id, ",")
	rest, ok := strings.CutPrefix(strings.ToLower(id), "regid.")
	if !ok {
		return HostOf(rest) // by the edition of 2015, a URI or a domain
	}
	month, domain, ok := strings.Cut(rest, ".")
	if !ok || strings.Trim(month, "0123456789-") != "" {
		return rest
	}
	parts := strings.Split(domain, ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".")
}
