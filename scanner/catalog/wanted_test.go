package catalog

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/testdata/need"
)

func fileOf(name string, b []byte) *scanner.File {
	return &scanner.File{Path: name, Size: int64(len(b)), Head: b[:min(len(b), scanner.HeadSize)], ReaderAt: bytes.NewReader(b)}
}

func TestKeep(t *testing.T) {
	gobin := goProgram(t)
	plain := cProgram(t)
	for _, tt := range []struct {
		name string
		body []byte
		want bool
	}{
		{"/var/lib/dpkg/status", []byte("Package: a\n"), true},
		{"/var/lib/dpkg/info/a.md5sums", nil, true},
		{"/var/lib/dpkg/info/a.list", nil, false},
		{"/usr/share/doc/a/copyright", nil, true},
		{"/app/node_modules/x/package.json", nil, true},
		{"/app/node_modules/x/LICENSE.md", nil, true},
		{"/app/node_modules/x/README.md", []byte("# x"), false},
		{"/usr/lib/python3/dist-packages/x-1.dist-info/RECORD", nil, true},
		{"/opt/app.jar", nil, true},
		{"/usr/bin/anything", plain, false},
		{"/usr/bin/bash", plain, true},
		{"/usr/bin/anything", gobin, true},
		{"/usr/bin/text", []byte("\xff Go buildinf:"), false},
		{"/usr/share/doc/a/changelog.gz", nil, false},
	} {
		f := fileOf(tt.name, tt.body)
		got := Wants(f) && Keep(f)
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		f.ReaderAt = nil
		if tt.want && !Wants(f) {
			t.Errorf("%s: Keep holds but Wants does not", tt.name)
		}
	}
}

// TestELFSections: our reading of the table is that of debug/elf.
func TestELFSections(t *testing.T) {
	b := cProgram(t)
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, s := range f.Sections {
		want = append(want, s.Name)
	}
	sections, end := elfSections(fileOf("/x", b))
	for _, s := range sections {
		got = append(got, s.name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if end != int64(len(b)) {
		t.Errorf("the program ends at %d of %d bytes", end, len(b))
	}
}

func FuzzKeep(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01" + string(make([]byte, 60))))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Keep(fileOf("/usr/bin/x", b)) // it does not panic
	})
}

func goProgram(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/acme/tool\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(1) }\n")
	return build(t, dir, "go", "build", "-o", "prog", ".")
}

func cProgram(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.c"), "int main(void) { return 0; }\n")
	return build(t, dir, "gcc", "-o", "prog", "a.c")
}

func build(t testing.TB, dir, name string, args ...string) []byte {
	t.Helper()
	need.Tool(t, name)
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "prog"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The cataloger of .NET reads whole programs: it is shown only those that may
// hold a bundle.
func TestAppended(t *testing.T) {
	program := cProgram(t)
	for _, more := range []int{0, pageSize, pageSize + 1, 1 << 20} {
		f := fileOf("/usr/bin/program", append(bytes.Clone(program), make([]byte, more)...))
		if got, want := appended(f), more > pageSize; got != want {
			t.Errorf("with %d bytes behind its end: %v, want %v", more, got, want)
		}
	}
}
