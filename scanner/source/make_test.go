package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	tarfile "github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/scanner"
)

var epoch = time.Date(2024, 6, 20, 12, 0, 0, 0, time.UTC)

// tarOf writes a tar of "name", "contents" pairs; a name with a trailing slash
// is a folder, contents "-> x" a symbolic link.
func tarOf(pairs ...string) []byte {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for i := 0; i < len(pairs); i += 2 {
		h := &tar.Header{Name: pairs[i], Mode: 0o644, Size: int64(len(pairs[i+1])), Typeflag: tar.TypeReg, ModTime: epoch}
		if to, ok := strings.CutPrefix(pairs[i+1], "-> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, to, 0
		} else if strings.HasSuffix(h.Name, "/") {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if err := tw.WriteHeader(h); err != nil {
			panic(err)
		}
		if h.Typeflag == tar.TypeReg {
			io.WriteString(tw, pairs[i+1])
		}
	}
	tw.Close()
	return buf.Bytes()
}

func gz(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func zst(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// layerOf is a layer whose blob is the gzip of a tar.
func layerOf(t testing.TB, plain []byte, opts ...tarfile.LayerOption) v1.Layer {
	t.Helper()
	l, err := tarfile.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(plain)), nil }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// noise is text that does not compress, so that archives have a size.
func noise(seed string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256([]byte(fmt.Sprint(seed, i)))
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()[:n]
}

// imageFor makes an image of two layers, with an empty one between them in its
// history.
func imageFor(t testing.TB, platform, mark string) v1.Image {
	t.Helper()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, Created: v1.Time{Time: epoch},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Env: []string{"PATH=/bin", "KRAS4D_MODE=on", "DB_PASSWORD=hunter2"}, Labels: map[string]string{"vendor": "Acme", "api.token": "abc"},
			Entrypoint: []string{"/bin/app", "--token", "hunter2"}, Cmd: []string{"serve"}, User: "app",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: layerOf(t, tarOf("etc/", "", "etc/base", mark+noise(mark, 3000))), History: v1.History{CreatedBy: "ADD base.tar /"}},
		mutate.Addendum{History: v1.History{CreatedBy: "ENV DB_PASSWORD=hunter2", EmptyLayer: true}},
		mutate.Addendum{Layer: layerOf(t, tarOf("bin/", "", "bin/app", "app "+mark+noise("app", 9000))), History: v1.History{CreatedBy: "COPY app /bin/"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func put(t testing.TB, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// saved writes images as go-containerregistry's tarball package does.
func saved(t testing.TB, refs map[string]v1.Image) []byte {
	t.Helper()
	m := map[string]v1.Image{}
	for ref, img := range refs {
		m[ref] = img
	}
	var buf bytes.Buffer
	if err := tarfile.MultiWrite(tags(t, m), &buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// savedOld writes an image as Docker did before 25: a folder for each layer
// with a plain layer.tar, symbolic links for repeated layers, manifest.json last.
func savedOld(t testing.TB, ref string, img v1.Image) []byte {
	t.Helper()
	cfg := must(img.RawConfigFile())
	id := must(img.ConfigName()).Hex
	var pairs, paths []string
	seen := map[string]string{}
	for i, l := range must(img.Layers()) {
		dir := fmt.Sprintf("%064x", i+1)
		plain := string(must(io.ReadAll(must(l.Uncompressed()))))
		pairs = append(pairs, dir+"/", "", dir+"/VERSION", "1.0", dir+"/json", "{}")
		if first, ok := seen[plain]; ok {
			pairs = append(pairs, dir+"/layer.tar", "-> ../"+first+"/layer.tar")
		} else {
			seen[plain] = dir
			pairs = append(pairs, dir+"/layer.tar", plain)
		}
		paths = append(paths, dir+"/layer.tar")
	}
	m := must(json.Marshal([]any{map[string]any{"Config": id + ".json", "RepoTags": []string{ref}, "Layers": paths}}))
	return tarOf(append(pairs, id+".json", string(cfg), "manifest.json", string(m), "repositories", "{}")...)
}

// savedNew writes an image as Docker 25 and later: an OCI layout with plain
// layers, and a manifest.json.
func savedNew(t testing.TB, ref string, img v1.Image) []byte {
	t.Helper()
	cfg := must(img.RawConfigFile())
	man := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: must(img.ConfigName()), Size: int64(len(cfg))}}
	pairs := []string{"blobs/", "", "blobs/sha256/", "", blobPath(man.Config.Digest), string(cfg)}
	var paths []string
	for _, l := range must(img.Layers()) {
		plain := must(io.ReadAll(must(l.Uncompressed())))
		id := must(l.DiffID())
		pairs = append(pairs, blobPath(id), string(plain))
		paths = append(paths, blobPath(id))
		man.Layers = append(man.Layers, v1.Descriptor{MediaType: types.OCIUncompressedLayer, Digest: id, Size: int64(len(plain))})
	}
	raw := must(json.Marshal(man))
	digest, size, _ := v1.SHA256(bytes.NewReader(raw))
	idx := must(json.Marshal(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size,
		Annotations: map[string]string{containerdName: "docker.io/library/" + ref, refName: "1"}}}}))
	m := must(json.Marshal([]any{map[string]any{"Config": blobPath(man.Config.Digest), "RepoTags": []string{ref}, "Layers": paths}}))
	return tarOf(append(pairs, blobPath(digest), string(raw), "index.json", string(idx), "manifest.json", string(m), "oci-layout", `{"imageLayoutVersion":"1.0.0"}`)...)
}

// layoutDir writes an OCI layout with go-containerregistry.
func layoutDir(t testing.TB, idx v1.ImageIndex) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := layout.Write(dir, idx); err != nil {
		t.Fatal(err)
	}
	return dir
}

func named(img v1.Image, name string) mutate.IndexAddendum {
	return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Annotations: map[string]string{refName: name}}}
}

