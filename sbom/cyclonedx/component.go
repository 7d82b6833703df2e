package cyclonedx

import (
	"net/mail"
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

func (b *builder) component(c *sbom.Component) cdx.Component {
	var p properties
	out := cdx.Component{
		BOMRef: c.Ref, Group: c.Group, Name: c.Name, Version: c.Version,
		Publisher: c.Publisher, Description: c.Description, Copyright: c.Copyright,
		Supplier: organisation(c.Supplier),
	}
	switch c.Scope {
	case sbom.Required, sbom.Optional, sbom.Excluded:
		out.Scope = cdx.Scope(c.Scope)
	}
	out.Type = b.componentType(c.Type, &p)
	if isURI(c.PURL) {
		out.PackageURL = c.PURL
	} else {
		p.addIf(propPURL, c.PURL)
	}
	for i, cpe := range c.CPEs {
		if i == 0 && validCPE(cpe) {
			out.CPE = cpe
		} else {
			p.add(propCPE, cpe)
		}
	}
	b.people(&out, c, &p)
	b.licenses(&out, c.Licenses, &p)
	out.Hashes = b.hashes(c.Hashes, &p)
	out.ExternalReferences = b.references(c.References, &p)
	b.identify(&out, c)
	b.ownProperties(c, &p)
	out.Properties = p.done()
	return out
}

func organisation(name string) *cdx.OrganizationalEntity {
	if name == "" {
		return nil
	}
	return &cdx.OrganizationalEntity{Name: name}
}

// people writes maker and authors: manufacturer and authors since 1.6, before
// that author, which is one text for all of them.
func (b *builder) people(out *cdx.Component, c *sbom.Component, p *properties) {
	if b.spec >= cdx.SpecVersion1_6 {
		out.Manufacturer = organisation(c.Manufacturer)
		var as []cdx.OrganizationalContact
		for _, a := range c.Authors {
			as = append(as, contactOf(a))
		}
		out.Authors = list(as)
		return
	}
	out.Author = strings.Join(c.Authors, ", ")
	p.addIf(propMaker, c.Manufacturer)
	for _, a := range c.Authors {
		p.add(propAuthor, a)
	}
}

// contactOf splits "Name <mail@host>" where joining gives the same again.
func contactOf(s string) cdx.OrganizationalContact {
	if name, rest, ok := strings.Cut(s, " <"); ok && name != "" && !strings.ContainsAny(name, "<>") {
		if addr, ok := strings.CutSuffix(rest, ">"); ok && !strings.ContainsAny(addr, "<> ") {
			if a, err := mail.ParseAddress(addr); err == nil && a.Address == addr && isASCII(addr) {
				return cdx.OrganizationalContact{Name: name, Email: addr}
			}
		}
	}
	return cdx.OrganizationalContact{Name: s}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// componentType returns a type that the version has; another is noted.
func (b *builder) componentType(t sbom.ComponentType, p *properties) cdx.ComponentType {
	switch ct := cdx.ComponentType(t); ct {
	case cdx.ComponentTypeApplication, cdx.ComponentTypeFramework, cdx.ComponentTypeLibrary,
		cdx.ComponentTypeContainer, cdx.ComponentTypeOS, cdx.ComponentTypeDevice,
		cdx.ComponentTypeFirmware, cdx.ComponentTypeFile:
		return ct
	case cdx.ComponentTypePlatform, cdx.ComponentTypeDeviceDriver, cdx.ComponentTypeMachineLearningModel, cdx.ComponentTypeData:
		if b.spec >= cdx.SpecVersion1_5 {
			return ct
		}
	case cdx.ComponentTypeCryptographicAsset:
		if b.spec >= cdx.SpecVersion1_6 {
			return ct
		}
	}
	p.add(propType, string(t))
	return cdx.ComponentTypeApplication
}

// hashLengths are the algorithms that all versions have, with the length of
// their values in hexadecimal digits.
var hashLengths = map[cdx.HashAlgorithm]int{
	cdx.HashAlgoMD5: 32, cdx.HashAlgoSHA1: 40, cdx.HashAlgoSHA256: 64, cdx.HashAlgoSHA384: 96,
	cdx.HashAlgoSHA512: 128, cdx.HashAlgoSHA3_256: 64, cdx.HashAlgoSHA3_384: 96, cdx.HashAlgoSHA3_512: 128,
	cdx.HashAlgoBlake2b_256: 64, cdx.HashAlgoBlake2b_384: 96, cdx.HashAlgoBlake2b_512: 128, cdx.HashAlgoBlake3: 64,
}

func validHash(alg cdx.HashAlgorithm, value string) bool {
	if n, ok := hashLengths[alg]; !ok || n != len(value) {
		return false
	}
	for i := range len(value) {
		if !isHex(value[i]) {
			return false
		}
	}
	return true
}

func (b *builder) hashes(in []sbom.Hash, p *properties) *[]cdx.Hash {
	var out []cdx.Hash
	for _, h := range in {
		if alg := cdx.HashAlgorithm(h.Algorithm); validHash(alg, h.Value) {
			out = append(out, cdx.Hash{Algorithm: alg, Value: h.Value})
		} else {
			p.add(propHash, h.Algorithm+":"+h.Value)
		}
	}
	return list(out)
}

// oldReferences are the types of external reference of specification 1.4. The
// later ones are of no use for what interdict finds: they are noted.
var oldReferences = map[cdx.ExternalReferenceType]bool{
	cdx.ERTypeVCS: true, cdx.ERTypeIssueTracker: true, cdx.ERTypeWebsite: true, cdx.ERTypeAdvisories: true,
	cdx.ERTypeBOM: true, cdx.ERTypeMailingList: true, cdx.ERTypeSocial: true, cdx.ERTypeChat: true,
	cdx.ERTypeDocumentation: true, cdx.ERTypeSupport: true, cdx.ERTypeDistribution: true, cdx.ERTypeLicense: true,
	cdx.ERTypeBuildMeta: true, cdx.ERTypeBuildSystem: true, cdx.ERTypeReleaseNotes: true, cdx.ERTypeOther: true,
}

func (b *builder) references(in []sbom.Reference, p *properties) *[]cdx.ExternalReference {
	var out []cdx.ExternalReference
	for _, r := range in {
		if t := cdx.ExternalReferenceType(r.Type); oldReferences[t] && isURI(r.URL) {
			out = append(out, cdx.ExternalReference{Type: t, URL: r.URL})
		} else {
			p.note(propReference, referenceNote(r))
		}
	}
	return list(out)
}

// ownProperties adds what is ours, then what the component brought.
func (b *builder) ownProperties(c *sbom.Component, p *properties) {
	for _, o := range c.Occurrences {
		p.note(propOccurrence, occurrenceNote(o))
	}
	p.evidence(c.Evidence, c.Occurrences)
	p.addIf(propFoundBy, c.FoundBy)
	p.addIf(propLanguage, c.Language)
	for _, r := range c.Contains {
		p.add(propContains, r)
	}
	for _, r := range c.DependsOn {
		if !b.refs[r] {
			p.add(propDependsOn, r)
		}
	}
	for _, prop := range c.Properties {
		if reserved(prop.Name) {
			p.note(propProperty, struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			}(prop))
		} else {
			p.add(prop.Name, prop.Value)
		}
	}
}

var (
	mimePattern = regexp.MustCompile(`^[-+a-z0-9.]+/[-+a-z0-9.]+$`) // bom-1.4.xsd, mimeType
	// cpePattern is the simple part of bom-1.4.xsd, cpe: what it matches, the
	// schema's pattern matches. An escaped character is a backslash and one of
	// the punctuation marks of NISTIR 7695, section 6.2.
	cpePattern = regexp.MustCompile(`^cpe:2\.3:[aho*-](:(([a-zA-Z0-9._-]|\\[][\\*?!"#$%&'()+,/:;<=>@^` + "`" + `{|}~])+|[*-])){5}` +
		`:(([a-zA-Z]{2,3}(-([a-zA-Z]{2}|[0-9]{3}))?)|[*-])(:(([a-zA-Z0-9._-]|\\[][\\*?!"#$%&'()+,/:;<=>@^` + "`" + `{|}~])+|[*-])){4}$`)
)

func validMIME(s string) bool { return mimePattern.MatchString(s) }
func validCPE(s string) bool  { return cpePattern.MatchString(s) }
