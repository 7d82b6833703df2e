package catalog

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scantest"
)

func zipped(t testing.TB, files ...scantest.File) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, f := range files {
		w, err := zw.Create(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func javaManifest(name, vendor string) scantest.File {
	return text("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nImplementation-Title: "+name+"\r\nImplementation-Version: 1.2.3\r\nImplementation-Vendor: "+vendor+"\r\n\r\n")
}

// TestJava: a nested archive is at a nested path, and both name their vendors.
func TestJava(t *testing.T) {
	inner := zipped(t, javaManifest("acme-core", "Acme Ltd"))
	outer := zipped(t, javaManifest("acme-app", "Integrator GmbH"), scantest.File{Path: "BOOT-INF/lib/acme-core-1.2.3.jar", Body: inner})
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{{Path: "/opt/acme-app.jar", Body: outer}}}}}), Options{})
	app, core := findName(t, c, "acme-app"), findName(t, c, "acme-core")
	if app.Manufacturer != "Integrator GmbH" || core.Manufacturer != "Acme Ltd" {
		t.Errorf("makers are %q and %q", app.Manufacturer, core.Manufacturer)
	}
	if len(core.Occurrences) != 1 || core.Occurrences[0].Path != "/opt/acme-app.jar!/BOOT-INF/lib/acme-core-1.2.3.jar" || core.Occurrences[0].Hidden {
		t.Errorf("the inner archive is at %+v", core.Occurrences)
	}
	if !slices.Contains(app.DependsOn, core.Ref) {
		t.Errorf("the application depends on %v", app.DependsOn)
	}
	if !slices.ContainsFunc(app.Hashes, func(h sbom.Hash) bool { return h.Algorithm == "SHA-256" && len(h.Value) == 64 }) {
		t.Errorf("the application has hashes %+v", app.Hashes)
	}
}

// TestNode: what an installed package needs is what Node would load for it.
func TestNode(t *testing.T) {
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{
		text("/app/package.json", `{"name":"app","version":"1.0.0","dependencies":{"a":"1","b":"2","absent":"1"}}`),
		text("/app/node_modules/a/package.json", `{"name":"a","version":"1.0.0","peerDependencies":{"@s/c":"1"},"optionalDependencies":{"b":"1"}}`),
		text("/app/node_modules/a/node_modules/b/package.json", `{"name":"b","version":"1.0.0"}`),
		text("/app/node_modules/b/package.json", `{"name":"b","version":"2.0.0","dependencies":{"a":"1"}}`),
		text("/app/node_modules/@s/c/package.json", `{"name":"@s/c","version":"1.0.0"}`),
	}}}}), Options{})
	got := map[string][]string{}
	for _, x := range c.Components {
		got[x.PURL] = x.DependsOn
	}
	want := map[string][]string{
		"pkg:npm/app@1.0.0": {"pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"},
		"pkg:npm/a@1.0.0":   {"pkg:npm/%40s/c@1.0.0", "pkg:npm/b@1.0.0"},
		"pkg:npm/b@1.0.0":   nil,
		"pkg:npm/b@2.0.0":   {"pkg:npm/a@1.0.0"},
	}
	for ref := range want {
		if d := cmp.Diff(want[ref], got[ref]); d != "" {
			t.Errorf("%s needs (-want +got):\n%s", ref, d)
		}
	}
}

// TestPython: the core metadata that syft leaves out.
func TestPython(t *testing.T) {
	dir := "/usr/lib/python3/dist-packages/acme-1.0.dist-info/"
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{
		text(dir+"METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\nSummary: does it\nHome-page: https://user:secret@acme.example/x\n"+
			"Author: A. Author\nAuthor-email: a@acme.example\nMaintainer: Acme Corp\nProject-URL: Source, https://git.acme.example/acme\nLicense: MIT\n\nbody\n"),
		text(dir+"RECORD", "acme/__init__.py,sha256=xyz,1\n"), text(dir+"top_level.txt", "acme\n"),
	}}}}), Options{})
	p := find(t, c, "pkg:pypi/acme@1.0")
	if d := cmp.Diff([]string{"A. Author <a@acme.example>", "Acme Corp"}, p.Authors); d != "" {
		t.Errorf("authors (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]sbom.Reference{{Type: "website", URL: "https://acme.example/x"}, {Type: "vcs", URL: "https://git.acme.example/acme"}}, p.References); d != "" {
		t.Errorf("references (-want +got):\n%s", d)
	}
	if p.Description != "does it" || p.Language != "python" {
		t.Errorf("description %q, language %q", p.Description, p.Language)
	}
}

