package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
)

// TestSARIF validates with the schema of the standard and checks what GitHub
// asks beyond it.
func TestSARIF(t *testing.T) {
	doc := write(t, report.SARIF, fixture(), report.Options{Mentions: true})
	checkSARIF(t, doc)
	log, err := sarif.FromBytes(doc)
	if err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	prints := make(map[string]bool)
	for _, res := range run.Results {
		if got := run.Tool.Driver.Rules[res.RuleIndex]; *got.ID != *res.RuleID {
			t.Errorf("result of rule %s points at rule %s", *res.RuleID, *got.ID)
		}
		if len(res.Locations) == 0 || *res.Locations[0].PhysicalLocation.Region.StartLine != 1 {
			t.Errorf("%s has no location that GitHub shows", *res.RuleID)
		}
		p := res.PartialFingerprints["primaryLocationLineHash"]
		if p == "" || prints[p] {
			t.Errorf("fingerprint %q is empty or taken", p)
		}
		prints[p] = true
	}
	var raw struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						Properties map[string]any `json:"properties"`
						Help       struct{ Text, Markdown string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(doc, &raw); err != nil {
		t.Fatal(err)
	}
	for _, rule := range raw.Runs[0].Tool.Driver.Rules {
		if rule.Properties["security-severity"] == nil || rule.Help.Text == "" || rule.Help.Markdown == "" {
			t.Errorf("a rule lacks severity or help: %+v", rule)
		}
	}
}

// checkSARIF validates with the schema of the standard, which go-sarif has as a
// constant of its source.
func checkSARIF(t *testing.T, doc []byte) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatalf("finding the source of go-sarif: %v", err)
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "pkg/report/v210/sarif/schema.go")
	src, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(src, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && len(lit.Value) > len(text) {
			text = lit.Value
		}
		return true
	})
	text, err = strconv.Unquote(text)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Error(err)
	}
}

func TestJUnit(t *testing.T) {
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(write(t, report.JUnit, fixture(), report.Options{}), &suites); err != nil {
		t.Fatal(err)
	}
	tests, failures, errs := 0, 0, 0
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
		}
	}
	if tests != suites.Tests || failures != suites.Failures || errs != suites.Errors {
		t.Errorf("counts are %+v, want %d, %d, %d", suites, tests, failures, errs)
	}
	if failures != 4 || errs != 3 {
		t.Errorf("%d failures and %d errors, want a failure for each of 3 regimes of the first target and for one of that to review, and an error for each of 3 targets that are not complete", failures, errs)
	}
}

// TestCSV: every row has every column, no cell is a formula, no target is lost.
func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(write(t, report.CSV, fixture(), report.Options{Mentions: true}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, row := range rows {
		seen[row[0]] = true
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a cell is a formula: %q", cell)
			}
		}
	}
	for _, target := range fixture().Targets {
		if !seen[target.Target] {
			t.Errorf("no row for %s", target.Target)
		}
	}
}

// TestHTML: foreign text makes no element, attribute or link; nothing is
// loaded; ids are unique and inner links lead somewhere.
func TestHTML(t *testing.T) {
	doc := write(t, report.HTML, fixture(), report.Options{Mentions: true})
	ids, links := make(map[string]bool), []string{}
	scripts := 0
	for z := html.NewTokenizer(bytes.NewReader(doc)); ; {
		if z.Next() == html.ErrorToken {
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			break
		}
		tok := z.Token()
		if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
			continue
		}
		switch tok.Data {
		case "script":
			scripts++
		case "img", "iframe", "link", "object", "b":
			t.Errorf("an element that is not ours: %s", tok)
		}
		for _, a := range tok.Attr {
			switch {
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("id %q twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "href":
				links = append(links, a.Val)
			case strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style":
				t.Errorf("attribute %s: %s", a.Key, tok)
			}
		}
	}
	if scripts != 1 {
		t.Errorf("%d scripts, want ours alone", scripts)
	}
	for _, l := range links {
		if id, ok := strings.CutPrefix(l, "#"); ok && !ids[id] {
			t.Errorf("link to %s leads nowhere", l)
		} else if !ok && !strings.HasPrefix(l, "https://") {
			t.Errorf("link %q", l)
		}
	}
}

