package catalog

import (
	"encoding/hex"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/anchore/packageurl-go"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cpe"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	cpes "github.com/anchore/syft/syft/pkg/cataloger/common/cpe"

	"github.com/interdict/interdict/sbom"
)

// items makes syft's packages into items, with the dependencies that the
// cataloger itself knows.
func (s *target) items(r *resolver, pkgs []pkg.Package, rels []artifact.Relationship) []item {
	var out []item
	var kept []pkg.Package
	at := map[artifact.ID]int{}
	for i := range pkgs {
		p := &pkgs[i]
		if strings.TrimSpace(p.Name) == "" || isLink(p) {
			continue // syft's default: a package without a name is none
		}
		if p.ID() == "" {
			p.SetID()
		}
		at[p.ID()] = len(out)
		fixed := *p
		correct(&fixed)
		out, kept = append(out, newItem(r, &fixed)), append(kept, fixed)
	}
	for _, rel := range rels {
		if rel.Type != artifact.DependencyOfRelationship {
			continue
		}
		from, ok1 := at[rel.From.ID()]
		to, ok2 := at[rel.To.ID()]
		if ok1 && ok2 && out[from].Component.Ref != out[to].Component.Ref {
			c := &out[to].Component
			c.DependsOn = append(c.DependsOn, out[from].Component.Ref)
		}
	}
	return joinSelf(out, kept)
}

// isLink reports an entry of npm's lock file that leads to a folder of the
// project ("link": true): another entry is the package.
func isLink(p *pkg.Package) bool {
	m, ok := p.Metadata.(pkg.NpmPackageLockEntry)
	return ok && p.Version == "" && m.Integrity == "" && m.Resolved != "" && !strings.Contains(m.Resolved, ":")
}

func newItem(r *resolver, p *pkg.Package) item {
	b := &builder{p: p, r: r, detector: detectorName(r.cat.Name())}
	b.c = sbom.Component{
		Type: sbom.Library, Name: p.Name, Version: p.Version, PURL: p.PURL,
		FoundBy: r.cat.Name(), Language: language(p), CPEs: cpesOf(p), Licenses: licensesOf(r, p),
	}
	b.it = item{Type: string(p.Type)}
	if r.cat.declares && r.view.kind == Image {
		b.it.Declared, b.c.Scope = true, sbom.Excluded
	}
	b.locate()
	b.group()
	b.metadata()
	b.c.Ref = refOf(&b.c)
	b.it.Component = b.c
	return b.it
}

// builder makes one item.
type builder struct {
	p        *pkg.Package
	r        *resolver
	detector string
	c        sbom.Component
	it       item
	primary  sbom.Occurrence // where its evidence was read
}

// refOf is a component's reference: what it is, wherever it was found.
func refOf(c *sbom.Component) string {
	if c.PURL != "" {
		return c.PURL
	}
	return "syft:" + string(c.Type) + "/" + url.PathEscape(c.Group) + "/" + url.PathEscape(c.Name) + "@" + url.PathEscape(c.Version)
}

// locate notes where the package is: syft's primary evidence, or all locations
// if none is marked as that.
func (b *builder) locate() {
	all := b.p.Locations.ToSlice()
	primary := slices.DeleteFunc(slices.Clone(all), func(l file.Location) bool {
		return l.Annotations[pkg.EvidenceAnnotationKey] != pkg.PrimaryEvidenceAnnotation
	})
	if len(primary) == 0 {
		primary = all
	}
	for _, l := range primary {
		o := sbom.Occurrence{Path: b.inner(l), Layer: l.FileSystemID}
		if n, ok := b.r.view.tree.Lstat(l.RealPath); ok && n.Entry != nil && n.Entry.Digest != [32]byte{} && o.Path == l.RealPath {
			o.Digest = "sha256:" + hex.EncodeToString(n.Entry.Digest[:])
		}
		b.c.Occurrences = append(b.c.Occurrences, o)
	}
	if len(b.c.Occurrences) > 0 {
		b.primary = b.c.Occurrences[0]
	}
}

// inner is the path of a location in our spelling of nested paths. syft's
// virtual path of a nested Java archive is "outer.jar:path/inner.jar", where the
// outer one has the name that it was found by.
func (b *builder) inner(l file.Location) string {
	java, ok := b.p.Metadata.(pkg.JavaArchive)
	if !ok {
		return l.RealPath
	}
	rest, ok := strings.CutPrefix(java.VirtualPath, l.RealPath)
	if !ok {
		_, rest, _ = strings.Cut(java.VirtualPath, ":")
	}
	p := l.RealPath
	for _, part := range strings.Split(rest, ":") {
		// the last part may be group:artifact, which is no file
		if isArchiveName(path.Ext(part)) {
			p += "!/" + strings.TrimPrefix(part, "/")
		}
	}
	return p
}

