// Package detecttest helps to test detectors: it wraps bytes as a scanner.File
// and runs the tools that build the files under test.
package detecttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/testdata/need"
)

// File returns contents as a file at path.
func File(path string, contents []byte) *scanner.File {
	return &scanner.File{
		Path: path, Size: int64(len(contents)), Mode: 0o755,
		Head: contents[:min(len(contents), scanner.HeadSize)], ReaderAt: bytes.NewReader(contents),
	}
}

// Open returns the file on disk at path. It is closed when the test ends.
func Open(t testing.TB, path string) *scanner.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, min(info.Size(), scanner.HeadSize))
	if _, err := f.ReadAt(head, 0); err != nil && len(head) > 0 {
		t.Fatal(err)
	}
	return &scanner.File{Path: path, Size: info.Size(), Mode: info.Mode().Perm(), Head: head, ReaderAt: f}
}

// Detect runs d on f, which d must want, and fails the test on an error. A file
// that d says nothing of has an empty component.
func Detect(t testing.TB, d scanner.Detector, f *scanner.File) (sbom.Component, []sbom.Gap) {
	t.Helper()
	if !d.Wants(f) {
		t.Fatalf("%s does not want %s", d.Name(), f.Path)
	}
	r, err := d.Detect(t.Context(), f)
	if err != nil {
		t.Fatalf("%s: %s: %v", d.Name(), f.Path, err)
	}
	if r.Component == nil {
		r.Component = &sbom.Component{}
	}
	return *r.Component, r.Gaps
}

// Facts writes evidence as lines "kind: value", with " xN" where it counts, in
// the order given.
func Facts(c sbom.Component) []string {
	var lines []string
	for _, e := range c.Evidence {
		line := fmt.Sprintf("%s: %s", e.Kind, e.Value)
		if e.Count > 0 {
			line += fmt.Sprintf(" x%d", e.Count)
		}
		lines = append(lines, line)
	}
	return lines
}

// Values returns the values of one kind.
func Values(c sbom.Component, k sbom.Kind) []string {
	var vs []string
	for _, e := range c.Evidence {
		if e.Kind == k {
			vs = append(vs, e.Value)
		}
	}
	return vs
}

// Run runs a tool in dir. A tool that is not there is need.Missing.
func Run(t testing.TB, dir, tool string, args ...string) {
	t.Helper()
	RunEnv(t, dir, nil, tool, args...)
}

// RunEnv is Run with additions to the environment.
func RunEnv(t testing.TB, dir string, env []string, tool string, args ...string) {
	t.Helper()
	need.Tool(t, tool)
	cmd := exec.Command(tool, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
}

// Script runs a script of bash in dir, which is its home as well, with additions
// to the environment. A tool that is not there is need.Missing.
func Script(t testing.TB, dir, script string, env ...string) {
	t.Helper()
	need.Script(t, dir, script, append([]string{"HOME=" + dir, "GNUPGHOME=" + dir}, env...)...)
}

// Build runs a script in an empty folder and returns the file "out" that it
// leaves there.
func Build(t testing.TB, script string) []byte {
	t.Helper()
	dir := t.TempDir()
	Script(t, dir, script)
	return Read(t, dir, "out")
}

// Write writes a file below dir and returns its path.
func Write(t testing.TB, dir, name, contents string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(contents), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// Read reads a file.
func Read(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
