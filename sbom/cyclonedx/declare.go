package cyclonedx

import (
	"fmt"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Declarations are what was concluded from the inventory, regime by regime, as
// CycloneDX attestations (specification 1.6, "declarations" and "definitions").
type Declarations struct {
	Assessor  string // who judged: the tool, or an organisation
	Standards []Standard
}

// Standard is one set of rules, a legal instrument, and how the subject stands.
type Standard struct {
	ID          string // unique among the standards
	Name        string
	Version     string // the day whose law was applied, or a version
	Owner       string // who issued it
	Description string
	Sources     []string // URLs; others are left out
	Requirement string   // what it asks, in a sentence
	Summary     string   // of the attestation
	Conformance float64  // 0 to 1: how far the subject conforms
	Confidence  float64  // 0 to 1: how far it could be examined
	Rationale   string
	Claims      []Claim
}

// Claim says something of a component or of the subject.
type Claim struct {
	Target    string // reference of a component; the subject when empty or not in the document
	Predicate string // "No covered article was found"
	Reasoning string
	Counter   bool // it speaks against conformance
	Evidence  []ClaimEvidence
	Against   []ClaimEvidence // counter-evidence
}

// ClaimEvidence is one fact.
type ClaimEvidence struct {
	Name string // its kind
	Text string
}

// declare adds the declarations to the document.
func (b *builder) declare(bom *cdx.BOM, in *Declarations) {
	d := declaring{builder: b}
	assessor := cdx.BOMReference(b.ref("assessor"))
	var attestations []cdx.Attestation
	var standards []cdx.StandardDefinition
	for _, s := range in.Standards {
		requirement := b.ref("requirement:" + s.ID)
		standards = append(standards, cdx.StandardDefinition{
			BOMRef: b.ref("standard:" + s.ID), Name: s.Name, Version: s.Version, Description: s.Description, Owner: s.Owner,
			Requirements:       &[]cdx.StandardRequirement{{BOMRef: requirement, Identifier: s.ID, Text: s.Requirement}},
			ExternalReferences: sources(s.Sources),
		})
		m := cdx.AttestationMap{
			Requirement: requirement,
			Conformance: &cdx.AttestationConformance{Score: &s.Conformance, Rationale: s.Rationale},
			Confidence:  &cdx.AttestationConfidence{Score: &s.Confidence},
		}
		var pro, con []cdx.BOMReference
		for _, c := range s.Claims {
			if ref := d.claim(s.ID, c); c.Counter {
				con = append(con, ref)
			} else {
				pro = append(pro, ref)
			}
		}
		m.Claims, m.CounterClaims = list(pro), list(con)
		attestations = append(attestations, cdx.Attestation{Summary: s.Summary, Assessor: assessor, Map: &[]cdx.AttestationMap{m}})
	}
	bom.Declarations = &cdx.Declarations{
		Assessors:    &[]cdx.Assessor{{BOMRef: assessor, Organization: organisation(in.Assessor)}},
		Attestations: list(attestations), Claims: list(d.claims), Evidence: list(d.evidence),
	}
	bom.Definitions = &cdx.Definitions{Standards: list(standards)}
}

func sources(urls []string) *[]cdx.ExternalReference {
	var out []cdx.ExternalReference
	for _, u := range urls {
		if isURI(u) {
			out = append(out, cdx.ExternalReference{Type: cdx.ERTypeDocumentation, URL: u})
		}
	}
	return list(out)
}

// declaring collects claims and evidence of all standards. The same fact is
// one evidence, however many claims rest on it.
type declaring struct {
	*builder
	claims   []cdx.Claim
	evidence []cdx.DeclarationEvidence
	known    map[ClaimEvidence]cdx.BOMReference
}

func (d *declaring) claim(standard string, c Claim) cdx.BOMReference {
	target := c.Target
	if !d.refs[target] {
		target = d.subjectRef
	}
	ref := d.ref(fmt.Sprintf("claim:%s:%d", standard, len(d.claims)+1))
	d.claims = append(d.claims, cdx.Claim{
		BOMRef: ref, Target: cdx.BOMReference(target), Predicate: c.Predicate, Reasoning: c.Reasoning,
		Evidence: d.facts(c.Evidence), CounterEvidence: d.facts(c.Against),
	})
	return cdx.BOMReference(ref)
}

func (d *declaring) facts(in []ClaimEvidence) *[]cdx.BOMReference {
	var out []cdx.BOMReference
	for _, e := range in {
		ref, ok := d.known[e]
		if !ok {
			ref = cdx.BOMReference(d.ref(fmt.Sprintf("evidence:%d", len(d.evidence)+1)))
			if d.known == nil {
				d.known = make(map[ClaimEvidence]cdx.BOMReference)
			}
			d.known[e] = ref
			d.evidence = append(d.evidence, cdx.DeclarationEvidence{BOMRef: string(ref), PropertyName: e.Name, Description: e.Text})
		}
		out = append(out, ref)
	}
	return list(out)
}
