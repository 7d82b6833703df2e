package cyclonedx

import (
	"fmt"
	"strings"
	"time"

	"github.com/interdict/interdict/sbom"
)

// reading turns a document into an inventory.
type reading struct {
	doc  *document
	inv  *sbom.Inventory
	ours bool
	at   map[string]int // component reference to position
	lex  lexer          // of the note that is being read
	err  error
}

func (d *document) inventory() (*sbom.Inventory, error) {
	r := &reading{doc: d, inv: &sbom.Inventory{}}
	for _, p := range d.Properties {
		if p.Name == propFormat {
			if p.Value != propertyFormat {
				return nil, fmt.Errorf("the properties are of format %q: a newer interdict wrote it", p.Value)
			}
			r.ours = true
		}
	}
	r.inv.Created = parseTime(d.Timestamp)
	r.inv.Components = make([]sbom.Component, 0, len(d.Components))
	r.at = make(map[string]int, len(d.Components))
	if r.ours {
		r.metadata()
	} else {
		r.foreignMetadata()
	}
	for i := range d.Components {
		r.component(&d.Components[i])
	}
	if !r.ours {
		r.services(d.Services)
	}
	r.dependencies()
	return r.inv, r.err
}

// parseTime is forgiving: a time that cannot be read is not stated.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// note reads the JSON of one property: fn is called with each name.
func (r *reading) note(p property, fn func(l *lexer, key string)) {
	r.lex = lexer{s: p.Value}
	l := &r.lex
	l.object(func(key string) { fn(l, key) })
	if err := l.end(); err != nil && r.err == nil {
		r.err = fmt.Errorf("property %s: %w", p.Name, err)
	}
}

func (r *reading) metadata() {
	inv := r.inv
	for _, p := range r.doc.Properties {
		switch p.Name {
		case propTool:
			r.note(p, func(l *lexer, key string) {
				switch key {
				case "name":
					inv.Tool.Name = l.text()
				case "version":
					inv.Tool.Version = l.text()
				default:
					l.skip()
				}
			})
		case propForeign:
			inv.Foreign = p.Value
		case propDetector:
			inv.Tool.Detectors = append(inv.Tool.Detectors, p.Value)
		case propWatched:
			inv.Tool.Watched = strings.Fields(p.Value)
		case propSubject:
			r.subjectNote(p)
		case propLayer:
			r.layerNote(p)
		case propCoverage:
			r.coverageNote(p)
		case propGap:
			r.gapNote(p)
		}
	}
	if s := r.doc.Subject; s != nil {
		for _, p := range s.Properties {
			if k, ok := strings.CutPrefix(p.Name, propLabel); ok {
				r.label(k, p.Value)
			} else if p.Name == propTag {
				inv.Subject.Tags = append(inv.Subject.Tags, p.Value)
			} else if k, ok := strings.CutPrefix(p.Name, propEvidence); ok {
				inv.Subject.Evidence = append(inv.Subject.Evidence, r.evidence(k, p, nil))
			}
		}
	}
}

func (r *reading) label(name, value string) {
	if r.inv.Subject.Labels == nil {
		r.inv.Subject.Labels = make(map[string]string)
	}
	r.inv.Subject.Labels[name] = value
}

func (r *reading) subjectNote(p property) {
	s := &r.inv.Subject
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "kind":
			s.Kind = sbom.SubjectKind(l.text())
		case "name":
			s.Name = l.text()
		case "digest":
			s.Digest = l.text()
		case "imageID":
			s.ImageID = l.text()
		case "indexedBy":
			s.IndexedBy = l.text()
		case "platform":
			s.Platform = l.text()
		case "purl":
			s.PURL = l.text()
		case "created":
			s.Created = parseTime(l.text())
		default:
			l.skip()
		}
	})
}

func (r *reading) layerNote(p property) {
	var out sbom.Layer
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "diffID":
			out.DiffID = l.text()
		case "digest":
			out.Digest = l.text()
		case "chainID":
			out.ChainID = l.text()
		case "mediaType":
			out.MediaType = l.text()
		case "size":
			out.Size = l.number()
		case "createdBy":
			out.CreatedBy = l.text()
		default:
			l.skip()
		}
	})
	r.inv.Layers = append(r.inv.Layers, out)
}

func (r *reading) coverageNote(p property) {
	c := &r.inv.Coverage
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "filesSeen":
			c.FilesSeen = l.number()
		case "filesExamined":
			c.FilesExamined = l.number()
		case "bytesSeen":
			c.BytesSeen = l.number()
		default:
			l.skip()
		}
	})
}

func (r *reading) gapNote(p property) {
	var g sbom.Gap
	r.note(p, func(l *lexer, key string) {
		switch key {
		case "path":
			g.Path = l.text()
		case "layer":
			g.Layer = l.text()
		case "reason":
			g.Reason = sbom.Reason(l.text())
		case "detail":
			g.Detail = l.text()
		case "detector":
			g.Detector = l.text()
		default:
			l.skip()
		}
	})
	r.inv.Coverage.Gaps = append(r.inv.Coverage.Gaps, g)
}

// dependencies reads the edges between components. Those from the subject and
// from layers are told by places already.
func (r *reading) dependencies() {
	for _, d := range r.doc.Dependencies {
		i, ok := r.at[d.Ref]
		if !ok {
			continue
		}
		c := &r.inv.Components[i]
		for _, on := range d.On {
			if _, ok := r.at[on.Ref]; ok {
				c.DependsOn = append(c.DependsOn, on.Ref)
			}
		}
	}
}
