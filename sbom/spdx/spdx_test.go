package spdx_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/spdx"
)

// fill fills a value with random contents, with awkward texts among the
// ordinary ones.
func fill(r *rand.Rand, v reflect.Value) {
	one := func(s ...string) string { return s[r.IntN(len(s))] }
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		if r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(2e9), r.Int64N(1e9)).UTC()))
		}
		return
	case v.Type() == reflect.TypeFor[sbom.ComponentType]():
		v.SetString(one("library", "application", "device-driver", "file", "odd", ""))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Slice:
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "", "b": "c <d>"}))
	case reflect.String:
		v.SetString(one("", "", "acme", "MIT", "GPL-2.0-only OR MIT", "Jane Doe <jane@example.com>", "NOASSERTION", "NONE", "x: y",
			"pkg:deb/debian/bash@5.2?arch=amd64", "cpe:2.3:a:acme:foo:1.0:*:*:*:*:*:*:*", "https://example.com/a", "SHA-256",
			"website", "distribution", "Person: x", strings.Repeat("0a", 32), "LicenseRef-a", "(a", "<text>\t\n", "\x00\xff\u2028",
			fmt.Sprintf("n%d", r.IntN(100))))
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64N(1 << 40))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	}
}

func random(seed uint64) *sbom.Inventory {
	r := rand.New(rand.NewPCG(seed, 3))
	inv := &sbom.Inventory{}
	fill(r, reflect.ValueOf(inv).Elem())
	seen := map[string]bool{}
	for i := range inv.Components {
		c := &inv.Components[i]
		if seen[c.Ref] {
			c.Ref = ""
		}
		seen[c.Ref] = true
		c.DependsOn, c.Contains = nil, []string{"nowhere"}
	}
	inv.Normalize()
	for i := range inv.Components {
		c := &inv.Components[i]
		c.DependsOn = append(c.DependsOn, inv.Components[r.IntN(len(inv.Components))].Ref)
		c.Contains = append(c.Contains, inv.Components[r.IntN(len(inv.Components))].Ref)
	}
	inv.Normalize()
	return inv
}

func encode(t testing.TB, inv *sbom.Inventory) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := spdx.Encode(&b, inv, spdx.Options{Files: true, Pretty: true}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, doc []byte) *sbom.Inventory {
	t.Helper()
	inv, err := spdx.Decode(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return inv
}

// TestRoundTrip: nothing is lost, and the official schema holds.
func TestRoundTrip(t *testing.T) {
	valid := schema(t)
	for seed := range uint64(300) {
		inv := random(seed)
		doc := encode(t, inv)
		if err := valid(doc); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, doc)
		}
		got := decode(t, doc)
		if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: Decode(Encode(inv)) differs (-want +got):\n%s\n%s", seed, diff, doc)
		}
		if again := encode(t, got); !bytes.Equal(doc, again) {
			t.Fatalf("seed %d: the second encoding differs:\n%s", seed, cmp.Diff(string(doc), string(again)))
		}
	}
}

// schema returns a check by the official JSON schema, which syft's module holds.
func schema(t *testing.T) func([]byte) error {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anchore/syft").Output()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "schema/spdx-json/spdx-schema-2.3.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("spdx", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("spdx")
	if err != nil {
		t.Fatal(err)
	}
	check := func(b []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return err
		}
		return s.Validate(v)
	}
	if check([]byte(`{"spdxVersion": "SPDX-2.3"}`)) == nil {
		t.Fatal("the schema accepts nonsense")
	}
	return check
}

