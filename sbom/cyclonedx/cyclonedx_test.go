package cyclonedx_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/testdata/need"
)

// each runs f for every specification version and format.
func each(t *testing.T, f func(t *testing.T, opt cyclonedx.Options)) {
	t.Helper()
	for _, v := range cyclonedx.SpecVersions() {
		for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
			t.Run(v+"/"+string(format), func(t *testing.T) {
				f(t, cyclonedx.Options{Format: format, SpecVersion: v, Files: true})
			})
		}
	}
}

func encode(t testing.TB, inv *sbom.Inventory, opt cyclonedx.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := cyclonedx.Encode(&b, inv, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip is the law that the document is the evidence.
func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, opt cyclonedx.Options) {
		for seed := range uint64(300) {
			inv := newGen(seed).inventory()
			opt.Pretty = seed%2 == 0
			if seed%10 == 0 {
				opt.Declarations = newGen(seed).declarations()
				opt.Annotations = newGen(seed).annotations(inv)
			}
			doc := encode(t, inv, opt)
			got, err := cyclonedx.Decode(bytes.NewReader(doc))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, doc)
			}
			if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d: Decode(Encode(inv)) differs (-want +got):\n%s\n%s", seed, diff, doc)
			}
			if again := encode(t, got, opt); !bytes.Equal(doc, again) {
				t.Fatalf("seed %d: the second encoding differs:\n%s", seed, cmp.Diff(string(doc), string(again)))
			}
		}
	})
}

// TestFiles tells that what is left out by default is never evidence.
func TestFiles(t *testing.T) {
	inv := &sbom.Inventory{Components: []sbom.Component{
		{Type: sbom.FileType, Name: "plain"},
		{Type: sbom.FileType, Name: "told", Evidence: []sbom.Evidence{{Kind: sbom.Path, Value: "/told"}}},
		{Type: sbom.Library, Name: "lib"},
	}}
	inv.Normalize()
	got, err := cyclonedx.Decode(bytes.NewReader(encode(t, inv, cyclonedx.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range got.Components {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"lib", "told"}, names, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
}

// TestSchema validates documents with the official schemas, which come with
// the source of cyclonedx-go.
func TestSchema(t *testing.T) {
	dir := schemaDir(t)
	each(t, func(t *testing.T, opt cyclonedx.Options) {
		var check func([]byte) error
		if opt.Format == cyclonedx.JSON {
			check = jsonChecker(t, dir, opt.SpecVersion)
		}
		if check != nil && check([]byte(`{"bomFormat":"CycloneDX","specVersion":"`+opt.SpecVersion+`","nonsense":1}`)) == nil {
			t.Fatal("the schema accepts nonsense")
		}
		var files []string
		for seed := range uint64(120) {
			if seed%10 == 0 {
				opt.Declarations = newGen(seed).declarations()
			}
			inv := newGen(seed).inventory()
			opt.Annotations = newGen(seed).annotations(inv)
			doc := encode(t, inv, opt)
			if check == nil {
				file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.xml", seed))
				if err := os.WriteFile(file, doc, 0o600); err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			} else if err := check(doc); err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, doc)
			}
		}
		if files != nil {
			checkXML(t, dir, opt.SpecVersion, files)
		}
	})
}

func schemaDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatalf("finding the source of cyclonedx-go: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "schema")
}

func jsonChecker(t *testing.T, dir, version string) func([]byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, file := range map[string]string{
		"bom-" + version + ".schema.json": "bom-" + version + ".schema.json",
		"spdx.schema.json":                "spdx.schema.json",
		"jsf-0.82.schema.json":            "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	// 1.7 names algorithms in a schema of its own, which we have no use for.
	if err := c.AddResource("http://cyclonedx.org/schema/cryptography-defs.schema.json", map[string]any{
		"definitions": map[string]any{"algorithmFamiliesEnum": true, "ellipticCurvesEnum": true},
	}); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-" + version + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(b []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return err
		}
		return s.Validate(doc)
	}
}

