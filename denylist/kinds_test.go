package denylist

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestEveryKindCanBeARule: no kind of evidence that sbom declares is missing
// in the vocabulary or in the schema.
func TestEveryKindCanBeARule(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../sbom/kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				s, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				declared = append(declared, s)
			}
		}
		return true
	})
	var schema struct {
		Defs struct {
			Kind struct{ Enum []string } `json:"kind"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	known, published := words(ruleKinds), schema.Defs.Kind.Enum
	for _, s := range [][]string{declared, known, published} {
		slices.Sort(s)
	}
	if len(declared) < 80 || !slices.Equal(declared, known) {
		t.Errorf("sbom declares %v, rules know %v", declared, known)
	}
	if !slices.Equal(declared, published) {
		t.Errorf("sbom declares %v, the schema %v", declared, published)
	}
}
