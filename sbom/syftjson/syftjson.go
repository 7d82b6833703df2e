// Package syftjson reads the JSON format of syft, schema version 3 and later
// (https://github.com/anchore/syft/tree/main/schema/json). It reads what a
// judgement can use: packages with their places, makers and addresses, the
// files, the image's layers and labels.
package syftjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// The default bounds of a Decoder.
const (
	MaxSize       = 512 << 20 // bytes
	MaxComponents = 2_000_000 // packages and files
)

// Decoder reads documents within bounds. The zero value has the default
// bounds. It may be used by many goroutines.
type Decoder struct {
	MaxSize       int64 // bytes; MaxSize when zero
	MaxComponents int   // MaxComponents when zero
}

// Decode reads one document within the default bounds of a [Decoder].
func Decode(r io.Reader) (*sbom.Inventory, error) { return Decoder{}.Decode(r) }

// Decode reads one document. Its Foreign is syft with its version. The result
// is normalized.
func (d Decoder) Decode(r io.Reader) (*sbom.Inventory, error) {
	limit := d.MaxSize
	if limit <= 0 {
		limit = MaxSize
	}
	data, err := sbom.ReadDocument(r, limit)
	if err != nil {
		return nil, fmt.Errorf("reading syft JSON: %w", err)
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("decoding syft JSON: %w", err)
	}
	if doc.Artifacts == nil || doc.Schema.Version == "" {
		return nil, errors.New("decoding syft JSON: it has no artifacts, or no schema")
	}
	count := d.MaxComponents
	if count <= 0 {
		count = MaxComponents
	}
	if len(doc.Artifacts)+len(doc.Files) > count {
		return nil, fmt.Errorf("decoding syft JSON: more than %d packages and files", count)
	}
	inv := doc.inventory()
	inv.Normalize()
	return inv, nil
}

