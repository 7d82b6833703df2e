package denylist

import (
	"net/url"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// facts yields what a component's own fields tell, as evidence would: so a
// document of another tool is judged as well as one of ours. It allocates
// little, for it runs for every component.
func facts(c *sbom.Component, yield func(k sbom.Kind, value, where string)) {
	if c.PURL != "" {
		yield(sbom.PURL, c.PURL, "purl")
		purlFacts(c.PURL, yield)
	} else if strings.HasPrefix(c.Group, "@") {
		yield(sbom.NPMPackage, c.Group+"/"+c.Name, "group and name")
	} else if strings.Contains(c.Group, ".") {
		yield(sbom.MavenGroup, c.Group, "group")
	}
	for _, cpe := range c.CPEs {
		if v := cpeVendor(cpe); v != "" {
			yield(sbom.CPEVendor, v, "cpe")
		}
	}
	yieldName(c.Supplier, "supplier", yield)
	yieldName(c.Publisher, "publisher", yield)
	yieldName(c.Manufacturer, "manufacturer", yield)
	for _, a := range c.Authors {
		yieldName(a, "author", yield)
	}
	for _, r := range c.References {
		switch r.Type {
		case "website":
			yield(sbom.HomepageHost, hostOf(r.URL), "website")
		case "vcs":
			yield(sbom.RepoHost, hostOf(r.URL), "vcs")
		}
	}
}

func yieldName(name, where string, yield func(sbom.Kind, string, string)) {
	if name != "" {
		yield(sbom.EntityName, name, where)
	}
}

// purlFacts reads type, namespace and name of a package URL
// (github.com/package-url/purl-spec, PURL-SPECIFICATION.rst).
func purlFacts(purl string, yield func(sbom.Kind, string, string)) {
	typ, namespace, name := splitPURL(purl)
	switch typ {
	case "npm":
		yield(sbom.NPMPackage, joinPath(namespace, name), "purl")
	case "maven":
		yield(sbom.MavenGroup, namespace, "purl")
	case "golang":
		yield(sbom.GoModule, joinPath(namespace, name), "purl")
	case "pypi":
		yield(sbom.PythonPackage, name, "purl")
	case "deb", "rpm", "apk", "alpm":
		yield(sbom.PackageName, name, "purl")
	case "oci", "docker":
		yield(sbom.ImageRef, joinPath(namespace, name), "purl")
	}
}

// splitPURL returns type, namespace and name, percent-decoded.
func splitPURL(purl string) (typ, namespace, name string) {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return "", "", ""
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	typ, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
	// The version follows the last "@" of the last element; a scope begins with one.
	last := strings.LastIndexByte(rest, '/') + 1
	if i := strings.LastIndexByte(rest[last:], '@'); i > 0 {
		rest = rest[:last+i]
	}
	if strings.IndexByte(rest, '%') >= 0 {
		if s, err := url.PathUnescape(rest); err == nil {
			rest = s
		}
	}
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		return typ, rest[:i], rest[i+1:]
	}
	return typ, "", rest
}

func joinPath(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// cpeVendor reads the vendor of a CPE in either binding (NISTIR 7695):
// "cpe:2.3:a:VENDOR:..." or "cpe:/a:VENDOR:...".
func cpeVendor(cpe string) string {
	rest, ok := strings.CutPrefix(cpe, "cpe:2.3:")
	if !ok {
		if rest, ok = strings.CutPrefix(cpe, "cpe:/"); !ok {
			return ""
		}
	}
	_, rest, _ = strings.Cut(rest, ":")
	v, _, _ := strings.Cut(rest, ":")
	if v == "*" || v == "-" {
		return ""
	}
	return strings.ReplaceAll(v, `\`, "") // a quoted character stands for itself
}

// generated reports whether a tool may have made the CPE's vendor from the
// name of the package, its group or its address, as syft does for every
// package. Such a vendor says nothing that the name does not.
func generated(vendor string, c *sbom.Component) bool {
	for _, s := range []string{c.Name, c.Group, c.PURL} {
		if containsFold(s, vendor) || strings.ContainsAny(vendor, "_-") &&
			(containsFold(s, strings.ReplaceAll(vendor, "_", "-")) || containsFold(s, strings.ReplaceAll(vendor, "-", "_"))) {
			return true
		}
	}
	return false
}

func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}
