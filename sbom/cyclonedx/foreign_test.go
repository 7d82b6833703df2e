package cyclonedx_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// Documents in the form that other tools write, cut to what is read.
const (
	bySyft = `{
  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
  "serialNumber": "urn:uuid:5a3c1c0e-0000-4000-8000-000000000000", "version": 1,
  "metadata": {
    "timestamp": "2026-11-01T10:00:00+01:00",
    "tools": {"components": [{"type": "application", "author": "anchore", "name": "syft", "version": "1.54.1"}]},
    "component": {"bom-ref": "abc", "type": "container", "name": "example.com/app", "version": "sha256:dddd"},
    "properties": [{"name": "syft:image:labels:maintainer", "value": "me"}]
  },
  "components": [
    {"bom-ref": "pkg:npm/left-pad@1.0.0?package-id=1", "type": "library", "author": "A. Author", "name": "left-pad", "version": "1.0.0",
     "licenses": [{"license": {"id": "MIT"}}], "cpe": "cpe:2.3:a:left-pad:left-pad:1.0.0:*:*:*:*:*:*:*", "purl": "pkg:npm/left-pad@1.0.0",
     "externalReferences": [{"url": "https://example.com", "type": "website"}],
     "properties": [
       {"name": "syft:package:foundBy", "value": "javascript-package-cataloger"}, {"name": "syft:package:language", "value": "javascript"},
       {"name": "syft:location:1:layerID", "value": "sha256:bb"}, {"name": "syft:location:1:path", "value": "/b/package.json"},
       {"name": "syft:location:0:layerID", "value": "sha256:aa"}, {"name": "syft:location:0:path", "value": "/a/package.json"}]},
    {"bom-ref": "os:debian@13", "type": "operating-system", "name": "debian", "version": "13", "swid": {"tagId": "debian", "name": "debian"}}
  ],
  "dependencies": [{"ref": "pkg:npm/left-pad@1.0.0?package-id=1", "dependsOn": ["os:debian@13", "nowhere"]}]
}`
	byTrivy = `{
  "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
  "metadata": {
    "tools": {"components": [{"type": "application", "group": "aquasecurity", "name": "trivy", "version": "0.70.0"}]},
    "component": {"bom-ref": "r", "type": "container", "name": "app:1", "purl": "pkg:oci/app@sha256%3Aeeee?arch=amd64",
      "properties": [
        {"name": "aquasecurity:trivy:DiffID", "value": "sha256:aa"}, {"name": "aquasecurity:trivy:DiffID", "value": "sha256:bb"},
        {"name": "aquasecurity:trivy:ImageID", "value": "sha256:ff"}, {"name": "aquasecurity:trivy:RepoTag", "value": "app:1"}]}
  },
  "components": [
    {"bom-ref": "1", "type": "library", "supplier": {"name": "Debian"}, "name": "bash", "version": "5.2", "purl": "pkg:deb/debian/bash@5.2",
     "licenses": [{"expression": "GPL-3.0-or-later"}], "hashes": [{"alg": "SHA-1", "content": "0123456789012345678901234567890123456789"}],
     "properties": [{"name": "aquasecurity:trivy:LayerDiffID", "value": "sha256:bb"}, {"name": "aquasecurity:trivy:FilePath", "value": "usr/bin/bash"}]}
  ],
  "compositions": [{"aggregate": "incomplete", "assemblies": ["r"]}]
}`
	byOther = `<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1">
  <metadata><tools><tool><vendor>V</vendor><name>other</name><version>2</version></tool></tools>
    <component type="application"><name>app</name><version>1</version></component></metadata>
  <components>
    <component type="library" bom-ref="x"><supplier><name>S</name></supplier><author>One, Two</author><publisher>P</publisher>
      <group>g</group><name>n</name><version>1</version><copyright>C</copyright>
      <components><component type="library" bom-ref="y"><name>inner</name></component></components>
      <evidence><occurrences><occurrence><location>lib/n.so</location></occurrence></occurrences></evidence></component>
    <component type="library" bom-ref="x"><name>same reference</name></component>
    <component type="library"><name>no reference</name></component>
  </components>
</bom>`
)

// named adds what is noted of a component that has no more than a name.
func named(c sbom.Component) sbom.Component {
	c.NoteName()
	return c
}