// TestMarkdown: no foreign markup, table cell or mention of a person.
func TestMarkdown(t *testing.T) {
	text := string(write(t, report.Markdown, fixture(), report.Options{}))
	outside := regexp.MustCompile("`[^`]*`|<code>[^<]*</code>").ReplaceAllString(text, "")
	for _, bad := range []string{"<script", "<img", "<b>", "@kaspersky"} {
		if strings.Contains(outside, bad) {
			t.Errorf("%q is in it:\n%s", bad, text)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") {
			if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 5 {
				t.Errorf("a row has %d bars: %s", n, line)
			}
		}
	}
	big := fixture()
	for range 2000 {
		big.Targets[0].Verdict.Findings = append(big.Targets[0].Verdict.Findings, big.Targets[0].Verdict.Findings[0])
	}
	if n := len(write(t, report.Markdown, big, report.Options{})); n > 65_536 {
		t.Errorf("a comment has %d bytes: GitHub takes 65,536", n)
	}
}

func TestExplain(t *testing.T) {
	var b bytes.Buffer
	for _, id := range []string{"kaspersky-3f2a9c1b77aa0001", "77b0"} {
		if err := report.Explain(&b, fixture(), id, report.Options{}); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	golden(t, "explain.txt", b.Bytes())
	for _, id := range []string{"", "nothing"} {
		if err := report.Explain(io.Discard, fixture(), id, report.Options{}); err == nil {
			t.Errorf("%q is explained", id)
		}
	}
	twins := fixture()
	twins.Targets[0].Verdict.Findings[1].ID = "kaspersky-3f2a9c1b77aa0009"
	if err := report.Explain(io.Discard, twins, "3f", report.Options{}); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("a prefix of two: %v", err)
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, text := range []string{"", "{{", "{{.Nothing}}"} {
		var b bytes.Buffer
		if err := report.Write(&b, report.Template, fixture(), report.Options{Template: text}); err == nil || b.Len() > 0 {
			t.Errorf("template %q: error %v, %d bytes written", text, err, b.Len())
		}
	}
}

// FuzzForeignText: whatever a subject's names are, each format stays itself.
func FuzzForeignText(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31mred", "</script><script>alert(1)</script>", "=1+1", "`|`", "]]>", "\u202e", "\xff\xfe", "a\r\nb", "{{.}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := one()
		fd := &r.Targets[0].Verdict.Findings[0]
		r.Targets[0].Target, fd.ID, fd.Vendor, fd.VendorName, fd.Why = s, s, s, s, s
		fd.Component.Name, fd.Component.PURL = s, s
		fd.Rulings = []denylist.Ruling{{Regime: s, Citation: s, Reason: s}}
		fd.Occurrences = []sbom.Occurrence{{Path: s, Layer: s}}
		fd.Matches[0].Value, fd.Matches[0].Source = s, s
		for _, format := range report.Formats() {
			if report.SingleTarget(format) || format == report.Template {
				continue
			}
			out := write(t, format, r, report.Options{Mentions: true})
			switch format {
			case report.JSON, report.SARIF, report.GitLab, report.GitLabQuality:
				if !json.Valid(out) {
					t.Errorf("%s is not JSON", format)
				}
			case report.JUnit:
				if err := xml.Unmarshal(out, new(struct{})); err != nil {
					t.Errorf("%s: %v", format, err)
				}
			case report.CSV:
				if _, err := csv.NewReader(bytes.NewReader(out)).ReadAll(); err != nil {
					t.Errorf("%s: %v", format, err)
				}
			case report.HTML:
				if n := bytes.Count(out, []byte("<script")); n != 1 {
					t.Errorf("%d scripts", n)
				}
			case report.Table:
				if bytes.ContainsAny(out, "\x1b\x07\r") {
					t.Error("a control character reaches the terminal")
				}
			}
		}
	})
}
