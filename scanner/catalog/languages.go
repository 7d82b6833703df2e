package catalog

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
)

// languages reads the metadata of the package managers of programming languages.
func (b *builder) languages() {
	switch m := b.p.Metadata.(type) {
	case pkg.NpmPackage:
		b.fact(sbom.NPMPackage, b.p.Name, "name")
		b.author("author", m.Author)
		b.link("website", m.Homepage, "homepage")
		b.link("vcs", m.URL, "repository")
		b.c.Description = sbom.CleanValue(m.Description)
		b.it.Requires = b.nodeRequires()
	case pkg.NpmPackageLockEntry:
		b.locked(m.Resolved, m.Integrity)
	case pkg.YarnLockEntry:
		b.locked(m.Resolved, m.Integrity)
	case pkg.PnpmLockEntry:
		b.locked("", m.Resolution.Integrity)
	case pkg.BunLockEntry:
		b.locked("", m.Integrity)
	case pkg.PythonPackage:
		b.python(m)
	case pkg.GolangBinaryBuildinfoEntry:
		b.golang(m)
	case pkg.GolangModuleEntry, pkg.GolangSourceEntry:
		b.fact(sbom.GoModule, b.p.Name, "module")
	case pkg.RubyGemspec:
		b.author("authors", m.Authors...)
		b.link("website", m.Homepage, "homepage")
	case pkg.PhpComposerInstalledEntry:
		b.composer(pkg.PhpComposerLockEntry(m))
	case pkg.PhpComposerLockEntry:
		b.composer(m)
	case pkg.DotnetDepsEntry:
		b.dotnet(m)
	case pkg.DotnetPortableExecutableEntry:
		b.assembly(m)
	case pkg.RDescription:
		b.author("Author", m.Author)
		b.author("Maintainer", m.Maintainer)
		for _, u := range m.URL {
			b.link("website", u, "URL")
		}
		b.c.Description = sbom.CleanValue(m.Title)
	default:
		b.others()
	}
	if b.p.Type == pkg.PythonPkg {
		b.fact(sbom.PythonPackage, b.p.Name, "Name")
	}
}

func (b *builder) locked(resolved, integrity string) {
	b.fact(sbom.NPMPackage, b.p.Name, "name")
	b.link("distribution", resolved, "resolved")
	b.integrity(integrity)
}

// python reads the rest of the core metadata too, which syft leaves out
// (https://packaging.python.org/specifications/core-metadata).
func (b *builder) python(m pkg.PythonPackage) {
	b.author("Author", nameAndMail(m.Author, m.AuthorEmail))
	if o := m.DirectURLOrigin; o != nil {
		b.link("distribution", o.URL, "direct_url.json")
		b.property("commit", o.CommitID)
	}
	h := b.header(64 << 10)
	if h == nil {
		return
	}
	b.c.Description = sbom.CleanValue(h.Get("Summary"))
	b.author("Maintainer", nameAndMail(h.Get("Maintainer"), h.Get("Maintainer-Email")))
	b.link("website", h.Get("Home-Page"), "Home-page")
	for _, u := range h.Values("Project-Url") {
		label, address, _ := strings.Cut(u, ",")
		label = strings.ToLower(label)
		switch {
		case strings.Contains(label, "source") || strings.Contains(label, "repo") || strings.Contains(label, "github") || strings.Contains(label, "code"):
			b.link("vcs", address, "Project-URL")
		case strings.Contains(label, "home"):
			b.link("website", address, "Project-URL")
		case strings.Contains(label, "doc"):
			b.link("documentation", address, "Project-URL")
		case strings.Contains(label, "issue") || strings.Contains(label, "tracker") || strings.Contains(label, "bug"):
			b.link("issue-tracker", address, "Project-URL")
		}
	}
}

func (b *builder) golang(m pkg.GolangBinaryBuildinfoEntry) {
	where := "dep"
	if m.MainModule == b.p.Name {
		where, b.c.Type = "mod", sbom.Application
	}
	b.fact(sbom.GoModule, b.p.Name, where)
	b.property("go-version", m.GoCompiledVersion)
	b.property("architecture", m.Architecture)
	b.property("go-h1", m.H1Digest)
	if host, rest, ok := strings.Cut(b.p.Name, "/"); ok && (host == "github.com" || host == "gitlab.com" || host == "bitbucket.org") {
		if parts := strings.SplitN(rest, "/", 3); len(parts) > 1 {
			b.link("vcs", "https://"+host+"/"+parts[0]+"/"+parts[1], "module path")
		}
	}
}

