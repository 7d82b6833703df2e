package catalog

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/textproto"
	"path"
	"strconv"
	"strings"

	"bufio"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
)

// metadata reads what the ecosystem's own metadata says. syft keeps it in a type
// for each; its encoders drop most of it.
func (b *builder) metadata() {
	switch m := b.p.Metadata.(type) {
	case pkg.DpkgDBEntry:
		b.deb(m)
	case pkg.DpkgArchiveEntry:
		b.deb(pkg.DpkgDBEntry(m))
	case pkg.RpmDBEntry:
		b.rpm(m)
	case pkg.RpmArchive:
		b.rpm(pkg.RpmDBEntry(m))
	case pkg.ApkDBEntry:
		b.apk(m)
	case pkg.AlpmDBEntry:
		b.alpm(m)
	case pkg.PortageEntry:
		b.fact(sbom.PackageName, b.p.Name, "package")
		b.it.Files = m.OwnedFiles()
	case pkg.NixStoreEntry:
		b.it.Files = m.Files
	case pkg.JavaArchive:
		b.java(m)
	case pkg.JavaVMInstallation:
		b.jvm(m)
	case pkg.BitnamiSBOMEntry:
		b.c.Type = sbom.Application
		b.it.Files = m.Files
		b.property("architecture", m.Architecture)
	case pkg.PEBinary:
		b.pe(m)
	case pkg.ELFBinaryPackageNoteJSONPayload:
		b.note(m)
	case pkg.BinarySignature:
		b.it.Weak = true
		for _, c := range m.Matches {
			b.property("classifier", c.Classifier)
		}
	default:
		b.languages()
	}
	if b.p.Type == pkg.BinaryPkg {
		b.c.Type, b.it.Weak = sbom.Application, true
		b.ownDigest()
	}
}

// ownDigest gives a component that is one file that file's digest.
func (b *builder) ownDigest() {
	if len(b.c.Occurrences) == 1 && b.primary.Digest != "" {
		b.hash("SHA-256", strings.TrimPrefix(b.primary.Digest, "sha256:"))
	}
}

// hash notes a digest in hexadecimal.
func (b *builder) hash(algorithm, value string) {
	value = strings.ToLower(value)
	if _, err := hex.DecodeString(value); err == nil && value != "" {
		b.c.Hashes = append(b.c.Hashes, sbom.Hash{Algorithm: algorithm, Value: value})
	}
}

