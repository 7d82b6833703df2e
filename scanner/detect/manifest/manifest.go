// Package manifest reads the manifests of language packages that lie inside an
// archive: npm's package.json, Python's METADATA and PKG-INFO, NuGet's nuspec.
// Those that lie in the filesystem itself are read by scanner/catalog.
package manifest

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/mail"
	"net/textproto"
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
	}
	return nil
}

// facts is what a manifest says.
type facts struct {
	kind          string // purl type
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
	c := &sbom.Component{Type: sbom.Library, Name: m.name, Version: m.version, Desc: m.summary, Authors: m.authors}
	purl := m.name
	if group, base, ok := strings.Cut(m.name, "/"); ok && m.kind == "npm" {
		c.Group, c.Name = group, base
		purl = url.PathEscape(group) + "/" + base
		purl = strings.Replace(purl, "@", "%40", 1)
	} else if m.kind == "pypi" {
		purl = strings.ToLower(strings.ReplaceAll(m.name, "_", "-"))
	}
	c.PURL = "pkg:" + m.kind + "/" + purl
	if m.version != "" {
		c.PURL += "@" + url.PathEscape(m.version)
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

// text is a JSON string, or a field of an object: npm allows both in many
// places. Anything else is empty.
type text struct{ plain, object string }

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		t.plain = s
		return nil
	}
	var o struct{ Name, URL, Type string }
	if json.Unmarshal(b, &o) == nil {
		t.plain, t.object = o.Name+o.Type, o.URL
	}
	return nil
}

func readNPM(b []byte) (*facts, error) {
	var p struct {
		Name, Version, Description text
		Author, Homepage, License  text
		Repository                 json.RawMessage
		Contributors, Maintainers  json.RawMessage
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	m := &facts{
		kind: "npm", evidence: sbom.NPMPackage, name: p.Name.plain, version: p.Version.plain,
		home: p.Homepage.plain + p.Homepage.object, license: p.License.plain, summary: p.Description.plain,
	}
	if p.Author.plain != "" {
		m.authors = append(m.authors, p.Author.plain)
	}
	for _, raw := range []json.RawMessage{p.Contributors, p.Maintainers} {
		var people []text
		if json.Unmarshal(raw, &people) == nil {
			for _, who := range people[:min(len(people), 50)] {
				if who.plain != "" {
					m.authors = append(m.authors, who.plain)
				}
			}
		}
	}
	var repo struct{ URL string }
	if json.Unmarshal(p.Repository, &m.repo) != nil && json.Unmarshal(p.Repository, &repo) == nil {
		m.repo = repo.URL
	}
	return m, nil
}

func readPython(b []byte) (*facts, error) {
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(b) + "\n\n"))).ReadMIMEHeader()
	if len(h) == 0 || h.Get("Metadata-Version") == "" {
		return nil, fmt.Errorf("reading Python metadata: %w", err)
	}
	m := &facts{
		kind: "pypi", evidence: sbom.PythonPackage, name: h.Get("Name"), version: h.Get("Version"),
		home: h.Get("Home-page"), license: h.Get("License-Expression"), summary: h.Get("Summary"),
	}
	for _, k := range []string{"Author", "Maintainer", "Author-Email", "Maintainer-Email"} {
		v := h.Get(k)
		if list, err := mail.ParseAddressList(v); err == nil && strings.HasSuffix(k, "Email") {
			for _, a := range list[:min(len(list), 50)] {
				if a.Name != "" {
					m.authors = append(m.authors, a.Name)
				}
			}
		} else if v != "" && !strings.HasSuffix(k, "Email") {
			m.authors = append(m.authors, v)
		}
	}
	for _, v := range h.Values("Project-Url") {
		label, address, _ := strings.Cut(v, ",")
		switch strings.ToLower(strings.TrimSpace(label)) {
		case "homepage", "home":
			if m.home == "" {
				m.home = strings.TrimSpace(address)
			}
		case "source", "repository", "source code", "code", "github":
			m.repo = strings.TrimSpace(address)
		}
	}
	return m, nil
}

func readNuspec(b []byte) (*facts, error) {
	var p struct {
		Metadata struct {
			ID          string `xml:"id"`
			Version     string `xml:"version"`
			Authors     string `xml:"authors"`
			Owners      string `xml:"owners"`
			ProjectURL  string `xml:"projectUrl"`
			License     string `xml:"license"`
			Description string `xml:"description"`
			Repository  struct {
				URL string `xml:"url,attr"`
			} `xml:"repository"`
		} `xml:"metadata"`
	}
	if err := xml.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	d := p.Metadata
	m := &facts{
		kind: "nuget", name: d.ID, version: d.Version, home: d.ProjectURL, repo: d.Repository.URL,
		license: d.License, summary: d.Description,
	}
	for _, list := range []string{d.Authors, d.Owners} {
		for who := range strings.SplitSeq(list, ",") {
			if who = strings.TrimSpace(who); who != "" && len(m.authors) < 50 {
				m.authors = append(m.authors, who)
			}
		}
	}
	return m, nil
}
