package cyclonedx

import (
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// Annotation is what a person, or the tool itself, says of a component.
type Annotation struct {
	Component string    // its reference; the subject when empty, or when it is not in the document
	Author    string    // the person's name; empty for the tool that made the inventory
	Made      time.Time // the specification wants one; 1970 when zero
	Text      string    // one without is not written
}

func (b *builder) annotations(in []Annotation) *[]cdx.Annotation {
	var out []cdx.Annotation
	for _, a := range in {
		if a.Text == "" {
			continue // the specification wants one
		}
		subject := b.subjectRef
		if b.refs[a.Component] {
			subject = a.Component
		}
		if a.Made.IsZero() {
			a.Made = time.Unix(0, 0)
		}
		by := &cdx.Annotator{Individual: &cdx.OrganizationalContact{Name: sbom.CleanText(a.Author)}}
		if t := b.inv.Tool; a.Author == "" && t.Name != "" {
			by = &cdx.Annotator{Component: &cdx.Component{Type: cdx.ComponentTypeApplication, Name: sbom.CleanText(t.Name), Version: sbom.CleanText(t.Version)}}
		}
		out = append(out, cdx.Annotation{
			BOMRef: b.ref("annotation"), Subjects: &[]cdx.BOMReference{cdx.BOMReference(subject)},
			Annotator: by,
			Timestamp: stamp(a.Made), Text: sbom.CleanText(a.Text),
		})
	}
	return list(out)
}
