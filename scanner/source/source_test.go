package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/testdata/need"
)

func tags(t testing.TB, m map[string]v1.Image) map[name.Tag]v1.Image {
	t.Helper()
	out := map[name.Tag]v1.Image{}
	for ref, img := range m {
		tag, err := name.NewTag(ref)
		if err != nil {
			t.Fatal(err)
		}
		out[tag] = img
	}
	return out
}

func serve(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(served.New(served.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func push(t testing.TB, ref string, what any) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	switch w := what.(type) {
	case v1.Image:
		err = remote.Write(r, w)
	case v1.ImageIndex:
		err = remote.WriteIndex(r, w)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOneImageInEveryForm opens the same image from everywhere: its identity
// and its layers are the same.
func TestOneImageInEveryForm(t *testing.T) {
	img := imageFor(t, "linux/amd64", "one")
	addr := serve(t)
	push(t, addr+"/team/app:1", img)
	idx := mutate.AppendManifests(empty.Index, named(img, "1"))
	dir := layoutDir(t, idx)
	oci, old, now, ggcr := tarDir(t, dir), savedOld(t, "team/app:1", img), savedNew(t, "team/app:1", img), saved(t, map[string]v1.Image{"team/app:1": img})
	docker, exports := fakeEngine(t, "team/app:1", old)
	podman, _ := fakeEngine(t, "team/app:1", now)
	engines := func(k string) string {
		return map[string]string{"DOCKER_HOST": "unix://" + docker, "CONTAINER_HOST": "unix://" + podman}[k]
	}

	for _, tt := range []struct {
		target  string
		digest  bool // whether the manifest's digest is known
		changed bool // the form holds another manifest
		stream  bool
	}{
		{target: addr + "/team/app:1", digest: true},
		{target: "registry:" + addr + "/team/app:1", digest: true},
		{target: "docker://" + addr + "/team/app:1", digest: true},
		{target: "oci-dir:" + dir, digest: true},
		{target: "oci-dir:" + dir + ":1", digest: true},
		{target: "oci-dir:" + dir + "@" + must(img.Digest()).String(), digest: true},
		{target: dir, digest: true},
		{target: "oci-archive:" + put(t, "a.tar", oci), digest: true},
		{target: put(t, "a.tar", oci), digest: true},
		{target: put(t, "a.tar.gz", gz(oci)), digest: true, stream: true},
		{target: put(t, "a.tar.zst", zst(oci)), digest: true, stream: true},
		{target: "docker-archive:" + put(t, "a.tar", ggcr)},
		{target: "docker-archive:" + put(t, "a.tar", ggcr) + ":team/app:1"},
		{target: put(t, "renamed.bin", ggcr)},
		{target: put(t, "a.tar.gz", gz(ggcr)), stream: true},
		{target: put(t, "a.tar", old)},
		{target: put(t, "a.tgz", gz(old)), stream: true},
		{target: put(t, "a.tar", now), digest: true, changed: true},
		{target: "oci-archive:" + put(t, "a.tar", now), digest: true, changed: true},
		{target: "docker-archive:" + put(t, "a.tar.gz", gz(now)), digest: true, changed: true, stream: true},
		{target: "docker:team/app:1", stream: true},
		{target: "podman:team/app:1", digest: true, changed: true, stream: true},
	} {
		t.Run(tt.target, func(t *testing.T) {
			opt := Options{}
			if strings.HasPrefix(tt.target, "docker:t") || strings.HasPrefix(tt.target, "podman:") {
				opt.Getenv = engines
			}
			srcs, err := open(t, tt.target, opt)
			if err != nil || len(srcs) != 1 {
				t.Fatalf("Open = %d sources, %v", len(srcs), err)
			}
			s := srcs[0].Subject()
			if s.Kind != sbom.Image || s.Platform != "linux/amd64" || s.ImageID != must(img.ConfigName()).String() || !s.Created.Equal(epoch) {
				t.Errorf("subject = %+v", s)
			}
			if tt.digest != (s.Digest != "") || tt.digest && !tt.changed && s.Digest != must(img.Digest()).String() {
				t.Errorf("digest = %q", s.Digest)
			}
			checkLayers(t, srcs[0], img)
			st, ok := srcs[0].(scanner.Streamer)
			if ok != tt.stream {
				t.Fatalf("is a Streamer: %v, want %v", ok, tt.stream)
			}
			if ok {
				checkStream(t, st)
			}
		})
	}
	// One export for the table of contents, two for Layer.Open, and one for each
	// of two calls of Stream.
	if *exports != 5 {
		t.Errorf("the engine exported %d times", *exports)
	}
}

func checkLayers(t *testing.T, s scanner.Source, img v1.Image) {
	t.Helper()
	want := must(img.Layers())
	if len(s.Layers()) != len(want) {
		t.Fatalf("%d layers, want %d", len(s.Layers()), len(want))
	}
	made := []string{"ADD base.tar /", "COPY app /bin/"}
	for i, l := range s.Layers() {
		d := l.Describe()
		id := must(want[i].DiffID()).String()
		if d.DiffID != id || d.CreatedBy != made[i] || d.Size == 0 || d.MediaType == "" || d.ChainID == "" {
			t.Errorf("layer %d = %+v", i, d)
		}
		if i == 0 && d.ChainID != d.DiffID {
			t.Errorf("the first layer's chainID is %s", d.ChainID)
		}
		if got, err := drain(l); err != nil || got != id {
			t.Errorf("layer %d reads as %s, %v; want %s", i, got, err, id)
		}
	}
}

func checkStream(t *testing.T, s scanner.Streamer) {
	t.Helper()
	var seen []int
	err := s.Stream(t.Context(), func(i int, l scanner.Layer) error {
		seen = append(seen, i)
		if got, err := drain(l); err != nil || got != s.Layers()[i].Describe().DiffID {
			t.Errorf("layer %d streams as %s, %v", i, got, err)
		}
		if _, err := l.Open(t.Context()); err == nil {
			t.Errorf("layer %d opens twice", i)
		}
		return nil
	})
	slices.Sort(seen)
	if err != nil || !slices.Equal(seen, []int{0, 1}) {
		t.Errorf("Stream passed layers %v, %v", seen, err)
	}
	stop := errors.New("stop")
	if err := s.Stream(t.Context(), func(int, scanner.Layer) error { return stop }); err != stop {
		t.Errorf("Stream returns %v for the visitor's error", err)
	}
}

func TestKinds(t *testing.T) {
	root := tarOf("bin/", "", "bin/sh", "sh", "etc/", "", "etc/passwd", "root")
	export := tarOf(".dockerenv", "", "app", "x")
	dir := filepath.Dir(put(t, "file", []byte("x")))
	for _, tt := range []struct {
		target string
		kind   sbom.SubjectKind
	}{
		{put(t, "root.tar", root), sbom.RootFS},
		{put(t, "root.tar.gz", gz(root)), sbom.RootFS},
		{put(t, "root.tar.zst", zst(root)), sbom.RootFS},
		{put(t, "root.tar.xz", xzOf(t, root)), sbom.RootFS},
		{put(t, "export.tar", export), sbom.RootFS},
		{"rootfs:" + put(t, "x.tar", tarOf("x", "y")), sbom.RootFS},
		{put(t, "src.tar", tarOf("app-1.0/", "", "app-1.0/main.c", "int")), sbom.Binary},
		{put(t, "x.apk", gz(tarOf(".PKGINFO", "pkgname = x", "usr/", "", "etc/", ""))), sbom.Binary},
		{put(t, "x.exe", []byte("MZ\x90\x00")), sbom.Binary},
		{put(t, "zeros", make([]byte, 4096)), sbom.Binary},
		{put(t, "broken.gz", []byte{0x1f, 0x8b, 1, 2, 3}), sbom.Binary},
		{"file:" + put(t, "root.tar", root), sbom.Binary},
		{dir, sbom.Directory},
		{"dir:" + dir, sbom.Directory},
	} {
		srcs, err := open(t, tt.target, Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.target, err)
			continue
		}
		s := srcs[0].Subject()
		if _, walks := srcs[0].Layers()[0].(scanner.Walker); s.Kind != tt.kind || walks == (tt.kind == sbom.RootFS) {
			t.Errorf("%s: is a %s, a Walker: %v", tt.target, s.Kind, walks)
		}
		if tt.kind == sbom.Binary && len(s.Digest) != 71 {
			t.Errorf("%s: digest %q", tt.target, s.Digest)
		}
	}
	want := must(drain(must(open(t, "rootfs:"+put(t, "r.tar", root), Options{}))[0].Layers()[0]))
	for name, data := range map[string][]byte{"r.tgz": gz(root), "r.tar.xz": xzOf(t, root)} {
		srcs := must(open(t, "rootfs:"+put(t, name, data), Options{}))
		if id, err := drain(srcs[0].Layers()[0]); err != nil || id != want {
			t.Errorf("rootfs layer of %s: %s, %v", name, id, err)
		}
	}
}

// xzOf compresses as Debian's root filesystems are.
func xzOf(t testing.TB, b []byte) []byte {
	t.Helper()
	need.Tool(t, "xz")
	cmd := exec.Command("xz", "-c")
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs xz: %v", err)
	}
	return out
}

func TestDockerEndpoint(t *testing.T) {
	dir := t.TempDir()
	sum := sha256.Sum256([]byte("remote"))
	meta := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]))
	os.MkdirAll(meta, 0o755)
	os.WriteFile(filepath.Join(meta, "meta.json"), []byte(`{"Name":"remote","Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2375"}}}`), 0o644)
	current := t.TempDir()
	os.CopyFS(current, os.DirFS(dir))
	os.WriteFile(filepath.Join(current, "config.json"), []byte(`{"currentContext":"remote"}`), 0o644)
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "unix:///var/run/docker.sock"},
		{map[string]string{"DOCKER_HOST": "unix:///x", "DOCKER_CONTEXT": "remote"}, "unix:///x"},
		{map[string]string{"DOCKER_CONTEXT": "remote"}, "tcp://10.0.0.1:2375"},
		{map[string]string{"DOCKER_CONFIG": current}, "tcp://10.0.0.1:2375"},
		{map[string]string{"DOCKER_CONFIG": current, "DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock"},
		{map[string]string{"DOCKER_CONTEXT": "absent"}, ""},
	} {
		ep, err := dockerEndpoint(func(k string) string {
			if v, ok := tt.env[k]; ok || k != "DOCKER_CONFIG" {
				return v
			}
			return dir
		})
		if ep.host != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%v: %q, %v; want %q", tt.env, ep.host, err, tt.want)
		}
	}
	_, err := newEngine("Docker", endpoint{host: "ssh://host"})
	wantHint(t, err)
}

// BenchmarkOpenArchive reads the table of contents of an image of 100 layers.
func BenchmarkOpenArchive(b *testing.B) {
	img := empty.Image
	for i := range 100 {
		img = must(mutate.AppendLayers(img, layerOf(b, tarOf("f", noise(fmt.Sprint(i), 64<<10)))))
	}
	data := saved(b, map[string]v1.Image{"app:1": img})
	for name, data := range map[string][]byte{"plain": data, "gzip": gz(data)} {
		b.Run(name, func(b *testing.B) {
			path := put(b, "a", data)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				srcs, err := Open(b.Context(), path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				srcs[0].Close()
			}
		})
	}
}
