package cyclonedx

import (
	"fmt"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// maxMethods bounds evidence.identity.methods of one component. All evidence
// is in the properties; the methods are a summary for other readers.
const maxMethods = 8

// identify fills component.evidence (specification 1.5 and later).
func (b *builder) identify(out *cdx.Component, c *sbom.Component) {
	if b.spec < cdx.SpecVersion1_5 {
		return
	}
	ev := cdx.Evidence{Identity: b.identity(c), Occurrences: b.occurrences(c.Occurrences)}
	if c.Copyright != "" {
		ev.Copyright = &[]cdx.Copyright{{Text: c.Copyright}}
	}
	if ev.Identity != nil || ev.Occurrences != nil || ev.Copyright != nil {
		out.Evidence = &ev
	}
}

func (b *builder) identity(c *sbom.Component) *cdx.EvidenceIdentityChoice {
	methods := methodsOf(c)
	if len(methods) == 0 {
		return nil
	}
	id := cdx.EvidenceIdentity{Field: cdx.EvidenceIdentityFieldTypeName}
	if isURI(c.PURL) {
		id.Field = cdx.EvidenceIdentityFieldTypePURL
	}
	top := float32(0)
	for _, m := range methods {
		top = max(top, *m.Confidence)
	}
	id.Confidence = &top
	id.Methods = &methods
	if b.toolRef != "" {
		id.Tools = &[]cdx.BOMReference{cdx.BOMReference(b.toolRef)}
	}
	if b.spec < cdx.SpecVersion1_6 {
		return &cdx.EvidenceIdentityChoice{Identity: &id}
	}
	return &cdx.EvidenceIdentityChoice{Identities: &[]cdx.EvidenceIdentity{id}}
}

// methodsOf summarises the evidence: one method for each kind, the first value
// of it.
func methodsOf(c *sbom.Component) []cdx.EvidenceIdentityMethod {
	var out []cdx.EvidenceIdentityMethod
	seen := make(map[sbom.Kind]bool, len(c.Evidence))
	for _, e := range c.Evidence {
		if seen[e.Kind] || len(out) == maxMethods {
			continue
		}
		seen[e.Kind] = true
		t, conf := technique(e.Kind)
		out = append(out, cdx.EvidenceIdentityMethod{Technique: t, Confidence: &conf, Value: string(e.Kind) + "=" + e.Value})
	}
	if len(out) == 0 && c.FoundBy != "" {
		t, conf := cdx.EvidenceIdentityTechniqueManifestAnalysis, float32(1)
		if strings.Contains(c.FoundBy, "binary") {
			t, conf = cdx.EvidenceIdentityTechniqueBinaryAnalysis, 0.7
		}
		m := cdx.EvidenceIdentityMethod{Technique: t, Confidence: &conf}
		if len(c.Occurrences) > 0 {
			m.Value = c.Occurrences[0].Path
		}
		out = append(out, m)
	}
	return out
}

// technique maps a kind of evidence to the specification's vocabulary
// (component.evidence.identity.methods.technique) and to how much such a fact
// tells of a component's identity, 0 to 1. The confidences are ours: they rank
// the classes and decide nothing.
func technique(k sbom.Kind) (cdx.EvidenceIdentityTechnique, float32) {
	info := k.Info()
	switch {
	case k == sbom.FileHash:
		return cdx.EvidenceIdentityTechniqueHashComparison, 1
	case info.Trust == sbom.Claimed:
		return cdx.EvidenceIdentityTechniqueBinaryAnalysis, 0.4
	case info.Class == sbom.ClassName && info.Is(sbom.SelfName):
		return cdx.EvidenceIdentityTechniqueBinaryAnalysis, 0.8 // read from within the program
	}
	switch info.Class {
	case sbom.ClassName:
		return cdx.EvidenceIdentityTechniqueFilename, 0.3
	case sbom.ClassSignature:
		return cdx.EvidenceIdentityTechniqueAttestation, 0.9
	case sbom.ClassIdentity:
		return cdx.EvidenceIdentityTechniqueBinaryAnalysis, 0.8
	case sbom.ClassCode:
		return cdx.EvidenceIdentityTechniqueBinaryAnalysis, 0.6
	case sbom.ClassMetadata:
		return cdx.EvidenceIdentityTechniqueManifestAnalysis, 1
	case sbom.ClassConfig:
		return cdx.EvidenceIdentityTechniqueManifestAnalysis, 0.5
	}
	return cdx.EvidenceIdentityTechniqueOther, 0.3
}

// occurrences writes places for other readers. additionalContext (1.6) is not
// written in XML: cyclonedx-go 0.12.0 writes it as an attribute, and the schema
// wants an element.
func (b *builder) occurrences(in []sbom.Occurrence) *[]cdx.EvidenceOccurrence {
	out := make([]cdx.EvidenceOccurrence, 0, len(in))
	for _, o := range in {
		e := cdx.EvidenceOccurrence{Location: o.Path}
		if e.Location == "" {
			e.Location = "/"
		}
		if b.spec >= cdx.SpecVersion1_6 && !b.xml {
			e.AdditionalContext = b.context(o)
		}
		out = append(out, e)
	}
	return list(out)
}

func (b *builder) context(o sbom.Occurrence) string {
	var parts []string
	if n, ok := b.layerIndex[o.Layer]; ok && o.Layer != "" {
		parts = append(parts, fmt.Sprintf("layer %d of %d", n+1, len(b.inv.Layers)))
	}
	if o.Hidden {
		parts = append(parts, "hidden by a later layer")
	}
	return strings.Join(parts, ", ")
}