func TestForeign(t *testing.T) {
	for name, test := range map[string]struct {
		doc  string
		want *sbom.Inventory
	}{
		"syft": {bySyft, &sbom.Inventory{
			Foreign: "syft 1.54.1",
			Subject: sbom.Subject{Kind: sbom.Image, Name: "example.com/app", Digest: "sha256:dddd", Labels: map[string]string{"maintainer": "me"}},
			Components: []sbom.Component{
				{Ref: "os:debian@13", Type: sbom.OperatingSystem, Name: "debian", Version: "13"},
				{
					Ref: "pkg:npm/left-pad@1.0.0?package-id=1", Type: sbom.Library, Name: "left-pad", Version: "1.0.0", PURL: "pkg:npm/left-pad@1.0.0",
					CPEs: []string{"cpe:2.3:a:left-pad:left-pad:1.0.0:*:*:*:*:*:*:*"}, Licenses: []sbom.License{{ID: "MIT"}}, Authors: []string{"A. Author"},
					References: []sbom.Reference{{Type: "website", URL: "https://example.com"}}, FoundBy: "javascript-package-cataloger", Language: "javascript",
					Occurrences: []sbom.Occurrence{{Path: "/a/package.json", Layer: "sha256:aa"}, {Path: "/b/package.json", Layer: "sha256:bb"}},
					DependsOn:   []string{"os:debian@13"},
				},
			},
		}},
		"trivy": {byTrivy, &sbom.Inventory{
			Foreign: "trivy 0.70.0",
			Subject: sbom.Subject{Kind: sbom.Image, Name: "app:1", Digest: "sha256:eeee", ImageID: "sha256:ff", PURL: "pkg:oci/app@sha256%3Aeeee?arch=amd64", Tags: []string{"app:1"}},
			Layers:  []sbom.Layer{{DiffID: "sha256:aa"}, {DiffID: "sha256:bb"}},
			Components: []sbom.Component{{
				Ref: "1", Type: sbom.Library, Name: "bash", Version: "5.2", PURL: "pkg:deb/debian/bash@5.2", Supplier: "Debian",
				Licenses:    []sbom.License{{Expression: "GPL-3.0-or-later"}},
				Hashes:      []sbom.Hash{{Algorithm: "SHA-1", Value: "0123456789012345678901234567890123456789"}},
				Occurrences: []sbom.Occurrence{{Path: "/usr/bin/bash", Layer: "sha256:bb"}},
			}},
			Coverage: sbom.Coverage{Gaps: []sbom.Gap{{Reason: sbom.NotEvaluated, Detail: "the document says of itself: incomplete"}}},
		}},
		"other": {byOther, &sbom.Inventory{
			Foreign: "other 2",
			Subject: sbom.Subject{Kind: sbom.Directory, Name: "app"},
			Components: []sbom.Component{
				named(sbom.Component{Type: sbom.Application, Name: "app", Version: "1"}),
				named(sbom.Component{Type: sbom.Library, Name: "no reference"}),
				named(sbom.Component{Type: sbom.Library, Name: "same reference"}),
				named(sbom.Component{
					Ref: "x", Type: sbom.Library, Group: "g", Name: "n", Version: "1", Supplier: "S", Publisher: "P", Copyright: "C",
					Authors: []string{"One, Two"}, Occurrences: []sbom.Occurrence{{Path: "/lib/n.so"}}, Contains: []string{"y"},
				}),
				named(sbom.Component{Ref: "y", Type: sbom.Library, Name: "inner"}),
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cyclonedx.Decode(strings.NewReader(test.doc))
			if err != nil {
				t.Fatal(err)
			}
			plain := cmp.Options{
				cmpopts.EquateEmpty(), cmpopts.IgnoreFields(sbom.Component{}, "Properties"), cmpopts.IgnoreFields(sbom.Inventory{}, "Created"),
				cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Ref" }, cmp.Comparer(func(a, b string) bool {
					return a == b || a == "" || b == "" // made by Normalize
				})),
				cmpopts.SortSlices(func(a, b sbom.Component) bool { return a.Name < b.Name }),
			}
			if diff := cmp.Diff(test.want, got, plain); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// What was read from another tool survives our own writing, and stays foreign.
			again, err := cyclonedx.Decode(bytes.NewReader(encode(t, got, cyclonedx.Options{Files: true})))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("written again (-want +got):\n%s", diff)
			}
		})
	}
}

// TestForeignPlaces: whatever place of another tool's document names a product
// or a maker, a component of the inventory does.
func TestForeignPlaces(t *testing.T) {
	const part = `"name":"guard","type":"application","supplier":{"name":"Acme"}`
	for place, doc := range map[string]string{
		"the subject":           `"metadata":{"component":{` + part + `}}`,
		"its supplier":          `"metadata":{"supplier":{"name":"Acme"},"component":{"type":"container","name":"guard"}}`,
		"its maker, before 1.6": `"metadata":{"manufacture":{"name":"Acme"},"component":{"type":"container","name":"guard"}}`,
		"a part of the subject": `"metadata":{"component":{"type":"container","name":"x","components":[{` + part + `}]}}`,
		"a nested component":    `"components":[{"name":"x","type":"library","components":[{` + part + `}]}]`,
		"an ancestor":           `"components":[{"name":"x","type":"library","pedigree":{"ancestors":[{` + part + `}]}}]`,
		"a variant of a part":   `"metadata":{"component":{"type":"file","name":"x","components":[{"name":"y","type":"library","pedigree":{"variants":[{` + part + `}]}}]}}`,
		"a service":             `"services":[{"name":"x","services":[{"name":"guard","provider":{"name":"Acme","url":["https://acme.example"]},"endpoints":["https://a.acme.example"]}]}]`,
	} {
		inv, err := cyclonedx.Decode(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6",` + doc + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(inv.Components, func(c sbom.Component) bool {
			return c.Name == "guard" && (c.Supplier == "Acme" || c.Manufacturer == "Acme")
		}) {
			t.Errorf("%s: no component says it: %+v", place, inv.Components)
		}
	}
	inv, err := cyclonedx.Decode(strings.NewReader(`{"bomFormat":"CycloneDX","vulnerabilities":[],"components":[{"name":"x","modelCard":{}}],"version":1}`))
	if err != nil || len(inv.Coverage.Gaps) != 1 || !strings.HasSuffix(inv.Coverage.Gaps[0].Detail, ": components[].modelCard, vulnerabilities") {
		t.Errorf("fields that are not read: %v, %+v", err, inv.Coverage.Gaps)
	}
}
