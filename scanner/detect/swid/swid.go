// Package swid reads software identification tags (ISO/IEC 19770-2, of 2015
// and of 2009): what a product says of itself in a file made for inventories.
package swid

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
)

const (
	name    = "swid"
	version = 1
)

const (
	// maxSize is how many bytes of a tag are read: some list all files.
	maxSize = 4 << 20
	// maxEntities bounds the entities of a tag, and maxText the length of each
	// text in bytes.
	maxEntities = 64
	maxText     = 4096
)

type detector struct{}

// New returns the detector. It notes the same whatever is watched.
func New(*sbom.Watch) scanner.Detector { return detector{} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants goes by the extension, as the standard has it.
func (detector) Wants(f *scanner.File) bool {
	ext := strings.ToLower(path.Ext(f.Path))
	return ext == ".swidtag" || ext == ".swid"
}

func (detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	b, gaps, err := readfile.Read(f, maxSize)
	if err != nil {
		return scanner.Result{}, err
	}
	t := parse(b)
	if t.product == "" && len(t.entities) == 0 {
		return scanner.Result{Gaps: gaps}, ctx.Err()
	}
	return scanner.Result{Component: t.component(path.Base(f.Path)), Gaps: gaps}, ctx.Err()
}

// tag is what a tag says.
type tag struct {
	product, version, id string
	entities             []entity
}

type entity struct{ name, regid, role string }

// The roles of an entity that tell of who is behind the product.
const (
	creator    = "softwareCreator"
	tagCreator = "tagCreator"
)

// makers are the entities that made the product: who made only the tag counts
// where nobody else is named.
func (t *tag) makers() []entity {
	var made, tagged []entity
	for _, e := range t.entities {
		roles := strings.Fields(e.role)
		switch {
		case slices.Contains(roles, creator), slices.Contains(roles, "licensor"):
			made = append(made, e)
		case slices.Contains(roles, tagCreator):
			tagged = append(tagged, e)
		}
	}
	if len(made) > 0 {
		return made
	}
	return tagged
}

func (t *tag) component(file string) *sbom.Component {
	c := &sbom.Component{
		Type: sbom.Application, Name: cmp.Or(sbom.CleanValue(t.product), strings.TrimSuffix(file, path.Ext(file))),
		Version: sbom.CleanValue(t.version),
	}
	if id := sbom.CleanValue(t.id); id != "" {
		c.Properties = []sbom.Property{{Name: "interdict:swid-tag", Value: id}}
	}
	for _, e := range t.makers() {
		who := sbom.CleanValue(e.name)
		if who == "" {
			continue
		}
		if strings.Contains(e.role, creator) && c.Manufacturer == "" {
			c.Manufacturer = who
		}
		where := e.role
		if e.regid != "" {
			where += ", regid " + e.regid
		}
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.SWIDEntity, Value: who, Where: sbom.CleanValue(where)})
	}
	return c
}

// parse reads a tag of either edition. What comes before an error stands.
func parse(b []byte) *tag {
	// A byte order mark tells of UTF-16; all else is taken as UTF-8.
	text := transform.NewReader(bytes.NewReader(b), unicode.BOMOverride(encoding.Nop.NewDecoder()))
	d := xml.NewDecoder(text)
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	t := &tag{}
	var old oldTag
	for len(t.entities) < maxEntities {
		tok, err := d.RawToken()
		if err != nil {
			break
		}
		switch e := tok.(type) {
		case xml.StartElement:
			switch {
			case e.Name.Local == "SoftwareIdentity" && t.product == "":
				t.product, t.version, t.id = attr(e, "name"), attr(e, "version"), attr(e, "tagId")
			case e.Name.Local == "Entity" && t.product != "":
				t.entities = append(t.entities, entity{attr(e, "name"), attr(e, "regid"), attr(e, "role")})
			}
			old.open(e.Name.Local)
		case xml.CharData:
			old.text(e)
		case xml.EndElement:
			old.close(t)
		}
	}
	return t
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value[:min(len(a.Value), maxText)]
		}
	}
	return ""
}

// oldTag follows the elements of the edition of 2009:
// software_identification_tag > software_creator > name, and the like.
type oldTag struct {
	path  [4]string // of the open elements, from 1
	depth int
	value string
}

func (o *oldTag) open(name string) {
	if o.depth++; o.depth < len(o.path) {
		o.path[o.depth] = name
	}
	o.value = ""
}

func (o *oldTag) text(b []byte) {
	if o.depth < len(o.path) && len(o.value) < maxText {
		o.value += string(b[:min(len(b), maxText)])
	}
}

func (o *oldTag) close(t *tag) {
	if value := strings.TrimSpace(o.value); o.path[1] == "software_identification_tag" && value != "" {
		switch at := o.path[2]; {
		case o.depth == 2 && at == "product_title":
			t.product = value
		case o.depth != 3:
		case at == "software_id" && o.path[3] == "unique_id":
			t.id = value
		case o.path[3] != "name":
		case at == "product_version":
			t.version = value
		case at == "software_creator":
			t.entities = append(t.entities, entity{name: value, role: creator})
		case at == "software_licensor":
			t.entities = append(t.entities, entity{name: value, role: "licensor"})
		case at == "tag_creator":
			t.entities = append(t.entities, entity{name: value, role: tagCreator})
		}
	}
	o.value = ""
	o.depth = max(o.depth-1, 0)
}
