package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/scanner/scantest"
)

const release = "ID=debian\nVERSION_ID=12\n"

func stanza(name, version, more string) string {
	return "Package: " + name + "\nStatus: install ok installed\nMaintainer: M <m@example.org>\nArchitecture: amd64\nVersion: " + version + "\n" + more + "\n"
}

// TestHidden: what a later layer removed or replaced is hidden, and belongs to
// the layer that brought it.
func TestHidden(t *testing.T) {
	pkgJSON := func(v string) string { return `{"name":"lib","version":"` + v + `"}` }
	for _, tt := range []struct {
		name   string
		layers [][]scantest.File
		want   map[string]string // purl -> layers that it occurs in, with "-" where hidden
	}{
		{
			"deb upgraded, removed and added",
			[][]scantest.File{
				{text("/etc/os-release", release), text("/var/lib/dpkg/status", stanza("a", "1", "")+stanza("b", "1", ""))},
				{text("/var/lib/dpkg/status", stanza("a", "2", "")+stanza("c", "1", ""))},
			},
			map[string]string{
				"pkg:deb/debian/a@1?arch=amd64&distro=debian-12": "0-",
				"pkg:deb/debian/b@1?arch=amd64&distro=debian-12": "0-",
				"pkg:deb/debian/a@2?arch=amd64&distro=debian-12": "1",
				"pkg:deb/debian/c@1?arch=amd64&distro=debian-12": "1",
			},
		},
		{
			"deb removed and installed again",
			[][]scantest.File{
				{text("/etc/os-release", release), text("/var/lib/dpkg/status", stanza("a", "1", "")+stanza("b", "1", ""))},
				{text("/var/lib/dpkg/status", stanza("a", "1", ""))},
				{text("/var/lib/dpkg/status", stanza("a", "1", "")+stanza("b", "1", ""))},
			},
			map[string]string{
				"pkg:deb/debian/a@1?arch=amd64&distro=debian-12": "0",
				"pkg:deb/debian/b@1?arch=amd64&distro=debian-12": "0",
			},
		},
		{
			"database removed",
			[][]scantest.File{
				{text("/etc/os-release", release), text("/var/lib/dpkg/status", stanza("a", "1", ""))},
				{text("/var/lib/.wh.dpkg", "")},
			},
			map[string]string{"pkg:deb/debian/a@1?arch=amd64&distro=debian-12": "0-"},
		},
		{
			"distroless: a file a package",
			[][]scantest.File{
				{text("/etc/os-release", release), text("/var/lib/dpkg/status.d/a", stanza("a", "1", "")), text("/var/lib/dpkg/status.d/b", stanza("b", "1", ""))},
				{text("/var/lib/dpkg/status.d/.wh.b", "")},
			},
			map[string]string{
				"pkg:deb/debian/a@1?arch=amd64&distro=debian-12": "0",
				"pkg:deb/debian/b@1?arch=amd64&distro=debian-12": "0-",
			},
		},
		{
			"node module replaced, removed and copied unchanged",
			[][]scantest.File{
				{text("/a/package.json", pkgJSON("1.0.0")), text("/b/package.json", `{"name":"b","version":"1.0.0"}`), text("/c/package.json", `{"name":"c","version":"1.0.0"}`)},
				{text("/a/package.json", pkgJSON("2.0.0")), text("/.wh.b", ""), text("/c/package.json", `{"name":"c","version":"1.0.0"}`)},
			},
			map[string]string{"pkg:npm/lib@1.0.0": "0-", "pkg:npm/lib@2.0.0": "1", "pkg:npm/b@1.0.0": "0-", "pkg:npm/c@1.0.0": "0"},
		},
		{
			"opaque folder",
			[][]scantest.File{
				{text("/a/x/package.json", pkgJSON("1.0.0"))},
				{text("/a/.wh..wh..opq", ""), text("/a/y/package.json", `{"name":"y","version":"1.0.0"}`)},
			},
			map[string]string{"pkg:npm/lib@1.0.0": "0-", "pkg:npm/y@1.0.0": "1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := scantest.Image{}
			for _, files := range tt.layers {
				im.Layers = append(im.Layers, scantest.Layer{Files: files})
			}
			layers := indexes(t, built(t, im))
			c, err := Components(t.Context(), layers, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for i := range c.Components {
				x := &c.Components[i]
				if x.Type != sbom.OperatingSystem {
					got[x.PURL] = where(layers, x)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if len(c.Gaps)+len(c.Missing) > 0 {
				t.Errorf("gaps: %+v, missing: %+v", c.Gaps, c.Missing)
			}
		})
	}
}

func where(layers []*layer.Index, c *sbom.Component) string {
	var s []string
	for _, o := range c.Occurrences {
		for i, ix := range layers {
			if ix.DiffID == o.Layer {
				at := string(rune('0' + i))
				if o.Hidden {
					at += "-"
				}
				s = append(s, at)
			}
		}
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// memory is a Cache that counts.
type memory struct {
	m    map[string][]byte
	hits int
}

func (c *memory) Get(_ context.Context, key string) ([]byte, bool) {
	b, ok := c.m[key]
	if ok {
		c.hits++
	}
	return b, ok
}

func (c *memory) Put(_ context.Context, key string, b []byte) { c.m[key] = b }

// TestCache: results from a cache are the results; a shared base is paid for
// once; another distribution is another result.
func TestCache(t *testing.T) {
	base := scantest.Layer{Files: []scantest.File{
		text("/etc/os-release", release), text("/var/lib/dpkg/status", stanza("a", "1", "Depends: b\n")),
		text("/var/lib/dpkg/info/a.md5sums", "00000000000000000000000000000000  opt/x\n"), text("/opt/x", "x"),
	}}
	app := scantest.Layer{Files: []scantest.File{
		text("/app/package.json", `{"name":"app","version":"1.0.0"}`), text("/var/lib/dpkg/status", stanza("a", "1", "Depends: b\n")+stanza("b", "1", "")),
	}}
	cache := &memory{m: map[string][]byte{}}
	first := components(t, built(t, scantest.Image{Layers: []scantest.Layer{base, app}}), Options{Cache: cache})
	if cache.hits != 0 || len(cache.m) != 2 {
		t.Fatalf("%d hits, %d stored", cache.hits, len(cache.m))
	}
	again := components(t, built(t, scantest.Image{Layers: []scantest.Layer{base, app}}), Options{Cache: cache})
	if cache.hits != 2 {
		t.Errorf("%d hits, want 2", cache.hits)
	}
	if d := cmp.Diff(first.Components, again.Components); d != "" {
		t.Errorf("cached results differ:\n%s", d)
	}
	if ref, ok := again.Owned("/opt/x"); !ok || !strings.Contains(ref, "/a@1") {
		t.Errorf("/opt/x is owned by %q", ref)
	}
	if a := findName(t, again, "a"); len(a.DependsOn) != 1 || !strings.Contains(a.DependsOn[0], "/b@1") {
		t.Errorf("a depends on %v", a.DependsOn)
	}
	other := scantest.Layer{Files: []scantest.File{text("/other/package.json", `{"name":"other","version":"1.0.0"}`)}}
	cache.hits = 0
	components(t, built(t, scantest.Image{Layers: []scantest.Layer{base, other}}), Options{Cache: cache})
	if cache.hits != 1 {
		t.Errorf("another image on the same base: %d hits, want 1", cache.hits)
	}
	renamed := scantest.Layer{Files: []scantest.File{text("/etc/os-release", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04\n")}}
	cache.hits = 0
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{base, renamed}}), Options{Cache: cache})
	if cache.hits != 0 {
		t.Errorf("another distribution: %d hits, want 0", cache.hits)
	}
	find(t, c, "pkg:deb/ubuntu/a@1?arch=amd64&distro=ubuntu-24.04")
}

// TestDeterministic: the same image gives the same bytes.
func TestDeterministic(t *testing.T) {
	im := scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{text("/etc/os-release", release)}}, {}}}
	for _, n := range []string{"a", "b", "c", "d"} {
		im.Layers[0].Files = append(im.Layers[0].Files, text("/x/"+n+"/package.json", `{"name":"same","version":"1.0.0","author":"`+n+`"}`))
		im.Layers[1].Files = append(im.Layers[1].Files, text("/y/"+n+"/package.json", `{"name":"`+n+`","version":"1.0.0"}`))
	}
	var last []byte
	for range 3 {
		b, err := json.Marshal(components(t, built(t, im), Options{}).Components)
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && !bytes.Equal(last, b) {
			t.Fatalf("two runs differ:\n%s\n%s", last, b)
		}
		last = b
	}
}

// TestGaps: what a cataloger fails on is told; the rest is found.
func TestGaps(t *testing.T) {
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{
		text("/opt/broken.jar", "PK\x03\x04 this is not a zip at all, but it promises to be one ..........................."),
		text("/opt/text.exe", "#!/bin/sh\n"),
		text("/a/package.json", `{"name":"a","version":"1.0.0"}`),
	}}}}), Options{})
	reasons := map[string]sbom.Reason{}
	for _, g := range c.Gaps {
		reasons[g.Path] = g.Reason
		if g.Detector == "" || g.Detail == "" || g.Layer == "" {
			t.Errorf("an incomplete gap: %+v", g)
		}
	}
	if reasons["/opt/broken.jar"] != sbom.Failed {
		t.Errorf("a broken archive is %q: %+v", reasons["/opt/broken.jar"], c.Gaps)
	}
	if r, ok := reasons["/opt/text.exe"]; ok && r != sbom.Malformed {
		t.Errorf("a text named .exe is %q", r)
	}
	find(t, c, "pkg:npm/a@1.0.0")
}

