package cyclonedx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// cyclonedx-go 0.12.0 writes the references of declarations as attributes; the
// schema (bom-1.6.xsd, declarationsType) wants them as text. So these two
// elements, the last of a document, are written here.
type xmlDeclarations struct {
	XMLName      xml.Name         `xml:"declarations"`
	Assessors    []xmlAssessor    `xml:"assessors>assessor"`
	Attestations []xmlAttestation `xml:"attestations>attestation"`
	Claims       []xmlClaim       `xml:"claims>claim"`
	Evidence     []xmlEvidence    `xml:"evidence>evidence"`
}

type xmlAssessor struct {
	Ref  string `xml:"bom-ref,attr"`
	Name string `xml:"organization>name"`
}

type xmlAttestation struct {
	Summary     string   `xml:"summary,omitempty"`
	Assessor    string   `xml:"assessor"`
	Requirement string   `xml:"map>requirement"`
	Claims      []string `xml:"map>claims>claim"`
	Counter     []string `xml:"map>counterClaims>counterClaim"`
	Conformance float64  `xml:"map>conformance>score"`
	Rationale   string   `xml:"map>conformance>rationale,omitempty"`
	Confidence  float64  `xml:"map>confidence>score"`
}

type xmlClaim struct {
	Ref       string   `xml:"bom-ref,attr"`
	Target    string   `xml:"target"`
	Predicate string   `xml:"predicate"`
	Reasoning string   `xml:"reasoning,omitempty"`
	Evidence  []string `xml:"evidence"`
	Against   []string `xml:"counterEvidence"`
}

type xmlEvidence struct {
	Ref  string `xml:"bom-ref,attr"`
	Name string `xml:"propertyName"`
	Text string `xml:"description"`
}

type xmlDefinitions struct {
	XMLName   xml.Name      `xml:"definitions"`
	Standards []xmlStandard `xml:"standards>standard"`
}

type xmlStandard struct {
	Ref          string           `xml:"bom-ref,attr"`
	Name         string           `xml:"name"`
	Version      string           `xml:"version"`
	Description  string           `xml:"description"`
	Owner        string           `xml:"owner"`
	Requirements []xmlRequirement `xml:"requirements>requirement"`
	Sources      []xmlSource      `xml:"externalReferences>reference"`
}

type xmlRequirement struct {
	Ref        string `xml:"bom-ref,attr"`
	Identifier string `xml:"identifier"`
	Text       string `xml:"text"`
}

type xmlSource struct {
	Type string `xml:"type,attr"`
	URL  string `xml:"url"`
}

// encodeDeclared writes an XML document that has declarations.
func encodeDeclared(w io.Writer, bom *cdx.BOM, pretty bool) error {
	plain := *bom
	plain.Declarations, plain.Definitions = nil, nil
	var buf bytes.Buffer
	if err := cdx.NewBOMEncoder(&buf, cdx.BOMFileFormatXML).SetPretty(pretty).Encode(&plain); err != nil {
		return err
	}
	head, ok := bytes.CutSuffix(bytes.TrimRight(buf.Bytes(), "\n"), []byte("</bom>"))
	if !ok {
		return errors.New("the document does not end in </bom>")
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	if pretty {
		enc.Indent("  ", "  ")
	}
	if err := enc.Encode(declarationsXML(bom.Declarations)); err != nil {
		return err
	}
	if err := enc.Encode(definitionsXML(bom.Definitions)); err != nil {
		return err
	}
	end := "</bom>"
	if pretty {
		end = "\n</bom>"
	}
	_, err := io.WriteString(w, end)
	return err
}

func declarationsXML(d *cdx.Declarations) xmlDeclarations {
	var out xmlDeclarations
	for _, a := range all(d.Assessors) {
		x := xmlAssessor{Ref: string(a.BOMRef)}
		if a.Organization != nil {
			x.Name = a.Organization.Name
		}
		out.Assessors = append(out.Assessors, x)
	}
	for _, a := range all(d.Attestations) {
		m := (*a.Map)[0]
		out.Attestations = append(out.Attestations, xmlAttestation{
			Summary: a.Summary, Assessor: string(a.Assessor), Requirement: m.Requirement,
			Claims: texts(m.Claims), Counter: texts(m.CounterClaims),
			Conformance: *m.Conformance.Score, Rationale: m.Conformance.Rationale, Confidence: *m.Confidence.Score,
		})
	}
	for _, c := range all(d.Claims) {
		out.Claims = append(out.Claims, xmlClaim{c.BOMRef, string(c.Target), c.Predicate, c.Reasoning, texts(c.Evidence), texts(c.CounterEvidence)})
	}
	for _, e := range all(d.Evidence) {
		out.Evidence = append(out.Evidence, xmlEvidence{e.BOMRef, e.PropertyName, e.Description})
	}
	return out
}

func definitionsXML(d *cdx.Definitions) xmlDefinitions {
	var out xmlDefinitions
	for _, s := range all(d.Standards) {
		x := xmlStandard{Ref: s.BOMRef, Name: s.Name, Version: s.Version, Description: s.Description, Owner: s.Owner}
		for _, q := range all(s.Requirements) {
			x.Requirements = append(x.Requirements, xmlRequirement{q.BOMRef, q.Identifier, q.Text})
		}
		for _, e := range all(s.ExternalReferences) {
			x.Sources = append(x.Sources, xmlSource{string(e.Type), e.URL})
		}
		out.Standards = append(out.Standards, x)
	}
	return out
}

func all[T any](s *[]T) []T {
	if s == nil {
		return nil
	}
	return *s
}

func texts(refs *[]cdx.BOMReference) []string {
	var out []string
	for _, r := range all(refs) {
		out = append(out, string(r))
	}
	return out
}
