package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the shown output into the README anew")

// TestReadme: the output that the README shows first is that of a real run.
// Only the day of the law changes from day to day.
func TestReadme(t *testing.T) {
	name, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	demo := filepath.Join(dir, "demo.tar")
	if out, err := exec.Command("go", "run", "../../testdata/demo", demo).CombinedOutput(); err != nil {
		t.Fatalf("making the demonstration image: %v\n%s", err, out)
	}
	t.Chdir(dir)
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"scan", "--no-cache", "demo.tar"}, strings.NewReader(""), &out, &errOut); code != exitDenied {
		t.Fatalf("exit code %d\n%s", code, errOut.String())
	}
	got := "\n```\n" + out.String() + "```\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- demo -->")
	shown, after, ok2 := strings.Cut(rest, "<!-- /demo -->")
	if !ok || !ok2 {
		t.Fatal("the README has no place for the demonstration's output")
	}
	if *update {
		if err := os.WriteFile(name, []byte(before+"<!-- demo -->"+got+"<!-- /demo -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	day := regexp.MustCompile(`law as of \d{4}-\d\d-\d\d`)
	if diff := cmp.Diff(day.ReplaceAllString(shown, "law as of DAY"), day.ReplaceAllString(got, "law as of DAY")); diff != "" {
		t.Errorf("the README shows something else (go test -run Readme -update ./cmd/interdict):\n%s", diff)
	}
}
