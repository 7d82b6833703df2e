package source

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// blob is one layer of an artifact.
type blob struct {
	mediaType types.MediaType
	title     string
	data      string
}

// artifactParts are the members of an OCI layout with an artifact.
func artifactParts(configType types.MediaType, config string, blobs ...blob) parts {
	files := map[string]string{}
	add := func(mt types.MediaType, data, title string) v1.Descriptor {
		h, n, _ := v1.SHA256(strings.NewReader(data))
		files[blobPath(h)] = data
		d := v1.Descriptor{MediaType: mt, Digest: h, Size: n}
		if title != "" {
			d.Annotations = map[string]string{titleAnnotation: title}
		}
		return d
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: add(configType, config, "")}
	for _, b := range blobs {
		m.Layers = append(m.Layers, add(b.mediaType, b.data, b.title))
	}
	d := add(types.OCIManifestSchema1, string(must(json.Marshal(m))), "")
	idx := must(json.Marshal(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{d}}))
	p := parts{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`, "index.json", string(idx)}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		p = append(p, name, files[name])
	}
	return p
}

// contents are the files of a source that is a folder.
func contents(t *testing.T, s scanner.Source) map[string]string {
	t.Helper()
	w := s.Layers()[0].(scanner.Walker)
	out := map[string]string{}
	err := w.Walk(t.Context(), func(e scanner.Entry, err error) error {
		if err != nil || e.Type == scanner.Dir {
			return err
		}
		f, err := w.OpenFile(e.Path)
		if err != nil {
			out[e.Path] = "error: " + err.Error()
			return nil
		}
		defer f.Close()
		out[e.Path] = string(must(io.ReadAll(io.NewSectionReader(f, 0, e.Size+1))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestArtifact opens what is no image: its blobs are files under their titles.
func TestArtifact(t *testing.T) {
	const helm, title = "application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.image.layer.v1.tar"
	large := strings.Repeat("0123456789abcdef", maxBlobInMemory/16+1)
	digest := func(s string) string { h, _, _ := v1.SHA256(strings.NewReader(s)); return "/" + blobPath(h) }
	for name, tt := range map[string]struct {
		archive parts
		want    map[string]string
	}{
		"chart": {artifactParts(helm, `{"name":"app"}`, blob{"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "", "chart"}),
			map[string]string{digest("chart"): "chart", digest(`{"name":"app"}`): `{"name":"app"}`}},
		"files": {artifactParts("application/vnd.oci.empty.v1+json", "{}", blob{"text/plain", "a.txt", "a"}, blob{title, "../b/c.bin", large}, blob{title, "a.txt", "again"}),
			map[string]string{"/a.txt": "a", "/b/c.bin": large, digest("again"): "again"}},
		"no title is a path": {artifactParts(helm, "c", blob{title, "/", "x"}), map[string]string{digest("x"): "x", digest("c"): "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			temp := t.TempDir()
			srcs, err := open(t, put(t, "x.tar", tarOf(tt.archive...)), Options{TempDir: temp})
			if err != nil {
				t.Fatal(err)
			}
			s := srcs[0].Subject()
			if s.Kind != sbom.Image || s.ImageID != "" || s.Digest == "" {
				t.Errorf("subject %+v", s)
			}
			if diff := cmp.Diff(tt.want, contents(t, srcs[0])); diff != "" {
				t.Error(diff)
			}
			if left := must(os.ReadDir(temp)); len(left) > 0 {
				t.Errorf("%d temporary files are left", len(left))
			}
		})
	}
	damaged := artifactParts(helm, "c", blob{title, "a.deb", "some bytes"})
	for i := range damaged {
		damaged[i] = strings.Replace(damaged[i], "some bytes", "same bytes", 1)
	}
	srcs, err := open(t, put(t, "x.tar", tarOf(damaged...)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := contents(t, srcs[0])["/a.deb"]; !strings.Contains(got, "is corrupt") {
		t.Errorf("a damaged file: %s", got)
	}
}

// TestNotAnImage: a signature or an attestation is said to be that. What is only
// called so is looked at.
func TestNotAnImage(t *testing.T) {
	const cosign, dsse, config = "application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.dsse.envelope.v1+json", "application/vnd.oci.image.config.v1+json"
	cfg := `{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("0", 64) + `"]}}`
	layer := string(tarOf("etc/x", "x"))
	for name, tt := range map[string]struct {
		archive parts
		what    string // of the error; empty if it opens
	}{
		"signature":                   {artifactParts(config, cfg, blob{cosign, "", `{"critical":{}}`}), "a cosign signature"},
		"attestation":                 {artifactParts(config, cfg, blob{dsse, "", `{}`}), "a cosign attestation"},
		"bundle":                      {artifactParts("application/vnd.oci.empty.v1+json", "{}", blob{"application/vnd.dev.sigstore.bundle.v0.3+json", "", `{}`}), "a Sigstore signature"},
		"a layer called a signature":  {artifactParts(config, cfg, blob{cosign, "", layer}), ""},
		"a layer beside an in-toto":   {artifactParts(config, strings.Replace(cfg, `["`, `["sha256:`+strings.Repeat("1", 64)+`","`, 1), blob{types.OCIUncompressedLayer, "", layer}, blob{"application/vnd.in-toto+json", "", `{}`}), ""},
		"a layer of an unknown type":  {artifactParts(config, cfg, blob{"text/plain", "", layer}), ""},
		"an image by another type":    {artifactParts("application/vnd.acme.config+json", cfg, blob{"application/vnd.acme.layer", "", layer}), ""},
		"a signature that is damaged": {artifactParts(config, cfg, blob{cosign, "", `{"critical":`}), ""},
	} {
		srcs, err := open(t, put(t, "x.tar", tarOf(tt.archive...)), Options{})
		var not *NotImage
		switch {
		case tt.what == "" && (err != nil || srcs[0].Subject().ImageID == ""):
			t.Errorf("%s: %v", name, err)
		case tt.what != "" && (!errors.As(err, &not) || not.What != tt.what || not.Hint() == "" || not.Digest == ""):
			t.Errorf("%s: %v", name, err)
		}
	}
}