func isArchiveName(ext string) bool {
	switch strings.ToLower(ext) {
	case ".jar", ".war", ".ear", ".par", ".sar", ".nar", ".kar", ".far", ".jpi", ".hpi", ".lpkg", ".rar", ".zip", ".aar":
		return true
	}
	return false
}

// group splits a scope, vendor or group from the name, as its ecosystem does.
func (b *builder) group() {
	switch b.p.Type {
	case pkg.NpmPkg, pkg.PhpComposerPkg:
		if g, n, ok := strings.Cut(b.p.Name, "/"); ok && g != "" && n != "" {
			b.c.Group, b.c.Name = g, n
		}
	case pkg.JavaPkg, pkg.JenkinsPluginPkg, pkg.GraalVMNativeImagePkg:
		if u, err := packageurl.FromString(b.p.PURL); err == nil && u.Namespace != u.Name {
			b.c.Group = u.Namespace
		}
	}
}

// fact notes evidence that was read from the primary location.
func (b *builder) fact(k sbom.Kind, value, where string) {
	if value = sbom.CleanValue(value); value == "" {
		return
	}
	for _, o := range b.c.Occurrences {
		b.c.Evidence = append(b.c.Evidence, sbom.Evidence{
			Kind: k, Value: value, Path: o.Path, Layer: o.Layer, Where: where, Detector: b.detector,
		})
	}
}

// author notes who wrote it.
func (b *builder) author(where string, names ...string) {
	for _, n := range names {
		if n = sbom.CleanValue(n); n != "" && !strings.EqualFold(n, "unknown") {
			b.c.Authors = append(b.c.Authors, n)
			b.fact(sbom.EntityName, n, where)
		}
	}
}

// maker notes who made it.
func (b *builder) maker(k sbom.Kind, name, where string) {
	if name = sbom.CleanValue(name); name == "" {
		return
	}
	if b.c.Manufacturer == "" {
		b.c.Manufacturer, b.c.Publisher = name, name
	}
	b.fact(k, name, where)
}

// supplier notes who supplied a package of an operating system.
func (b *builder) supplier(name, where string) {
	if name = sbom.CleanValue(name); name != "" {
		b.c.Supplier, b.c.Publisher = name, name
		b.fact(sbom.PackageVendor, name, where)
	}
}

// link notes an address that the package gives of itself, and its host.
func (b *builder) link(typ, address, where string) {
	address = strings.TrimPrefix(sbom.CleanValue(address), "git+")
	if strings.HasPrefix(address, "git://") || strings.HasPrefix(address, "ssh://") || strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			return
		}
		u.User = nil // never a secret into a bill of materials
		b.c.References = append(b.c.References, sbom.Reference{Type: typ, URL: u.String()})
		switch typ {
		case "website", "documentation":
			b.fact(sbom.HomepageHost, strings.ToLower(u.Hostname()), where)
		case "vcs", "distribution":
			b.fact(sbom.RepoHost, strings.ToLower(u.Hostname()), where)
		}
	}
}

func (b *builder) property(name, value string) {
	if value = sbom.CleanValue(value); value != "" {
		b.c.Properties = append(b.c.Properties, sbom.Property{Name: "interdict:" + name, Value: value})
	}
}

// language is syft's, or that of the ecosystem of the purl.
func language(p *pkg.Package) string {
	l := p.Language
	if l == "" {
		l = pkg.LanguageFromPURL(p.PURL)
	}
	if l == pkg.UnknownLanguage {
		return ""
	}
	return string(l)
}

// cpesOf returns the package's CPEs, looked up or made as syft makes them. Of
// those that are made, guesses of up to dozens, only the first is kept, as by
// syft: they would be a fifth of a bill of materials and say nothing new.
func cpesOf(p *pkg.Package) []string {
	all := p.CPEs
	if !slices.ContainsFunc(all, func(c cpe.CPE) bool { return c.Source != cpe.GeneratedSource }) {
		if found, ok := cpes.DictionaryFind(*p); ok {
			all = append(all, found...)
		} else {
			made := append(all, cpes.Generate(*p)...)
			all = made[:min(1, len(made))]
		}
	}
	out := make([]string, 0, len(all))
	for _, c := range all {
		out = append(out, c.Attributes.String()) // quotes as NISTIR 7695, section 6.2, has it
	}
	slices.Sort(out)
	return slices.Compact(out)
}
