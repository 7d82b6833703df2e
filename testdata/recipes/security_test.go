package recipes

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSecurityTable: each test that SECURITY.md names is there.
func TestSecurityTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([\\w/]+) ((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 10 {
		t.Fatalf("only %d tests are named: the table is not where the test looks", len(named))
	}
	for _, n := range named {
		files, err := filepath.Glob(filepath.Join(root, n[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		declared := regexp.MustCompile(`(?m)^func ` + n[2] + `\(`)
		found := false
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || declared.Match(b)
		}
		if !found {
			t.Errorf("%s has no %s", n[1], n[2])
		}
	}
}
