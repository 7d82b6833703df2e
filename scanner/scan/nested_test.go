package scan_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/scantest"
)

// rootTar makes a tar of name, contents pairs.
func rootTar(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var l scantest.Layer
	for i := 0; i < len(pairs); i += 2 {
		l.Files = append(l.Files, scantest.File{Path: pairs[i], Body: []byte(pairs[i+1])})
	}
	b, err := l.Tar()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipOf(t *testing.T, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zipOf(t *testing.T, name, body string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(body))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const (
	dpkgStatus = "Package: kesl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\nDescription: x\n\n"
	npmLock    = `{"name":"a","lockfileVersion":3,"packages":{"":{"name":"a"},"node_modules/left-pad":{"version":"1.3.0"}}}`
	osRelease  = "ID=debian\nVERSION_ID=\"12\"\n"
)

// TestNestedRoots scans a folder with images, root filesystems and projects in
// archives: the packages in them are named, with their places.
func TestNestedRoots(t *testing.T) {
	root := rootTar(t, "etc/os-release", osRelease, "var/lib/dpkg/status", dpkgStatus)
	img := build(t, "-- 0/etc/os-release --\n"+osRelease+"-- 0/var/lib/dpkg/status --\n"+dpkgStatus)
	var saved bytes.Buffer
	if err := scantest.WriteDockerArchive(&saved, "t/x:1", img); err != nil {
		t.Fatal(err)
	}
	layout := t.TempDir()
	if err := scantest.WriteLayout(layout, img); err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		files map[string][]byte
		want  []string // purl and place
	}{
		{"rootfs.tar", map[string][]byte{"rootfs.tar": root}, []string{"pkg:deb/debian/kesl@1.0 /rootfs.tar!/var/lib/dpkg/status"}},
		{"docker save", map[string][]byte{"image.tar": saved.Bytes()}, []string{"pkg:deb/debian/kesl@1.0 /image.tar!/" + digest.Hex + ".tar.gz!/var/lib/dpkg/status"}},
		{"a bundle of it", map[string][]byte{"b.tar.gz": gzipOf(t, rootTar(t, "images/image.tar", saved.String()))},
			[]string{"pkg:deb/debian/kesl@1.0 /b.tar.gz!/images/image.tar!/" + digest.Hex + ".tar.gz!/var/lib/dpkg/status"}},
		{"requirements.txt in a tar.gz", map[string][]byte{"b.tgz": gzipOf(t, rootTar(t, "app/requirements.txt", "left==1.0\n"))},
			[]string{"pkg:pypi/left@1.0 /b.tgz!/app/requirements.txt"}},
		{"package-lock.json in a zip", map[string][]byte{"b.zip": zipOf(t, "app/package-lock.json", npmLock)},
			[]string{"pkg:npm/a /b.zip!/app/package-lock.json", "pkg:npm/left-pad@1.3.0 /b.zip!/app/package-lock.json"}},
		{"a database that is cut off", map[string][]byte{"cut.tar.gz": gzipOf(t, root[:len(root)-1024-200])},
			[]string{"pkg:deb/debian/kesl@1.0 /cut.tar.gz!/var/lib/dpkg/status"}},
		{"nothing of a package", map[string][]byte{"a.tar": rootTar(t, "x/LICENSE", "MIT"), "man.gz": gzipOf(t, []byte(".TH MAN")), "b.zip": zipOf(t, "a.txt", "kesl"), "empty.tar": make([]byte, 10240)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, b := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			temp := t.TempDir()
			inv, err := scan.Run(t.Context(), open(t, "dir:"+dir), scan.Options{TempDir: temp})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, packagesIn(inv)); diff != "" {
				t.Error(diff)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%d temporary files are left", len(left))
			}
		})
	}
	inv, err := scan.Run(t.Context(), open(t, "dir:"+layout), scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"pkg:deb/debian/kesl@1.0 /blobs/sha256/" + digest.Hex + "!/var/lib/dpkg/status"}, packagesIn(inv)); diff != "" {
		t.Error(diff)
	}
}

// packagesIn are the packages of an inventory, without qualifiers.
func packagesIn(inv *sbom.Inventory) []string {
	var out []string
	for _, c := range inv.Components {
		if purl, _, _ := strings.Cut(c.PURL, "?"); purl != "" {
			for _, o := range c.Occurrences {
				out = append(out, purl+" "+o.Path)
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestNestedIsStoredWithItsLayer: what is in an archive of an image comes out of
// the cache as it came out of the bytes.
func TestNestedIsStoredWithItsLayer(t *testing.T) {
	img := build(t, "-- 0/etc/os-release --\n"+osRelease+"-- 0/srv/rootfs.tar --\n"+string(rootTar(t, "etc/os-release", osRelease, "var/lib/dpkg/status", dpkgStatus)))
	var saved bytes.Buffer
	if err := scantest.WriteDockerArchive(&saved, "t/x:1", img); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(file, saved.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	cache, err := scan.OpenCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var runs [2]*sbom.Inventory
	for i := range runs {
		if runs[i], err = scan.Run(t.Context(), open(t, file), scan.Options{Cache: cache, LayersOnly: true}); err != nil {
			t.Fatal(err)
		}
	}
	if got := packagesIn(runs[0]); !slices.Contains(got, "pkg:deb/debian/kesl@1.0 /srv/rootfs.tar!/var/lib/dpkg/status") {
		t.Errorf("packages %q", got)
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Error(diff)
	}
	for _, c := range runs[0].Components {
		if c.PURL != "" && c.Occurrences[0].Layer == "" {
			t.Errorf("%s has no layer", c.PURL)
		}
	}
}
