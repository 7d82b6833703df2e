package cyclonedx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// foreignMetadata reads the subject and the layers of another tool's document.
func (r *reading) foreignMetadata() {
	inv := r.inv
	inv.Foreign = r.toolName()
	s := r.doc.Subject
	if s == nil {
		s = &component{}
	}
	inv.Subject.Kind = sbom.Directory
	if s.Type == "container" {
		inv.Subject.Kind = sbom.Image
	}
	inv.Subject.Name, inv.Subject.PURL = s.Name, s.PURL
	if strings.HasPrefix(s.Version, "sha256:") {
		inv.Subject.Digest = s.Version // syft
	} else if strings.HasPrefix(s.PURL, "pkg:oci/") { // trivy
		_, digest, ok := strings.Cut(strings.Replace(s.PURL, "@sha256%3A", "@sha256:", 1), "@sha256:")
		if digest, _, _ = strings.Cut(digest, "?"); ok {
			inv.Subject.Digest = "sha256:" + digest
		}
	}
	for _, p := range append(slices.Clone(r.doc.Properties), s.Properties...) {
		r.foreignProperty(p)
	}
	r.foreignSubject(s)
	r.foreignGaps(s.Ref)
	r.unreadFields()
}

func (r *reading) foreignProperty(p property) {
	s := &r.inv.Subject
	if label, ok := strings.CutPrefix(p.Name, "syft:image:labels:"); ok {
		r.label(label, p.Value)
		return
	}
	if label, ok := strings.CutPrefix(p.Name, "aquasecurity:trivy:Labels:"); ok {
		r.label(label, p.Value)
		return
	}
	switch p.Name {
	case "aquasecurity:trivy:DiffID":
		r.inv.Layers = append(r.inv.Layers, sbom.Layer{DiffID: p.Value})
	case "aquasecurity:trivy:ImageID":
		s.ImageID = p.Value
	case "aquasecurity:trivy:RepoTag":
		s.Tags = append(s.Tags, p.Value)
	}
}

// toolName names the tool that made the document: "syft 1.54.1".
func (r *reading) toolName() string {
	for _, t := range r.doc.Tools {
		if t.Name != "" {
			return strings.TrimSpace(t.Name + " " + t.Version)
		}
	}
	for _, t := range r.doc.LegacyTools {
		if t.Name != "" {
			return strings.TrimSpace(t.Name + " " + t.Version)
		}
	}
	return "unknown tool"
}

// foreignGaps notes that the document says itself that it is not complete.
func (r *reading) foreignGaps(subject string) {
	for _, c := range r.doc.Compositions {
		if !strings.HasPrefix(c.Aggregate, "incomplete") {
			continue
		}
		whole := len(c.Assemblies) == 0
		for _, a := range c.Assemblies {
			whole = whole || a.Ref == subject
		}
		if whole {
			r.inv.Coverage.Gaps = append(r.inv.Coverage.Gaps, sbom.Gap{
				Reason: sbom.NotEvaluated, Detail: "the document says of itself: " + c.Aggregate,
			})
		}
	}
}

// foreignComponent reads what other tools have other words for. All of their
// properties are kept too.
func foreignComponent(out *sbom.Component, c *component) {
	if len(out.Authors) == 0 && c.Author != "" {
		out.Authors = append(out.Authors, c.Author)
	}
	out.FoundBy = c.property("syft:package:foundBy")
	out.Language = c.property("syft:package:language")
	for _, p := range c.Properties {
		out.Properties = append(out.Properties, sbom.Property(p))
		if p.Name == "syft:cpe23" {
			out.CPEs = append(out.CPEs, p.Value)
		}
	}
	out.Occurrences = c.foreignPlaces()
}

// foreignPlaces reads places from evidence.occurrences, from syft's location
// properties and from trivy's.
func (c *component) foreignPlaces() []sbom.Occurrence {
	var out []sbom.Occurrence
	bySyft := make(map[int]*sbom.Occurrence)
	var trivy sbom.Occurrence
	for _, p := range c.Properties {
		if rest, ok := strings.CutPrefix(p.Name, "syft:location:"); ok {
			n, field, _ := strings.Cut(rest, ":")
			i, err := strconv.Atoi(n)
			if err != nil {
				continue
			}
			if bySyft[i] == nil {
				bySyft[i] = &sbom.Occurrence{}
			}
			switch field {
			case "path":
				bySyft[i].Path = rooted(p.Value)
			case "layerID":
				bySyft[i].Layer = p.Value
			}
			continue
		}
		switch p.Name {
		case "aquasecurity:trivy:FilePath":
			trivy.Path = rooted(p.Value)
		case "aquasecurity:trivy:LayerDiffID":
			trivy.Layer = p.Value
		}
	}
	for _, o := range bySyft {
		out = append(out, *o)
	}
	if trivy != (sbom.Occurrence{}) {
		out = append(out, trivy)
	}
	if len(out) == 0 {
		for _, p := range c.Places {
			out = append(out, sbom.Occurrence{Path: rooted(p.Location)})
		}
	}
	slices.SortFunc(out, func(a, b sbom.Occurrence) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer))
	})
	return out
}

func rooted(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

func (c *component) property(name string) string {
	for _, p := range c.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}
