package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// titleAnnotation names the file that a blob of an artifact is (OCI image-spec
// annotations.md).
const titleAnnotation = "org.opencontainers.image.title"

// artifact makes a Source of a manifest that is no image's: a chart, a model,
// files that ORAS pushed. It is a folder with a file for each blob; a blob that
// is an archive is looked into as any archive is. ctx bounds the reading of blobs
// too.
func (o *opener) artifact(ctx context.Context, st store, d v1.Descriptor, m *v1.Manifest, org origin) (*image, error) {
	im := &image{subject: sbom.Subject{Kind: sbom.Image, Name: org.name, IndexedBy: org.indexedBy, Digest: d.Digest.String(),
		PURL: purl(org, d.Digest.String(), ""), Tags: slices.Compact(slices.Sorted(slices.Values(org.tags)))}}
	im.subject.Evidence = nameEvidence(org)
	for _, k := range sortedKeys(m.Annotations) {
		im.subject.Evidence = append(im.subject.Evidence, evidence(sbom.ImageLabel, k+"="+redactPair(k, m.Annotations[k]), "annotations of the manifest"))
	}
	b := &blobFolder{open: func(d v1.Descriptor) (io.ReadCloser, error) { return st.blob(ctx, d) },
		temp: o.opt.TempDir, files: map[string]v1.Descriptor{}}
	for _, l := range append(slices.Clone(m.Layers), m.Config) {
		b.add(l)
	}
	if len(b.files) == 0 {
		return nil, problem("name the image itself", "not an image but an artifact of type %q, which has no contents", artifactType(m))
	}
	im.layers = []scanner.Layer{b}
	return im, nil
}

// blobFolder is a scanner.Walker over blobs that are files.
type blobFolder struct {
	open  func(v1.Descriptor) (io.ReadCloser, error)
	temp  string
	files map[string]v1.Descriptor // by path
}

var _ scanner.Walker = (*blobFolder)(nil)

// emptyJSON is the blob that stands for "no configuration" (OCI image-spec
// manifest.md, "Guidance for an Empty Descriptor").
const emptyJSON = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// add gives a blob its title as name, or its digest.
func (b *blobFolder) add(d v1.Descriptor) {
	if d.Digest.Hex == "" || d.Digest.String() == emptyJSON {
		return
	}
	p := path.Clean("/" + sbom.CleanValue(d.Annotations[titleAnnotation]))
	if _, taken := b.files[p]; taken || p == "/" || len(p) > 1024 {
		p = "/" + blobPath(d.Digest)
	}
	b.files[p] = d
}

func (b *blobFolder) Describe() sbom.Layer { return sbom.Layer{} }

func (b *blobFolder) Open(context.Context) (io.ReadCloser, error) {
	return nil, errors.New("opening an artifact as a tar: it is walked")
}

// Walk implements scanner.Walker.
func (b *blobFolder) Walk(ctx context.Context, fn func(scanner.Entry, error) error) error {
	dirs := map[string]bool{"/": true}
	for _, p := range sortedKeys(b.files) {
		for _, dir := range parents(p) {
			if !dirs[dir] {
				dirs[dir] = true
				if err := fn(scanner.Entry{Path: dir, Type: scanner.Dir, Mode: 0o755}, nil); err != nil {
					return err
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(scanner.Entry{Path: p, Type: scanner.Regular, Mode: 0o644, Size: b.files[p].Size}, nil); err != nil {
			return err
		}
	}
	return nil
}

// parents are the folders that a path is in, the outermost first.
func parents(p string) []string {
	var dirs []string
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			dirs = append(dirs, p[:i])
		}
	}
	return dirs
}

const (
	maxBlobInMemory = 1 << 20 // bytes of a blob that is read at any offset
	maxBlobOnDisk   = 4 << 30 // of one that is put into a temporary file
)

// OpenFile implements scanner.Walker. The blob is checked as it is read; what is
// large lies in a temporary file until it is closed.
func (b *blobFolder) OpenFile(p string) (scanner.ReadAtCloser, error) {
	d, ok := b.files[p]
	if !ok {
		return nil, fmt.Errorf("opening %s: %w", p, fs.ErrNotExist)
	}
	if d.Size > maxBlobOnDisk {
		return nil, fmt.Errorf("opening %s: it has %d bytes; at most %d are read", p, d.Size, int64(maxBlobOnDisk))
	}
	rc, err := b.open(d)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", p, err)
	}
	defer rc.Close()
	if d.Size <= maxBlobInMemory {
		raw, err := io.ReadAll(rc)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", p, err)
		}
		return inMemory{bytes.NewReader(raw)}, nil
	}
	f, err := os.CreateTemp(b.temp, "interdict-blob-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	t := &tempFile{f}
	if _, err := io.Copy(f, rc); err != nil {
		t.Close()
		return nil, fmt.Errorf("reading %s: %w", p, err)
	}
	return t, nil
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// tempFile is a file that goes when it is closed.
type tempFile struct{ *os.File }

func (t *tempFile) Close() error {
	return errors.Join(t.File.Close(), os.Remove(t.Name()))
}
