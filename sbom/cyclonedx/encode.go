package cyclonedx

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/interdict/interdict/sbom"
)

// builder makes one document.
type builder struct {
	inv        *sbom.Inventory
	spec       cdx.SpecVersion
	xml        bool
	files      bool
	toolRef    string
	subjectRef string
	refs       map[string]bool // of components that are written
	taken      map[string]bool // all references in the document
	layerIndex map[string]int  // diffID to position
	layerRefs  []string        // by position; empty for a layer without a digest
}

var specVersions = map[string]cdx.SpecVersion{
	"1.4": cdx.SpecVersion1_4, "1.5": cdx.SpecVersion1_5,
	"1.6": cdx.SpecVersion1_6, "1.7": cdx.SpecVersion1_7,
	"": cdx.SpecVersion1_6,
}

// build makes the document of the wanted version directly: cyclonedx-go's own
// conversion copies the document and drops what an older version lacks.
func build(inv *sbom.Inventory, opt Options) (*cdx.BOM, error) {
	spec, ok := specVersions[opt.SpecVersion]
	if !ok {
		return nil, fmt.Errorf("encoding CycloneDX: no such specification version: %q (known: %s)",
			opt.SpecVersion, strings.Join(SpecVersions(), ", "))
	}
	b := &builder{inv: inv, spec: spec, xml: opt.Format == XML, files: opt.Files}
	b.takeRefs()
	bom := &cdx.BOM{
		JSONSchema:   "http://cyclonedx.org/schema/bom-" + spec.String() + ".schema.json",
		XMLNS:        "http://cyclonedx.org/schema/bom/" + spec.String(),
		BOMFormat:    cdx.BOMFormat,
		SpecVersion:  spec,
		SerialNumber: serialNumber(inv),
		Version:      1,
		Metadata:     b.metadata(),
		Components:   b.components(),
	}
	bom.Dependencies = b.dependencies()
	bom.Compositions = b.compositions()
	if spec >= cdx.SpecVersion1_5 {
		bom.Annotations = b.annotations(opt.Annotations)
	}
	if opt.Declarations != nil && spec >= cdx.SpecVersion1_6 {
		b.declare(bom, opt.Declarations)
	}
	return bom, nil
}

func (b *builder) components() *[]cdx.Component {
	out := make([]cdx.Component, 0, len(b.inv.Components))
	for i := range b.inv.Components {
		if c := &b.inv.Components[i]; b.refs[c.Ref] {
			out = append(out, b.component(c))
		}
	}
	return list(out)
}

// takeRefs decides which components are written and names everything else.
func (b *builder) takeRefs() {
	b.refs = make(map[string]bool, len(b.inv.Components))
	b.taken = make(map[string]bool, len(b.inv.Components)+len(b.inv.Layers)+2)
	for i := range b.inv.Components {
		if c := &b.inv.Components[i]; b.files || !c.IsPlainFile() {
			b.refs[c.Ref], b.taken[c.Ref] = true, true
		}
	}
	b.subjectRef = b.ref(cmpOr(b.inv.Subject.PURL, "subject:"+cmpOr(known(b.inv.Subject), b.inv.Subject.Name)))
	b.layerIndex = make(map[string]int, len(b.inv.Layers))
	b.layerRefs = make([]string, len(b.inv.Layers))
	for i, l := range b.inv.Layers {
		if _, ok := b.layerIndex[l.DiffID]; !ok {
			b.layerIndex[l.DiffID] = i
		}
		if id := cmpOr(l.DiffID, l.Digest); id != "" {
			b.layerRefs[i] = b.ref("layer:" + id)
		}
	}
}

