package spdx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/interdict/interdict/sbom"
)

// reading turns a document into an inventory.
type reading struct {
	doc       *document
	inv       *sbom.Inventory
	ours      bool
	noted     int // annotations of ours that packages lack
	extracted map[string]extracted
	at        map[string]int // SPDX identifier to component
	files     map[string]*file
	subject   string // identifier of the package that is the subject
}

func (d *document) inventory() (*sbom.Inventory, error) {
	r := &reading{
		doc: d, inv: &sbom.Inventory{}, at: make(map[string]int, len(d.Packages)),
		extracted: make(map[string]extracted, len(d.Extracted)), files: make(map[string]*file, len(d.Files)),
	}
	for _, e := range d.Extracted {
		r.extracted[e.ID] = e
	}
	if err := r.ownNote(); err != nil {
		return nil, err
	}
	if err := r.findSubject(); err != nil {
		return nil, err
	}
	if !r.ours {
		r.foreign()
	}
	for i := range d.Packages {
		if err := r.pkg(&d.Packages[i]); err != nil {
			return nil, err
		}
	}
	for i := range d.Files {
		r.file(&d.Files[i])
	}
	r.relate()
	if r.noted != 0 && r.inv.Foreign == "" {
		r.inv.Foreign = "a tool that changed a document of interdict"
	}
	return r.inv, nil
}

// ownNote reads the annotation that tells a document of ours.
func (r *reading) ownNote() error {
	for _, a := range r.doc.Annotations {
		text, ok := strings.CutPrefix(a.Comment, inventoryNote)
		if !ok {
			continue
		}
		if r.ours {
			return errors.New("two annotations describe the inventory")
		}
		var n inventory
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return fmt.Errorf("annotation of the document: %w", err)
		}
		if err := n.read(r.inv); err != nil {
			return err
		}
		r.ours, r.noted = true, n.Noted
	}
	return nil
}

// findSubject finds the package that stands for the whole. Of another tool's
// document it is one that is described, alone, and is no software itself.
func (r *reading) findSubject() error {
	described := r.doc.Describes
	for _, rel := range r.doc.Relationships {
		switch {
		case rel.Type == "DESCRIBES" && rel.From == documentID:
			described = append(described, rel.To)
		case rel.Type == "DESCRIBED_BY" && rel.To == documentID:
			described = append(described, rel.From)
		}
	}
	for _, id := range described {
		if id != described[0] {
			return nil
		}
	}
	if len(described) > 0 {
		r.subject = described[0]
	}
	return nil
}

// foreign reads what another tool tells of the subject.
func (r *reading) foreign() {
	inv := r.inv
	inv.Foreign = r.creator()
	inv.Created = parseTime(r.doc.Creation.Created)
	inv.Subject.Kind, inv.Subject.Name = sbom.Directory, r.doc.Name
	for i := range r.doc.Packages {
		p := &r.doc.Packages[i]
		if p.ID != r.subject {
			continue
		}
		inv.Subject.Name = p.Name
		c := p.component(r.extracted)
		inv.Subject.PURL = c.PURL
		if p.isImage() {
			inv.Subject.Kind = sbom.Image
			r.image(p, &c)
			if says(&c) {
				r.subject = "" // it is judged too
			}
		} else if !strings.HasPrefix(p.ID, "SPDXRef-DocumentRoot-") {
			r.subject = "" // it may be software, and is judged as such
		}
	}
}

// says reports whether the package of an image names more than the image: a
// maker, or what software it is.
func says(c *sbom.Component) bool {
	return c.Supplier+c.Publisher+c.Manufacturer != "" || len(c.Authors)+len(c.CPEs)+len(c.References) > 0 ||
		c.PURL != "" && !strings.HasPrefix(c.PURL, "pkg:oci/") && !strings.HasPrefix(c.PURL, "pkg:docker/")
}

// isImage reports whether a package is a container image.
func (p *pkg) isImage() bool {
	if p.Purpose == "CONTAINER" || strings.HasPrefix(p.ID, "SPDXRef-DocumentRoot-Image-") {
		return true
	}
	for _, x := range p.ExternalRefs {
		if x.Type == "purl" && (strings.HasPrefix(x.Locator, "pkg:oci/") || strings.HasPrefix(x.Locator, "pkg:docker/")) {
			return true
		}
	}
	return false
}

func (r *reading) image(p *pkg, c *sbom.Component) {
	s := &r.inv.Subject
	for _, h := range c.Hashes {
		if h.Algorithm == "SHA-256" {
			s.Digest = "sha256:" + h.Value // syft
		}
	}
	if strings.HasPrefix(p.Version, "sha256:") {
		s.Digest = p.Version
	} else if _, digest, ok := strings.Cut(c.PURL, "@sha256%3A"); ok {
		digest, _, _ = strings.Cut(digest, "?")
		s.Digest = "sha256:" + digest // trivy
	}
}

