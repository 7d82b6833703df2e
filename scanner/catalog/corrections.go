package catalog

import (
	"path"
	"regexp"
	"strings"

	"github.com/anchore/packageurl-go"
	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/catalog/manifest"
)

// correct mends what syft says of a package and the package does not.
func correct(p *pkg.Package) {
	switch m := p.Metadata.(type) {
	case pkg.CondaMetaPackage:
		if p.PURL == "" {
			p.PURL = condaPURL(m)
		}
	case pkg.JavaArchive:
		correctJava(p, m)
	}
	if p.Type == pkg.GemPkg {
		if version, q := manifest.GemVersion(p.Version); q != nil {
			p.Version = version
			p.PURL = packageurl.NewPackageURL("gem", "", p.Name, version, packageurl.QualifiersFromMap(q), "").ToString()
		}
	}
	if isPlaceholder(p.Version) {
		p.Version = ""
		setPURLVersion(p, "")
	}
}

// condaPURL follows the purl specification for conda
// (https://github.com/package-url/purl-spec, types-doc/conda-definition.md).
func condaPURL(m pkg.CondaMetaPackage) string {
	q := map[string]string{}
	for k, v := range map[string]string{"build": m.Build, "channel": manifest.Channel(m.Channel, m.Subdir), "subdir": m.Subdir} {
		if v != "" {
			q[k] = v
		}
	}
	return packageurl.NewPackageURL("conda", "", m.Name, m.Version, packageurl.QualifiersFromMap(q), "").ToString()
}

// isPlaceholder reports a version that Maven or Gradle should have replaced.
func isPlaceholder(s string) bool {
	return strings.Contains(s, "${") || strings.HasPrefix(s, "@") && strings.HasSuffix(s, "@") && len(s) > 2
}

func setPURLVersion(p *pkg.Package, version string) {
	if u, err := packageurl.FromString(p.PURL); err == nil {
		u.Version = version
		p.PURL = u.ToString()
	}
}

// classifier is what Maven's plugins put behind a version in a file's name
// (https://maven.apache.org/pom.html, "classifier"), or the platform of native
// code.
var classifier = regexp.MustCompile(`^(.*\d.*?)-(?:jar-with-dependencies|sources|javadoc|tests|test-sources|test-javadoc|shaded|all|uber|fat|standalone|exec|runner|dist|(?:natives?-)?(?:linux|windows|osx|macos|darwin)(?:[-_][A-Za-z0-9_-]+)?)$`)

// correctJava takes off what syft made of the name of the file, and of classes.
func correctJava(p *pkg.Package, m pkg.JavaArchive) {
	if c := classifier.FindStringSubmatch(p.Version); c != nil && m.PomProperties == nil && strings.Contains(path.Base(m.VirtualPath), p.Version) {
		p.Version = c[1]
		setPURLVersion(p, c[1])
	}
	u, err := packageurl.FromString(p.PURL)
	if err != nil || u.Namespace == "" {
		return
	}
	if isPlaceholder(u.Namespace) || isMainClass(u.Namespace, m) {
		u.Namespace = u.Name // as for an archive that names no group
		p.PURL = u.ToString()
	}
}

// isMainClass reports whether a group is made from the class that starts the
// program, which may be any launcher's.
func isMainClass(group string, m pkg.JavaArchive) bool {
	if m.Manifest == nil || m.PomProperties != nil && m.PomProperties.GroupID == group || m.PomProject != nil && m.PomProject.GroupID == group {
		return false
	}
	class, ok := m.Manifest.Main.Get("Main-Class")
	return ok && class != "" && (class == group || strings.HasPrefix(class, group+".")) && !namesGroup(m, group)
}

// namesGroup reports whether the manifest gives the group itself.
func namesGroup(m pkg.JavaArchive, group string) bool {
	for _, field := range []string{"Group-Id", "Bundle-SymbolicName", "Extension-Name", "Implementation-Vendor-Id", "Automatic-Module-Name"} {
		if v, ok := m.Manifest.Main.Get(field); ok && (v == group || strings.HasPrefix(v, group+".")) {
			return true
		}
	}
	return false
}

// joinSelf makes one item of a Java archive that says twice what it is: in its
// manifest, under the name of the file, and in the only pom.properties, which has
// the same title and version.
func joinSelf(out []item, pkgs []pkg.Package) []item {
	named := map[string][]int{} // by place: items that a pom.properties names
	for i := range out {
		if m, ok := metadataOf(pkgs, i); ok && m.PomProperties != nil && m.Manifest == nil {
			named[out[i].place()] = append(named[out[i].place()], i)
		}
	}
	drop := map[int]bool{}
	for i := range out {
		m, ok := metadataOf(pkgs, i)
		if !ok || m.Manifest == nil || m.PomProperties != nil || len(named[out[i].place()]) != 1 {
			continue
		}
		j := named[out[i].place()][0]
		title, _ := m.Manifest.Main.Get("Implementation-Title")
		if c := &out[j].Component; title == c.Name && out[i].Component.Version == c.Version {
			ref := c.DependsOn
			joinInto(c, &out[i].Component)
			c.DependsOn = append(ref, out[i].Component.DependsOn...)
			drop[i] = true
		}
	}
	if len(drop) == 0 {
		return out
	}
	kept := out[:0:0]
	for i := range out {
		if !drop[i] {
			kept = append(kept, out[i])
		}
	}
	return kept
}

func metadataOf(pkgs []pkg.Package, i int) (pkg.JavaArchive, bool) {
	m, ok := pkgs[i].Metadata.(pkg.JavaArchive)
	return m, ok
}

// place is where an item was found first.
func (it *item) place() string {
	if len(it.Component.Occurrences) == 0 {
		return ""
	}
	return it.Component.Occurrences[0].Path
}

// archiveName splits the name of a Java archive, as build tools make it:
// "name-1.0-classifier.jar".
var archiveName = regexp.MustCompile(`^([A-Za-z][\w.]*(?:-[A-Za-z][\w.]*)*)-(v?\d[\w.+]*(?:-[\w.+]+)*)\.[a-z]+$`)

// unnamedArchive is an item for a Java archive in which nothing names it. Its
// group is not known, so it has no package URL.
func (s *target) unnamedArchive(r *resolver, p string) (item, bool) {
	n, ok := r.view.tree.Lookup(p)
	m := archiveName.FindStringSubmatch(path.Base(p))
	if !ok || m == nil || !isFile(n) {
		return item{}, false
	}
	version := m[2]
	if c := classifier.FindStringSubmatch(version); c != nil {
		version = c[1]
	}
	c := s.bare(r.view, n, manifest.Package{Type: "maven", Name: m[1], Version: version})
	c.PURL, c.Evidence, c.FoundBy = "", nil, r.cat.Name()
	if o := c.Occurrences[0]; o.Digest != "" {
		c.Hashes = []sbom.Hash{{Algorithm: "SHA-256", Value: strings.TrimPrefix(o.Digest, "sha256:")}}
	}
	c.Language = "java"
	c.Ref = refOf(&c)
	return item{Component: c, Type: string(pkg.JavaPkg), Weak: true}, true
}