func (b *builder) composer(m pkg.PhpComposerLockEntry) {
	for _, a := range m.Authors {
		b.author("authors", nameAndMail(a.Name, a.Email))
	}
	b.link("website", m.Homepage, "homepage")
	b.link("vcs", m.Source.URL, "source")
	b.link("distribution", m.Dist.URL, "dist")
	if len(m.Dist.Shasum) == 40 {
		b.hash("SHA-1", m.Dist.Shasum)
	}
	b.c.Description = sbom.CleanValue(m.Description)
}

func (b *builder) dotnet(m pkg.DotnetDepsEntry) {
	if v, ok := strings.CutPrefix(m.Sha512, "sha512-"); ok {
		if raw, err := base64.StdEncoding.DecodeString(v); err == nil {
			b.hash("SHA-512", hex.EncodeToString(raw))
		}
	}
	for _, k := range sortedKeys(m.Executables) {
		b.assembly(m.Executables[k])
	}
}

func (b *builder) assembly(m pkg.DotnetPortableExecutableEntry) {
	b.maker(sbom.PECompanyName, m.CompanyName, "VersionInfo")
	b.fact(sbom.PEProductName, m.ProductName, "VersionInfo")
	if b.c.Copyright == "" {
		b.c.Copyright = sbom.CleanValue(m.LegalCopyright)
	}
}

// others are the ecosystems of which metadata has a field or two.
func (b *builder) others() {
	switch m := b.p.Metadata.(type) {
	case pkg.RustCargoLockEntry:
		b.hash("SHA-256", m.Checksum)
		b.link("distribution", strings.TrimPrefix(m.Source, "registry+"), "source")
	case pkg.RustBinaryAuditEntry:
		b.property("source", m.Source)
	case pkg.CondaMetaPackage:
		b.hash("MD5", m.MD5)
		b.hash("SHA-256", m.SHA256)
		b.link("distribution", m.URL, "url")
		b.property("channel", m.Channel)
	case pkg.WordpressPluginEntry:
		b.author("Author", m.Author)
		b.link("website", m.AuthorURI, "Author URI")
	case pkg.LuaRocksPackage:
		b.link("website", m.Homepage, "homepage")
		b.link("vcs", m.URL, "source.url")
		b.c.Description = sbom.CleanValue(m.Description)
	case pkg.CpanDistribution:
		b.author("author", m.Author)
	case pkg.HomebrewFormula:
		b.link("website", m.Homepage, "homepage")
		b.c.Description = sbom.CleanValue(m.Description)
	case pkg.DartPubspec:
		b.link("website", m.Homepage, "homepage")
		b.link("vcs", m.Repository, "repository")
	case pkg.OpamPackage:
		b.link("website", m.Homepage, "homepage")
		b.link("distribution", m.URL, "url")
	case pkg.SwiplPackEntry:
		b.author("author", nameAndMail(m.Author, m.AuthorEmail))
		b.link("website", m.Homepage, "homepage")
	case pkg.VcpkgManifest:
		b.author("maintainers", m.Maintainers...)
		b.c.Description = sbom.CleanValue(strings.Join(m.Description, " "))
	case pkg.PythonPipfileLockEntry:
		for _, h := range m.Hashes {
			b.colonHash(h)
		}
	default:
		b.systems()
	}
}

// systems are what is no package of a language: kernels, bundles, snaps, models.
func (b *builder) systems() {
	switch m := b.p.Metadata.(type) {
	case pkg.LinuxKernelModule:
		b.c.Type = sbom.DeviceDriver
		b.fact(sbom.ModinfoName, m.Name, "name")
		b.fact(sbom.ModinfoLicense, m.License, "license") // its author: scanner/detect/kmod, which knows whose tree it is of
		b.author("author", m.Author)
		b.c.Description = sbom.CleanValue(m.Description)
	case pkg.LinuxKernel:
		b.c.Type = sbom.Platform
		b.property("architecture", m.Architecture)
	case pkg.AppleAppBundleEntry:
		b.c.Type = sbom.Application
		b.fact(sbom.BundleID, m.BundleIdentifier, "CFBundleIdentifier")
		b.fact(sbom.BundleName, m.Name, "CFBundleName")
		b.c.Copyright = sbom.CleanValue(m.Copyright)
	case pkg.SnapEntry:
		b.c.Type = sbom.Application
		b.property("architecture", m.Architecture)
	case pkg.GGUFFileHeader:
		b.c.Type = sbom.Model
		b.property("architecture", m.Architecture)
	case pkg.SafeTensorsModelInfo:
		b.c.Type = sbom.Model
		b.property("architecture", m.Architecture)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