// ref returns a reference that nothing else in the document has.
func (b *builder) ref(want string) string {
	r := want
	for n := 2; b.taken[r]; n++ {
		r = want + "#" + strconv.Itoa(n)
	}
	b.taken[r] = true
	return r
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// space is the name space of our serial numbers (RFC 9562, section 5.5).
var space = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/interdict/interdict#bom"))

// known is what identifies a subject by its bytes: an image without a manifest,
// as in what "docker save" writes, has the digest of its configuration only.
func known(s sbom.Subject) string { return cmpOr(s.Digest, s.ImageID) }

// serialNumber is the same for the same subject, looked at by the same tool
// for the same patterns. A subject without a digest is told by its contents.
func serialNumber(inv *sbom.Inventory) string {
	var text []byte
	s := inv.Subject
	put := func(parts ...string) {
		for _, p := range parts {
			text = strconv.AppendInt(text, int64(len(p)), 10)
			text = append(append(text, ':'), p...)
		}
	}
	put(string(s.Kind), known(s), s.Platform, inv.Tool.Name, inv.Tool.Version, inv.Foreign)
	put(inv.Tool.Detectors...)
	put(inv.Tool.Watched...)
	if known(s) == "" {
		put(s.Name, stamp(inv.Created))
		for i := range inv.Components {
			put(inv.Components[i].Ref)
		}
	}
	sum := sha256.Sum256(text)
	return "urn:uuid:" + uuid.NewSHA1(space, sum[:]).String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (b *builder) metadata() *cdx.Metadata {
	inv := b.inv
	var p properties
	p.add(propFormat, propertyFormat)
	p.note(propTool, toolNote{inv.Tool.Name, inv.Tool.Version})
	p.addIf(propForeign, inv.Foreign)
	p.note(propSubject, subjectNote{
		Kind: string(inv.Subject.Kind), Name: inv.Subject.Name, Digest: inv.Subject.Digest,
		ImageID: inv.Subject.ImageID, IndexedBy: inv.Subject.IndexedBy, Platform: inv.Subject.Platform,
		PURL: inv.Subject.PURL, Created: stamp(inv.Subject.Created),
	})
	for _, l := range inv.Layers {
		p.note(propLayer, layerNote(l))
	}
	p.note(propCoverage, coverageNote{inv.Coverage.FilesSeen, inv.Coverage.FilesExamined, inv.Coverage.BytesSeen})
	for _, g := range inv.Coverage.Gaps {
		p.note(propGap, gapNote{g.Path, g.Layer, string(g.Reason), g.Detail, g.Detector})
	}
	for _, d := range inv.Tool.Detectors {
		p.add(propDetector, d)
	}
	p.addIf(propWatched, strings.Join(inv.Tool.Watched, " "))
	m := &cdx.Metadata{
		Timestamp: stamp(inv.Created),
		Tools:     b.tools(), // before the subject: it takes its reference
		Component: b.subject(),
	}
	m.Properties = p.done()
	if b.spec >= cdx.SpecVersion1_5 {
		phase := cdx.LifecyclePhasePostBuild // the subject is built; nothing is known of how
		if inv.Subject.Kind == sbom.Directory {
			phase = cdx.LifecyclePhaseDiscovery
		}
		m.Lifecycles = &[]cdx.Lifecycle{{Phase: phase}}
	}
	return m
}

func (b *builder) tools() *cdx.ToolsChoice {
	t := b.inv.Tool
	if t.Name == "" {
		return nil
	}
	if b.spec < cdx.SpecVersion1_5 {
		//lint:ignore SA1019 specification 1.4 has no other form
		return &cdx.ToolsChoice{Tools: &[]cdx.Tool{{Name: t.Name, Version: t.Version}}}
	}
	b.toolRef = b.ref("tool:" + t.Name + "@" + t.Version)
	return &cdx.ToolsChoice{Components: &[]cdx.Component{{
		BOMRef: b.toolRef, Type: cdx.ComponentTypeApplication, Name: t.Name, Version: t.Version,
	}}}
}

func (b *builder) subject() *cdx.Component {
	s := b.inv.Subject
	c := &cdx.Component{BOMRef: b.subjectRef, Type: cdx.ComponentTypeContainer, Name: s.Name, Version: known(s)}
	switch s.Kind {
	case sbom.Image:
	case sbom.Collection:
		c.Type = cdx.ComponentTypeApplication
	default:
		c.Type = cdx.ComponentTypeFile
	}
	if isURI(s.PURL) {
		c.PackageURL = s.PURL
	}
	if hex, ok := strings.CutPrefix(s.Digest, "sha256:"); ok && validHash(cdx.HashAlgoSHA256, hex) {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex}}
	}
	var p properties
	for _, t := range s.Tags {
		p.add(propTag, t)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		p.add(propLabel+k, s.Labels[k])
	}
	p.evidence(s.Evidence, nil)
	c.Properties = p.done()
	c.Components = b.layers()
	return c
}

// layers writes the layers for other readers, as parts of the image. Ours read
// the properties of the metadata.
func (b *builder) layers() *[]cdx.Component {
	var out []cdx.Component
	for i, l := range b.inv.Layers {
		if b.layerRefs[i] == "" {
			continue
		}
		c := cdx.Component{
			BOMRef: b.layerRefs[i], Type: cdx.ComponentTypeFile, Name: cmpOr(l.DiffID, l.Digest),
			Description: l.CreatedBy,
		}
		if validMIME(l.MediaType) {
			c.MIMEType = l.MediaType
		}
		if hex, ok := strings.CutPrefix(l.Digest, "sha256:"); ok && validHash(cdx.HashAlgoSHA256, hex) {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex}}
		}
		out = append(out, c)
	}
	return list(out)
}

// isURI reports whether s may stand where the specification wants a URI.
func isURI(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0:
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	_, err := url.Parse(s)
	return err == nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