// checkXML validates with xmllint (package libxml2-utils).
func checkXML(t *testing.T, dir, version string, files []string) {
	t.Helper()
	tmp := t.TempDir()
	for _, name := range []string{"bom-" + version + ".xsd", "spdx.xsd"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		// The schema names its import by a web address; ours lies beside it.
		b = bytes.ReplaceAll(b, []byte(`schemaLocation="http://cyclonedx.org/schema/spdx"`), []byte(`schemaLocation="spdx.xsd"`))
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	need.Tool(t, "xmllint")
	args := append([]string{"--nonet", "--noout", "--schema", filepath.Join(tmp, "bom-"+version+".xsd")}, files...)
	out, err := exec.Command("xmllint", args...).CombinedOutput()
	if err != nil {
		for line := range strings.Lines(string(out)) {
			if !strings.HasSuffix(line, " validates\n") {
				t.Log(strings.TrimSpace(line))
			}
		}
		t.Fatal(err)
	}
}

func TestUnknownOptions(t *testing.T) {
	inv := &sbom.Inventory{}
	if err := cyclonedx.Encode(io.Discard, inv, cyclonedx.Options{SpecVersion: "9"}); err == nil {
		t.Error("specification version 9 is accepted")
	}
	if err := cyclonedx.Encode(io.Discard, inv, cyclonedx.Options{Format: "yaml"}); err == nil {
		t.Error("format yaml is accepted")
	}
}

func TestBadInput(t *testing.T) {
	deep := strings.Repeat(`{"bomFormat":"CycloneDX","components":[`, 1000)
	for name, test := range map[string]struct{ in, want string }{
		"empty":         {"", "empty"},
		"text":          {"hello", "neither JSON nor XML"},
		"other json":    {`{"spdxVersion":"SPDX-2.3"}`, "not a CycloneDX document"},
		"other xml":     {`<project xmlns="http://maven.apache.org/POM/4.0.0"/>`, "not a CycloneDX document"},
		"cut off":       {"{\n\"bomFormat\":\"CycloneDX\",\n\"components\":[", "line 3"},
		"wrong type":    {"{\"bomFormat\":\"CycloneDX\",\n\"components\":7}", "line 2: a list is expected"},
		"deep":          {deep, "nested deeper"},
		"deep skipped":  {`{"x":` + strings.Repeat("[", 100_000), "nested deeper"},
		"deep xml":      {`<bom xmlns="http://cyclonedx.org/schema/bom/1.6">` + strings.Repeat("<components>", 10_000), "nested deeper"},
		"broken xml":    {"<bom>\n</bim>", "line 2"},
		"entities":      {`<!DOCTYPE a [<!ENTITY b "cc">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="&b;"/>`, "entity"},
		"newer format":  {`{"bomFormat":"CycloneDX","metadata":{"properties":[{"name":"interdict:format","value":"99"}]}}`, "newer interdict"},
		"broken note":   {`{"bomFormat":"CycloneDX","metadata":{"properties":[{"name":"interdict:format","value":"1"},{"name":"interdict:gap","value":"{"}]}}`, "interdict:gap"},
		"two documents": {`{"bomFormat":"CycloneDX"} {}`, "follows"},
		"raw control":   {"{\"bomFormat\":\"Cyclone\nDX\"}", "control character"},
		"bad escape":    {`{"bomFormat":"\q"}`, "escape"},
		"bad number":    {`{"bomFormat":"CycloneDX","version":01}`, "number"},
	} {
		_, err := cyclonedx.Decode(strings.NewReader(test.in))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want one that says %q", name, err, test.want)
		}
	}
	small := cyclonedx.Decoder{MaxSize: 10}
	if _, err := small.Decode(strings.NewReader(`{"bomFormat":"CycloneDX"}`)); err == nil {
		t.Error("a document over the size limit is accepted")
	}
	few := cyclonedx.Decoder{MaxComponents: 1}
	for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
		doc := encode(t, newGen(3).inventory(), cyclonedx.Options{Format: format, Files: true})
		if _, err := few.Decode(bytes.NewReader(doc)); err == nil {
			t.Errorf("%s: a document of too many components is accepted", format)
		}
	}
}

// FuzzDecode: never a panic; what is read can be written and read again, the
// same; and JSON that we accept is JSON to encoding/json too.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(4) {
		for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
			f.Add(encode(f, newGen(seed).inventory(), cyclonedx.Options{Format: format}))
		}
	}
	foreign, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range foreign {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		inv, err := cyclonedx.Decode(bytes.NewReader(doc))
		if err != nil {
			return
		}
		if doc[0] == '{' && bytes.ToValidUTF8(doc, nil) != nil && !json.Valid(doc) {
			t.Fatal("accepted what is not JSON")
		}
		for _, format := range []cyclonedx.Format{cyclonedx.JSON, cyclonedx.XML} {
			out := encode(t, inv, cyclonedx.Options{Format: format, Files: true})
			got, err := cyclonedx.Decode(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s: %s", format, diff)
			}
		}
	})
}
