package cyclonedx_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// gen makes random inventories: all fields filled now and then, with awkward
// texts among the ordinary ones.
type gen struct{ *rand.Rand }

func newGen(seed uint64) gen { return gen{rand.New(rand.NewPCG(seed, 7))} }

func (g gen) one(s ...string) string { return s[g.IntN(len(s))] }

// text is empty, ordinary, or of the kind that breaks writers.
func (g gen) text() string {
	switch g.IntN(8) {
	case 0:
		return ""
	case 1:
		return g.one(" leading", "trailing ", "a\tb\nc", "<&>\"'", "]]>", "ünïcödé 漢字 \U0001F9E8", `back\slash`,
			"\x00\x1b[31m", "bad\xff\xfeutf8", "\u2028line\u2029", "{\"json\":1}", "%zz%", "cr\rlf\r\n", "\ufffe")
	}
	return fmt.Sprintf("%s-%d", g.one("acme", "Kaspersky Lab", "libfoo", "net.corp"), g.IntN(1000))
}

func (g gen) digest() string { return fmt.Sprintf("sha256:%064x", g.Uint64()) }

func (g gen) many(fn func()) {
	for range g.IntN(4) {
		fn()
	}
}

func (g gen) texts() (out []string) {
	g.many(func() { out = append(out, g.text()) })
	return out
}

func (g gen) evidence(layers []sbom.Layer) (out []sbom.Evidence) {
	g.many(func() {
		out = append(out, sbom.Evidence{
			Kind:  sbom.Kind(g.one("path", "pe_company_name", "symbol_prefix", "purl", "authenticode_subject_o_claimed", "image_env", "other")),
			Value: g.text(), Path: g.path(), Layer: g.layer(layers), Where: g.text(),
			Detector: g.one("", "pe@1"), Count: g.IntN(3), Group: g.one("", "g"),
		})
	})
	return out
}

func (g gen) path() string {
	return g.one("", "/opt/a.zip!/bin/b.dll", "/usr/lib/libx.so", "/"+g.text())
}

func (g gen) layer(layers []sbom.Layer) string {
	if len(layers) == 0 || g.IntN(5) == 0 {
		return g.one("", g.digest())
	}
	return layers[g.IntN(len(layers))].DiffID
}

func (g gen) inventory() *sbom.Inventory {
	inv := &sbom.Inventory{
		Subject: sbom.Subject{
			Kind: sbom.SubjectKind(g.one("image", "directory", "rootfs", "file")), Name: g.text(),
			Digest: g.one("", g.digest()), ImageID: g.one("", g.digest()), IndexedBy: g.text(),
			Platform: g.one("", "linux/arm64/v8"), PURL: g.one("", "pkg:oci/app@sha256%3Aabc?repository_url=example.com%2Fapp", g.text()),
			Tags: g.texts(),
		},
		Tool:     sbom.Tool{Name: g.one("interdict", ""), Version: g.text(), Detectors: g.texts(), Watched: []string{"0a1b2c3d", "ffffffff"}},
		Coverage: sbom.Coverage{FilesSeen: g.Int64N(1e12), FilesExamined: g.Int64N(1e6), BytesSeen: g.Int64N(1 << 50)},
		Foreign:  g.one("", "", "syft 1.54.1"),
	}
	if g.IntN(2) == 0 {
		inv.Created = time.Unix(g.Int64N(2e9), g.Int64N(1e9)).UTC()
		inv.Subject.Created = time.Unix(g.Int64N(2e9), 0).UTC()
	}
	if g.IntN(2) == 0 {
		inv.Subject.Labels = map[string]string{"a": "", "maintainer": g.text(), g.text(): g.text()}
	}
	g.many(func() {
		inv.Layers = append(inv.Layers, sbom.Layer{
			DiffID: g.one("", g.digest()), Digest: g.one("", g.digest(), "sha512:00"), ChainID: g.one("", g.digest()),
			MediaType: g.one("", "application/vnd.oci.image.layer.v1.tar+gzip", "Weird Type"), Size: g.Int64N(1 << 40), CreatedBy: g.text(),
		})
	})
	g.many(func() {
		inv.Coverage.Gaps = append(inv.Coverage.Gaps, sbom.Gap{
			Path: g.path(), Layer: g.layer(inv.Layers), Reason: sbom.Reason(g.one("limit", "malformed", "encrypted")),
			Detail: g.text(), Detector: g.one("", "archive@2"),
		})
	})
	inv.Subject.Evidence = g.evidence(inv.Layers)
	for range g.IntN(8) {
		inv.Components = append(inv.Components, g.component(inv.Layers))
	}
	inv.Normalize() // fills references
	g.link(inv)
	inv.Normalize()
	return inv
}

