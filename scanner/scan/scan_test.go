package scan_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/scanner/source"
	"github.com/interdict/interdict/testdata/need"
)

// watch stands for a denylist: one folder and one file name.
var watch = &sbom.Watch{
	Match: func(k sbom.Kind, v string) bool {
		return k == sbom.Path && (v+"/" == "/opt/acme/" || strings.HasPrefix(v, "/opt/acme/")) || k == sbom.Filename && v == "acme.sys"
	},
	Folder:       func(string) string { return "/opt/acme" },
	Fingerprints: []string{sbom.Fingerprint("acme")},
}

const story = `layer 0: ADD rootfs /
layer 1: RUN install acme
layer 2: RUN rm -rf /opt/acme
-- 0/etc/os-release --
ID=debian
VERSION_ID="12"
-- 0/var/lib/dpkg/status --
Package: base
Status: install ok installed
Architecture: amd64
Version: 1

-- 1/opt/acme/bin/agent --
#!/bin/sh
-- 1/srv/acme.sys --
not a driver
-- 1/srv/node_modules/left-pad/package.json --
{"name": "left-pad", "version": "1.3.0"}
-- 2/opt/.wh.acme --
`

func build(t *testing.T, text string) v1.Image {
	t.Helper()
	im, err := scantest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func open(t *testing.T, target string) scanner.Source {
	t.Helper()
	srcs, err := source.Open(t.Context(), target, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srcs[0].Close() })
	return srcs[0]
}

