package sbom_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
)

var update = flag.Bool("update", false, "write KINDS.md")

// TestKinds: every kind that is declared has one complete row, and the rows
// agree with themselves.
func TestKinds(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared, rows []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				s, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				declared = append(declared, s)
			}
		}
		return true
	})
	ofs := []sbom.Of{sbom.OfFile, sbom.OfPackage, sbom.OfSigner, sbom.OfInstallation, sbom.OfImage}
	classes := []sbom.Class{sbom.ClassName, sbom.ClassIdentity, sbom.ClassSignature, sbom.ClassCode, sbom.ClassMetadata, sbom.ClassConfig}
	for _, k := range sbom.Kinds() {
		rows = append(rows, string(k.Kind))
		if !strings.HasPrefix(k.Label, "the ") || k.Meaning == "" || k.Form == "" || !slices.Contains(ofs, k.Of) || !slices.Contains(classes, k.Class) ||
			k.Format != "" && !k.Format.Known() {
			t.Errorf("the row is not complete: %+v", k)
		}
		if k.Trust != "" && k.Of != sbom.OfSigner || (k.Trust == sbom.Claimed) != strings.HasSuffix(string(k.Kind), "_claimed") ||
			k.Trust == sbom.Claimed && k.Class == sbom.ClassSignature {
			t.Errorf("%s: trust %q of %s, class %s", k.Kind, k.Trust, k.Of, k.Class)
		}
		for _, u := range k.Under {
			if u == k.Kind || u.Info().Meaning == "" {
				t.Errorf("%s is under %s", k.Kind, u)
			}
		}
	}
	slices.Sort(declared)
	slices.Sort(rows)
	if d := cmp.Diff(declared, rows); d != "" || len(slices.Compact(rows)) != len(sbom.Kinds()) {
		t.Errorf("kind.go and the table (-declared +rows):\n%s", d)
	}
}

// TestClaimedPairs: what is claimed is held against the rules for what is
// verified, and is the same in all else.
func TestClaimedPairs(t *testing.T) {
	for _, k := range sbom.Kinds() {
		if k.Trust != sbom.Claimed {
			continue
		}
		v := sbom.Kind(strings.TrimSuffix(string(k.Kind), "_claimed"))
		if info := v.Info(); info.Trust != sbom.Verified || !slices.Contains(k.Under, v) || info.Format != k.Format || info.Name != k.Name || info.Of != k.Of {
			t.Errorf("%s and %s do not pair", k.Kind, v)
		}
	}
}

// TestKindsPage: the reference page is made of the table.
func TestKindsPage(t *testing.T) {
	page := kindsPage()
	if *update {
		if err := os.WriteFile("KINDS.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("KINDS.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), page); d != "" {
		t.Errorf("KINDS.md is not of this table (run with -update):\n%s", d)
	}
}

func kindsPage() string {
	var b strings.Builder
	b.WriteString(`# Kinds of evidence

Made from the table in [kinds.go](kinds.go) by ` + "`go test ./sbom -update`" + `. A rule of a denylist names the kind that it matches.

*Of* is what the evidence tells something of: it is weighed together with the other evidence of the same file, package, image or installation; a
signer's with the file that it signed. Evidence of different *groups* is independent. A rule of one kind holds for the kinds that are *under* it too.

| kind | what it is | value | of | group | notes |
|---|---|---|---|---|---|
`)
	for _, k := range sbom.Kinds() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Kind, k.Meaning, k.Form, k.Of, k.Class, strings.Join(kindNotes(&k), "; "))
	}
	return b.String()
}

func kindNotes(k *sbom.KindInfo) (notes []string) {
	if k.Trust != "" {
		notes = append(notes, string(k.Trust))
	}
	if k.Format != "" {
		notes = append(notes, "only in "+string(k.Format))
	}
	for _, t := range []struct {
		is   bool
		note string
	}{
		{k.Name != sbom.NameNone, "carries the name of a maker"},
		{k.Is(sbom.Imported), "used, not held"},
		{k.Is(sbom.AlwaysNoted), "in every inventory"},
	} {
		if t.is {
			notes = append(notes, t.note)
		}
	}
	if len(k.Under) > 0 {
		names := make([]string, len(k.Under))
		for i, u := range k.Under {
			names[i] = "`" + string(u) + "`"
		}
		notes = append(notes, "under "+strings.Join(names, ", "))
	}
	return notes
}
