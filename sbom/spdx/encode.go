package spdx

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/interdict/interdict/sbom"
)

// builder makes one document.
type builder struct {
	inv       *sbom.Inventory
	ids       map[string]string // component reference to SPDX identifier
	extracted map[string]extracted
	annotator string
	date      string
	subject   string
}

func build(inv *sbom.Inventory, files bool) (*document, error) {
	b := &builder{inv: inv, ids: map[string]string{}, extracted: map[string]extracted{}}
	b.date = date(inv.Created)
	b.annotator = "Tool: " + creatorOf(inv.Tool)
	b.subject = identifier("Subject", inv.Subject.Name, inv.Subject.Digest)
	for i := range inv.Components {
		if c := &inv.Components[i]; files || !c.IsPlainFile() {
			b.ids[c.Ref] = identifier(cmp.Or(string(c.Type), "package"), c.Name, c.Ref)
		}
	}
	doc := &document{
		Version: "SPDX-" + Version, DataLicense: "CC0-1.0", ID: documentID,
		Name:      cmp.Or(inv.Subject.Name, inv.Subject.Digest, "unnamed"),
		Creation:  creation{Created: b.date, Creators: []string{b.annotator}, Comment: coverage(inv)},
		Describes: []string{b.subject},
		Packages:  []pkg{b.subjectPackage()},
	}
	n := noteOf(inv)
	doc.Relationships = append(doc.Relationships, relationship{From: documentID, Type: "DESCRIBES", To: b.subject})
	for i := range inv.Components {
		c := &inv.Components[i]
		if b.ids[c.Ref] == "" {
			continue
		}
		p, err := b.pkg(c)
		if err != nil {
			return nil, fmt.Errorf("component %s: %w", c.Ref, err)
		}
		doc.Packages = append(doc.Packages, p)
		n.Noted += len(p.Annotations)
	}
	note, err := marshal(n)
	if err != nil {
		return nil, err
	}
	doc.Annotations = []annotation{b.annotation(inventoryNote, string(note))}
	b.relate(doc)
	for _, id := range slices.Sorted(maps.Keys(b.extracted)) {
		doc.Extracted = append(doc.Extracted, b.extracted[id])
	}
	doc.Namespace = b.namespace()
	return doc, nil
}

// space is the name space of our document identifiers (RFC 9562, section 5.5).
var space = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/interdict/interdict#spdx"))

// namespace is the same for the same subject, looked at by the same tool for
// the same patterns, with the same components.
func (b *builder) namespace() string {
	h := sha256.New()
	s, t := &b.inv.Subject, &b.inv.Tool
	parts := []string{string(s.Kind), s.Name, s.Digest, s.Platform, t.Name, t.Version, b.inv.Foreign, b.date}
	parts = append(append(parts, t.Detectors...), t.Watched...)
	for i := range b.inv.Components {
		parts = append(parts, b.inv.Components[i].Ref)
	}
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "https://github.com/interdict/interdict/spdx/" + uuid.NewSHA1(space, h.Sum(nil)).String()
}

// creatorOf is a tool as clause 6.8 wants it: "name-version".
func creatorOf(t sbom.Tool) string {
	if t.Version == "" {
		return cmp.Or(t.Name, "interdict")
	}
	return cmp.Or(t.Name, "interdict") + "-" + t.Version
}

// date is a time as clause 6.9 wants it. One that is not stated is 1970, for
// the field is mandatory and equal inventories give equal documents.
func date(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// identifier is unique for key, and of the letters that clause 7.2 allows.
func identifier(what, name, key string) string {
	sum := sha256.Sum256([]byte(key))
	return "SPDXRef-" + idString(what) + "-" + idString(name) + "-" + hex.EncodeToString(sum[:8])
}

func idString(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
			return r
		}
		return '-'
	}, s)
	return s[:min(len(s), 64)]
}

func (b *builder) annotation(prefix, text string) annotation {
	return annotation{Annotator: b.annotator, Date: b.date, Type: "OTHER", Comment: prefix + text}
}

// coverage tells readers in words what was examined.
func coverage(inv *sbom.Inventory) string {
	c := inv.Coverage
	gaps := 0
	for _, g := range c.Gaps {
		if g.Reason != sbom.Malformed {
			gaps++
		}
	}
	text := fmt.Sprintf("%d of %d files were examined.", c.FilesExamined, c.FilesSeen)
	if gaps > 0 {
		text += fmt.Sprintf(" The document is incomplete: %d things could not be examined.", gaps)
	}
	if inv.Foreign != "" {
		text += " Made from a document of " + inv.Foreign + "."
	}
	return text
}

func (b *builder) subjectPackage() pkg {
	s := &b.inv.Subject
	p := pkg{
		ID: b.subject, Name: cmp.Or(s.Name, s.Digest, "unnamed"), Version: s.Digest,
		DownloadLocation: noAssertion, LicenseConcluded: noAssertion, LicenseDeclared: noAssertion,
		Copyright: noAssertion, Supplier: noAssertion, Purpose: "FILE",
	}
	switch s.Kind {
	case sbom.Image:
		p.Purpose = "CONTAINER"
	case sbom.Collection:
		p.Purpose = "OTHER"
	}
	if hex, ok := strings.CutPrefix(s.Digest, "sha256:"); ok && isHex(hex, 64) {
		p.Checksums = []checksum{{"SHA256", hex}}
	}
	if isLocator(s.PURL) {
		p.ExternalRefs = []externalRef{{"PACKAGE-MANAGER", "purl", s.PURL}}
	}
	return p
}

// relate writes subject -> components that nothing else contains, and what
// components contain and need.
func (b *builder) relate(doc *document) {
	inside := map[string]bool{}
	for i := range b.inv.Components {
		for _, r := range b.inv.Components[i].Contains {
			inside[r] = true
		}
	}
	add := func(from, kind, to string) {
		doc.Relationships = append(doc.Relationships, relationship{From: from, Type: kind, To: to})
	}
	for i := range b.inv.Components {
		c := &b.inv.Components[i]
		id := b.ids[c.Ref]
		if id == "" {
			continue
		}
		if !inside[c.Ref] {
			add(b.subject, "CONTAINS", id)
		}
		for _, r := range c.Contains {
			if to := b.ids[r]; to != "" {
				add(id, "CONTAINS", to)
			}
		}
		for _, r := range c.DependsOn {
			if to := b.ids[r]; to != "" {
				add(id, "DEPENDS_ON", to)
			}
		}
	}
}