func archive(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	if err := scantest.WriteDockerArchive(&buf, "example.test/app:1", build(t, text)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func find(t *testing.T, inv *sbom.Inventory, name string) sbom.Component {
	t.Helper()
	for _, c := range inv.Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the inventory has no %s", name)
	return sbom.Component{}
}

// TestLayersAndHiding: each component knows the layer that brought it, and
// whether it is still to be seen.
func TestLayersAndHiding(t *testing.T) {
	inv, err := scan.Run(t.Context(), open(t, archive(t, story)), scan.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		name   string
		layer  int
		path   string
		hidden bool
	}{
		{"base", 0, "/var/lib/dpkg/status", false},
		{"left-pad", 1, "/srv/node_modules/left-pad/package.json", false},
		{"acme", 1, "/opt/acme/bin/agent", true},
		{"acme.sys", 1, "/srv/acme.sys", false},
	} {
		c := find(t, inv, want.name)
		got := c.Occurrences[0]
		got.Digest = ""
		if diff := cmp.Diff(sbom.Occurrence{Path: want.path, Layer: inv.Layers[want.layer].DiffID, Hidden: want.hidden}, got); diff != "" {
			t.Errorf("%s: %s", want.name, diff)
		}
	}
	if got := inv.Layers[1].CreatedBy; got != "RUN install acme" {
		t.Errorf("layer 1 was made by %q", got)
	}
	if !inv.Coverage.Complete() || inv.Coverage.FilesSeen != 5 {
		t.Errorf("coverage %+v, want 5 files and no gap", inv.Coverage)
	}
}

// TestSecondScan pulls no layer and gives the same inventory; a sister image
// pulls only the layer that it does not share.
func TestSecondScan(t *testing.T) {
	reg, addr := scantest.Registry(false)
	t.Cleanup(reg.Close)
	var blobs atomic.Int64
	counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			blobs.Add(1)
		}
		reg.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(counting.Close)
	sister := strings.Replace(story, "2/opt/.wh.acme", "2/srv/new", 1)
	for ref, text := range map[string]string{"/app:1": story, "/app:2": sister} {
		if err := crane.Push(build(t, text), addr+ref, crane.Insecure); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := scan.OpenCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	look := func(ref string) (*sbom.Inventory, int64) {
		blobs.Store(0)
		inv, err := scan.Run(t.Context(), open(t, strings.TrimPrefix(counting.URL, "http://")+ref), scan.Options{Watch: watch, Cache: cache,
			Observe: func(e scan.Event) {
				if e.Kind == scan.CacheTrouble {
					t.Error(e.Err)
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		return inv, blobs.Load()
	}
	first, n := look("/app:1")
	if n != 4 {
		t.Errorf("the first scan read %d blobs, want the configuration and 3 layers", n)
	}
	second, n := look("/app:1")
	if n != 1 {
		t.Errorf("the second scan read %d blobs, want only the configuration", n)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second scan differs:\n%s", diff)
	}
	if _, n = look("/app:2"); n != 2 {
		t.Errorf("the sister's scan read %d blobs, want the configuration and 1 layer", n)
	}
}

// TestAbsentLayer: a layer that is named but not there is a gap, never clean.
func TestAbsentLayer(t *testing.T) {
	im, err := scantest.Parse([]byte(story))
	if err != nil {
		t.Fatal(err)
	}
	im.Layers[1].MediaType = types.DockerForeignLayer
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := scantest.WriteLayout(dir, img); err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "blobs", "sha256", digest.Hex)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	inv, err := scan.Run(t.Context(), open(t, dir), scan.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Coverage.Gaps) != 1 || inv.Coverage.Gaps[0].Reason != sbom.Absent || inv.Coverage.Gaps[0].Layer != inv.Layers[1].DiffID {
		t.Errorf("gaps %+v, want the absent layer", inv.Coverage.Gaps)
	}
}

// TestNothingIsLeft: whatever ends a scan, its temporary folder is empty.
func TestNothingIsLeft(t *testing.T) {
	name := archive(t, story)
	for what, ctx := range map[string]func() context.Context{
		"success":      t.Context,
		"cancellation": func() context.Context { ctx, cancel := context.WithCancel(t.Context()); cancel(); return ctx },
	} {
		temp := t.TempDir()
		_, err := scan.Run(ctx(), open(t, name), scan.Options{TempDir: temp, Memory: 1})
		if what == "cancellation" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
		left, err := os.ReadDir(temp)
		if err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v (%v)", what, left, err)
		}
	}
}

// TestFolderUnreadable: what cannot be read in a folder is a gap with its path.
func TestFolderUnreadable(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.jar")
	if err := os.WriteFile(secret, []byte("PK\x03\x04"), 0); err != nil {
		t.Fatal(err)
	}
	src := open(t, dir)
	if os.Getuid() == 0 { // who reads everything that is there
		src = vanishing{src, secret}
	}
	inv, err := scan.Run(t.Context(), src, scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Coverage.Gaps) != 1 || inv.Coverage.Gaps[0].Reason != sbom.Unreadable || inv.Coverage.Gaps[0].Path != "/secret.jar" {
		t.Errorf("gaps %+v, want the unreadable file", inv.Coverage.Gaps)
	}
}

func TestCachePrunes(t *testing.T) {
	dir := t.TempDir()
	cache, err := scan.OpenCache(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scan.Run(t.Context(), open(t, archive(t, story)), scan.Options{Cache: cache}); err != nil {
		t.Fatal(err)
	}
	var left []string
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			left = append(left, name)
		}
		return err
	})
	if err != nil || len(left) > 0 {
		t.Errorf("a cache of one byte keeps %v (%v)", left, err)
	}
}

// vanishing is a folder from which a file goes once it was listed.
type vanishing struct {
	scanner.Source
	file string
}

func (v vanishing) Layers() []scanner.Layer {
	return []scanner.Layer{vanishingLayer{v.Source.Layers()[0].(scanner.Walker), v.file}}
}

type vanishingLayer struct {
	scanner.Walker
	file string
}

func (l vanishingLayer) OpenFile(path string) (scanner.ReadAtCloser, error) {
	os.Remove(l.file)
	return l.Walker.OpenFile(path)
}

// TestForeseen: a program that has its known name only through a link is
// catalogued all the same, and nothing is left open.
func TestForeseen(t *testing.T) {
	engine := filepath.Join(t.TempDir(), "engine")
	src := engine + ".c"
	if err := os.WriteFile(src, []byte(`const char *v = "nginx version: nginx/1.25.3"; int main(void) { return v[0]; }`), 0o644); err != nil {
		t.Fatal(err)
	}
	need.Tool(t, "gcc")
	if out, err := exec.Command("gcc", "-o", engine, src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v %s", err, out)
	}
	program, err := os.ReadFile(engine)
	if err != nil {
		t.Fatal(err)
	}
	im := scantest.Image{Layers: []scantest.Layer{
		{Files: []scantest.File{{Path: "opt/engine", Body: program, Mode: 0o755}}},
		{Files: []scantest.File{{Path: "usr/sbin/nginx", Link: "/opt/engine"}}},
	}}
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	layout, folder := t.TempDir(), t.TempDir()
	if err := scantest.WriteLayout(layout, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "engine"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("engine", filepath.Join(folder, "nginx")); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{layout, folder} {
		inv, err := scan.Run(t.Context(), open(t, target), scan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c := find(t, inv, "nginx"); c.Version != "1.25.3" {
			t.Errorf("nginx has version %q", c.Version)
		}
		if !inv.Coverage.Complete() {
			t.Errorf("gaps %+v", inv.Coverage.Gaps)
		}
	}
}

// TestScannerOfBundles: a program that knows the signature of a .NET bundle is
// not one that could not be looked into.
func TestScannerOfBundles(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(t.TempDir(), "scanner.c")
	// What .NET's host searches for: the SHA-256 of ".net core bundle\n".
	sum := sha256.Sum256([]byte(".net core bundle\n"))
	code := "const unsigned char sig[] = {'0','1','2','3','4','5','6','7'"
	for _, b := range sum {
		code += fmt.Sprintf(",%d", b)
	}
	code += "}; int main(int n, char **v) { return sig[n]; }"
	if err := os.WriteFile(src, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "scanner")
	need.Tool(t, "gcc")
	if out, err := exec.Command("gcc", "-o", program, src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v %s", err, out)
	}
	fi, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(program, fi.Size()+10_000); err != nil { // where a bundle would be
		t.Fatal(err)
	}
	inv, err := scan.Run(t.Context(), open(t, dir), scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Coverage.Gaps) != 1 || !inv.Coverage.Complete() {
		t.Errorf("gaps %+v, want one that is noted only", inv.Coverage.Gaps)
	}
}
