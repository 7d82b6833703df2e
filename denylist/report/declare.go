package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// maxAgainst bounds the gaps that one claim names as counter-evidence.
const maxAgainst = 100

// declarations puts a verdict into the terms of attestations: each regime is a
// standard with one requirement, each finding a claim against it.
func (r *Report) declarations(t *Target) *cyclonedx.Declarations {
	d := &cyclonedx.Declarations{Assessor: strings.TrimSpace(cmp.Or(r.Tool.Name, "interdict") + " " + r.Tool.Version)}
	for _, id := range t.Verdict.Regimes {
		g := r.regime(id)
		if g == nil {
			g = &denylist.Regime{ID: id, Name: id}
		}
		d.Standards = append(d.Standards, r.standard(t, g))
	}
	return d
}

func (r *Report) standard(t *Target, g *denylist.Regime) cyclonedx.Standard {
	s := cyclonedx.Standard{
		ID: g.ID, Name: cmp.Or(g.Name, g.ID), Version: cmp.Or(t.Verdict.AsOf.String(), r.AsOf.String()), Owner: g.Authority,
		Description: strings.TrimSuffix(g.Citation+". "+g.Who, ". "), Sources: g.Sources,
		Requirement: cmp.Or(g.Remedy, "No covered article is used, bought or provided."),
		Conformance: 1, Confidence: 1,
	}
	denied, review := 0, 0
	for i := range t.Verdict.Findings {
		f := &t.Verdict.Findings[i]
		for _, ruling := range f.Rulings {
			if ruling.Regime != g.ID || nameOnly(f) || ruling.Waiver != nil || ruling.Verdict != denylist.RulingDenied && ruling.Verdict != denylist.RulingReview {
				continue
			}
			if f.Level == denylist.Denied && ruling.Verdict == denylist.RulingDenied {
				denied++
			} else {
				review++
			}
			s.Claims = append(s.Claims, findingClaim(t, f, ruling))
		}
	}
	switch {
	case denied > 0:
		s.Conformance, s.Summary = 0, count(denied, "covered article")+" found."
	case review > 0:
		s.Conformance, s.Summary = 0.5, "No covered article is certain; "+count(review, "finding")+" to review."
	default:
		s.Summary = "No covered article found."
	}
	s.Rationale = s.Summary
	r.noneFound(t, &s, denied+review == 0)
	return s
}

// noneFound adds what was and was not examined, and the claim that nothing was
// found, if that is so.
func (r *Report) noneFound(t *Target, s *cyclonedx.Standard, none bool) {
	weigh, _ := t.weighty()
	if len(weigh) > 0 || t.Inventory.Foreign != "" {
		s.Confidence = 0.5
		s.Rationale += " Not all could be examined."
	}
	if !none {
		return
	}
	c := t.Inventory.Coverage
	claim := cyclonedx.Claim{
		Predicate: "No covered article was found",
		Reasoning: "No rule of the denylist that identifies a vendor named by the instrument matched what the bill of materials records.",
		Evidence: []cyclonedx.ClaimEvidence{
			{Name: "coverage", Text: fmt.Sprintf("%s seen (%s), %s read by a detector or cataloger", count(c.FilesSeen, "file"), size(c.BytesSeen), grouped(c.FilesExamined))},
			{Name: "denylist", Text: strings.TrimSpace(visible(r.List.Name + " " + r.List.Version + " " + r.List.Digest))},
		},
	}
	for i, g := range weigh {
		if i == maxAgainst {
			claim.Against = append(claim.Against, cyclonedx.ClaimEvidence{Name: "not examined", Text: "and " + grouped(int64(len(weigh)-i)) + " more"})
			break
		}
		claim.Against = append(claim.Against, cyclonedx.ClaimEvidence{Name: "not examined", Text: visible(string(g.Reason)) + ": " + gapLine(t, g)})
	}
	s.Claims = append(s.Claims, claim)
}

func findingClaim(t *Target, f *denylist.Finding, ruling denylist.Ruling) cyclonedx.Claim {
	c := cyclonedx.Claim{
		Target: f.Component.Ref, Predicate: sentence(t, f), Reasoning: visible(ruling.Reason), Counter: true,
	}
	for _, p := range f.Matches {
		c.Evidence = append(c.Evidence, cyclonedx.ClaimEvidence{Name: visible(string(p.Kind)), Text: proofLine(f, p)})
	}
	return c
}
