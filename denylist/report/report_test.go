package report_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/denylist/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func write(t *testing.T, f report.Format, r *report.Report, opt report.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, f, r, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// one returns the fixture with its first target only.
func one() *report.Report {
	r := fixture()
	r.Targets = r.Targets[:1]
	return r
}

const templateText = `{{range .Targets}}{{.Target}}: {{upper .Outcome}}
{{range .Verdict.Findings}}  {{.Level}} {{visible .VendorName}}: {{visible .Component.Name}} {{range .Occurrences}}{{short .Layer}} {{html .Path}} {{end}}
{{end}}{{end}}`

func TestGolden(t *testing.T) {
	for _, test := range []struct {
		file   string
		format report.Format
		opt    report.Options
		single bool
	}{
		{file: "table.txt", format: report.Table},
		{file: "table-mentions-120.txt", format: report.Table, opt: report.Options{Width: 120, Mentions: true}, single: true},
		{file: "table-color-40.txt", format: report.Table, opt: report.Options{Width: 40, Color: true}, single: true},
		{file: "report.json", format: report.JSON, opt: report.Options{Pretty: true}},
		{file: "bom.json", format: report.CycloneDXJSON, opt: report.Options{Pretty: true, Declarations: true}, single: true},
		{file: "report.sarif", format: report.SARIF, opt: report.Options{Pretty: true}},
		{file: "junit.xml", format: report.JUnit},
		{file: "gl-dependency-scanning-report.json", format: report.GitLab, opt: report.Options{Pretty: true}},
		{file: "gl-code-quality-report.json", format: report.GitLabQuality, opt: report.Options{Pretty: true}},
		{file: "report.csv", format: report.CSV, opt: report.Options{Mentions: true}},
		{file: "comment.md", format: report.Markdown},
		{file: "report.html", format: report.HTML},
		{file: "template.txt", format: report.Template, opt: report.Options{Template: templateText}},
		{file: "bom.xml", format: report.CycloneDXXML, opt: report.Options{Pretty: true, SpecVersion: "1.5"}, single: true},
	} {
		t.Run(test.file, func(t *testing.T) {
			r := fixture()
			if test.single {
				r = one()
			}
			golden(t, test.file, write(t, test.format, r, test.opt))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); look at it, then -update:\n%s", name, diff)
	}
}

// TestEveryFormat: each format is written, twice the same, without a raw
// control character of the subject.
func TestEveryFormat(t *testing.T) {
	for _, f := range report.Formats() {
		r := fixture()
		if report.SingleTarget(f) {
			r = one()
		}
		opt := report.Options{Mentions: true, Template: "{{range .Targets}}{{.Target}}\n{{end}}"}
		a, b := write(t, f, r, opt), write(t, f, r, opt)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs differ", f)
		}
		for _, c := range string(a) {
			if unicode.IsControl(c) && c != '\n' && c != '\t' && c != '\r' {
				t.Errorf("%s: control character %U", f, c)
			}
			if c == '\u202e' && f != report.JSON && f != report.CycloneDXJSON && f != report.CycloneDXXML {
				t.Errorf("%s: right-to-left override", f)
			}
		}
	}
}

func TestTableFits(t *testing.T) {
	for _, width := range []int{0, 40, 60, 80, 132} {
		out := write(t, report.Table, fixture(), report.Options{Width: width, Mentions: true})
		if width == 0 {
			width = 80
		}
		for line := range strings.Lines(string(out)) {
			if w := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("%d columns in %d: %q", w, width, line)
			}
		}
	}
}

func TestJSONSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*report.Report{fixture(), {}} {
		got, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, report.JSON, r, report.Options{})))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(got); err != nil {
			t.Error(err)
		}
		strict(t, "", doc.(map[string]any), doc.(map[string]any), got)
	}
}

// strict fails on a field that the schema does not describe: the schema lets
// readers ignore such fields, the writer may not have them.
func strict(t *testing.T, at string, root, schema map[string]any, v any) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch v := v.(type) {
	case map[string]any:
		props, _ := schema["properties"].(map[string]any)
		for k, x := range v {
			p, ok := props[k].(map[string]any)
			if !ok {
				t.Errorf("%s.%s is not in the schema", at, k)
				continue
			}
			strict(t, at+"."+k, root, p, x)
		}
	case []any:
		for _, x := range v {
			strict(t, at+"[]", root, schema["items"].(map[string]any), x)
		}
	}
}

// TestRead: a report that was read renders as the one that was written.
func TestRead(t *testing.T) {
	r := fixture()
	back, err := report.Read(bytes.NewReader(write(t, report.JSON, r, report.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Formats() {
		if report.SingleTarget(f) {
			continue
		}
		opt := report.Options{Mentions: true, Pretty: true, Template: "{{range .Targets}}{{json .Verdict.Findings}}{{end}}"}
		if diff := cmp.Diff(string(write(t, f, r, opt)), string(write(t, f, back, opt))); diff != "" {
			t.Errorf("%s differs:\n%s", f, diff)
		}
	}
	for i, target := range r.Targets {
		brief := target.Brief(back)
		if diff := cmp.Diff(back.Targets[i], brief); diff != "" {
			t.Errorf("%s is otherwise when it is brief:\n%s", target.Target, diff)
		}
	}
	back.Targets = back.Targets[:1]
	if err := report.Write(io.Discard, report.CycloneDXJSON, back, report.Options{}); err == nil {
		t.Error("a bill of materials is written from a report that has no components")
	}
}

func TestReadBad(t *testing.T) {
	for in, want := range map[string]string{
		"":                                      "EOF",
		"{}":                                    "not an interdict report",
		`{"schemaVersion":"2.0"}`:               "reads 1.x",
		`{"schemaVersion":"1.0","asOf":"soon"}`: "asOf",
		`{"schemaVersion":"1.0","targets":7}`:   "targets",
	} {
		if _, err := report.Read(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one that says %q", in, err, want)
		}
	}
}

// TestSingleTarget: several targets make one document, and one of them that
// could not be looked at is a gap in it.
func TestSingleTarget(t *testing.T) {
	r := one()
	r.Targets = append(r.Targets, r.Targets[0], report.Target{Target: "lost.tar", Error: "reading lost.tar: it is cut off"})
	for _, f := range report.Formats() {
		if !report.SingleTarget(f) {
			continue
		}
		text := string(write(t, f, r, report.Options{}))
		if !strings.Contains(text, "it is cut off") {
			t.Errorf("%s: the target that failed is not in it", f)
		}
	}
}
