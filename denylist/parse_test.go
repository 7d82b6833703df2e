package denylist_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
)

const ruleHead = "denylist: 1\nvendors:\n- id: acme\n  rules:\n  - id: a\n"

// badLists are what Parse refuses, with the line and a word of its message or
// hint. beyondSchema are those that a schema cannot see.
var badLists = []struct {
	name, yaml   string
	line         int
	says         string
	beyondSchema bool
}{
	{"format", "denylist: 2\n", 1, "denylist: 1", false},
	{"unknown field", "denylist: 1\nvendor: []\n", 2, `did you mean "vendors"`, false},
	{"unknown field of a rule", ruleHead + "    kinds: path\n", 6, `did you mean "kind"`, false},
	{"kind", ruleHead + "    kind: filenames\n    match: exact\n    values: [x]\n    identifies: product\n    strength: weak\n", 6, `did you mean "filename"`, false},
	{"match", ruleHead + "    kind: path\n    match: prefx\n    values: [x]\n    identifies: product\n    strength: weak\n", 7, `did you mean "prefix"`, false},
	{"strength", ruleHead + "    kind: path\n    match: prefix\n    values: [x]\n    identifies: product\n    strength: sure\n", 10, "decisive", false},
	{"no value", ruleHead + "    kind: path\n    match: prefix\n    identifies: product\n    strength: weak\n", 5, "values", false},
	{"two ways", ruleHead + "    kind: symbol\n    match: exact\n    values: [x]\n    all: [y]\n    identifies: product\n    strength: weak\n", 5, "exactly one", false},
	{"regex", ruleHead + "    kind: path\n    match: regex\n    values: ['(']\n    identifies: product\n    strength: weak\n", 8, "regular expression", true},
	{"legal form only", ruleHead + "    kind: entity_name\n    match: entity\n    values: [Ltd.]\n    identifies: maker\n    strength: weak\n", 8, "legal form", true},
	{"twice", "denylist: 1\nvendors:\n- id: acme\n- id: acme\n", 4, "used twice", true},
	{"id", "denylist: 1\nvendors:\n- id: Acme\n", 3, "lower-case", false},
	{"date", "denylist: 1\nregimes:\n- id: r\n  name: r\n  effects: [use-ban]\n  issued: yesterday\n", 6, "2006-01-02", false},
	{"effect", "denylist: 1\nregimes:\n- id: r\n  name: r\n  effects: [ban]\n", 5, "use-ban", false},
	{"deadline", "denylist: 1\nregimes:\n- id: r\n  name: r\n  effects: [use-ban]\n  deadlines:\n  - what: x\n", 7, "period", false},
	{"type", "denylist: 1\nvendors: acme\n", 2, "list", false},
	{"symbols by regex", ruleHead + "    kind: symbol\n    match: regex\n    values: [x]\n    identifies: product\n    strength: weak\n", 7, "cannot look", true},
	{"never met", ruleHead + "    kind: symbol\n    atLeast: {count: 3, of: [a, b]}\n    identifies: product\n    strength: weak\n", 7, "never", true},
	{"empty item", "denylist: 1\nvendors:\n-\n", 3, "empty", false},
	{"syntax", "denylist: 1\nvendors: [\n", 2, "", true},
	{"empty", "", 1, "empty", true},
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range badLists {
		t.Run(tt.name, func(t *testing.T) {
			_, err := denylist.Parse(strings.NewReader(tt.yaml), "list.yaml")
			var pe *denylist.ParseError
			if !errors.As(err, &pe) {
				t.Fatalf("error %v", err)
			}
			if p := pe.Problems[0]; p.Line != tt.line || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("line %d, want %d: %v", p.Line, tt.line, err)
			}
			if strings.Contains(err.Error(), "unmarshal") || strings.Contains(err.Error(), "denylist.") {
				t.Errorf("it speaks of Go: %v", err)
			}
		})
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	want := builtin.List()
	var b bytes.Buffer
	if err := want.Encode(&b); err != nil {
		t.Fatal(err)
	}
	got, err := denylist.Parse(&b, "again")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(denylist.List{})); d != "" {
		t.Error(d)
	}
	if want.ID().Digest != got.ID().Digest {
		t.Error("the digest changed")
	}
}

