package syftjson_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/syftjson"
)

const document = `{
 "artifacts": [
  {"id": "1", "name": "bash", "version": "5.2", "type": "deb", "foundBy": "dpkg-db-cataloger", "language": "",
   "locations": [{"path": "/var/lib/dpkg/status", "layerID": "sha256:aa", "annotations": {"evidence": "primary"}},
                 {"path": "/usr/share/doc/bash/copyright", "layerID": "sha256:aa", "annotations": {"evidence": "supporting"}}],
   "licenses": [{"value": "GPL-3", "spdxExpression": "GPL-3.0-only", "type": "declared", "urls": []}],
   "cpes": [{"cpe": "cpe:2.3:a:bash:bash:5.2:*:*:*:*:*:*:*", "source": "syft-generated"}], "purl": "pkg:deb/debian/bash@5.2",
   "metadataType": "dpkg-db-entry", "metadata": {"maintainer": "Matthias Klose <doko@debian.org>", "files": [{"path": "/bin/bash"}]}},
  {"id": "2", "name": "avp", "version": "21", "type": "binary", "locations": [{"path": "/x/avp.exe"}], "licenses": ["odd"],
   "cpes": ["cpe:2.3:a:x:avp:21:*:*:*:*:*:*:*"], "purl": "", "metadataType": "pe-binary", "metadata": {"VersionResources": [{"key": "CompanyName", "value": "AO Kaspersky Lab"}]}},
  {"id": "3", "name": "left", "version": "1", "type": "npm", "locations": [], "licenses": [], "cpes": [], "purl": "pkg:npm/left@1",
   "metadata": {"author": "A", "homepage": "https://example.com", "url": 7, "authors": "B"}}
 ],
 "artifactRelationships": [{"parent": "1", "child": "3", "type": "dependency-of"}, {"parent": "2", "child": "3", "type": "contains"}, {"parent": "s", "child": "1", "type": "contains"}],
 "files": [{"id": "f", "location": {"path": "/opt/kaspersky/kesl", "layerID": "sha256:aa"}, "digests": [{"algorithm": "sha256", "value": "0A"}]}],
 "source": {"id": "s", "name": "app", "type": "image", "metadata": {"userInput": "app:1", "imageID": "sha256:i", "manifestDigest": "sha256:m", "tags": ["app:1"],
   "layers": [{"mediaType": "t", "digest": "sha256:aa", "size": 5}], "architecture": "arm64", "architectureVariant": "v8", "os": "linux", "labels": {"k": "v"}}},
 "descriptor": {"name": "syft", "version": "1.54.1"}, "schema": {"version": "16.0.0", "url": ""}
}`

func TestDecode(t *testing.T) {
	got, err := syftjson.Decode(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	typ := func(s string) []sbom.Property { return []sbom.Property{{Name: "syft:package:type", Value: s}} }
	want := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Image, Name: "app:1", Digest: "sha256:m", ImageID: "sha256:i", Platform: "linux/arm64/v8",
			Tags: []string{"app:1"}, Labels: map[string]string{"k": "v"}},
		Foreign: "syft 1.54.1",
		Layers:  []sbom.Layer{{DiffID: "sha256:aa", MediaType: "t", Size: 5}},
		Components: []sbom.Component{
			{Ref: "1", Type: sbom.Library, Name: "bash", Version: "5.2", PURL: "pkg:deb/debian/bash@5.2", FoundBy: "dpkg-db-cataloger",
				Supplier: "Matthias Klose <doko@debian.org>", Publisher: "Matthias Klose <doko@debian.org>", Properties: typ("deb"),
				CPEs: []string{"cpe:2.3:a:bash:bash:5.2:*:*:*:*:*:*:*"}, Licenses: []sbom.License{{ID: "GPL-3.0-only", Declared: true}},
				Occurrences: []sbom.Occurrence{{Path: "/var/lib/dpkg/status", Layer: "sha256:aa"}}},
			{Ref: "2", Type: sbom.Application, Name: "avp", Version: "21", Manufacturer: "AO Kaspersky Lab", Properties: typ("binary"),
				CPEs: []string{"cpe:2.3:a:x:avp:21:*:*:*:*:*:*:*"}, Licenses: []sbom.License{{Name: "odd", Declared: true}},
				Occurrences: []sbom.Occurrence{{Path: "/x/avp.exe"}}, Contains: []string{"3"},
				Evidence: []sbom.Evidence{
					{Kind: sbom.ComponentName, Value: "avp", Where: "name"},
					{Kind: sbom.PECompanyName, Value: "AO Kaspersky Lab", Path: "/x/avp.exe", Where: "CompanyName"}}},
			{Ref: "3", Type: sbom.Library, Name: "left", Version: "1", PURL: "pkg:npm/left@1", Authors: []string{"A", "B"}, DependsOn: []string{"1"},
				References: []sbom.Reference{{Type: "website", URL: "https://example.com"}}, Properties: typ("npm")},
			{Ref: "f", Type: sbom.FileType, Name: "/opt/kaspersky/kesl", Hashes: []sbom.Hash{{Algorithm: "SHA-256", Value: "0a"}},
				Occurrences: []sbom.Occurrence{{Path: "/opt/kaspersky/kesl", Layer: "sha256:aa", Digest: "sha256:0a"}},
				Evidence: []sbom.Evidence{
					{Kind: sbom.FileHash, Value: "0a", Path: "/opt/kaspersky/kesl", Layer: "sha256:aa"},
					{Kind: sbom.Filename, Value: "kesl", Path: "/opt/kaspersky/kesl", Layer: "sha256:aa"},
					{Kind: sbom.Path, Value: "/opt/kaspersky/kesl", Path: "/opt/kaspersky/kesl", Layer: "sha256:aa"}}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for name, doc := range map[string]string{"empty": "", "other": `{"a":1}`, "no schema": `{"artifacts":[]}`, "array": "[]"} {
		if _, err := syftjson.Decode(strings.NewReader(doc)); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	if _, err := (syftjson.Decoder{MaxComponents: 2}).Decode(strings.NewReader(document)); err == nil {
		t.Error("a document beyond the count is read")
	}
	if _, err := (syftjson.Decoder{MaxSize: 100}).Decode(strings.NewReader(document)); err == nil {
		t.Error("a document beyond the size is read")
	}
}

// FuzzDecode: what is read is foreign, and canonical.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(document))
	f.Fuzz(func(t *testing.T, doc []byte) {
		inv, err := syftjson.Decode(bytes.NewReader(doc))
		if err != nil {
			return
		}
		if !strings.HasPrefix(inv.Foreign, "syft") {
			t.Fatalf("Foreign is %q", inv.Foreign)
		}
		again, err := syftjson.Decode(bytes.NewReader(doc))
		if diff := cmp.Diff(inv, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}