var algorithms = map[string]string{"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}

// integrity notes the digests of a Subresource Integrity value
// (https://www.w3.org/TR/SRI/), as npm writes it: "sha512-<base64>".
func (b *builder) integrity(sri string) {
	for _, one := range strings.Fields(sri) {
		alg, v, _ := strings.Cut(one, "-")
		if raw, err := base64.StdEncoding.DecodeString(v); err == nil && algorithms[alg] != "" {
			b.hash(algorithms[alg], hex.EncodeToString(raw))
		}
	}
}

// colonHash notes a digest that is written "sha256:<hex>".
func (b *builder) colonHash(s string) {
	if alg, v, ok := strings.Cut(s, ":"); ok && algorithms[alg] != "" {
		b.hash(algorithms[alg], v)
	}
}

// database ties the item to the package database that lists it.
func (b *builder) database(key ...string) {
	if len(b.c.Occurrences) > 0 && isStatusFile(b.primary.Path) {
		b.it.Database, b.it.Key = b.primary.Path, strings.Join(key, "\x1f")
	}
}

func (b *builder) deb(m pkg.DpkgDBEntry) {
	b.database(m.Package, m.Version, m.Architecture)
	b.fact(sbom.PackageName, m.Package, "Package")
	b.supplier(m.Maintainer, "Maintainer")
	b.link("website", b.homepage(), "Homepage")
	b.c.Description, _, _ = strings.Cut(m.Description, "\n")
	b.property("architecture", m.Architecture)
	b.property("source", m.Source)
	b.property("source-version", m.SourceVersion)
	b.it.Files = m.OwnedFiles()
	b.it.Provides = append([]string{m.Package}, m.Provides...)
	b.it.Requires = append(append([]string{}, m.Depends...), m.PreDepends...)
}

// homepage is that of a Debian package: of its stanza in the database, or of
// the file that it has of its own in an image without dpkg.
func (b *builder) homepage() string {
	if db := b.r.view.databases[b.primary.Path]; db != nil {
		return db.homes[b.it.Key]
	}
	if path.Base(path.Dir(b.primary.Path)) != "status.d" {
		return ""
	}
	for _, l := range b.p.Locations.ToSlice() {
		if l.RealPath == b.primary.Path {
			return readHeader(b.r, l, 64<<10).Get("Homepage")
		}
	}
	return ""
}

func (b *builder) rpm(m pkg.RpmDBEntry) {
	epoch := ""
	if m.Epoch != nil {
		epoch = strconv.Itoa(*m.Epoch)
	}
	b.database(m.Name, epoch, m.Version, m.Release, m.Arch)
	b.fact(sbom.PackageName, m.Name, "Name")
	b.supplier(m.Vendor, "Vendor")
	for _, s := range m.Signatures {
		b.fact(sbom.PackageKey, s.IssuerKeyID, "signature "+s.PublicKeyAlgorithm+"/"+s.HashAlgorithm)
	}
	b.property("architecture", m.Arch)
	b.property("source", m.SourceRpm)
	if m.ModularityLabel != nil {
		b.property("modularity", *m.ModularityLabel)
	}
	for _, f := range m.Files {
		if f.Path != "" {
			b.it.Files = append(b.it.Files, f.Path)
		}
	}
	b.it.Provides = append([]string{m.Name}, m.Provides...)
	b.it.Requires = m.Requires
}

func (b *builder) apk(m pkg.ApkDBEntry) {
	b.database(m.Package, m.Version, m.Architecture)
	b.fact(sbom.PackageName, m.Package, "P")
	b.supplier(m.Maintainer, "m")
	b.link("website", m.URL, "U")
	b.c.Description = m.Description
	b.property("architecture", m.Architecture)
	b.property("source", m.OriginPackage)
	b.property("apk-checksum", m.Checksum)
	b.property("commit", m.GitCommit)
	b.it.Files = m.OwnedFiles()
	b.it.Provides = append([]string{m.Package}, m.Provides...)
	b.it.Requires = m.Dependencies
}

func (b *builder) alpm(m pkg.AlpmDBEntry) {
	b.fact(sbom.PackageName, m.Package, "NAME")
	b.supplier(m.Packager, "PACKAGER")
	b.link("website", m.URL, "URL")
	b.c.Description = m.Description
	b.property("architecture", m.Architecture)
	b.property("source", m.BasePackage)
	for _, f := range m.OwnedFiles() {
		b.it.Files = append(b.it.Files, path.Join("/", f))
	}
	b.it.Provides = append([]string{m.Package}, m.Provides...)
	b.it.Requires = m.Depends
}

// java reads the manifest's and the POM's own words. Specification-Vendor is not
// among them: it is who wrote the specification.
func (b *builder) java(m pkg.JavaArchive) {
	for _, d := range m.ArchiveDigests {
		if alg := algorithms[strings.ReplaceAll(strings.ToLower(d.Algorithm), "-", "")]; alg != "" {
			b.hash(alg, d.Value)
		}
	}
	if m.Manifest != nil || m.PomProperties == nil && m.PomProject == nil {
		b.ownDigest() // what a pom names inside the archive is not the archive
	}
	if m.Manifest != nil {
		attr := m.Manifest.Main
		for _, k := range []string{"Implementation-Vendor", "Bundle-Vendor"} {
			v, _ := attr.Get(k)
			b.maker(sbom.JavaVendor, v, k)
		}
		for _, k := range []string{"Implementation-Title", "Bundle-Name"} {
			v, _ := attr.Get(k)
			b.fact(sbom.JavaTitle, v, k)
		}
		for _, k := range []string{"Bundle-DocURL", "Implementation-URL"} {
			v, _ := attr.Get(k)
			b.link("website", v, k)
		}
		v, _ := attr.Get("Bundle-Description")
		b.c.Description = sbom.CleanValue(v)
	}
	group := b.c.Group
	if p := m.PomProperties; p != nil && p.GroupID != "" {
		group = p.GroupID
	}
	b.fact(sbom.MavenGroup, group, "groupId")
	if p := m.PomProject; p != nil {
		if p.Description != "" {
			b.c.Description = sbom.CleanValue(p.Description)
		}
		b.link("website", p.URL, "url")
	}
}

func (b *builder) jvm(m pkg.JavaVMInstallation) {
	b.it.JVM, b.it.Weak, b.it.Files = true, true, m.Files
	b.maker(sbom.EntityName, m.Release.Implementor, "IMPLEMENTOR")
	b.link("vcs", m.Release.SourceRepo, "SOURCE_REPO")
	b.link("vcs", m.Release.BuildSourceRepo, "BUILD_SOURCE_REPO")
	b.property("architecture", m.Release.OsArch)
}

func (b *builder) pe(m pkg.PEBinary) {
	get := func(k string) string {
		v, _ := m.VersionResources.Get(k)
		return v
	}
	b.maker(sbom.PECompanyName, get("CompanyName"), "VersionInfo")
	b.fact(sbom.PEProductName, get("ProductName"), "VersionInfo")
	b.c.Copyright = sbom.CleanValue(get("LegalCopyright"))
	b.c.Description = sbom.CleanValue(get("FileDescription"))
}

func (b *builder) note(m pkg.ELFBinaryPackageNoteJSONPayload) {
	b.it.Weak = true
	b.maker(sbom.EntityName, m.Vendor, ".note.package")
	b.link("vcs", m.SourceRepo, ".note.package")
	b.property("architecture", m.Architecture)
	b.property("commit", m.Commit)
}

// header reads the head of an RFC 822 like text that a package was found by.
func (b *builder) header(limit int64) textproto.MIMEHeader {
	for _, l := range b.p.Locations.ToSlice() {
		switch path.Base(l.RealPath) {
		case "METADATA", "PKG-INFO":
			if h := readHeader(b.r, l, limit); h != nil {
				return h
			}
		}
	}
	return nil
}

func readHeader(r *resolver, l file.Location, limit int64) textproto.MIMEHeader {
	c, err := r.view.open(l)
	if err != nil {
		return nil
	}
	defer c.Close()
	raw, err := io.ReadAll(io.LimitReader(c, limit))
	if err != nil {
		return nil
	}
	raw = append(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), "\n\n"...)
	// what was read before an error is good
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw))).ReadMIMEHeader()
	return h
}

// nameAndMail joins a name and an address as people write them.
func nameAndMail(name, mail string) string {
	switch {
	case mail == "":
		return name
	case name == "" || strings.Contains(mail, name):
		return mail
	}
	return fmt.Sprintf("%s <%s>", name, mail)
}
