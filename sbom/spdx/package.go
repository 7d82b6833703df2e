package spdx

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// component reads a package's own fields.
func (p *pkg) component(ex map[string]extracted) sbom.Component {
	c := sbom.Component{
		Ref: p.ID, Type: typeOf(p.Purpose), Name: p.Name, Version: p.Version,
		Copyright: said(p.Copyright), Description: p.Description, Hashes: hashes(p.Checksums),
	}
	if c.Description == "" {
		c.Description = p.Summary
	}
	if name, _ := entity(p.Supplier); name != "" {
		c.Supplier = name
	}
	if name, person := entity(p.Originator); name != "" && person {
		c.Authors = []string{name}
	} else {
		c.Manufacturer = name
	}
	if u := said(p.DownloadLocation); u != "" {
		c.References = append(c.References, sbom.Reference{Type: "distribution", URL: u})
	}
	if u := said(p.Homepage); u != "" {
		c.References = append(c.References, sbom.Reference{Type: "website", URL: u})
	}
	for _, x := range p.ExternalRefs {
		switch x.Type {
		case "purl":
			if c.PURL == "" {
				c.PURL = x.Locator
			}
		case "cpe23Type", "cpe22Type", "http://spdx.org/rdf/references/cpe23Type":
			c.CPEs = append(c.CPEs, x.Locator)
		}
	}
	declared, concluded := licenseOf(p.LicenseDeclared, ex), licenseOf(p.LicenseConcluded, ex)
	if concluded != (sbom.License{}) {
		c.Licenses = append(c.Licenses, concluded)
	}
	if declared != (sbom.License{}) {
		declared.Declared = true
		c.Licenses = append(c.Licenses, declared)
	}
	return c
}

// said is a field's text, without the words for nothing.
func said(s string) string {
	if s == noAssertion || s == none {
		return ""
	}
	return s
}

func typeOf(purpose string) sbom.ComponentType {
	switch purpose {
	case "", "OTHER", "SOURCE", "ARCHIVE", "INSTALL":
		return sbom.Library
	}
	for t, p := range purposes {
		if p == purpose {
			return t
		}
	}
	return sbom.Library
}

func hashes(in []checksum) (out []sbom.Hash) {
	for _, c := range in {
		h := sbom.Hash{Algorithm: c.Algorithm, Value: strings.ToLower(c.Value)}
		for name, alg := range algorithms {
			if alg.name == c.Algorithm {
				h.Algorithm = name
			}
		}
		out = append(out, h)
	}
	return out
}

// entity reads "Organization: Name (mail)".
func entity(s string) (name string, person bool) {
	kind, name, ok := strings.Cut(said(s), ":")
	if !ok {
		return said(s), false
	}
	name = strings.TrimSpace(name)
	if head, mail, ok := strings.Cut(strings.TrimSuffix(name, ")"), " ("); ok && strings.HasSuffix(name, ")") {
		name = head
		if mail != "" {
			name += " <" + mail + ">"
		}
	}
	switch strings.TrimSpace(kind) {
	case "Organization":
		return name, false
	case "Person":
		return name, true
	}
	return s, false
}

// licenseOf reads an expression: an identifier, a text that the document
// holds, or more.
func licenseOf(expression string, ex map[string]extracted) sbom.License {
	expression = said(expression)
	switch e, ok := ex[expression]; {
	case expression == "":
		return sbom.License{}
	case ok && e.Name != "" && said(e.Text) == e.Name:
		return sbom.License{Name: e.Name}
	case ok && e.Name != "" && "LicenseRef-"+e.Name != e.ID:
		return sbom.License{Name: e.Name}
	case !strings.ContainsAny(expression, " ()"):
		return sbom.License{ID: expression}
	}
	return sbom.License{Expression: expression}
}