// TestMissing: contents that were not kept are told.
func TestMissing(t *testing.T) {
	im := built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{
		{Path: "/opt/x/engine", Body: cProgram(t), Mode: 0o755}, link("/usr/bin/nginx", "/opt/x/engine"),
	}}}})
	c := components(t, im, Options{})
	if d := cmp.Diff([]Missing{{0, "/opt/x/engine"}}, c.Missing); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(c.Gaps) != 1 || c.Gaps[0].Reason != sbom.NotEvaluated {
		t.Errorf("gaps: %+v", c.Gaps)
	}
}

// TestAbsent: a layer that is not there, and one that is there twice.
func TestAbsent(t *testing.T) {
	layers := indexes(t, built(t, scantest.Image{Layers: []scantest.Layer{
		{Files: []scantest.File{text("/etc/os-release", release), text("/var/lib/dpkg/status", stanza("a", "1", ""))}},
		{Files: []scantest.File{text("/b/package.json", `{"name":"b","version":"1.0.0"}`)}},
	}}))
	c, err := Components(t.Context(), []*layer.Index{layers[0], nil, layers[1], layers[0], layers[1]}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"pkg:deb/debian/a@1?arch=amd64&distro=debian-12", "pkg:npm/b@1.0.0"} {
		if x := find(t, c, p); len(x.Occurrences) != 1 || x.Occurrences[0].Hidden {
			t.Errorf("%s is at %+v", p, x.Occurrences)
		}
	}
}