// document has the fields of syft's schema that are read.
type document struct {
	Artifacts     []artifact     `json:"artifacts"`
	Relationships []relationship `json:"artifactRelationships"`
	Files         []file         `json:"files"`
	Source        source         `json:"source"`
	Descriptor    struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"descriptor"`
	Schema struct {
		Version string `json:"version"`
	} `json:"schema"`
}

type artifact struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Type      string          `json:"type"`
	FoundBy   string          `json:"foundBy"`
	Locations []location      `json:"locations"`
	Licenses  []licence       `json:"licenses"`
	Language  string          `json:"language"`
	CPEs      []cpe           `json:"cpes"`
	PURL      string          `json:"purl"`
	Metadata  json.RawMessage `json:"metadata"` // of a type for each ecosystem
}

type location struct {
	Path        string            `json:"path"`
	LayerID     string            `json:"layerID"`
	Annotations map[string]string `json:"annotations"`
}

// licence is an object, or before schema 8 a string.
type licence struct {
	Value      string   `json:"value"`
	Expression string   `json:"spdxExpression"`
	Type       string   `json:"type"`
	URLs       []string `json:"urls"`
}

func (l *licence) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		l.Type = "declared"
		return json.Unmarshal(b, &l.Value)
	}
	type plain licence
	return json.Unmarshal(b, (*plain)(l))
}

// cpe is an object, or before schema 16 a string.
type cpe struct {
	Value string `json:"cpe"`
}

func (c *cpe) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &c.Value)
	}
	type plain cpe
	return json.Unmarshal(b, (*plain)(c))
}

type relationship struct {
	Parent string `json:"parent"`
	Child  string `json:"child"`
	Type   string `json:"type"`
}

type file struct {
	ID       string   `json:"id"`
	Location location `json:"location"`
	Digests  []digest `json:"digests"`
}

type digest struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

type source struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Metadata json.RawMessage `json:"metadata"`
	Target   json.RawMessage `json:"target"` // before schema 9
}

type image struct {
	UserInput      string            `json:"userInput"`
	ImageID        string            `json:"imageID"`
	ManifestDigest string            `json:"manifestDigest"`
	Tags           []string          `json:"tags"`
	Layers         []imageLayer      `json:"layers"`
	Architecture   string            `json:"architecture"`
	Variant        string            `json:"architectureVariant"`
	OS             string            `json:"os"`
	Labels         map[string]string `json:"labels"`
}

type imageLayer struct {
	Digest    string `json:"digest"` // the diffID
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
}

func (d *document) inventory() *sbom.Inventory {
	inv := &sbom.Inventory{Foreign: strings.TrimSpace("syft " + d.Descriptor.Version)}
	d.subject(inv)
	at := make(map[string]int, len(d.Artifacts))
	for i := range d.Artifacts {
		a := &d.Artifacts[i]
		if _, taken := at[a.ID]; taken {
			continue // one that is there twice says nothing new
		}
		at[a.ID] = len(inv.Components)
		inv.Components = append(inv.Components, a.component())
	}
	for i := range d.Files {
		f := &d.Files[i]
		if _, taken := at[f.ID]; taken || f.Location.Path == "" {
			continue
		}
		at[f.ID] = len(inv.Components)
		inv.Components = append(inv.Components, f.component())
	}
	for _, r := range d.Relationships {
		parent, ok := at[r.Parent]
		child, ok2 := at[r.Child]
		if !ok || !ok2 {
			continue
		}
		p, c := &inv.Components[parent], &inv.Components[child]
		switch r.Type {
		case "dependency-of": // the child needs the parent
			c.DependsOn = append(c.DependsOn, p.Ref)
		case "ownership-by-file-overlap", "contains":
			p.Contains = append(p.Contains, c.Ref)
		}
	}
	return inv
}

func (d *document) subject(inv *sbom.Inventory) {
	s := &inv.Subject
	s.Kind, s.Name = sbom.Directory, d.Source.Name
	meta := d.Source.Metadata
	if len(meta) == 0 {
		meta = d.Source.Target
	}
	var path struct {
		Path string `json:"path"`
	}
	if s.Name == "" && json.Unmarshal(meta, &path) == nil {
		s.Name = path.Path
	}
	if d.Source.Type == "file" {
		s.Kind = sbom.Binary
	}
	var img image
	if d.Source.Type != "image" || json.Unmarshal(meta, &img) != nil {
		return
	}
	s.Kind, s.Digest, s.ImageID, s.Tags, s.Labels = sbom.Image, img.ManifestDigest, img.ImageID, img.Tags, img.Labels
	if img.UserInput != "" {
		s.Name = img.UserInput
	}
	if img.OS != "" && img.Architecture != "" {
		s.Platform = strings.TrimSuffix(img.OS+"/"+img.Architecture+"/"+img.Variant, "/")
	}
	for _, l := range img.Layers {
		inv.Layers = append(inv.Layers, sbom.Layer{DiffID: l.Digest, MediaType: l.MediaType, Size: l.Size})
	}
}

func (f *file) component() sbom.Component {
	path := rooted(f.Location.Path)
	o := sbom.Occurrence{Path: path, Layer: f.Location.LayerID}
	c := sbom.Component{
		Ref: f.ID, Type: sbom.FileType, Name: path,
		Evidence: []sbom.Evidence{
			{Kind: sbom.Path, Value: path, Path: path, Layer: o.Layer},
			{Kind: sbom.Filename, Value: path[strings.LastIndexByte(path, '/')+1:], Path: path, Layer: o.Layer},
		},
	}
	for _, d := range f.Digests {
		h := hashOf(d)
		c.Hashes = append(c.Hashes, h)
		if h.Algorithm == "SHA-256" {
			o.Digest = "sha256:" + h.Value
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.FileHash, Value: h.Value, Path: path, Layer: o.Layer})
		}
	}
	c.Occurrences = []sbom.Occurrence{o}
	return c
}

// rooted is a path as ours begin: syft's are relative for a folder.
func rooted(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

func hashOf(d digest) sbom.Hash {
	alg := strings.ToUpper(d.Algorithm)
	if n, ok := strings.CutPrefix(alg, "SHA"); ok && !strings.HasPrefix(n, "-") {
		alg = "SHA-" + n
	}
	return sbom.Hash{Algorithm: alg, Value: strings.ToLower(d.Value)}
}
