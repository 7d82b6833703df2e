package denylist_test

import (
	"strings"
	"testing"

	"github.com/interdict/interdict/denylist"
)

func TestLint(t *testing.T) {
	const list = `
denylist: 1
regimes:
- {id: r, name: r, effects: [use-ban], vendors: [{id: acne}]}
vendors:
- id: acme
  rules:
  - {id: a, kind: filename, match: exact, values: [acme.exe], identifies: product, strength: strong, verified: true}
  - {id: b, kind: entity_name, match: entity, values: [ZT], identifies: maker, strength: strong, sources: [x], verified: true}
  - {id: c, kind: cpe_vendor, match: exact, values: [acme], identifies: product, strength: decisive}
  - {id: d, kind: path, match: prefix, values: [/opt/acme], identifies: residue, strength: decisive, sources: [x], verified: true, requires: {rules: [z]}}
- id: other
  rules:
  - {id: c, kind: cpe_vendor, match: exact, values: [ACME], identifies: product, strength: weak}
`
	l, err := denylist.Parse(strings.NewReader(list), "x")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range denylist.Lint(l) {
		got.WriteString(string(p.Severity) + " " + p.String() + "\n")
	}
	for _, want := range []string{
		"error acme/a: it is said to be verified, but names no source",
		"warning acme/a: a file name without a format",
		`warning acme/b: without its legal form the name "ZT" is only "zt"`,
		"note acme/c: it is not verified",
		"warning acme/d: residue never",
		`error acme/d: it requires the rule "acme/z"`,
		"warning acme: no regime names this vendor",
		`error r: it names the vendor "acne", which is not in the list (did you mean "acme"?)`,
		"warning r: it has no date",
		"warning other/c: acme/c identifies another vendor by the same value",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("missing %q in\n%s", want, got.String())
		}
	}
}
