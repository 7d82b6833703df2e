package swid

import (
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

const (
	new2015 = `<?xml version="1.0" encoding="utf-8"?>
<!-- a tag -->
<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" name="Acme Guard" version="3.1" tagId="acme.example-guard-3.1">
  <Entity name="Packager of Tags" regid="tags.example" role="tagCreator"/>
  <Entity name="Acme Ltd" regid="acme.example" role="tagCreator softwareCreator"/>
  <Entity name="A Shop" regid="shop.example" role="distributor"/>
  <Meta product="Guard"/>
</SoftwareIdentity>`
	old2009 = `<?xml version="1.0" encoding="utf-8"?>
<swid:software_identification_tag xmlns:swid="http://standards.iso.org/iso/19770/-2/2009/schema.xsd">
  <swid:entitlement_required_indicator>true</swid:entitlement_required_indicator>
  <swid:product_title>Acme Guard 2</swid:product_title>
  <swid:product_version><swid:name>2.0</swid:name><swid:numeric><swid:major>2</swid:major></swid:numeric></swid:product_version>
  <swid:software_creator><swid:name>Acme Ltd</swid:name><swid:regid>regid.1999-01.example.acme</swid:regid></swid:software_creator>
  <swid:software_licensor><swid:name>Acme Holding</swid:name></swid:software_licensor>
  <swid:software_id><swid:unique_id>guard-2</swid:unique_id></swid:software_id>
  <swid:tag_creator><swid:name>Somebody</swid:name></swid:tag_creator>
</swid:software_identification_tag>`
	tagOnly = `<SoftwareIdentity name="x"><Entity name="Acme Ltd" role="tagCreator"/></SoftwareIdentity>`
)

func TestDetect(t *testing.T) {
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + new2015)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	recent := sbom.Component{
		Type: sbom.Application, Name: "Acme Guard", Version: "3.1", Manufacturer: "Acme Ltd",
		Properties: []sbom.Property{{Name: "interdict:swid-tag", Value: "acme.example-guard-3.1"}},
		Evidence:   []sbom.Evidence{{Kind: sbom.SWIDEntity, Value: "Acme Ltd", Where: "tagCreator softwareCreator, regid acme.example"}},
	}
	for text, want := range map[string]sbom.Component{
		new2015:      recent,
		string(wide): recent,
		old2009: {
			Type: sbom.Application, Name: "Acme Guard 2", Version: "2.0", Manufacturer: "Acme Ltd",
			Properties: []sbom.Property{{Name: "interdict:swid-tag", Value: "guard-2"}},
			Evidence: []sbom.Evidence{
				{Kind: sbom.SWIDEntity, Value: "Acme Ltd", Where: "softwareCreator"},
				{Kind: sbom.SWIDEntity, Value: "Acme Holding", Where: "licensor"},
			},
		},
		tagOnly:              {Type: sbom.Application, Name: "x", Evidence: []sbom.Evidence{{Kind: sbom.SWIDEntity, Value: "Acme Ltd", Where: "tagCreator"}}},
		"not a tag at all <": {},
	} {
		c, gaps := detecttest.Detect(t, New(nil), detecttest.File("/usr/share/a.msi!/regid.acme/guard.swidtag", []byte(text)))
		if d := cmp.Diff(want, c); d != "" || len(gaps) > 0 {
			t.Errorf("%v %s", gaps, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(new2015))
	f.Add([]byte(old2009))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := parse(b)
		if len(got.entities) > maxEntities || len(got.product) > 2*maxText || len(got.makers()) > len(got.entities) {
			t.Fatalf("%+v", got)
		}
		got.component("x.swidtag")
	})
}
