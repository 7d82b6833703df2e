package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	tarfile "github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

func TestBadInput(t *testing.T) {
	img := imageFor(t, "linux/amd64", "x")
	addr := serve(t)
	push(t, addr+"/app:1", img)
	arch := saved(t, map[string]v1.Image{"app:1": img})
	dir := t.TempDir()
	pipe := filepath.Join(t.TempDir(), "pipe") // opening it would wait for ever
	if out, err := exec.Command("mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	engine, _ := fakeEngine(t, "app:1", nil)
	for _, tt := range []struct{ target, err string }{
		{"", "the target is empty"},
		{"docker-archive:", "the target is empty"},
		{"./absent", "there is no file or folder ./absent"},
		{"file:/absent/x", "there is no file"},
		{"dir:/absent", "there is no file or folder"},
		{put(t, "empty.tar", nil), "is empty"},
		{"docker-archive:" + put(t, "empty.tar", nil), "is empty"},
		{"docker-archive:" + put(t, "text", []byte("hello")), "is not a tar archive"},
		{"docker-archive:" + put(t, "root.tar", tarOf("bin/", "", "etc/", "")), "but a filesystem tarball"},
		{"oci-archive:" + put(t, "a.tar", arch), "but one of docker save"},
		{"rootfs:" + put(t, "text", []byte("root:x:0:0:root:/root:/bin/bash\n")), "is not a tar archive"},
		{put(t, "nothing.tar", make([]byte, 10240)), "is an empty archive"},
		{put(t, "nothing.tar.gz", gz(nil)), "is an empty archive"},
		{dir, "is empty"},
		{pipe, "is not a regular file"},
		{"rootfs:" + pipe, "is not a regular file"},
		{"file:" + pipe, "is not a regular file"},
		{"docker-archive:" + dir, "is a folder"},
		{"oci-dir:" + dir, "is not an OCI image layout"},
		{"dir:" + put(t, "x", []byte("x")), "is not a folder"},
		{"file:" + dir, "is a folder"},
		{put(t, "cut.tar", arch[:1024]), "reading the archive"},
		{put(t, "cut.tar.gz", gz(arch)[:512]), "reading the archive"},
		{put(t, "parts.tar", tarOf("blobs/sha256/"+strings.Repeat("a", 64), "x")), "its manifest is missing"},
		{"rootfs:" + put(t, "cut.tar", tarOf("etc/x", strings.Repeat("x", 512))[:1024]), "end-of-archive mark is missing"},
		{"127.0.0.1:1/app", "connection refused"},
		{addr + "/app:2", "404"},
		{"Not A Reference", "is not an image reference"},
		{"docker:app:2", "Docker has no image app:2"},
		{"podman:app:1", "Podman does not answer"},
	} {
		srcs, err := open(t, tt.target, Options{Getenv: func(k string) string {
			return map[string]string{"DOCKER_HOST": "unix://" + engine, "XDG_RUNTIME_DIR": dir, "HOME": dir}[k]
		}})
		if err == nil {
			t.Errorf("%s: opened as %s", tt.target, srcs[0].Subject().Kind)
			continue
		}
		if !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %q, want %q", tt.target, err, tt.err)
		}
		wantHint(t, err)
	}
}