func ordinary() *sbom.Inventory {
	inv := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Image, Name: "example.test/app:1", Digest: "sha256:" + strings.Repeat("ab", 32), PURL: "pkg:oci/app@sha256%3Aabab"},
		Tool:    sbom.Tool{Name: "interdict", Version: "1.0"},
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Layers:  []sbom.Layer{{DiffID: "sha256:1"}},
		Components: []sbom.Component{
			{Ref: "a", Type: sbom.Library, Name: "bash", Version: "5.2", PURL: "pkg:deb/debian/bash@5.2", Supplier: "Debian <d@example.org>",
				CPEs: []string{"cpe:2.3:a:gnu:bash:5.2:*:*:*:*:*:*:*"}, Licenses: []sbom.License{{Name: "Odd licence", Declared: true}, {Expression: "GPL-3.0-or-later OR MIT", Declared: true}},
				Hashes: []sbom.Hash{{Algorithm: "SHA-256", Value: strings.Repeat("0c", 32)}}, References: []sbom.Reference{{Type: "website", URL: "https://example.org/"}},
				Occurrences: []sbom.Occurrence{{Path: "/var/lib/dpkg/status", Layer: "sha256:1"}}, DependsOn: []string{"b"}},
			{Ref: "b", Type: sbom.DeviceDriver, Name: "klif.sys", Manufacturer: "AO Kaspersky Lab", Evidence: []sbom.Evidence{{Kind: sbom.Filename, Value: "klif.sys", Path: "/klif.sys"}},
				Occurrences: []sbom.Occurrence{{Path: "/klif.sys"}}},
		},
		Coverage: sbom.Coverage{FilesSeen: 9, FilesExamined: 4, Gaps: []sbom.Gap{{Path: "/x.zip", Reason: sbom.Encrypted}}},
	}
	inv.Normalize()
	return inv
}