// creator names the tool that made the document: "syft-1.54.1".
func (r *reading) creator() string {
	for _, c := range r.doc.Creation.Creators {
		if t, ok := strings.CutPrefix(c, "Tool:"); ok {
			return strings.TrimSpace(t)
		}
	}
	if len(r.doc.Creation.Creators) > 0 {
		return strings.TrimSpace(r.doc.Creation.Creators[0])
	}
	return "unknown tool"
}

// parseTime is forgiving: a time that cannot be read is not stated.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func (r *reading) pkg(p *pkg) error {
	if p.ID != "" && p.ID == r.subject {
		return nil
	}
	c := p.component(r.extracted)
	for _, a := range p.Annotations {
		text, ok := strings.CutPrefix(a.Comment, componentNote)
		if !ok || !r.ours {
			continue
		}
		r.noted--
		var err error
		if c, err = overlay(&c, text); err != nil {
			return err
		}
	}
	if !r.ours {
		c.NoteName()
	}
	if _, taken := r.at[p.ID]; taken {
		return fmt.Errorf("two elements have the identifier %q", p.ID)
	}
	r.at[p.ID] = len(r.inv.Components)
	r.inv.Components = append(r.inv.Components, c)
	return nil
}

// file makes a file of another tool's document a component, for its path may
// be all that tells of it.
func (r *reading) file(f *file) {
	r.files[f.ID] = f
	path := rooted(f.Name)
	if path == "" {
		return
	}
	c := sbom.Component{
		Ref: f.ID, Type: sbom.FileType, Name: path, Hashes: hashes(f.Checksums),
		Occurrences: []sbom.Occurrence{f.occurrence()},
		Evidence: []sbom.Evidence{
			{Kind: sbom.Path, Value: path, Path: path},
			{Kind: sbom.Filename, Value: path[strings.LastIndexByte(path, '/')+1:], Path: path},
		},
	}
	if d := c.Occurrences[0].Digest; d != "" {
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.FileHash, Value: strings.TrimPrefix(d, "sha256:"), Path: path})
	}
	if _, taken := r.at[f.ID]; !taken {
		r.at[f.ID] = len(r.inv.Components)
		r.inv.Components = append(r.inv.Components, c)
	}
}

func (f *file) occurrence() sbom.Occurrence {
	o := sbom.Occurrence{Path: rooted(f.Name)}
	for _, c := range f.Checksums {
		if c.Algorithm == "SHA256" {
			o.Digest = "sha256:" + strings.ToLower(c.Value)
		}
	}
	return o
}

// rooted is a file's name, which is relative to the package's root
// (clause 8.1), as a path of ours.
func rooted(name string) string {
	name = strings.TrimPrefix(name, ".")
	if name == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}

// relate reads the edges. Those from the subject say nothing new.
func (r *reading) relate() {
	evident := map[string]bool{} // packages whose place is told
	for _, rel := range r.doc.Relationships {
		if f := r.files[rel.To]; f != nil && strings.HasPrefix(rel.Comment, "evident-by:") { // syft
			r.place(rel.From, f)
			evident[rel.From] = true
		}
	}
	for i := range r.doc.Packages {
		for _, id := range r.doc.Packages[i].HasFiles {
			r.edge(r.doc.Packages[i].ID, "CONTAINS", id, evident)
		}
	}
	for _, rel := range r.doc.Relationships {
		from, kind, to := rel.From, rel.Type, rel.To
		switch {
		case kind == "CONTAINED_BY":
			from, kind, to = to, "CONTAINS", from
		case strings.HasSuffix(kind, "DEPENDENCY_OF"): // RUNTIME_, BUILD_, ...
			from, kind, to = to, "DEPENDS_ON", from
		}
		r.edge(from, kind, to, evident)
	}
}

func (r *reading) edge(from, kind, to string, evident map[string]bool) {
	i, ok := r.at[from]
	j, ok2 := r.at[to]
	if !ok || !ok2 {
		return
	}
	c, ref := &r.inv.Components[i], r.inv.Components[j].Ref
	switch {
	case kind == "DEPENDS_ON":
		c.DependsOn = append(c.DependsOn, ref)
	case kind == "CONTAINS" && r.files[to] == nil:
		c.Contains = append(c.Contains, ref)
	case kind == "CONTAINS" && !evident[from]:
		r.place(from, r.files[to])
	}
}

func (r *reading) place(id string, f *file) {
	if i, ok := r.at[id]; ok && r.files[id] == nil && f.Name != "" {
		c := &r.inv.Components[i]
		c.Occurrences = append(c.Occurrences, f.occurrence())
	}
}
