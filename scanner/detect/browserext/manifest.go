package browserext

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/interdict/interdict/sbom"
)

// manifest reads a WebExtension's manifest.json.
// Source: developer.chrome.com "Manifest file format"; MDN "manifest.json".
func manifest(n *notes, b []byte) {
	var m struct {
		Name, Version string
		Key           string
		HomepageURL   string          `json:"homepage_url"`
		Author        json.RawMessage `json:"author"`
		Browser       gecko           `json:"browser_specific_settings"`
		Applications  gecko           `json:"applications"`
	}
	if json.Unmarshal(trimBOM(b), &m) != nil {
		return
	}
	if m.Browser.Gecko.ID != "" {
		n.add(m.Browser.Gecko.ID, "browser_specific_settings.gecko.id")
	}
	if m.Applications.Gecko.ID != "" {
		n.add(m.Applications.Gecko.ID, "applications.gecko.id")
	}
	if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m.Key), "")); err == nil && len(der) > 32 {
		n.add(keyID(der), "key")
	}
	n.add(idInPath(n.path), "path")
	if len(n.c.Evidence) == 0 {
		return // it is not known which: other programs have such manifests too
	}
	n.c.Type = sbom.Application
	n.c.Name = n.c.Evidence[0].Value
	if s := sbom.CleanValue(m.Name); s != "" && !strings.HasPrefix(s, "__MSG_") {
		n.c.Name = s
	}
	n.c.Version = sbom.CleanValue(m.Version)
	var author string
	var person struct{ Name, Email string }
	if json.Unmarshal(m.Author, &author) != nil && json.Unmarshal(m.Author, &person) == nil {
		author = person.Name
	}
	if author = sbom.CleanValue(author); author != "" {
		n.c.Authors = []string{author}
	}
	if strings.HasPrefix(m.HomepageURL, "http") {
		n.c.References = []sbom.Reference{{Type: "website", URL: sbom.CleanValue(m.HomepageURL)}}
	}
}

type gecko struct{ Gecko struct{ ID string } }

func trimBOM(b []byte) []byte { return []byte(strings.TrimPrefix(string(b), "\xef\xbb\xbf")) }

// installRDF reads the manifest of the extensions of old of Firefox: em:id of
// the manifest itself, not of the applications that it is for.
func installRDF(n *notes, b []byte) {
	d := xml.NewDecoder(strings.NewReader(string(trimBOM(b))))
	d.Strict = false
	depth, in := 0, ""
	for {
		tok, err := d.RawToken()
		if err != nil {
			return
		}
		switch t := tok.(type) {
		case xml.StartElement:
			depth++
			in = t.Name.Local
			for _, a := range t.Attr {
				if in == "Description" && a.Name.Local == "id" && depth <= 2 && geckoID.MatchString(a.Value) {
					n.add(a.Value, "em:id")
				}
			}
		case xml.CharData:
			if id := strings.TrimSpace(string(t)); in == "id" && depth == 3 && len(id) < 256 && geckoID.MatchString(id) {
				n.add(id, "em:id")
			}
		case xml.EndElement:
			depth--
			in = ""
		}
	}
}

const crxMagic = "Cr24"

// crx reads the header of a packed extension of Chromium: of version 2 the key,
// of version 3 the identifier that was signed.
// Source: Chromium, components/crx_file/crx3.proto.
func crx(n *notes, b []byte) {
	if len(b) < 16 {
		return
	}
	size := uint64(binary.LittleEndian.Uint32(b[8:]))
	switch binary.LittleEndian.Uint32(b[4:]) {
	case 2:
		if size > 0 && size <= uint64(len(b)-16) {
			n.add(keyID(b[16:16+size]), "public key of the CRX")
		}
	case 3:
		if size > uint64(len(b)-12) {
			return
		}
		const signedHeaderData, crxID = 10000, 1
		if id := field(field(b[12:12+size], signedHeaderData), crxID); len(id) == 16 {
			n.add(letters(id), "signed header of the CRX")
		}
	}
}

// field returns the first field of a message that has the number and holds bytes.
func field(b []byte, number protowire.Number) []byte {
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 {
			return nil
		}
		b = b[k:]
		if num == number && typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			return v
		}
		if k = protowire.ConsumeFieldValue(num, typ, b); k < 0 {
			return nil
		}
		b = b[k:]
	}
	return nil
}
