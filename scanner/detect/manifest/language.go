package manifest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/interdict/interdict/sbom"
)

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
