package syftjson

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// metadata is what is read of all the ecosystems' own metadata. They name
// equal things equally, or by a name that no other uses.
type metadata struct {
	Maintainer  text       `json:"maintainer"` // deb, apk
	Vendor      text       `json:"vendor"`     // rpm, ELF note
	Packager    text       `json:"packager"`   // alpm
	Author      text       `json:"author"`     // npm, Python
	Authors     texts      `json:"authors"`    // gem, PHP, Cargo
	AuthorEmail text       `json:"authorEmail"`
	Homepage    text       `json:"homepage"`
	URL         text       `json:"url"`
	Description text       `json:"description"`
	Versions    []keyValue `json:"VersionResources"` // PE
	Manifest    struct {
		Main []keyValue `json:"main"`
	} `json:"manifest"` // Java
}

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// text is a string; what is none is read as empty.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	_ = json.Unmarshal(b, &s) // another ecosystem's field of that name
	*t = text(s)
	return nil
}

// texts is a list of strings, or one.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, (*[]string)(t)) != nil {
		*t = nil
		if json.Unmarshal(b, &one) == nil && one != "" {
			*t = texts{one}
		}
	}
	return nil
}

func (a *artifact) component() sbom.Component {
	c := sbom.Component{
		Ref: a.ID, Type: sbom.Library, Name: a.Name, Version: a.Version, PURL: a.PURL,
		FoundBy: a.FoundBy, Language: a.Language,
	}
	if a.Type == "binary" || a.Type == "linux-kernel" {
		c.Type = sbom.Application
	}
	for _, p := range a.CPEs {
		c.CPEs = append(c.CPEs, p.Value)
	}
	for _, l := range a.Licenses {
		c.Licenses = append(c.Licenses, l.noun())
	}
	for _, l := range a.primary() {
		c.Occurrences = append(c.Occurrences, sbom.Occurrence{Path: rooted(l.Path), Layer: l.LayerID})
	}
	var m metadata
	if len(a.Metadata) > 0 && json.Unmarshal(a.Metadata, &m) == nil {
		m.tell(&c)
	}
	c.Properties = append(c.Properties, sbom.Property{Name: "syft:package:type", Value: a.Type})
	c.NoteName()
	return c
}

// primary are the places that syft names as evidence, or all if none is.
func (a *artifact) primary() []location {
	var out []location
	for _, l := range a.Locations {
		if l.Annotations["evidence"] == "primary" {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return a.Locations
	}
	return out
}

func (l licence) noun() sbom.License {
	out := sbom.License{Declared: l.Type == "declared"}
	switch {
	case l.Expression == "":
		out.Name = l.Value
	case strings.ContainsAny(l.Expression, " ()") || strings.HasPrefix(l.Expression, "LicenseRef-"):
		out.Expression = l.Expression
	default:
		out.ID = l.Expression
	}
	if len(l.URLs) > 0 {
		out.URL = l.URLs[0]
	}
	return out
}

// tell fills in what the ecosystem's metadata says of makers and addresses.
func (m *metadata) tell(c *sbom.Component) {
	for _, s := range []text{m.Vendor, m.Packager, m.Maintainer} {
		if s != "" {
			c.Supplier, c.Publisher = string(s), string(s)
		}
	}
	author := string(m.Author)
	if m.AuthorEmail != "" && !strings.Contains(author, string(m.AuthorEmail)) {
		author = strings.TrimSpace(author + " <" + string(m.AuthorEmail) + ">")
	}
	if author != "" {
		c.Authors = append(c.Authors, author)
	}
	c.Authors = append(c.Authors, m.Authors...)
	c.Description, _, _ = strings.Cut(string(m.Description), "\n")
	for _, s := range []text{m.Homepage, m.URL} {
		u, err := url.Parse(string(s))
		if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			u.User = nil
			c.References = append(c.References, sbom.Reference{Type: "website", URL: u.String()})
		}
	}
	m.binary(c)
}

var fileFacts = map[string]sbom.Kind{
	"CompanyName": sbom.PECompanyName, "ProductName": sbom.PEProductName, "LegalCopyright": sbom.PELegalCopyright,
	"LegalTrademarks": sbom.PELegalTrademarks, "FileDescription": sbom.PEFileDescription,
	"OriginalFilename": sbom.PEOriginalFilename, "InternalName": sbom.PEInternalName,
	"Implementation-Vendor": sbom.JavaVendor, "Bundle-Vendor": sbom.JavaVendor,
	"Implementation-Title": sbom.JavaTitle, "Bundle-Name": sbom.JavaTitle,
}

// binary notes what a program or an archive says of itself.
func (m *metadata) binary(c *sbom.Component) {
	for _, kv := range append(m.Versions, m.Manifest.Main...) {
		kind, ok := fileFacts[kv.Key]
		if !ok || strings.TrimSpace(kv.Value) == "" {
			continue
		}
		if (kind == sbom.PECompanyName || kind == sbom.JavaVendor) && c.Manufacturer == "" {
			c.Manufacturer = sbom.CleanValue(kv.Value)
		}
		for _, o := range c.Occurrences {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: kind, Value: kv.Value, Path: o.Path, Layer: o.Layer, Where: kv.Key})
		}
	}
}