func TestCancelled(t *testing.T) {
	layers := indexes(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{text("/a/package.json", `{"name":"a"}`)}}}}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Components(ctx, layers, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// onDisk is a folder as a Layer.
type onDisk struct {
	scanner.Layer
	root string
}

func (d onDisk) Describe() sbom.Layer { return sbom.Layer{} }

func (d onDisk) OpenFile(p string) (scanner.ReadAtCloser, error) {
	return os.Open(filepath.Join(d.root, p))
}

func (d onDisk) Walk(_ context.Context, fn func(scanner.Entry, error) error) error {
	return filepath.WalkDir(d.root, func(p string, de fs.DirEntry, err error) error {
		if err != nil || p == d.root {
			return err
		}
		rel, err := filepath.Rel(d.root, p)
		if err != nil {
			return err
		}
		e := scanner.Entry{Path: "/" + filepath.ToSlash(rel)}
		if de.IsDir() {
			e.Type = scanner.Dir
		} else if info, err := de.Info(); err == nil {
			e.Size = info.Size()
		}
		return fn(e, nil)
	})
}

// TestFolder: manifests and lock files of a folder.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/m\n\ngo 1.24\n\nrequire github.com/google/uuid v1.6.0\n")
	write(t, filepath.Join(root, "package-lock.json"), `{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"},"node_modules/x":{"version":"2.0.0","resolved":"https://registry.example/x.tgz","integrity":"sha512-AAAA"}}}`)
	write(t, filepath.Join(root, "bin/.keep"), "")
	if err := os.WriteFile(filepath.Join(root, "bin/tool"), goProgram(t), 0o755); err != nil {
		t.Fatal(err)
	}
	store := layer.NewStore(0, t.TempDir())
	defer store.Close()
	ix, err := layer.Read(t.Context(), onDisk{root: root}, layer.Options{
		Store: store, Wants: Folder.Wants, Digests: true,
		Visit: func(_ context.Context, f *scanner.File) (bool, error) { return Folder.Keep(f), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	c, err := Components(t.Context(), []*layer.Index{ix}, Options{Kind: Folder})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, x := range c.Components {
		got[x.PURL] = true
	}
	for _, p := range []string{"pkg:golang/github.com/google/uuid@v1.6.0", "pkg:npm/x@2.0.0"} {
		if !got[p] {
			t.Errorf("no %s in %v; gaps %+v", p, slices.Sorted(maps.Keys(got)), c.Gaps)
		}
	}
	findPrefix(t, c, "pkg:golang/example.com/acme/tool")
}

func TestNetworkIsOff(t *testing.T) {
	c := configuration()
	if c.Golang.SearchRemoteLicenses || c.Golang.UsePackagesLib || c.JavaArchive.UseNetwork || c.JavaScript.SearchRemoteLicenses || c.Python.SearchRemoteLicenses {
		t.Errorf("a cataloger would use the network: %+v", c)
	}
}
