package cyclonedx

import (
	"bytes"
	"encoding/json"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// propertyFormat is the version of the properties below. A document that has
// it in propFormat was written by this package.
const propertyFormat = "1"

// Names of properties in metadata. Values marked JSON are compact JSON objects.
const (
	propFormat   = "interdict:format"
	propTool     = "interdict:tool"     // JSON: name, version
	propDetector = "interdict:detector" // "name@version", one property each
	propWatched  = "interdict:watched"  // fingerprints, separated by spaces
	propSubject  = "interdict:subject"  // JSON: subjectNote
	propTag      = "interdict:tag"      // one property each
	propLabel    = "interdict:label:"   // + the label's name
	propLayer    = "interdict:layer"    // JSON: layerNote, bottom first
	propCoverage = "interdict:coverage" // JSON: coverageNote
	propGap      = "interdict:gap"      // JSON: gapNote
	propForeign  = "interdict:foreign"  // sbom.Inventory.Foreign
)

// Names of properties of components. The first two are always written; the
// others where the specification has no field that holds the value.
const (
	propEvidence   = "interdict:evidence:"  // + the kind; JSON: evidenceNote
	propOccurrence = "interdict:occurrence" // JSON: occurrenceNote
	propFoundBy    = "interdict:foundBy"
	propLanguage   = "interdict:language"
	propType       = "interdict:type"      // a type that the version does not have
	propLicense    = "interdict:license"   // JSON: licenseNote; if present, all licences are in these
	propCPE        = "interdict:cpe"       // a second one, or one that is malformed
	propPURL       = "interdict:purl"      // one that is not a URI
	propHash       = "interdict:hash"      // "algorithm:value", not in the specification
	propMaker      = "interdict:maker"     // before 1.6
	propAuthor     = "interdict:author"    // before 1.6, one property each
	propReference  = "interdict:reference" // JSON: a type or URL that is not in the specification
	propDependsOn  = "interdict:dependsOn" // a reference to what is not in the document
	propContains   = "interdict:contains"
	// propRelation is how another tool's document relates a component to one of
	// its own: "ancestor of NAME". It decides nothing.
	propRelation = "interdict:relation"
	propProperty = "interdict:property" // JSON: a property whose own name is one of these
)

// reserved reports whether a property of this name is one of ours.
func reserved(name string) bool {
	switch name {
	case propOccurrence, propFoundBy, propLanguage, propType, propLicense, propCPE, propPURL,
		propHash, propMaker, propAuthor, propReference, propDependsOn, propContains, propProperty:
		return true
	}
	return strings.HasPrefix(name, propEvidence)
}

type toolNote struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

type subjectNote struct {
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	Digest    string `json:"digest,omitempty"`
	ImageID   string `json:"imageID,omitempty"`
	IndexedBy string `json:"indexedBy,omitempty"`
	Platform  string `json:"platform,omitempty"`
	PURL      string `json:"purl,omitempty"`
	Created   string `json:"created,omitempty"` // RFC 3339
}

type layerNote struct {
	DiffID    string `json:"diffID,omitempty"`
	Digest    string `json:"digest,omitempty"`
	ChainID   string `json:"chainID,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
	Size      int64  `json:"size,omitempty"` // bytes, as stored
	CreatedBy string `json:"createdBy,omitempty"`
}

type coverageNote struct {
	FilesSeen     int64 `json:"filesSeen"`
	FilesExamined int64 `json:"filesExamined"`
	BytesSeen     int64 `json:"bytesSeen"`
}

type gapNote struct {
	Path     string `json:"path,omitempty"`
	Layer    string `json:"layer,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Detector string `json:"detector,omitempty"`
}

type occurrenceNote struct {
	Path   string `json:"path,omitempty"`
	Layer  string `json:"layer,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// evidenceNote is an evidence. Path and Layer are absent when they are those
// of the component's only occurrence.
type evidenceNote struct {
	Value    string  `json:"value"`
	Path     *string `json:"path,omitempty"`
	Layer    *string `json:"layer,omitempty"`
	Where    string  `json:"where,omitempty"`
	Detector string  `json:"detector,omitempty"`
	Count    int     `json:"count,omitempty"`
	Group    string  `json:"group,omitempty"`
	Format   string  `json:"format,omitempty"`
}

type licenseNote struct {
	ID         string `json:"id,omitempty"`
	Expression string `json:"expression,omitempty"`
	Name       string `json:"name,omitempty"`
	URL        string `json:"url,omitempty"`
	Declared   bool   `json:"declared,omitempty"`
}

type referenceNote struct {
	Type string `json:"type,omitempty"`
	URL  string `json:"url,omitempty"`
}

// properties collects properties of one component or of the metadata.
type properties struct {
	list []cdx.Property
	buf  bytes.Buffer
}

func (p *properties) add(name, value string) {
	p.list = append(p.list, cdx.Property{Name: name, Value: value})
}

// addIf adds a property unless its value is empty.
func (p *properties) addIf(name, value string) {
	if value != "" {
		p.add(name, value)
	}
}

// note adds a property whose value is JSON.
func (p *properties) note(name string, v any) {
	p.buf.Reset()
	enc := json.NewEncoder(&p.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return // the notes hold strings, numbers and booleans: it cannot happen
	}
	p.add(name, strings.TrimSuffix(p.buf.String(), "\n"))
}

func (p *properties) evidence(es []sbom.Evidence, places []sbom.Occurrence) {
	for _, e := range es {
		n := evidenceNote{Value: e.Value, Where: e.Where, Detector: e.Detector, Count: e.Count, Group: e.Group, Format: string(e.Format)}
		if len(places) != 1 || places[0].Path != e.Path || places[0].Layer != e.Layer {
			n.Path, n.Layer = &e.Path, &e.Layer
		}
		p.note(propEvidence+string(e.Kind), n)
	}
}

// done returns the list as cyclonedx-go wants it: nil when empty.
func (p *properties) done() *[]cdx.Property { return list(p.list) }

func list[T any](s []T) *[]T {
	if len(s) == 0 {
		return nil
	}
	return &s
}
