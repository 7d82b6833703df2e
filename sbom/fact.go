package sbom

import (
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Fact is one thing that is known of a component or of the subject. Facts are
// what the rules of a denylist are held against: see [Component.Facts].
type Fact struct {
	Kind  Kind
	Value string
	// Evidence states the fact. It is nil when a field of the component or of
	// the subject does; Field then names it: "purl", "supplier", "label".
	Evidence *Evidence
	Field    string
}

// AsEvidence returns the evidence that states the fact, or one that says which
// field does.
func (f Fact) AsEvidence() Evidence {
	if f.Evidence != nil {
		return *f.Evidence
	}
	return Evidence{Kind: f.Kind, Value: f.Value, Where: f.Field}
}

// Facts yields all that is known of the component's identity: its evidence, in
// order, then what its own fields say, as evidence would. So a document of
// another tool, which has no evidence, is judged as one of interdict is. No
// value is empty. It is the one list of facts: what it does not yield, no rule
// of a denylist sees.
func (c *Component) Facts() iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		_ = evidenceFacts(c.Evidence, yield) && c.packageFacts(yield) && c.makerFacts(yield) && c.addressFacts(yield)
	}
}

// Facts yields all that is known of the subject itself: its evidence, in order,
// then its labels and, of an image, its reference.
func (s *Subject) Facts() iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		if !evidenceFacts(s.Evidence, yield) {
			return
		}
		for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
			if !yield(Fact{Kind: ImageLabel, Value: k + "=" + s.Labels[k], Field: "label"}) {
				return
			}
		}
		if s.Kind == Image {
			_ = fieldFact(ImageRef, s.Name, "reference", yield) && fieldFact(ImageHost, registryOf(s.Name), "reference", yield)
		}
	}
}

func evidenceFacts(es []Evidence, yield func(Fact) bool) bool {
	for i := range es {
		e := &es[i]
		if e.Value != "" && !yield(Fact{Kind: e.Kind, Value: e.Value, Evidence: e}) {
			return false
		}
	}
	return true
}

func fieldFact(k Kind, value, field string, yield func(Fact) bool) bool {
	return value == "" || yield(Fact{Kind: k, Value: value, Field: field})
}

// packageFacts yields which package the component is.
func (c *Component) packageFacts(yield func(Fact) bool) bool {
	switch {
	case c.PURL != "":
		if !fieldFact(PURL, c.PURL, "purl", yield) {
			return false
		}
		if k, name := packageName(c.PURL); !fieldFact(k, name, "purl", yield) {
			return false
		}
	case strings.HasPrefix(c.Group, "@"):
		if !fieldFact(NPMPackage, c.Group+"/"+c.Name, "group and name", yield) {
			return false
		}
	case strings.Contains(c.Group, "."):
		if !fieldFact(MavenGroup, c.Group, "group", yield) {
			return false
		}
	}
	for _, cpe := range c.CPEs {
		if !fieldFact(CPEVendor, cpeVendor(cpe), "cpe", yield) {
			return false
		}
	}
	return true
}

// makerFacts yields who is said to have made or published the component.
func (c *Component) makerFacts(yield func(Fact) bool) bool {
	if !fieldFact(EntityName, c.Supplier, "supplier", yield) || !fieldFact(EntityName, c.Publisher, "publisher", yield) ||
		!fieldFact(EntityName, c.Manufacturer, "manufacturer", yield) {
		return false
	}
	for _, a := range c.Authors {
		if !fieldFact(EntityName, a, "author", yield) {
			return false
		}
	}
	return true
}

// addressFacts yields the hosts of the component's home page and repository.
func (c *Component) addressFacts(yield func(Fact) bool) bool {
	for i := range c.References {
		r := &c.References[i]
		if k := r.hostKind(); k != "" && !fieldFact(k, HostOf(r.URL), r.Type, yield) {
			return false
		}
	}
	return true
}

// hostKind is the kind of fact that the reference's host is; empty for none.
func (r *Reference) hostKind() Kind {
	switch r.Type {
	case "website":
		return HomepageHost
	case "vcs":
		return RepoHost
	}
	return ""
}

// packageName returns what the type of a package URL makes of its namespace and
// name: the name by which the type's package manager knows the package.
func packageName(purl string) (Kind, string) {
	typ, namespace, name := SplitPURL(purl)
	full := name
	if namespace != "" {
		full = namespace + "/" + name
	}
	switch typ {
	case "npm":
		return NPMPackage, full
	case "maven":
		return MavenGroup, namespace
	case "golang":
		return GoModule, full
	case "pypi":
		return PythonPackage, name
	case "deb", "rpm", "apk", "alpm":
		return PackageName, name
	case "oci", "docker":
		return ImageRef, full
	}
	return "", ""
}

// SplitPURL returns type, namespace and name of a package URL, percent-decoded
// (github.com/package-url/purl-spec, PURL-SPECIFICATION.rst). All are empty
// when it is none.
func SplitPURL(purl string) (typ, namespace, name string) {
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

// HostOf returns the host of an address without user and port. Of a text that
// is no address it returns what stands before the first of "/?#:".
func HostOf(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else if user, rest, ok := strings.Cut(s, "@"); ok && !strings.ContainsAny(user, "/ ") {
		s = rest // git@host:path
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	return s
}

// registryOf returns the registry that an image reference names, or "": its
// first element, when that has a dot or a port or is "localhost" (the rule of
// github.com/distribution/reference).
func registryOf(ref string) string {
	if first, _, ok := strings.Cut(ref, "/"); ok && (first == "localhost" || strings.ContainsAny(first, ".:")) {
		return first
	}
	return ""
}
