package scan_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scan"
)

// stored is a layer as an image layout has it, and what the image says of it.
type stored struct {
	blob   []byte
	onDisk []byte // in place of blob, under its digest
	diffID string
	media  types.MediaType // gzip if empty
}

// tarOf makes a tar of "path=contents", "path -> target" for a symbolic and
// "path => target" for a hard link.
func tarOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Mode: 0o755}
		body := ""
		if name, target, ok := strings.Cut(f, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		} else if name, target, ok := strings.Cut(f, " => "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
		} else {
			h.Name, body, _ = strings.Cut(f, "=")
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func plainly(b []byte) stored { return stored{blob: gzipped(b), diffID: digest(b)} }

// layoutOf writes an OCI image layout of one image.
func layoutOf(t *testing.T, layers ...stored) string {
	t.Helper()
	dir := t.TempDir()
	blob := func(b, as []byte) v1.Hash {
		h, err := v1.NewHash(digest(b))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "blobs", "sha256", h.Hex)
		os.MkdirAll(filepath.Dir(name), 0o700)
		if err := os.WriteFile(name, as, 0o600); err != nil {
			t.Fatal(err)
		}
		return h
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	cfg := v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}}
	for _, l := range layers {
		if l.onDisk == nil {
			l.onDisk = l.blob
		}
		if l.media == "" {
			l.media = types.OCILayer
		}
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: l.media, Size: int64(len(l.blob)), Digest: blob(l.blob, l.onDisk)})
		h, err := v1.NewHash(l.diffID)
		if err != nil {
			t.Fatal(err)
		}
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, h)
	}
	c := encode(cfg)
	m.Config = v1.Descriptor{MediaType: types.OCIConfigJSON, Size: int64(len(c)), Digest: blob(c, c)}
	raw := encode(m)
	index := encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{
		{MediaType: types.OCIManifestSchema1, Size: int64(len(raw)), Digest: blob(raw, raw)}}})
	for name, b := range map[string][]byte{"index.json": index, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// story of damage: what each image is made of, with a product or its innocent
// twin in it, and the reasons of the gaps that it has to have.
func damagedImages(t *testing.T, product string) map[string]struct {
	layers []stored
	gaps   string
} {
	base := tarOf(t, "etc/os-release=ID=debian\n", "usr/bin/tool=#!/bin/sh\n")
	clean := tarOf(t, "srv/clean=nothing\n")
	bad := tarOf(t, "opt/"+product+"/bin/agent=#!/bin/sh\n")
	large := tarOf(t, "opt/"+product+"/bin/agent=#!/bin/sh\n", "srv/large="+strings.Repeat("0123456789abcdef", 9000))
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	return map[string]struct {
		layers []stored
		gaps   string
	}{
		"whole":              {[]stored{plainly(base), plainly(bad)}, ""},
		"clean":              {[]stored{plainly(base), plainly(clean), plainly(bad)}, ""},
		"the same twice":     {[]stored{plainly(base), plainly(bad), plainly(bad)}, ""},
		"zeros after gzip":   {[]stored{{blob: append(gzipped(base), make([]byte, 512)...), diffID: digest(base)}, plainly(bad)}, ""},
		"no compression":     {[]stored{{blob: base, diffID: digest(base)}, {blob: bad, diffID: digest(bad)}}, ""},
		"a claimed diffID":   {[]stored{plainly(base), {blob: gzipped(bad), diffID: digest(clean)}}, "ambiguous"},
		"one diffID for two": {[]stored{plainly(base), {blob: gzipped(bad), diffID: digest(base)}}, "ambiguous"},
		"no such diffID":     {[]stored{{blob: gzipped(base), diffID: digest(nil)}, plainly(bad)}, "ambiguous"},
		"cut off on disk":    {[]stored{plainly(bad), {blob: gzipped(base), onDisk: cut(gzipped(base), 30), diffID: digest(base)}}, "unreadable"},
		"cut off before":     {[]stored{{blob: cut(gzipped(large), 30), diffID: digest(large)}, plainly(base)}, "truncated"},
		"another's bytes":    {[]stored{plainly(base), {blob: gzipped(clean), onDisk: gzipped(bad), diffID: digest(clean)}}, "unreadable"},
		"bytes after gzip":   {[]stored{plainly(base), {blob: append(gzipped(bad), "this is no gzip member"...), diffID: digest(bad)}}, "unreadable"},
		"encrypted": {[]stored{plainly(bad), {blob: []byte(strings.Repeat("\x93secret", 999)), diffID: digest(base),
			media: types.OCILayer + "+encrypted"}}, "encrypted"},
	}
}

// TestNothingIsTrustedBeforeItIsRead: whatever an image states of its layers,
// and however some of them are damaged, the others and what came before the
// damage are judged, with a gap that counts. The result is the same whatever
// was scanned before with the same cache. A twin has the same gaps.
func TestNothingIsTrustedBeforeItIsRead(t *testing.T) {
	shared, err := scan.OpenCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, product := range []string{"acme", "innocent"} {
		for range 2 { // map order differs, and the second time all is in the cache
			for name, c := range damagedImages(t, product) {
				target := "oci-dir:" + layoutOf(t, c.layers...)
				want, err := scan.Run(t.Context(), open(t, target), scan.Options{Watch: watch})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, _ := cached(t, target, shared)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: with a cache the result differs:\n%s", name, diff)
				}
				found := slices.ContainsFunc(want.Components, func(c sbom.Component) bool {
					return slices.ContainsFunc(c.Evidence, func(e sbom.Evidence) bool { return e.Kind == sbom.Path })
				})
				if found != (product == "acme") {
					t.Errorf("%s, %s: found is %v", name, product, found)
				}
				var gaps []string
				for _, g := range want.Coverage.Gaps {
					gaps = append(gaps, string(g.Reason))
					if g.Layer == "" || g.Detail == "" {
						t.Errorf("%s: the gap does not say enough: %+v", name, g)
					}
				}
				if s := strings.Join(gaps, " "); s != c.gaps {
					t.Errorf("%s, %s: gaps %q, want %q: %+v", name, product, s, c.gaps, want.Coverage.Gaps)
				}
			}
		}
	}
}

// TestNothingCanBeRead: an image of which no layer can be read is an error.
func TestNothingCanBeRead(t *testing.T) {
	target := "oci-dir:" + layoutOf(t, stored{blob: []byte("PK\x03\x04 is no layer"), diffID: digest(nil)})
	if inv, err := scan.Run(t.Context(), open(t, target), scan.Options{}); err == nil {
		t.Errorf("no error, but %+v", inv)
	}
}
