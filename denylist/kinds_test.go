package denylist

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/interdict/interdict/sbom"
)

// TestSchemaKinds: the schema has every kind of evidence, in the table's order.
func TestSchemaKinds(t *testing.T) {
	var schema struct {
		Defs struct {
			Kind struct{ Enum []string } `json:"kind"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		names, err := json.MarshalIndent(ruleKinds(), "      ", "  ")
		if err != nil {
			t.Fatal(err)
		}
		enum := regexp.MustCompile(`("kind": \{\s+"description": "[^"]*",\s+"enum": )\[[^\]]*\]`)
		if err := os.WriteFile("schema/denylist.schema.json", enum.ReplaceAll(Schema, append([]byte("${1}"), names...)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !slices.Equal(schema.Defs.Kind.Enum, ruleKinds()) {
		t.Errorf("the schema has %v, sbom.Kinds %v: run with -update", schema.Defs.Kind.Enum, ruleKinds())
	}
}

// TestEveryKindCanBeARule: a rule of each kind, held against an evidence of that
// kind and of each kind under it, finds it.
func TestEveryKindCanBeARule(t *testing.T) {
	for _, k := range sbom.Kinds() {
		value := "/opt/acme/b"
		rule := Rule{ID: "acme/r", Kind: k.Kind, Match: Exact, Values: []string{value}, Identifies: Product, Strength: Decisive, Verified: true, Sources: []string{"x"}}
		if k.Kind == sbom.SymbolFamily {
			rule.Match = Prefix
		}
		l := &List{Vendors: []Vendor{{ID: "acme", Name: "Acme", Rules: []Rule{rule}}}}
		for _, of := range sbom.Kinds() {
			if of.Kind != k.Kind && !slices.Contains(of.Under, k.Kind) {
				continue
			}
			e := sbom.Evidence{Kind: of.Kind, Value: value, Path: "/f"}
			inv := &sbom.Inventory{Components: []sbom.Component{{Ref: "c", Name: "c", Evidence: []sbom.Evidence{e}}}}
			v := l.Judge(inv, Policy{Mentions: true})
			if len(v.Findings) != 1 || v.Findings[0].Matches[0].Kind != of.Kind {
				t.Errorf("a rule of kind %s does not find %s", k.Kind, of.Kind)
				continue
			}
			if why := v.Findings[0].Why; !strings.Contains(strings.ToLower(why), strings.ToLower(of.Label)) {
				t.Errorf("%s: %q does not name it %q", of.Kind, why, of.Label)
			}
		}
	}
}