// TestNoDamageGoesUnseen cuts archives off at every block and changes single
// bytes: what can still be opened has the right image, and its layers end in an
// error or have their diffIDs, or the source says what is wrong with it.
func TestNoDamageGoesUnseen(t *testing.T) {
	img := imageFor(t, "linux/amd64", "x")
	forms := map[string][]byte{
		"oci":    tarDir(t, layoutDir(t, mutate.AppendManifests(empty.Index, named(img, "1")))),
		"new":    savedNew(t, "app:1", img),
		"old":    savedOld(t, "app:1", img),
		"ggcr":   saved(t, map[string]v1.Image{"app:1": img}),
		"old gz": gz(savedOld(t, "app:1", img)),
	}
	path := filepath.Join(t.TempDir(), "a.tar")
	check := func(name string, data []byte, cut bool) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		srcs, err := Open(t.Context(), path, Options{})
		if err != nil {
			return
		}
		defer srcs[0].Close()
		s := srcs[0].Subject()
		if s.Kind != sbom.Image {
			return // no image any more, and looked into as a file
		}
		bad := len(srcs[0].(scanner.Incomplete).Gaps())
		for _, l := range srcs[0].Layers() {
			if id, err := drain(l); err != nil || id != l.Describe().DiffID {
				bad++ // a wrong diffID is seen by whoever reads the layer
			}
		}
		if s.ImageID != must(img.ConfigName()).String() && bad == 0 {
			// A configuration that was changed with its name in step: not possible
			// by one byte but in forms that do not name it by digest.
			t.Errorf("%s: another image %s without an error", name, s.ImageID)
		}
		if cut && bad == 0 {
			t.Errorf("%s: opened and read whole", name)
		}
	}
	for form, data := range forms {
		end := len(data) - 1024 // the end-of-archive mark
		if form == "old gz" {
			end = len(data) - 1
		}
		for n := 0; n < end; n += 512 {
			check(fmt.Sprintf("%s cut at %d", form, n), data[:n], true)
		}
		for n := 7; n < end; n += 997 {
			flipped := bytes.Clone(data)
			flipped[n] ^= 0x20
			check(fmt.Sprintf("%s changed at %d", form, n), flipped, false)
		}
	}
}

// rawManifest is pushed as it is.
type rawManifest struct {
	mediaType types.MediaType
	raw       string
}

func (m rawManifest) RawManifest() ([]byte, error)        { return []byte(m.raw), nil }
func (m rawManifest) MediaType() (types.MediaType, error) { return m.mediaType, nil }

// TestAmbiguousManifest opens what is an index and an image at once.
func TestAmbiguousManifest(t *testing.T) {
	img := imageFor(t, "linux/amd64", "x")
	addr := serve(t)
	push(t, addr+"/app:1", img)
	raw := string(must(img.RawManifest()))
	both := strings.TrimSuffix(raw, "}") + `,"manifests":[]}`
	for i, mt := range []types.MediaType{types.DockerManifestSchema2, types.OCIImageIndex} {
		ref := fmt.Sprintf("%s/app:both%d", addr, i)
		if err := remote.Put(must(name.NewTag(ref)), rawManifest{mt, both}); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, ref, Options{}); err == nil || !strings.Contains(err.Error(), "at once") {
			t.Errorf("%s: %v", mt, err)
		}
	}
}

func TestRegistryLayers(t *testing.T) {
	foreign := imageFor(t, "linux/amd64", "f")
	missing, err := mutate.Append(foreign, mutate.Addendum{
		Layer: layerOf(t, tarOf("win", "dows"), tarfile.WithMediaType(types.DockerForeignLayer)),
		URLs:  []string{"http://127.0.0.1:1/never-asked"},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t)
	push(t, addr+"/app:1", missing) // remote.Write leaves out what is not distributable
	srcs, err := open(t, addr+"/app:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	layers := srcs[0].Layers()
	if _, err := layers[2].Open(t.Context()); !errors.Is(err, scanner.ErrAbsent) {
		t.Errorf("foreign layer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := layers[0].Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	img := imageFor(f, "linux/amd64", "x")
	f.Add(savedOld(f, "app:1", img))
	f.Add(gz(savedNew(f, "app:1", img)))
	f.Add(tarDir(f, layoutDir(f, mutate.AppendManifests(empty.Index, named(img, "1"), attestation(img)))))
	f.Add(tarOf("manifest.json", `[{"Config":"c","Layers":["a"]}]`, "c", `{"rootfs":{"diff_ids":["sha256:`+strings.Repeat("0", 64)+`"]}}`, "a", "-> b", "b", "-> a"))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{path, "docker-archive:" + path, "oci-archive:" + path} {
			srcs, err := Open(t.Context(), target, Options{Platforms: []string{"all"}})
			for _, s := range srcs {
				for _, l := range s.Layers() {
					if _, ok := l.(scanner.Walker); !ok && l.Describe().Size < 1<<20 {
						drain(l)
					}
				}
				s.Close()
			}
			if (err == nil) != (len(srcs) > 0) {
				t.Fatalf("%d sources, error %v", len(srcs), err)
			}
		}
	})
}
