package spdx

import (
	"fmt"
	"strings"
)

// tags reads the tag-value form: a line "Tag: value" each, and texts of many
// lines between <text> and </text>. Packages and files begin with their names.
type tags struct {
	doc  document
	pkg  *pkg
	file *file
	note *annotation // not yet put where it belongs
	ref  string      // what it is about
	last *relationship
	lic  *extracted
	all  []noted
}

// noted is an annotation and what it is about.
type noted struct {
	ref string
	annotation
}

func parseTags(text string) (document, error) {
	var t tags
	line := 0
	for text != "" {
		var row string
		row, text, _ = strings.Cut(text, "\n")
		line++
		row = strings.TrimSpace(row)
		if row == "" || row[0] == '#' {
			continue
		}
		tag, value, ok := strings.Cut(row, ":")
		if !ok {
			return document{}, fmt.Errorf("line %d: neither JSON nor a tag and its value", line)
		}
		value = strings.TrimSpace(value)
		if long, ok := strings.CutPrefix(value, "<text>"); ok {
			rest := long
			if !strings.Contains(long, "</text>") {
				rest = long + "\n" + text
			}
			inner, after, closed := strings.Cut(rest, "</text>")
			if !closed {
				return document{}, fmt.Errorf("line %d: <text> has no end", line)
			}
			value = inner
			if !strings.Contains(long, "</text>") {
				line += strings.Count(inner, "\n")
				_, text, _ = strings.Cut(after, "\n")
				text = strings.TrimPrefix(text, "\r")
			}
		}
		t.put(strings.TrimSpace(tag), value)
	}
	t.flush()
	t.settle()
	return t.doc, nil
}

func (t *tags) put(tag, value string) {
	switch {
	case t.document(tag, value), t.aside(tag, value):
	case t.pkg != nil:
		t.packageTag(tag, value)
	case t.file != nil:
		t.fileTag(tag, value)
	}
}

// document reads the tags that begin something or are about the whole.
func (t *tags) document(tag, value string) bool {
	d := &t.doc
	switch tag {
	case "SPDXVersion":
		d.Version = value
	case "DocumentName":
		d.Name = value
	case "DocumentNamespace":
		d.Namespace = value
	case "DocumentComment":
		d.Comment = value
	case "Creator":
		d.Creation.Creators = append(d.Creation.Creators, value)
	case "Created":
		d.Creation.Created = value
	case "PackageName":
		t.flush()
		t.pkg = &pkg{Name: value}
	case "FileName":
		t.flush()
		t.file = &file{Name: value}
	case "LicenseID":
		t.flush()
		t.lic = &extracted{ID: value}
	case "SPDXID":
		switch {
		case t.pkg != nil:
			t.pkg.ID = value
		case t.file != nil:
			t.file.ID = value
		default:
			d.ID = value
		}
	default:
		return false
	}
	return true
}

// aside reads relationships, annotations and licences, which may stand
// anywhere.
func (t *tags) aside(tag, value string) bool {
	switch tag {
	case "Relationship":
		f := strings.Fields(value)
		if len(f) == 3 {
			t.doc.Relationships = append(t.doc.Relationships, relationship{From: f[0], Type: f[1], To: f[2]})
			t.last = &t.doc.Relationships[len(t.doc.Relationships)-1]
		}
	case "RelationshipComment":
		if t.last != nil {
			t.last.Comment = value
		}
	case "Annotator":
		t.flushNote()
		t.note, t.ref = &annotation{Annotator: value}, ""
	case "AnnotationDate", "AnnotationType", "AnnotationComment", "SPDXREF":
		t.annotation(tag, value)
	case "ExtractedText":
		if t.lic != nil {
			t.lic.Text = value
		}
	case "LicenseName":
		if t.lic != nil {
			t.lic.Name = value
		}
	case "LicenseComment", "LicenseCrossReference":
	default:
		return false
	}
	return true
}

func (t *tags) annotation(tag, value string) {
	switch {
	case t.note == nil:
	case tag == "AnnotationDate":
		t.note.Date = value
	case tag == "AnnotationType":
		t.note.Type = value
	case tag == "SPDXREF":
		t.ref = value
	case tag == "AnnotationComment":
		t.note.Comment = value
	}
}

func (t *tags) packageTag(tag, value string) {
	p := t.pkg
	switch tag {
	case "PackageVersion":
		p.Version = value
	case "PackageFileName":
		p.FileName = value
	case "PackageSupplier":
		p.Supplier = value
	case "PackageOriginator":
		p.Originator = value
	case "PackageDownloadLocation":
		p.DownloadLocation = value
	case "PackageChecksum":
		p.Checksums = append(p.Checksums, checksumOf(value))
	case "PackageHomePage":
		p.Homepage = value
	case "PackageSourceInfo":
		p.SourceInfo = value
	case "PackageLicenseConcluded":
		p.LicenseConcluded = value
	case "PackageLicenseDeclared":
		p.LicenseDeclared = value
	case "PackageCopyrightText":
		p.Copyright = value
	case "PackageSummary":
		p.Summary = value
	case "PackageDescription":
		p.Description = value
	case "PrimaryPackagePurpose":
		p.Purpose = value
	case "ExternalRef":
		if f := strings.Fields(value); len(f) == 3 {
			p.ExternalRefs = append(p.ExternalRefs, externalRef{f[0], f[1], f[2]})
		}
	}
}

func (t *tags) fileTag(tag, value string) {
	if tag == "FileChecksum" {
		t.file.Checksums = append(t.file.Checksums, checksumOf(value))
	}
}

func checksumOf(value string) checksum {
	alg, sum, _ := strings.Cut(value, ":")
	return checksum{strings.TrimSpace(alg), strings.TrimSpace(sum)}
}

// flush puts away what was begun. A file after a package is in that package
// only if a relationship says so.
func (t *tags) flush() {
	if t.pkg != nil {
		t.doc.Packages = append(t.doc.Packages, *t.pkg)
	}
	if t.file != nil {
		t.doc.Files = append(t.doc.Files, *t.file)
	}
	if t.lic != nil {
		t.doc.Extracted = append(t.doc.Extracted, *t.lic)
	}
	t.pkg, t.file, t.lic = nil, nil, nil
	t.flushNote()
}

func (t *tags) flushNote() {
	if t.note != nil {
		t.all = append(t.all, noted{t.ref, *t.note})
	}
	t.note = nil
}

// settle puts the annotations where they belong.
func (t *tags) settle() {
	at := map[string]*pkg{}
	for i := range t.doc.Packages {
		at[t.doc.Packages[i].ID] = &t.doc.Packages[i]
	}
	for _, n := range t.all {
		if p := at[n.ref]; p != nil {
			p.Annotations = append(p.Annotations, n.annotation)
		} else if n.ref == "" || n.ref == documentID {
			t.doc.Annotations = append(t.doc.Annotations, n.annotation)
		}
	}
}