// TestReference: the reference library reads what we write, and what it then
// writes as tag-value says the same to us.
func TestReference(t *testing.T) {
	inv := ordinary()
	doc, err := spdxjson.Read(bytes.NewReader(encode(t, inv)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(doc.Packages); n != 3 {
		t.Fatalf("the reference library reads %d packages, want 3", n)
	}
	p := doc.Packages[slices.IndexFunc(doc.Packages, func(p *v2_3.Package) bool { return p.PackageName == "bash" })]
	if p.PackageSupplier.Supplier != "Debian (d@example.org)" || p.PackageExternalReferences[0].Locator != "pkg:deb/debian/bash@5.2" ||
		p.PackageLicenseDeclared != "LicenseRef-Odd-licence-96f0a1eb AND (GPL-3.0-or-later OR MIT)" {
		t.Errorf("the reference library reads %+v", p)
	}
	var tv bytes.Buffer
	if err := tagvalue.Write(doc, &tv); err != nil {
		t.Fatal(err)
	}
	// It drops annotations of packages: what they said is not passed over.
	got := decode(t, tv.Bytes())
	if got.Foreign == "" {
		t.Error("nothing tells that annotations were lost")
	}
	if diff := cmp.Diff(inv.Coverage, got.Coverage); diff != "" {
		t.Error(diff)
	}
	i := slices.IndexFunc(got.Components, func(c sbom.Component) bool { return c.Name == "bash" })
	c, want := got.Components[i], inv.Components[0]
	if c.PURL != want.PURL || c.Supplier != want.Supplier || !slices.Equal(c.CPEs, want.CPEs) || len(c.DependsOn) != 1 {
		t.Errorf("by way of tag-value it is %+v", c)
	}
}

const tagValue = `SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: product
Creator: Tool: acme-1.0
Created: 2024-01-02T03:04:05Z

##### a package
PackageName: av
SPDXID: SPDXRef-av
PackageVersion: 1
PackageSupplier: Organization: AO Kaspersky Lab (info@example.org)
PackageDescription: <text>many
lines</text>
PackageChecksum: SHA1: 85ED0817AF83A24AD8DA68C2B5094DE69833983C
ExternalRef: PACKAGE-MANAGER purl pkg:generic/av@1

FileName: ./opt/kaspersky/kesl/bin/kesl
SPDXID: SPDXRef-f
FileChecksum: SHA1: 85ed0817af83a24ad8da68c2b5094de69833983c

Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-av
Relationship: SPDXRef-av CONTAINS SPDXRef-f
Relationship: SPDXRef-x DEPENDENCY_OF SPDXRef-av

PackageName: x
SPDXID: SPDXRef-x
PackageLicenseDeclared: LicenseRef-1

LicenseID: LicenseRef-1
LicenseName: Odd
ExtractedText: <text>a licence</text>
`

// TestTagValue: a document of another tool.
func TestTagValue(t *testing.T) {
	got := decode(t, []byte(tagValue))
	want := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Directory, Name: "av", PURL: "pkg:generic/av@1"}, Foreign: "acme-1.0",
		Created: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
		Components: []sbom.Component{
			{Ref: "SPDXRef-av", Type: sbom.Library, Name: "av", Evidence: []sbom.Evidence{{Kind: sbom.ComponentName, Value: "av", Where: "name"}}, Version: "1", PURL: "pkg:generic/av@1", Supplier: "AO Kaspersky Lab <info@example.org>",
				Description: "many\nlines", Hashes: []sbom.Hash{{Algorithm: "SHA-1", Value: "85ed0817af83a24ad8da68c2b5094de69833983c"}},
				Occurrences: []sbom.Occurrence{{Path: "/opt/kaspersky/kesl/bin/kesl"}}, DependsOn: []string{"SPDXRef-x"}},
			{Ref: "SPDXRef-f", Type: sbom.FileType, Name: "/opt/kaspersky/kesl/bin/kesl", Hashes: []sbom.Hash{{Algorithm: "SHA-1", Value: "85ed0817af83a24ad8da68c2b5094de69833983c"}},
				Occurrences: []sbom.Occurrence{{Path: "/opt/kaspersky/kesl/bin/kesl"}},
				Evidence: []sbom.Evidence{{Kind: sbom.Filename, Value: "kesl", Path: "/opt/kaspersky/kesl/bin/kesl"},
					{Kind: sbom.Path, Value: "/opt/kaspersky/kesl/bin/kesl", Path: "/opt/kaspersky/kesl/bin/kesl"}}},
			{Ref: "SPDXRef-x", Type: sbom.Library, Name: "x", Evidence: []sbom.Evidence{{Kind: sbom.ComponentName, Value: "x", Where: "name"}}, Licenses: []sbom.License{{Name: "Odd", Declared: true}}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"empty": " ", "html": "<html>", "json": `{"a":1}`, "version 3": `{"spdxVersion":"SPDX-3.0"}`, "open text": "SPDXVersion: SPDX-2.3\nDocumentComment: <text>a",
		"twice":      `{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"a","name":"x"},{"SPDXID":"a","name":"y"}]}`,
		"newer note": `{"spdxVersion":"SPDX-2.3","annotations":[{"comment":"interdict:inventory {\"format\":2}"}]}`,
	} {
		if _, err := spdx.Decode(strings.NewReader(doc)); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	if _, err := (spdx.Decoder{MaxSize: 10}).Decode(strings.NewReader(tagValue)); err == nil {
		t.Error("a document beyond the size is read")
	}
	if _, err := (spdx.Decoder{MaxComponents: 2}).Decode(strings.NewReader(tagValue)); err == nil {
		t.Error("a document beyond the count is read")
	}
}

// FuzzDecode: what is read can be written, and read again as the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(tagValue))
	f.Add(encode(f, ordinary()))
	f.Fuzz(func(t *testing.T, doc []byte) {
		inv, err := spdx.Decode(bytes.NewReader(doc))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, c := range inv.Components {
			if seen[c.Ref] {
				return // references of foreign documents need not be unique
			}
			seen[c.Ref] = true
		}
		if diff := cmp.Diff(inv, decode(t, encode(t, inv)), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	inv := ordinary()
	for i := range 500 {
		c := inv.Components[0]
		c.Ref = fmt.Sprint("c", i)
		inv.Components = append(inv.Components, c)
	}
	inv.Normalize()
	doc := encode(b, inv)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		decode(b, doc)
	}
}
