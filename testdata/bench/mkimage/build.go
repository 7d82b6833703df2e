package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of what has none of its own.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func build(layers [][]string, groups []string, ref, out string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".mkimage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", Created: v1.Time{Time: epoch}, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return err
	}
	var status bytes.Buffer
	for i, debs := range layers {
		l, err := writeLayer(filepath.Join(tmp, fmt.Sprintf("%d.tar.gz", i)), debs, &status)
		if err != nil {
			return fmt.Errorf("writing the layer of %s: %w", groups[i], err)
		}
		img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{
			CreatedBy: "RUN apt-get install -y " + strings.ReplaceAll(groups[i], ",", " "), Created: v1.Time{Time: epoch}}})
		if err != nil {
			return err
		}
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := tarball.Write(tag, img, f); err != nil {
		f.Close()
		os.Remove(out)
		return err
	}
	return f.Close()
}

// writeLayer writes the packages' files, and the dpkg database that has them
// and those of the layers below, as one gzipped tar.
func writeLayer(file string, debs []string, status *bytes.Buffer) (v1.Layer, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stored, plain := sha256.New(), sha256.New()
	zw := gzip.NewWriter(io.MultiWriter(f, stored))
	l := &layerWriter{Writer: tar.NewWriter(io.MultiWriter(zw, plain)), made: map[string]bool{}}
	for _, d := range debs {
		if err := l.unpack(d, status); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", filepath.Base(d), err)
		}
	}
	if err := l.file("var/lib/dpkg/status", status.Bytes()); err != nil {
		return nil, err
	}
	if err := errors.Join(l.Close(), zw.Close()); err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	return &layerFile{file, sum(stored), sum(plain), size}, err
}

type layerWriter struct {
	*tar.Writer
	made map[string]bool
}

func (l *layerWriter) unpack(deb string, status *bytes.Buffer) error {
	var list []string
	err := eachMember(deb, "--fsys-tarfile", func(h *tar.Header, r io.Reader) error {
		h.Name = strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if h.Name == "" {
			return nil
		}
		list = append(list, "/"+h.Name)
		if h.Typeflag == tar.TypeDir {
			h.Name += "/"
		}
		if l.made[h.Name] {
			return nil
		}
		l.made[h.Name] = true
		h.Linkname = strings.TrimPrefix(h.Linkname, "./")
		h.Format = tar.FormatPAX
		if err := l.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(l.Writer, r)
		return err
	})
	if err != nil {
		return err
	}
	return l.control(deb, list, status)
}

// control writes what dpkg keeps of a package under /var/lib/dpkg.
func (l *layerWriter) control(deb string, list []string, status *bytes.Buffer) error {
	members := map[string][]byte{}
	err := eachMember(deb, "--ctrl-tarfile", func(h *tar.Header, r io.Reader) error {
		data, err := io.ReadAll(r)
		members[path.Base(h.Name)] = data
		return err
	})
	if err != nil {
		return err
	}
	fields := string(members["control"])
	pkg := field(fields, "Package")
	if field(fields, "Multi-Arch") == "same" {
		pkg += ":" + field(fields, "Architecture")
	}
	head, rest, _ := strings.Cut(fields, "\n")
	fmt.Fprintf(status, "%s\nStatus: install ok installed\n%s\n", head, strings.TrimRight(rest, "\n")+"\n")
	for _, ext := range []string{"md5sums", "conffiles"} {
		if data, ok := members[ext]; ok {
			if err := l.file("var/lib/dpkg/info/"+pkg+"."+ext, data); err != nil {
				return err
			}
		}
	}
	return l.file("var/lib/dpkg/info/"+pkg+".list", []byte(strings.Join(list, "\n")+"\n"))
}

func (l *layerWriter) file(name string, data []byte) error {
	h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: epoch, Typeflag: tar.TypeReg}
	if err := l.WriteHeader(h); err != nil {
		return err
	}
	_, err := l.Write(data)
	return err
}

func field(control, name string) string {
	for line := range strings.Lines(control) {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func eachMember(deb, part string, fn func(*tar.Header, io.Reader) error) error {
	cmd := exec.Command("dpkg-deb", part, deb)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	for tr := tar.NewReader(out); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, out)
			return err
		}
		if err != nil {
			return err
		}
		if err := fn(h, tr); err != nil {
			return err
		}
	}
}

// layerFile is a layer that lies on disk.
type layerFile struct {
	name           string
	digest, diffID v1.Hash
	size           int64
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

func (l *layerFile) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layerFile) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layerFile) Size() (int64, error)                { return l.size, nil }
func (l *layerFile) MediaType() (types.MediaType, error) { return types.DockerLayer, nil }
func (l *layerFile) Compressed() (io.ReadCloser, error)  { return os.Open(l.name) }
func (l *layerFile) Uncompressed() (io.ReadCloser, error) {
	f, err := os.Open(l.name)
	if err != nil {
		return nil, err
	}
	zr, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{zr, f}, nil
}
