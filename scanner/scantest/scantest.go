// Package scantest makes container images for tests and demonstrations, from
// txtar archives or from Go values, and serves them, as net/http/httptest does
// for servers. The images are real: go-containerregistry builds them.
package scantest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/tools/txtar"
)

// Epoch is the time of everything in an image made here, so that its digest is
// the same on every run.
var Epoch = time.Date(2024, 6, 20, 0, 0, 0, 0, time.UTC)

// File is one entry of a layer.
type File struct {
	Path string // slash-separated; a trailing slash makes a folder
	Body []byte
	Link string // makes a symbolic link to it
	Hard string // makes a hard link to it
	Mode int64  // permission bits; zero means 0644, or 0755 for a folder
}

// Layer is one layer, and the line that made it.
type Layer struct {
	CreatedBy string
	Files     []File
	MediaType types.MediaType // zero means a gzipped Docker layer
}

// Image is what [Image.Build] builds.
type Image struct {
	Layers       []Layer
	OS           string // zero means "linux"
	Architecture string // zero means "amd64"
	Env          []string
	Entrypoint   []string
	Labels       map[string]string
}

// Parse reads an image from a txtar archive. A file named "1/etc/passwd" goes
// into the second layer. In the comment, "layer 1: RUN useradd app" gives the
// line that made a layer, and "env A=b" and "entrypoint /bin/x" configure the
// image. A body that begins with "-> " makes a symbolic link.
func Parse(archive []byte) (Image, error) {
	var im Image
	ar := txtar.Parse(archive)
	for line := range strings.Lines(string(ar.Comment)) {
		line = strings.TrimSpace(line)
		var n int
		if rest, ok := strings.CutPrefix(line, "env "); ok {
			im.Env = append(im.Env, rest)
		} else if rest, ok := strings.CutPrefix(line, "entrypoint "); ok {
			im.Entrypoint = strings.Fields(rest)
		} else if _, err := fmt.Sscanf(line, "layer %d:", &n); err == nil {
			l, err := im.layer(n)
			if err != nil {
				return Image{}, err
			}
			_, l.CreatedBy, _ = strings.Cut(line, ": ")
		}
	}
	for _, f := range ar.Files {
		var n int
		if _, err := fmt.Sscanf(f.Name, "%d/", &n); err != nil {
			return Image{}, fmt.Errorf("reading the name %q: want LAYER/PATH", f.Name)
		}
		l, err := im.layer(n)
		if err != nil {
			return Image{}, err
		}
		_, name, _ := strings.Cut(f.Name, "/")
		file := File{Path: name, Body: f.Data}
		if target, ok := strings.CutPrefix(string(f.Data), "-> "); ok {
			file.Link, file.Body = strings.TrimSpace(target), nil
		}
		l.Files = append(l.Files, file)
	}
	return im, nil
}

func (im *Image) layer(n int) (*Layer, error) {
	if n < 0 || n > 99 {
		return nil, fmt.Errorf("layer %d: want 0 to 99", n)
	}
	for len(im.Layers) <= n {
		im.Layers = append(im.Layers, Layer{})
	}
	return &im.Layers[n], nil
}

// Build makes the image.
func (im Image) Build() (v1.Image, error) {
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: or(im.OS, "linux"), Architecture: or(im.Architecture, "amd64"),
		Created: v1.Time{Time: Epoch},
		Config:  v1.Config{Env: im.Env, Entrypoint: im.Entrypoint, Labels: im.Labels},
		RootFS:  v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, fmt.Errorf("configuring the image: %w", err)
	}
	for i, l := range im.Layers {
		add, err := l.addendum()
		if err != nil {
			return nil, fmt.Errorf("building layer %d: %w", i, err)
		}
		if img, err = mutate.Append(img, add); err != nil {
			return nil, fmt.Errorf("adding layer %d: %w", i, err)
		}
	}
	return img, nil
}

func (l Layer) addendum() (mutate.Addendum, error) {
	plain, err := l.Tar()
	if err != nil {
		return mutate.Addendum{}, err
	}
	mt := l.MediaType
	if mt == "" {
		mt = types.DockerLayer
	}
	return mutate.Addendum{
		Layer:   gzipped{static.NewLayer(plain, mt), plain},
		History: v1.History{CreatedBy: l.CreatedBy, Created: v1.Time{Time: Epoch}},
	}, nil
}

// Tar writes the layer as an uncompressed tar.
func (l Layer) Tar() ([]byte, error) {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, f := range l.Files {
		h := &tar.Header{Name: strings.TrimPrefix(path.Clean("/"+f.Path), "/"), Mode: f.Mode, ModTime: Epoch, Format: tar.FormatPAX}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
		case f.Hard != "":
			h.Typeflag, h.Linkname = tar.TypeLink, f.Hard
		case strings.HasSuffix(f.Path, "/"):
			h.Typeflag = tar.TypeDir
			h.Name += "/"
			h.Mode = max(h.Mode, 0o755)
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Body))
			if h.Mode == 0 {
				h.Mode = 0o644
			}
		}
		if err := tw.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.Path, err)
		}
		if _, err := tw.Write(f.Body); h.Typeflag == tar.TypeReg && err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// gzipped is a layer whose stored form is the gzip of a tar.
type gzipped struct {
	v1.Layer // of the plain bytes: its digest is the diffID
	plain    []byte
}

func (g gzipped) DiffID() (v1.Hash, error) { return g.Layer.Digest() }

func (g gzipped) Uncompressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(g.plain)), nil
}

func (g gzipped) packed() []byte {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, _ = zw.Write(g.plain) // a bytes.Buffer does not fail
	_ = zw.Close()
	return buf.Bytes()
}

func (g gzipped) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(g.packed())), nil
}

func (g gzipped) Digest() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(g.packed()))
	return h, err
}

func (g gzipped) Size() (int64, error) { return int64(len(g.packed())), nil }

func or(s, zero string) string {
	if s == "" {
		return zero
	}
	return s
}
