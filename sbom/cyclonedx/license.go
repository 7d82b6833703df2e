package cyclonedx

import (
	_ "embed"
	"strings"
	"sync"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// spdxIDs are the identifiers that every version of the specification allows
// in license.id: its spdx.schema.json of version 1.4. Later ones are written
// as names, because an older validator refuses them.
//
//go:embed spdx-ids.txt
var spdxIDs string

var knownLicense = sync.OnceValue(func() map[string]bool {
	ids := strings.Fields(spdxIDs)
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
})

// licenses fills the component's licences. Before 1.7 the specification allows
// either a list of licences or one expression alone; acknowledgement came with
// 1.6. What that cannot hold is also noted as properties, all or none.
func (b *builder) licenses(out *cdx.Component, in []sbom.License, props *properties) {
	if len(in) == 0 {
		return
	}
	exact := true
	choices := make(cdx.Licenses, 0, len(in))
	for _, l := range in {
		choice, ok := b.license(l, len(in) == 1)
		exact = exact && ok
		if choice.License != nil || choice.Expression != "" {
			choices = append(choices, choice)
		}
	}
	if len(choices) > 0 {
		out.Licenses = &choices
	}
	if !exact {
		for _, l := range in {
			props.note(propLicense, licenseNote(l))
		}
	}
}

// license makes one choice and reports whether it says all that l says.
func (b *builder) license(l sbom.License, alone bool) (cdx.LicenseChoice, bool) {
	ack := cdx.LicenseAcknowledgementConcluded
	if l.Declared {
		ack = cdx.LicenseAcknowledgementDeclared
	}
	exact := b.spec >= cdx.SpecVersion1_6 || !l.Declared
	if b.spec < cdx.SpecVersion1_6 {
		ack = ""
	}
	if l.Expression != "" && l.ID == "" && l.Name == "" && (alone || b.spec >= cdx.SpecVersion1_7) {
		choice := cdx.LicenseChoice{Expression: l.Expression}
		if ack != "" {
			choice.Acknowledgement = &ack
		}
		return choice, exact && l.URL == ""
	}
	out := &cdx.License{Acknowledgement: ack}
	switch {
	case l.ID != "" && knownLicense()[l.ID]:
		out.ID = l.ID
		exact = exact && l.Expression == "" && l.Name == ""
	case l.ID != "":
		out.Name, exact = l.ID, false
	case l.Name != "":
		out.Name = l.Name
		exact = exact && l.Expression == ""
	case l.Expression != "":
		out.Name, exact = l.Expression, false
	default:
		return cdx.LicenseChoice{}, false
	}
	if isURI(l.URL) {
		out.URL = l.URL
	} else if l.URL != "" {
		exact = false
	}
	return cdx.LicenseChoice{License: out}, exact
}