// link adds edges between components, and some to nothing.
func (g gen) link(inv *sbom.Inventory) {
	ref := func() string {
		if len(inv.Components) == 0 || g.IntN(6) == 0 {
			return "nowhere"
		}
		return inv.Components[g.IntN(len(inv.Components))].Ref
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		g.many(func() { c.DependsOn = append(c.DependsOn, ref()) })
		g.many(func() { c.Contains = append(c.Contains, ref()) })
	}
}

func (g gen) component(layers []sbom.Layer) sbom.Component {
	c := sbom.Component{
		Type:  sbom.ComponentType(g.one("library", "application", "device-driver", "machine-learning-model", "platform", "file", "odd", "")),
		Group: g.text(), Name: g.text(), Version: g.text(), PURL: g.one("", "pkg:deb/debian/bash@5.2?arch=amd64", "pkg:npm/%40a/b@1", g.text()),
		Supplier: g.text(), Publisher: g.text(), Manufacturer: g.text(), Copyright: g.text(), Description: g.text(),
		FoundBy: g.one("", "dpkg-db-cataloger", "binary-cataloger"), Language: g.one("", "go"), Scope: sbom.Scope(g.one("", "", "excluded", "optional")),
	}
	g.many(func() {
		c.CPEs = append(c.CPEs, g.one("cpe:2.3:a:acme:foo:1.0:*:*:*:*:*:*:*", `cpe:2.3:a:a\+b:c\:d:1:*:*:*:*:*:*:*`, "junk "+g.text()))
	})
	g.many(func() { c.Authors = append(c.Authors, g.one("Jane Doe <jane@example.com>", "x <y>", g.text())) })
	g.many(func() { c.Licenses = append(c.Licenses, g.license()) })
	g.many(func() {
		c.Hashes = append(c.Hashes, sbom.Hash{Algorithm: g.one("SHA-256", "SHA-1", "crc"), Value: fmt.Sprintf("%064x", g.Uint64())})
	})
	g.many(func() {
		c.References = append(c.References, sbom.Reference{Type: g.one("website", "vcs", "odd", "other"), URL: g.one("https://example.com/a%20b", "not a url", g.text())})
	})
	g.many(func() {
		c.Properties = append(c.Properties, sbom.Property{Name: g.one("syft:x", "interdict:occurrence", "interdict:evidence:path", "interdict:pe:machine", g.text()), Value: g.text()})
	})
	g.many(func() {
		c.Occurrences = append(c.Occurrences, sbom.Occurrence{Path: g.path(), Layer: g.layer(layers), Hidden: g.IntN(3) == 0, Digest: g.one("", g.digest())})
	})
	c.Evidence = g.evidence(layers)
	if len(c.Evidence) > 0 && len(c.Occurrences) > 0 && g.IntN(2) == 0 {
		c.Evidence[0].Path, c.Evidence[0].Layer = c.Occurrences[0].Path, c.Occurrences[0].Layer
	}
	return c
}

func (g gen) license() sbom.License {
	l := sbom.License{Declared: g.IntN(2) == 0, URL: g.one("", "", "https://example.com/l", "bad url")}
	switch g.IntN(3) {
	case 0:
		l.ID = g.one("MIT", "Apache-2.0", "Later-1.0")
	case 1:
		l.Expression = "MIT OR Apache-2.0"
	default:
		l.Name = g.one("Custom", g.text())
	}
	return l
}

func (g gen) declarations() *cyclonedx.Declarations {
	text := func() string { return sbom.CleanText(g.text()) }
	facts := func() (out []cyclonedx.ClaimEvidence) {
		g.many(func() { out = append(out, cyclonedx.ClaimEvidence{Name: g.one("coverage", "path"), Text: text()}) })
		return out
	}
	d := &cyclonedx.Declarations{Assessor: text()}
	for i := range g.IntN(3) {
		s := cyclonedx.Standard{
			ID: fmt.Sprintf("law-%d", i), Name: text(), Version: text(), Owner: text(), Description: text(),
			Sources: []string{"https://example.com/law", "no uri at all"}, Requirement: text(), Summary: text(),
			Conformance: float64(g.IntN(2)), Confidence: g.Float64(), Rationale: text(),
		}
		g.many(func() {
			s.Claims = append(s.Claims, cyclonedx.Claim{
				Target: g.text(), Predicate: text(), Reasoning: text(), Counter: g.IntN(2) == 0, Evidence: facts(), Against: facts(),
			})
		})
		d.Standards = append(d.Standards, s)
	}
	return d
}

func (g gen) annotations(inv *sbom.Inventory) (out []cyclonedx.Annotation) {
	g.many(func() { out = append(out, cyclonedx.Annotation{Component: g.text(), Author: g.text(), Text: g.text()}) })
	for _, c := range inv.Components {
		out = append(out, cyclonedx.Annotation{Component: c.Ref, Author: "A", Made: time.Unix(g.Int64N(2e9), 0), Text: "t"})
	}
	return out
}
