package denylist_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestExplain(t *testing.T) {
	var b strings.Builder
	l, err := denylist.Parse(strings.NewReader(explained), "explained.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := denylist.Explain(&b, l, "acme"); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/explain.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s", b.String())
	}
	if err := denylist.Explain(&b, l, "nobody"); err == nil {
		t.Error("no error for a vendor that is not there")
	}
}

// TestExplainEverybody: no vendor's page is empty, or wider than a terminal
// where its words allow.
func TestExplainEverybody(t *testing.T) {
	for _, v := range builtin.List().Vendors {
		var b strings.Builder
		if err := denylist.Explain(&b, builtin.List(), v.ID); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(b.String()) {
			if utf8.RuneCountInString(line) > 81 && len(strings.Fields(line)) > 3 {
				t.Errorf("%s: too wide: %s", v.ID, line)
			}
		}
		if !strings.Contains(b.String(), "Citation:") {
			t.Errorf("%s: no law", v.ID)
		}
	}
}

const explained = `
denylist: 1
name: an example
version: "1"
regimes:
- id: first-act
  name: First Act
  authority: a parliament
  citation: A 1
  effects: [use-ban]
  who: all agencies
  issued: 2020-01-01
  effective: 2020-07-01
  deadlines:
  - {date: 2020-08-01, what: report}
  - {period: P3BD, what: report what was found}
  - {period: P1M, what: remove}
  covers: {product: covered, engine: excluded}
  embedded: excluded
  exceptions: [training]
  verified: true
  vendors: [{id: acme, from: 2021-01-01, scope: software only, verified: true}]
- id: second-list
  name: Second List
  citation: B 2
  effects: [export-control]
  issued: 2020-01-01
  covers: {product: covered}
  vendors: [{id: acme}]
vendors:
- id: acme
  name: Acme
  note: An example.
  rules:
  - {id: names, kind: entity_name, match: entity, values: [Acme Ltd], identifies: maker, strength: strong, sources: [a register], verified: true}
  - {id: sdk, kind: symbol, atLeast: {count: 2, of: [acme_init, acme_run*]}, identifies: engine, strength: decisive, sources: [a file], verified: true, note: Seen once.}
  - id: tool
    kind: filename
    match: exact-fold
    values: [acme.exe]
    identifies: product
    strength: corroborating
    requires: {formats: [pe]}
    except: [{kind: pe_company_name, match: exact, values: [Other], note: another company}]
  embedders:
  - {product: Box, status: said once, verified: false}
`
