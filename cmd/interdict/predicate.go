package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// bomType is the media type of a bill of materials
// (https://www.iana.org/assignments/media-types/application/vnd.cyclonedx+json).
const bomType = "application/vnd.cyclonedx+json"

// release is what is said of one image or file.
type release struct {
	target  report.Target
	bom     []byte // the document, see attest.Document
	verdict []byte // the predicate
}

// newRelease puts a judged target into words. document is the bill of materials
// as it came, or nil to write it.
func (j *judging) newRelease(t report.Target, document []byte, specVersion string) (*release, error) {
	if document == nil {
		var buf bytes.Buffer
		if err := cyclonedx.Encode(&buf, t.Inventory, cyclonedx.Options{SpecVersion: specVersion}); err != nil {
			return nil, err
		}
		document = buf.Bytes()
	}
	r := &release{target: t, bom: attest.Document(document)}
	var err error
	r.verdict, err = j.predicate(t, attest.Digest(r.bom)).Marshal()
	return r, err
}

// predicate is the verdict on a target in the form that is signed.
func (j *judging) predicate(t report.Target, bom string) *attest.Verdict {
	id, v := j.list.ID(), t.Verdict
	p := &attest.Verdict{
		Image:    attest.VerdictImage{Digest: t.Digest, Index: t.Inventory.Subject.IndexedBy, Platform: t.Platform},
		BOM:      attest.VerdictBOM{Digest: bom, MediaType: bomType},
		Denylist: attest.VerdictList{Name: id.Name, Version: id.Version, Digest: id.Digest, Issued: j.list.Issued().String()},
		AsOf:     v.AsOf.String(), Outcome: string(v.Outcome), Coverage: coverage(t.Inventory, v),
		Tool: attest.VerdictTool{Name: "interdict", Version: version()},
	}
	for _, id := range v.Regimes {
		p.Regimes = append(p.Regimes, regime(id, v.Findings))
	}
	for _, f := range v.Findings {
		switch {
		case f.Waiver != nil:
			p.Counts.Waived++
		case f.Standing() == denylist.Denied:
			p.Counts.Denied++
		case f.Standing() == denylist.Review:
			p.Counts.Review++
		default:
			p.Counts.Mention++
			continue
		}
		if len(p.Findings) < attest.MaxFindings {
			p.Findings = append(p.Findings, finding(f))
		}
	}
	return p
}

func regime(id string, fs []denylist.Finding) attest.VerdictRegime {
	r := attest.VerdictRegime{ID: id}
	for _, f := range fs {
		for _, ruling := range f.Rulings {
			switch {
			case ruling.Regime != id || ruling.Waiver != nil:
			case ruling.Verdict == denylist.RulingDenied && f.Level == denylist.Denied:
				r.Denied++
			case ruling.Verdict == denylist.RulingDenied, ruling.Verdict == denylist.RulingReview:
				r.Review++
			}
		}
	}
	return r
}

func finding(f denylist.Finding) attest.VerdictFinding {
	out := attest.VerdictFinding{ID: f.ID, Vendor: f.Vendor, Level: string(f.Level), Name: f.Component.Name, Version: f.Component.Version}
	if f.Waiver != nil {
		out.Waived = f.Waiver.Expires.String()
	}
	for _, r := range f.Rulings {
		if r.Verdict == denylist.RulingDenied && (r.Waiver == nil || f.Waiver != nil) {
			out.Regimes = append(out.Regimes, r.Regime)
		}
	}
	return out
}

func coverage(inv *sbom.Inventory, v denylist.Verdict) attest.VerdictCoverage {
	c := attest.VerdictCoverage{Complete: sbom.Coverage{Gaps: v.Gaps}.Complete(), FilesSeen: inv.Coverage.FilesSeen,
		FilesExamined: inv.Coverage.FilesExamined, BytesSeen: inv.Coverage.BytesSeen}
	for _, g := range v.Gaps {
		if c.Gaps == nil {
			c.Gaps = map[string]int{}
		}
		c.Gaps[string(g.Reason)]++
	}
	return c
}

// statements are the two things that are signed: what is in it, and how it was
// judged.
func (r *release) statements(subjects []attest.Subject) []*attest.Statement {
	return []*attest.Statement{
		{Subject: subjects, PredicateType: attest.CycloneDX, Predicate: r.bom},
		{Subject: subjects, PredicateType: attest.VerdictType, Predicate: r.verdict},
	}
}

// annotations are those of all that is attached to one image.
func (j *judging) annotations(r *release, predicateType string) map[string]string {
	id := j.list.ID()
	a := map[string]string{
		attach.AnnotationTool:  "interdict " + version(),
		attach.AnnotationImage: r.target.Digest,
	}
	created := j.created
	if created.IsZero() {
		created = r.target.Inventory.Subject.Created
	}
	if !created.IsZero() {
		a[attach.AnnotationCreated] = created.UTC().Format(time.RFC3339)
	}
	if predicateType == attest.VerdictType { // a bill of materials knows no list
		a[attach.AnnotationList] = fmt.Sprintf("%s %s %s", id.Name, id.Version, id.Digest)
	}
	if predicateType != "" {
		a[attach.AnnotationPredicate], a[attach.AnnotationContent] = predicateType, "dsse-envelope"
	}
	return a
}