func TestIntegrity(t *testing.T) {
	b := &builder{}
	b.integrity("sha1-qUj8HR1z8wGHf5oL2aUrqA3a8oE= sha512-!! md9-AAAA")
	if d := cmp.Diff([]sbom.Hash{{Algorithm: "SHA-1", Value: "a948fc1d1d73f301877f9a0bd9a52ba80ddaf281"}}, b.c.Hashes); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestResourceName(t *testing.T) {
	for _, tt := range []struct{ typ, in, want string }{
		{"deb", "libc6 (>= 2.36)", "libc6"},
		{"deb", "python3:any", "python3"},
		{"deb", "foo [i386]", "foo"},
		{"apk", "so:libc.musl-x86_64.so.1=1", "so:libc.musl-x86_64.so.1"},
		{"apk", "musl>=1", "musl"},
		{"apk", "!uclibc", ""},
		{"rpm", "libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6(GLIBC_2.34)(64bit)"},
		{"rpm", "(llvm if clang)", ""},
		{"alpm", "glibc>=2.38", "glibc"},
	} {
		if got := resourceName(tt.typ, tt.in); got != tt.want {
			t.Errorf("%s %q: got %q, want %q", tt.typ, tt.in, got, tt.want)
		}
	}
}

// TestUnknowns: errors that are no unknowns come out whole.
func TestUnknowns(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	got := unknowns(fmt.Errorf("first: %w", errors.Join(a, fmt.Errorf("second: %w", b))))
	if len(got) != 1 || got[0].reason.Error() != "first: a\nsecond: b" {
		t.Errorf("got %+v", got)
	}
	if got := unknowns(errors.Join(a, b)); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
	if got := unknowns(nil); got != nil {
		t.Errorf("got %+v", got)
	}
}

// benchImage has what costs: many packages of node with licenses beside them, a
// large database, and another layer that rewrites it.
func benchImage(tb testing.TB) scantest.Image {
	var status bytes.Buffer
	var files []scantest.File
	for i := range 800 {
		name := fmt.Sprintf("pkg%d", i)
		status.WriteString(stanza(name, "1", "Depends: pkg0\n"))
		files = append(files,
			text("/var/lib/dpkg/info/"+name+".md5sums", fmt.Sprintf("00000000000000000000000000000000  usr/share/%s/f\n", name)),
			text("/usr/share/"+name+"/f", "x"), text("/usr/share/doc/"+name+"/copyright", "License: MIT\n"))
	}
	for i := range 2000 {
		dir := fmt.Sprintf("/app/node_modules/m%d/", i)
		files = append(files, text(dir+"package.json", fmt.Sprintf(`{"name":"m%d","version":"1.0.0","license":"MIT"}`, i)))
		for j := range 15 {
			files = append(files, text(fmt.Sprintf("%slib/f%d.js", dir, j), "x"))
		}
	}
	files = append(files, text("/etc/os-release", release), text("/var/lib/dpkg/status", status.String()))
	status.WriteString(stanza("last", "1", ""))
	return scantest.Image{Layers: []scantest.Layer{{Files: files}, {Files: []scantest.File{text("/var/lib/dpkg/status", status.String())}}}}
}

func BenchmarkComponents(b *testing.B) {
	layers := indexes(b, built(b, benchImage(b)))
	if _, err := licenseContext(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c, err := Components(context.Background(), layers, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if len(c.Components) < 2800 {
			b.Fatalf("%d components", len(c.Components))
		}
	}
}

// BenchmarkNames is the cost of asking, for one file of a layer, whether any
// cataloger wants it.
func BenchmarkNames(b *testing.B) {
	names := imageNames()
	paths := []string{
		"/usr/lib/x86_64-linux-gnu/libfoo.so.1", "/app/node_modules/x/lib/index.js", "/usr/share/doc/x/copyright",
		"/usr/share/zoneinfo/Europe/Berlin", "/app/node_modules/x/package.json", "/usr/include/linux/if_link.h",
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range paths {
			names.matches(p)
		}
	}
}
