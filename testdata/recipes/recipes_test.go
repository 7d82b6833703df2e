// Package recipes carries out the recipes of CONTRIBUTING.md, so that they stay
// true: in a copy of the repository it does what each of them says, in their
// order, builds, and sees that it works.
//
// Of the fenced blocks of CONTRIBUTING.md it understands those whose info
// string names a file:
//
//	```go scanner/detect/acme/acme.go              a new file
//	```go sbom/kind.go after: PURL Kind = "purl"   lines that go behind that line
//	```console                                     commands, after "$ ", and what they print
package recipes

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/interdict/interdict/testdata/need"
)

const root = "../.."

// block is one fenced block of a recipe.
type block struct {
	recipe string // the heading that it stands below
	info   string
	text   string
}

var (
	newFile  = regexp.MustCompile(`^\w+ ([\w./-]+)$`)
	addition = regexp.MustCompile(`^\w+ ([\w./-]+) after: (.+)$`)
)

func TestRecipes(t *testing.T) {
	need.Minutes(t)
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := parse(string(text))
	if len(blocks) < 8 {
		t.Fatalf("only %d blocks: the recipes are not where the test looks", len(blocks))
	}
	dir := t.TempDir()
	copyTree(t, dir)
	var commands []block
	for _, b := range blocks {
		switch add, file := addition.FindStringSubmatch(b.info), newFile.FindStringSubmatch(b.info); {
		case add != nil:
			insert(t, filepath.Join(dir, add[1]), add[2], b)
		case file != nil:
			create(t, filepath.Join(dir, file[1]), b)
		case b.info == "console":
			commands = append(commands, b)
		}
	}
	run(t, dir, "", "go build -o "+filepath.Join(dir, "bin", "interdict")+" ./cmd/interdict")
	for _, b := range commands {
		t.Run(b.recipe, func(t *testing.T) { console(t, dir, b.text) })
	}
}

// parse returns the fenced blocks of a Markdown text, with their headings.
func parse(text string) (out []block) {
	var b *block
	recipe := ""
	for line := range strings.Lines(text) {
		switch {
		case b != nil && strings.HasPrefix(line, "```"):
			out = append(out, *b)
			b = nil
		case b != nil:
			b.text += line
		case strings.HasPrefix(line, "```"):
			b = &block{recipe: recipe, info: strings.TrimSpace(line[3:])}
		case strings.HasPrefix(line, "#"):
			recipe = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	return out
}

// copyTree copies the repository's files, but for git's own and what is built.
func copyTree(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == ".git" || rel == "bin" || rel == "testdata/cache" || rel == "testdata/bench/out"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, file string, b block) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		t.Fatalf("%s: %s is there already: the recipe is not needed, or its names are taken", b.recipe, b.info)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// insert adds a block behind the one line that has the text, white space at
// both ends aside.
func insert(t *testing.T, file, after string, b block) {
	t.Helper()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%s: %v", b.recipe, err)
	}
	var out strings.Builder
	found := 0
	for line := range strings.Lines(string(old)) {
		out.WriteString(line)
		if strings.TrimSpace(line) == after {
			out.WriteString(b.text)
			found++
		}
	}
	if found != 1 {
		t.Fatalf("%s: %s has the line %q %d times, not once", b.recipe, file, after, found)
	}
	if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// console runs commands and looks for what they are to print: each line that
// follows a command, in order, white space at both ends aside.
func console(t *testing.T, dir, text string) {
	t.Helper()
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if cmd, ok := strings.CutPrefix(line, "$ "); ok {
			out = strings.Split(run(t, dir, filepath.Join(dir, "bin"), cmd), "\n")
			continue
		}
		found := false
		for i, have := range out {
			if strings.Contains(strings.TrimSpace(have), line) {
				out, found = out[i+1:], true
				break
			}
		}
		if !found && line != "" {
			t.Errorf("the line %q does not follow; what was left of the output:\n%s", line, strings.Join(out, "\n"))
		}
	}
}

// run runs a command line of sh in dir and returns all that it prints. Only
// interdict may end with another code than 0: it says what it found.
func run(t *testing.T, dir, path, line string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "INTERDICT_CACHE_DIR="+filepath.Join(dir, ".cache"))
	if path != "" {
		cmd.Env = append(cmd.Env, "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.HasPrefix(line, "interdict ") {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}
