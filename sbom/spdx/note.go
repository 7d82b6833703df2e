package spdx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/interdict/interdict/sbom"
)

// Beginnings of the comments of our annotations; JSON follows.
const (
	inventoryNote = "interdict:inventory "
	componentNote = "interdict:component "
)

// noteFormat is the version of the notes below.
const noteFormat = 1

// The notes mirror the nouns of package sbom field by field: their order and
// types are the same, so that they convert.
type (
	occurrence struct {
		Path   string `json:"path,omitempty"`
		Layer  string `json:"layer,omitempty"`
		Hidden bool   `json:"hidden,omitempty"`
		Digest string `json:"digest,omitempty"`
	}
	evidence struct {
		Kind     sbom.Kind       `json:"kind"`
		Value    string          `json:"value"`
		Path     string          `json:"path,omitempty"`
		Layer    string          `json:"layer,omitempty"`
		Format   sbom.FileFormat `json:"format,omitempty"`
		Where    string          `json:"where,omitempty"`
		Detector string          `json:"detector,omitempty"`
		Count    int             `json:"count,omitempty"`
		Group    string          `json:"group,omitempty"`
	}
	license struct {
		ID         string `json:"id,omitempty"`
		Expression string `json:"expression,omitempty"`
		Name       string `json:"name,omitempty"`
		URL        string `json:"url,omitempty"`
		Declared   bool   `json:"declared,omitempty"`
	}
	hash struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"value"`
	}
	reference struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	layer struct {
		DiffID    string `json:"diffID,omitempty"`
		Digest    string `json:"digest,omitempty"`
		ChainID   string `json:"chainID,omitempty"`
		MediaType string `json:"mediaType,omitempty"`
		Size      int64  `json:"size,omitempty"`
		CreatedBy string `json:"createdBy,omitempty"`
	}
	gap struct {
		Path     string      `json:"path,omitempty"`
		Layer    string      `json:"layer,omitempty"`
		Reason   sbom.Reason `json:"reason"`
		Detail   string      `json:"detail,omitempty"`
		Detector string      `json:"detector,omitempty"`
	}
	tool struct {
		Name      string   `json:"name,omitempty"`
		Version   string   `json:"version,omitempty"`
		Detectors []string `json:"detectors,omitempty"`
		Watched   []string `json:"watched,omitempty"`
	}
)

type component struct {
	Ref         string             `json:"ref,omitempty"`
	Type        sbom.ComponentType `json:"type,omitempty"`
	Group       string             `json:"group,omitempty"`
	Name        string             `json:"name,omitempty"`
	Version     string             `json:"version,omitempty"`
	PURL        string             `json:"purl,omitempty"`
	CPEs        []string           `json:"cpes,omitempty"`
	Licenses    []license          `json:"licenses,omitempty"`
	Hashes      []hash             `json:"hashes,omitempty"`
	Supplier    string             `json:"supplier,omitempty"`
	Publisher   string             `json:"publisher,omitempty"`
	Maker       string             `json:"maker,omitempty"`
	Authors     []string           `json:"authors,omitempty"`
	Copyright   string             `json:"copyright,omitempty"`
	Desc        string             `json:"description,omitempty"`
	References  []reference        `json:"references,omitempty"`
	FoundBy     string             `json:"foundBy,omitempty"`
	Language    string             `json:"language,omitempty"`
	Scope       sbom.Scope         `json:"scope,omitempty"`
	Occurrences []occurrence       `json:"occurrences,omitempty"`
	Evidence    []evidence         `json:"evidence,omitempty"`
	Properties  []property         `json:"properties,omitempty"`
	DependsOn   []string           `json:"dependsOn,omitempty"` // that are not in the document
	Contains    []string           `json:"contains,omitempty"`  // that are not in the document
}

type inventory struct {
	Format  int        `json:"format"`
	Noted   int        `json:"noted"` // how many packages have an annotation of ours
	Tool    tool       `json:"tool"`
	Created *time.Time `json:"created,omitempty"`
	Subject struct {
		Kind      sbom.SubjectKind  `json:"kind,omitempty"`
		Name      string            `json:"name,omitempty"`
		Digest    string            `json:"digest,omitempty"`
		ImageID   string            `json:"imageID,omitempty"`
		IndexedBy string            `json:"indexedBy,omitempty"`
		Platform  string            `json:"platform,omitempty"`
		PURL      string            `json:"purl,omitempty"`
		Labels    map[string]string `json:"labels,omitempty"`
		Tags      []string          `json:"tags,omitempty"`
		Created   *time.Time        `json:"created,omitempty"`
		Evidence  []evidence        `json:"evidence,omitempty"`
	} `json:"subject"`
	Layers   []layer `json:"layers,omitempty"`
	Coverage struct {
		FilesSeen     int64 `json:"filesSeen"`
		FilesExamined int64 `json:"filesExamined"`
		BytesSeen     int64 `json:"bytesSeen"`
		Gaps          []gap `json:"gaps,omitempty"`
	} `json:"coverage"`
	Foreign string `json:"foreign,omitempty"`
}

func each[A, B any](in []A, fn func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = fn(a)
	}
	return out
}

func toNote(c *sbom.Component) component {
	return component{
		Ref: c.Ref, Type: c.Type, Group: c.Group, Name: c.Name, Version: c.Version, PURL: c.PURL, CPEs: c.CPEs,
		Licenses: each(c.Licenses, func(l sbom.License) license { return license(l) }),
		Hashes:   each(c.Hashes, func(h sbom.Hash) hash { return hash(h) }),
		Supplier: c.Supplier, Publisher: c.Publisher, Maker: c.Manufacturer, Authors: c.Authors, Copyright: c.Copyright, Desc: c.Description,
		References: each(c.References, func(r sbom.Reference) reference { return reference(r) }),
		FoundBy:    c.FoundBy, Language: c.Language, Scope: c.Scope,
		Occurrences: each(c.Occurrences, func(o sbom.Occurrence) occurrence { return occurrence(o) }),
		Evidence:    each(c.Evidence, func(e sbom.Evidence) evidence { return evidence(e) }),
		Properties:  each(c.Properties, func(p sbom.Property) property { return property(p) }),
		DependsOn:   c.DependsOn, Contains: c.Contains,
	}
}

func (c *component) noun() sbom.Component {
	return sbom.Component{
		Ref: c.Ref, Type: c.Type, Group: c.Group, Name: c.Name, Version: c.Version, PURL: c.PURL, CPEs: c.CPEs,
		Licenses: each(c.Licenses, func(l license) sbom.License { return sbom.License(l) }),
		Hashes:   each(c.Hashes, func(h hash) sbom.Hash { return sbom.Hash(h) }),
		Supplier: c.Supplier, Publisher: c.Publisher, Manufacturer: c.Maker, Authors: c.Authors, Copyright: c.Copyright, Description: c.Desc,
		References: each(c.References, func(r reference) sbom.Reference { return sbom.Reference(r) }),
		FoundBy:    c.FoundBy, Language: c.Language, Scope: c.Scope,
		Occurrences: each(c.Occurrences, func(o occurrence) sbom.Occurrence { return sbom.Occurrence(o) }),
		Evidence:    sbom.UpgradeEvidence(each(c.Evidence, func(e evidence) sbom.Evidence { return sbom.Evidence(e) })),
		Properties:  each(c.Properties, func(p property) sbom.Property { return sbom.Property(p) }),
		DependsOn:   c.DependsOn, Contains: c.Contains,
	}
}

// marshal is json.Marshal that leaves "<" and "&" as they are.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func fields(c *sbom.Component) (map[string]json.RawMessage, error) {
	text, err := marshal(toNote(c))
	if err != nil {
		return nil, err
	}
	m := map[string]json.RawMessage{}
	return m, json.Unmarshal(text, &m)
}

// difference returns the fields of want that differ in got, as JSON; a field
// that want has not is null.
func difference(want, got *sbom.Component) (json.RawMessage, error) {
	w, err := fields(want)
	if err != nil {
		return nil, err
	}
	g, err := fields(got)
	if err != nil {
		return nil, err
	}
	for k, v := range g {
		if own, ok := w[k]; !ok {
			w[k] = json.RawMessage("null")
		} else if bytes.Equal(own, v) {
			delete(w, k)
		}
	}
	return marshal(w)
}

// overlay is the inverse of difference.
func overlay(got *sbom.Component, note string) (sbom.Component, error) {
	m, err := fields(got)
	if err != nil {
		return sbom.Component{}, err
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal([]byte(note), &own); err != nil {
		return sbom.Component{}, fmt.Errorf("annotation of %s: %w", got.Ref, err)
	}
	for k, v := range own {
		if string(v) == "null" {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	text, err := marshal(m)
	if err != nil {
		return sbom.Component{}, err
	}
	var c component
	if err := json.Unmarshal(text, &c); err != nil {
		return sbom.Component{}, fmt.Errorf("annotation of %s: %w", got.Ref, err)
	}
	return c.noun(), nil
}

func stated(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func when(t *time.Time) time.Time {
	if t == nil || t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// noteOf holds all of an inventory but its components.
func noteOf(inv *sbom.Inventory) *inventory {
	n := &inventory{Format: noteFormat, Tool: tool(inv.Tool), Created: stated(inv.Created), Foreign: inv.Foreign}
	s := &inv.Subject
	n.Subject.Kind, n.Subject.Name, n.Subject.Digest, n.Subject.ImageID = s.Kind, s.Name, s.Digest, s.ImageID
	n.Subject.IndexedBy, n.Subject.Platform, n.Subject.PURL = s.IndexedBy, s.Platform, s.PURL
	n.Subject.Labels, n.Subject.Tags, n.Subject.Created = s.Labels, s.Tags, stated(s.Created)
	n.Subject.Evidence = each(s.Evidence, func(e sbom.Evidence) evidence { return evidence(e) })
	n.Layers = each(inv.Layers, func(l sbom.Layer) layer { return layer(l) })
	c := inv.Coverage
	n.Coverage.FilesSeen, n.Coverage.FilesExamined, n.Coverage.BytesSeen = c.FilesSeen, c.FilesExamined, c.BytesSeen
	n.Coverage.Gaps = each(c.Gaps, func(g sbom.Gap) gap { return gap(g) })
	return n
}

// read fills inv from the note.
func (n *inventory) read(inv *sbom.Inventory) error {
	if n.Format != noteFormat {
		return errors.New("the annotations are of a format that a newer interdict wrote")
	}
	inv.Tool, inv.Created, inv.Foreign = sbom.Tool(n.Tool), when(n.Created), n.Foreign
	s := &n.Subject
	inv.Subject = sbom.Subject{
		Kind: s.Kind, Name: s.Name, Digest: s.Digest, ImageID: s.ImageID, IndexedBy: s.IndexedBy,
		Platform: s.Platform, PURL: s.PURL, Labels: s.Labels, Tags: s.Tags, Created: when(s.Created),
		Evidence: each(s.Evidence, func(e evidence) sbom.Evidence { return sbom.Evidence(e) }),
	}
	inv.Layers = each(n.Layers, func(l layer) sbom.Layer { return sbom.Layer(l) })
	inv.Coverage = sbom.Coverage{
		FilesSeen: n.Coverage.FilesSeen, FilesExamined: n.Coverage.FilesExamined, BytesSeen: n.Coverage.BytesSeen,
		Gaps: each(n.Coverage.Gaps, func(g gap) sbom.Gap { return sbom.Gap(g) }),
	}
	return nil
}
