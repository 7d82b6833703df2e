package manifest

import (
	"encoding/xml"
	"strings"

	"github.com/interdict/interdict/sbom"
)

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

// readAppx reads the manifest of an MSIX or AppX package. The publisher is the
// subject of the certificate that the package must be signed with.
func readAppx(b []byte) (*facts, error) {
	var p struct {
		Identity struct {
			Name      string `xml:"Name,attr"`
			Publisher string `xml:"Publisher,attr"`
			Version   string `xml:"Version,attr"`
		} `xml:"Identity"`
		Properties struct {
			DisplayName string `xml:"DisplayName"`
			Publisher   string `xml:"PublisherDisplayName"`
			Description string `xml:"Description"`
		} `xml:"Properties"`
	}
	if err := xml.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	m := &facts{name: p.Identity.Name, version: p.Identity.Version, summary: p.Properties.Description}
	for _, who := range []string{p.Properties.Publisher, organisation(p.Identity.Publisher)} {
		if who != "" && !strings.HasPrefix(who, "ms-resource:") {
			m.authors = append(m.authors, who)
		}
	}
	return m, nil
}

// organisation is O, else CN, of a distinguished name in the form of RFC 4514.
func organisation(dn string) string {
	fields := map[string]string{}
	for dn != "" {
		key, rest, ok := strings.Cut(dn, "=")
		if !ok {
			break
		}
		value := ""
		if rest = strings.TrimLeft(rest, " "); strings.HasPrefix(rest, `"`) {
			value, rest, _ = strings.Cut(rest[1:], `"`)
			_, dn, _ = strings.Cut(rest, ",")
		} else {
			value, dn, _ = strings.Cut(rest, ",")
		}
		if key = strings.ToUpper(strings.TrimSpace(key)); fields[key] == "" {
			fields[key] = strings.TrimSpace(value)
		}
	}
	if fields["O"] != "" {
		return fields["O"]
	}
	return fields["CN"]
}

// readVSIX reads the manifest of an extension of Visual Studio (Code).
func readVSIX(b []byte) (*facts, error) {
	var p struct {
		Metadata struct {
			Identity struct {
				ID        string `xml:"Id,attr"`
				Publisher string `xml:"Publisher,attr"`
				Version   string `xml:"Version,attr"`
			} `xml:"Identity"`
			Description string `xml:"Description"`
			MoreInfo    string `xml:"MoreInfo"`
		} `xml:"Metadata"`
	}
	if err := xml.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	id := p.Metadata.Identity
	m := &facts{name: id.ID, version: id.Version, summary: p.Metadata.Description, home: p.Metadata.MoreInfo}
	if id.Publisher != "" {
		m.authors = []string{id.Publisher}
	}
	return m, nil
}

// readPackageInfo reads the manifest of a package in Apple's installers.
func readPackageInfo(b []byte) (*facts, error) {
	var p struct {
		XMLName    xml.Name `xml:"pkg-info"`
		Identifier string   `xml:"identifier,attr"`
		Version    string   `xml:"version,attr"`
	}
	if err := xml.Unmarshal(b, &p); err != nil {
		return nil, err
	}
	return &facts{name: p.Identifier, version: p.Version, evidence: sbom.BundleID}, nil
}
