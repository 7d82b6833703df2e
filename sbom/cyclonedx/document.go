package cyclonedx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// document is the part of a CycloneDX document that an inventory is made of,
// in every version from 1.2 on. It is read from JSON by the lexer and from XML
// by its tags.
type document struct {
	XMLName      xml.Name
	Serial       string        `xml:"serialNumber,attr"`
	Format       string        `xml:"-"` // bomFormat; JSON only
	Spec         string        `xml:"-"` // specVersion; JSON only
	Timestamp    string        `xml:"metadata>timestamp"`
	LegacyTools  []tool        `xml:"metadata>tools>tool"`
	Tools        []component   `xml:"metadata>tools>components>component"`
	Subject      *component    `xml:"metadata>component"`
	Supplier     contact       `xml:"metadata>supplier"`    // of the subject
	Manufacture  contact       `xml:"metadata>manufacture"` // who made the subject; before 1.6
	Services     []service     `xml:"services>service"`
	Properties   []property    `xml:"metadata>properties>property"`
	Components   []component   `xml:"components>component"`
	Dependencies []dependency  `xml:"dependencies>dependency"`
	Compositions []composition `xml:"compositions>composition"`
	// Unread are the fields that are in the document and were not read, by the
	// path of their names; JSON only.
	Unread map[string]bool `xml:"-"`
}

type component struct {
	Ref         string       `xml:"bom-ref,attr"`
	Type        string       `xml:"type,attr"`
	Group       string       `xml:"group"`
	Name        string       `xml:"name"`
	Version     string       `xml:"version"`
	Supplier    string       `xml:"supplier>name"`
	Maker       string       `xml:"manufacturer>name"`
	Author      string       `xml:"author"` // before 1.6
	Authors     []contact    `xml:"authors>author"`
	Publisher   string       `xml:"publisher"`
	Description string       `xml:"description"`
	Scope       string       `xml:"scope"`
	Copyright   string       `xml:"copyright"`
	CPE         string       `xml:"cpe"`
	PURL        string       `xml:"purl"`
	Hashes      []hash       `xml:"hashes>hash"`
	Licenses    []license    `xml:"licenses>license"`
	Expressions []expression `xml:"licenses>expression"`
	Detailed    []expression `xml:"licenses>expression-detailed"` // 1.7, XML only
	References  []reference  `xml:"externalReferences>reference"`
	Places      []place      `xml:"evidence>occurrences>occurrence"`
	Properties  []property   `xml:"properties>property"`
	Components  []component  `xml:"components>component"`
	SWID        swid         `xml:"swid"`
	Ancestors   []component  `xml:"pedigree>ancestors>component"`
	Descendants []component  `xml:"pedigree>descendants>component"`
	Variants    []component  `xml:"pedigree>variants>component"`
}

// swid is a software identification tag (ISO/IEC 19770-2).
type swid struct {
	ID   string `xml:"tagId,attr"`
	Name string `xml:"name,attr"`
}

type service struct {
	Ref        string      `xml:"bom-ref,attr"`
	Provider   provider    `xml:"provider"`
	Group      string      `xml:"group"`
	Name       string      `xml:"name"`
	Version    string      `xml:"version"`
	Endpoints  []string    `xml:"endpoints>endpoint"`
	References []reference `xml:"externalReferences>reference"`
	Services   []service   `xml:"services>service"`
}

type provider struct {
	Name string   `xml:"name"`
	URLs []string `xml:"url"`
}

type tool struct {
	Vendor  string `xml:"vendor"`
	Name    string `xml:"name"`
	Version string `xml:"version"`
}

type contact struct {
	Name  string `xml:"name"`
	Email string `xml:"email"`
}

type hash struct {
	Algorithm string `xml:"alg,attr"`
	Value     string `xml:",chardata"`
}

type license struct {
	ID   string `xml:"id"`
	Name string `xml:"name"`
	URL  string `xml:"url"`
	Ack  string `xml:"acknowledgement,attr"`
}

type expression struct {
	Text string `xml:",chardata"`
	Attr string `xml:"expression,attr"` // of expression-detailed
	Ack  string `xml:"acknowledgement,attr"`
}

type reference struct {
	Type string `xml:"type,attr"`
	URL  string `xml:"url"`
}

type place struct {
	Location string `xml:"location"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

type dependency struct {
	Ref string       `xml:"ref,attr"`
	On  []dependency `xml:"dependency"`
}

type composition struct {
	Aggregate  string `xml:"aggregate"`
	Assemblies []struct {
		Ref string `xml:"ref,attr"`
	} `xml:"assemblies>assembly"`
}

// parse reads a document of at most limit components.
func parse(text string, limit int) (*document, error) {
	text = strings.TrimPrefix(text, "\xef\xbb\xbf") // byte order mark
	head := strings.TrimLeft(text, " \t\r\n")
	if head == "" {
		return nil, errors.New("the document is empty")
	}
	switch head[0] {
	case '{':
		return parseJSON(text, limit)
	case '<':
		return parseXML(text, limit)
	}
	return nil, fmt.Errorf("neither JSON nor XML: it begins with %q", head[:min(len(head), 16)])
}

func parseXML(text string, limit int) (*document, error) {
	if err := checkXML(text, limit); err != nil {
		return nil, err
	}
	var doc document
	if err := xml.NewDecoder(strings.NewReader(text)).Decode(&doc); err != nil {
		return nil, err
	}
	if doc.XMLName.Local != "bom" || !strings.HasPrefix(doc.XMLName.Space, "http://cyclonedx.org/schema/bom/") {
		return nil, fmt.Errorf("not a CycloneDX document: its root is %q in %q", doc.XMLName.Local, doc.XMLName.Space)
	}
	return &doc, nil
}

// checkXML refuses what is nested too deep or has too many components, before
// it takes memory.
func checkXML(text string, limit int) error {
	dec := xml.NewDecoder(strings.NewReader(text))
	depth, count := 0, 0
	for {
		tok, err := dec.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Local == "component" {
				count++
			}
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth || count > limit {
			line, _ := dec.InputPos()
			if depth > maxDepth {
				return fmt.Errorf("line %d: elements are nested deeper than %d", line, maxDepth)
			}
			return fmt.Errorf("line %d: more than %d components", line, limit)
		}
	}
}
