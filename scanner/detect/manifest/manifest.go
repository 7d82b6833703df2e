// Package manifest reads the manifests of language packages that lie inside an
// archive: npm's package.json, Python's METADATA and PKG-INFO, NuGet's nuspec,
// and those of MSIX, of Visual Studio's extensions and of Apple's installers.
// Those that lie in the filesystem itself are read by scanner/catalog.
package manifest

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

const (
	name    = "manifest"
	version = 1
)

// maxSize is how long a manifest may be, in bytes.
const maxSize = 4 << 20

// Detector reads nested manifests.
type Detector struct{}

// New makes a Detector.
func New() *Detector { return &Detector{} }

// Name is "manifest".
func (*Detector) Name() string { return name }

// Version is raised whenever the results for the same bytes may differ.
func (*Detector) Version() int { return version }

// Wants goes by the name: such files have no magic.
func (*Detector) Wants(f *scanner.File) bool { return f.Depth > 0 && reader(f.Path) != nil }

func reader(full string) func([]byte) (*facts, error) {
	dir, base := path.Split(full)
	switch {
	case base == "package.json":
		return readNPM
	case base == "METADATA" && strings.HasSuffix(dir, ".dist-info/"), base == "PKG-INFO":
		return readPython
	case strings.HasSuffix(base, ".nuspec"):
		return readNuspec
	case strings.EqualFold(base, "AppxManifest.xml"), strings.EqualFold(base, "AppxBundleManifest.xml"):
		return readAppx
	case base == "extension.vsixmanifest":
		return readVSIX
	case base == "PackageInfo":
		return readPackageInfo
	}
	return nil
}

// facts is what a manifest says.
type facts struct {
	kind          string // purl type; empty where there is none
	name, version string
	evidence      sbom.Kind // of the name
	authors       []string
	home, repo    string
	license       string
	summary       string
}

// Detect reads the manifest. What is none is no gap: files of those names are
// often something else.
func (*Detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	if f.Size > maxSize {
		return scanner.Result{Gaps: []sbom.Gap{{Reason: sbom.Limit, Detail: fmt.Sprintf("a manifest of %d bytes", f.Size)}}}, nil
	}
	b := make([]byte, f.Size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, f.Size), b); err != nil {
		return scanner.Result{}, err
	}
	m, err := reader(f.Path)(b)
	if err != nil || m.name == "" {
		return scanner.Result{}, ctx.Err()
	}
	return scanner.Result{Component: m.component()}, nil
}

func (m *facts) component() *sbom.Component {
	c := &sbom.Component{Type: sbom.Library, Name: m.name, Version: m.version, Description: m.summary, Authors: m.authors}
	purl := m.name
	if group, base, ok := strings.Cut(m.name, "/"); ok && m.kind == "npm" {
		c.Group, c.Name = group, base
		purl = url.PathEscape(group) + "/" + base
		purl = strings.Replace(purl, "@", "%40", 1)
	} else if m.kind == "pypi" {
		purl = strings.ToLower(strings.ReplaceAll(m.name, "_", "-"))
	}
	if m.kind == "" {
		c.Type = sbom.Application
	} else {
		c.PURL = "pkg:" + m.kind + "/" + purl
		if m.version != "" {
			c.PURL += "@" + url.PathEscape(m.version)
		}
	}
	if m.license != "" {
		c.Licenses = []sbom.License{{Name: m.license, Declared: true}}
	}
	note := func(k sbom.Kind, value, where string) {
		if value != "" {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: where})
		}
	}
	if m.evidence != "" {
		note(m.evidence, m.name, "name")
	}
	note(sbom.PURL, c.PURL, "name")
	for _, a := range m.authors {
		who, _, _ := strings.Cut(a, "<")
		note(sbom.EntityName, strings.TrimSpace(who), "author")
	}
	for _, r := range []struct {
		address, typ string
		kind         sbom.Kind
	}{{m.home, "website", sbom.HomepageHost}, {m.repo, "vcs", sbom.RepoHost}} {
		if r.address != "" {
			c.References = append(c.References, sbom.Reference{Type: r.typ, URL: r.address})
			note(r.kind, host(r.address), r.typ)
		}
	}
	return c
}

// host is the host of an address: also of "git+ssh://", of "git@host:path",
// and of npm's "github:owner/name".
func host(address string) string {
	s := strings.TrimSpace(address)
	if short, _, ok := strings.Cut(s, ":"); ok && !strings.Contains(s, "://") {
		switch short {
		case "github", "gitlab":
			return short + ".com"
		case "bitbucket":
			return "bitbucket.org"
		}
		if _, h, ok := strings.Cut(short, "@"); ok {
			return strings.ToLower(h)
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
