package spdx

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// pkg makes the package of a component, and notes what its fields would not
// give back.
func (b *builder) pkg(c *sbom.Component) (pkg, error) {
	p := pkg{
		ID: b.ids[c.Ref], Name: cmp.Or(c.Name, c.Ref), Version: c.Version,
		Supplier: noAssertion, Originator: agent(c.Manufacturer, c.Authors), DownloadLocation: noAssertion,
		SourceInfo: places(c), Copyright: cmp.Or(c.Copyright, noAssertion), Description: c.Description,
		Purpose: purposes[c.Type],
	}
	if c.Supplier != "" {
		p.Supplier = "Organization: " + withAddress(c.Supplier)
	}
	for _, h := range c.Hashes {
		if alg, ok := algorithms[h.Algorithm]; ok && isHex(h.Value, alg.digits) {
			p.Checksums = append(p.Checksums, checksum{alg.name, h.Value})
		}
	}
	for _, r := range c.References {
		u, err := url.Parse(r.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !isLocator(r.URL) {
			continue
		}
		switch {
		case r.Type == "website" && p.Homepage == "":
			p.Homepage = r.URL
		case r.Type == "distribution" && p.DownloadLocation == noAssertion:
			p.DownloadLocation = r.URL
		}
	}
	if isLocator(c.PURL) {
		p.ExternalRefs = append(p.ExternalRefs, externalRef{"PACKAGE-MANAGER", "purl", c.PURL})
	}
	for _, cpe := range c.CPEs {
		if strings.HasPrefix(cpe, "cpe:2.3:") && isLocator(cpe) {
			p.ExternalRefs = append(p.ExternalRefs, externalRef{"SECURITY", "cpe23Type", cpe})
		}
	}
	p.LicenseDeclared = b.expression(c.Licenses, true)
	p.LicenseConcluded = b.expression(c.Licenses, false)

	own := *c
	own.DependsOn, own.Contains = b.dangling(c.DependsOn), b.dangling(c.Contains)
	back := p.component(b.extracted)
	note, err := difference(&own, &back)
	if err != nil {
		return pkg{}, err
	}
	if string(note) != "{}" {
		p.Annotations = []annotation{b.annotation(componentNote, string(note))}
	}
	return p, nil
}

func (b *builder) dangling(refs []string) []string {
	return slices.DeleteFunc(slices.Clone(refs), func(r string) bool { return b.ids[r] != "" })
}

// purposes are the types that SPDX has a purpose for (clause 7.24).
var purposes = map[sbom.ComponentType]string{
	sbom.Library: "LIBRARY", sbom.Application: "APPLICATION", sbom.Framework: "FRAMEWORK",
	sbom.OperatingSystem: "OPERATING-SYSTEM", sbom.FileType: "FILE", sbom.Container: "CONTAINER",
	sbom.Firmware: "FIRMWARE", sbom.DeviceDriver: "OTHER", sbom.Platform: "OTHER", sbom.Model: "OTHER", sbom.Data: "OTHER",
}

// algorithms are CycloneDX's names of those that SPDX has (clause 7.10).
var algorithms = map[string]struct {
	name   string
	digits int
}{
	"MD5": {"MD5", 32}, "SHA-1": {"SHA1", 40}, "SHA-256": {"SHA256", 64}, "SHA-384": {"SHA384", 96}, "SHA-512": {"SHA512", 128},
	"SHA3-256": {"SHA3-256", 64}, "SHA3-384": {"SHA3-384", 96}, "SHA3-512": {"SHA3-512", 128}, "BLAKE3": {"BLAKE3", 64},
	"BLAKE2b-256": {"BLAKE2b-256", 64}, "BLAKE2b-384": {"BLAKE2b-384", 96}, "BLAKE2b-512": {"BLAKE2b-512", 128},
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// isLocator reports whether s may be a referenceLocator: no white space, no
// control characters (clause 7.21).
func isLocator(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r > 0x7e })
}

// agent is an originator: the maker, else the first author.
func agent(maker string, authors []string) string {
	switch {
	case maker != "":
		return "Organization: " + withAddress(maker)
	case len(authors) > 0:
		return "Person: " + withAddress(authors[0])
	}
	return ""
}

var mailAddress = regexp.MustCompile(`^(.*\S) <([^<>()\s]+@[^<>()\s]+)>$`)

// withAddress writes "Name <mail>" as SPDX does: "Name (mail)".
func withAddress(s string) string { return mailAddress.ReplaceAllString(s, "$1 ($2)") }

// maxPlaces bounds the places that sourceInfo tells to people.
const maxPlaces = 5

func places(c *sbom.Component) string {
	var ps []string
	for _, o := range c.Occurrences {
		if o.Path != "" && !slices.Contains(ps, o.Path) {
			ps = append(ps, o.Path)
		}
	}
	if len(ps) == 0 {
		return ""
	}
	text := "found in " + strings.Join(ps[:min(len(ps), maxPlaces)], ", ")
	if more := len(ps) - maxPlaces; more > 0 {
		text += fmt.Sprintf(" and %d more places", more)
	}
	return text
}

var (
	idPattern         = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*\+?$`)
	expressionPattern = regexp.MustCompile(`^[A-Za-z0-9.+:() -]+$`)
	licenseRef        = regexp.MustCompile(`LicenseRef-[A-Za-z0-9.-]+`)
)

// expression joins the licences, the declared or the concluded ones, to one
// SPDX expression (annex D). What is no SPDX licence becomes a LicenseRef.
func (b *builder) expression(in []sbom.License, declared bool) string {
	var parts []string
	for _, l := range in {
		if l.Declared != declared {
			continue
		}
		switch {
		case idPattern.MatchString(l.ID):
			parts = append(parts, l.ID)
			b.note(l.ID)
		case l.Expression != "" && expressionPattern.MatchString(l.Expression) && balanced(l.Expression):
			parts = append(parts, "("+l.Expression+")")
			b.note(l.Expression)
		default:
			if text := cmp.Or(l.Name, l.Expression, l.ID, l.URL); text != "" {
				parts = append(parts, b.extract(text))
			}
		}
	}
	if len(parts) == 0 {
		return noAssertion
	}
	if len(parts) == 1 {
		if s, ok := strings.CutPrefix(parts[0], "("); ok {
			return strings.TrimSuffix(s, ")")
		}
	}
	return strings.Join(parts, " AND ")
}

// balanced reports whether the parentheses match.
func balanced(s string) bool {
	depth := 0
	for _, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

// note explains the LicenseRefs that a licence itself names.
func (b *builder) note(expression string) {
	for _, id := range licenseRef.FindAllString(expression, -1) {
		if _, ok := b.extracted[id]; !ok {
			b.extracted[id] = extracted{ID: id, Name: strings.TrimPrefix(id, "LicenseRef-"), Text: noAssertion}
		}
	}
}

func (b *builder) extract(text string) string {
	sum := sha256.Sum256([]byte(text))
	id := "LicenseRef-" + idString(text) + "-" + hex.EncodeToString(sum[:4])
	b.extracted[id] = extracted{ID: id, Name: text, Text: text}
	return id
}