// tarDir packs a folder as "tar -C dir -c ." does.
func tarDir(t testing.TB, dir string) []byte {
	t.Helper()
	var pairs []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		name := "." + strings.TrimPrefix(p, dir)
		if err == nil && d.IsDir() {
			pairs = append(pairs, name+"/", "")
		} else if err == nil {
			pairs = append(pairs, name, string(must(os.ReadFile(p))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tarOf(pairs...)
}

// attestation is a manifest as BuildKit adds to an index.
func attestation(subject v1.Image) mutate.IndexAddendum {
	img := must(mutate.AppendLayers(empty.Image, static.NewLayer([]byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`), "application/vnd.in-toto+json")))
	return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{
			"vnd.docker.reference.type":   "attestation-manifest",
			"vnd.docker.reference.digest": must(subject.Digest()).String(),
		},
	}}
}

// fakeEngine serves Docker's image API on a unix socket.
func fakeEngine(t testing.TB, ref string, archive []byte) (socket string, exports *int) {
	t.Helper()
	dir, err := os.MkdirTemp("", "eng") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	exports = new(int)
	const id = "sha256:0123"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /images/{name...}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("name") {
		case ref + "/json":
			fmt.Fprintf(w, `{"Id":%q,"RepoTags":[%q]}`, id, ref)
		case id + "/get":
			*exports++
			w.Header().Set("Content-Type", "application/x-tar")
			w.Write(archive)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no such image"}`)
		}
	})
	srv := &http.Server{Handler: mux}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return socket, exports
}

// open opens a target without the machine's settings.
func open(t testing.TB, target string, opt Options) ([]scanner.Source, error) {
	t.Helper()
	if opt.Getenv == nil {
		home := t.TempDir()
		opt.Getenv = func(k string) string { return map[string]string{"HOME": home}[k] }
	}
	opt.Registry.Backoff = time.Millisecond
	opt.Registry.Attempts = 2
	srcs, err := Open(context.Background(), target, opt)
	t.Cleanup(func() {
		for _, s := range srcs {
			s.Close()
		}
	})
	return srcs, err
}

// drain reads a layer to its end and returns the digest of its tar.
func drain(l scanner.Layer) (diffID string, err error) {
	rc, err := l.Open(context.Background())
	if err != nil {
		return "", err
	}
	defer rc.Close()
	plain, err := decompressed(rc)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, plain); err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, rc); err != nil { // what decompressors leave unread
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