func TestMerge(t *testing.T) {
	over, err := denylist.Parse(strings.NewReader(`
denylist: 1
name: ours
version: "7"
regimes:
- id: house-rule
  name: our own
  effects: [use-ban]
  covers: {product: covered}
  vendors: [{id: acme, verified: true}, {id: kaspersky, verified: true}]
vendors:
- id: acme
  name: Acme
  rules:
  - {id: name, kind: package_name, match: exact, values: [acme-agent], identifies: product, strength: decisive, sources: [us], verified: true}
- id: kaspersky
  rules:
  - {id: package-kesl, kind: package_name, match: exact, values: [kesl], identifies: product, strength: decisive, sources: [us], verified: true, disabled: true}
`), "ours.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base := builtin.List()
	before := base.ID().Digest
	l := denylist.Merge(base, over)
	if base.ID().Digest != before || l.ID().Digest == before {
		t.Error("Merge changed its base, or nothing")
	}
	if id := l.ID(); id.Name != "interdict builtin + ours" || !strings.HasSuffix(id.Version, "+7") {
		t.Errorf("%+v", id)
	}
	v := l.Judge(inventory(pkg("pkg:deb/acme-agent@1", nil)), denylist.Policy{AsOf: today})
	if len(v.Findings) != 1 || v.Outcome != denylist.Deny || v.Regimes[0] != "au-pspf-002-2025" {
		t.Errorf("%+v", v)
	}
	if v := l.Judge(inventory(pkg("pkg:deb/kesl@1", nil)), denylist.Policy{AsOf: today}); len(v.Findings) != 0 {
		t.Errorf("a disabled rule matched: %+v", v.Findings)
	}
}

// TestWatch: what the list needs is watched for, and what is watched for is
// what a scan says that it looked for.
func TestWatch(t *testing.T) {
	w := builtin.List().Watch()
	for _, f := range []struct {
		k     sbom.Kind
		value string
		want  bool
	}{
		{sbom.Path, "/opt/kaspersky/kesl/bin/x", true}, {sbom.Path, "/opt/kaspersky", true}, {sbom.Path, "/opt/kasperskyx/y", false},
		{sbom.Path, "/Files/ProgramData/Kaspersky Lab/x", true}, {sbom.Path, "/home/kaspersky lab/x", false},
		{sbom.Filename, "KLIF.SYS", true}, {sbom.Filename, "klif.sys.txt", false}, {sbom.Filename, "update.kdc", true},
		{sbom.PEImport, "HCNetSDK.dll", true}, {sbom.JavaPackage, "com/kavsdk/shared/", true}, {sbom.JavaPackage, "com/example/", false},
	} {
		if got := w.Matches(f.k, f.value); got != f.want {
			t.Errorf("%s %s: %v", f.k, f.value, got)
		}
	}
	inv := inventory()
	if v := builtin.List().Judge(inv, denylist.Policy{}); v.Outcome != denylist.Pass || len(v.Gaps) != 0 {
		t.Errorf("%s %+v", v.Outcome, v.Gaps)
	}
	inv.Tool.Watched = inv.Tool.Watched[1:]
	if v := builtin.List().Judge(inv, denylist.Policy{}); v.Outcome != denylist.Incomplete || len(v.Gaps) != 1 || v.Gaps[0].Reason != sbom.NotEvaluated {
		t.Errorf("a pattern that was not looked for: %s %+v", v.Outcome, v.Gaps)
	}
	inv.Tool.Watched = nil
	if v := builtin.List().Judge(inv, denylist.Policy{}); len(v.Gaps) != 1 {
		t.Errorf("nothing looked for: %+v", v.Gaps)
	}
	inv.Foreign = "syft 1.54.1"
	if v := builtin.List().Judge(inv, denylist.Policy{}); v.Outcome != denylist.Incomplete || len(v.Gaps) != 1 || !strings.Contains(v.Gaps[0].Detail, "syft") {
		t.Errorf("a document of another tool: %+v", v.Gaps)
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range badLists {
		f.Add(b.yaml)
	}
	f.Add(ruleHead + "    kind: path\n    match: prefix\n    values: [/x/]\n    identifies: product\n    strength: weak\n    verified: false\n")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := denylist.Parse(strings.NewReader(s), "fuzz")
		if err != nil {
			return
		}
		// What is accepted is usable, and survives encoding.
		l.Judge(inventory(pkg("pkg:deb/kesl@1", nil)), denylist.Policy{})
		var b bytes.Buffer
		if err := l.Encode(&b); err != nil {
			t.Fatal(err)
		}
		again, err := denylist.Parse(&b, "again")
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if again.ID().Digest != l.ID().Digest {
			t.Error("encoding changed the list")
		}
	})
}
