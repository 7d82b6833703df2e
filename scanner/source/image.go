package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// image is a scanner.Source of an image, or of a tarball as its one layer.
type image struct {
	subject  sbom.Subject
	layers   []scanner.Layer
	platform v1.Platform
	gaps     []sbom.Gap
	archive  *archive // that its layers are members of, if any
	onClose  func() error
}

var _ scanner.Incomplete = (*image)(nil)

// Gaps implements scanner.Incomplete.
func (im *image) Gaps() []sbom.Gap { return im.gaps }

func (im *image) Subject() sbom.Subject   { return im.subject }
func (im *image) Layers() []scanner.Layer { return im.layers }
func (im *image) Close() error {
	if im.onClose == nil {
		return nil
	}
	return im.onClose()
}

// blobLayer is a scanner.Layer that is one blob of a store.
type blobLayer struct {
	desc   sbom.Layer
	open   func(context.Context) (io.ReadCloser, error)
	member string // its name in an archive
	blob   string // see scanner.Addressed
	// verified: it comes from a registry by the digest of a checked manifest.
	verified bool
}

var _ scanner.Addressed = (*blobLayer)(nil)

// Blob implements scanner.Addressed.
func (l *blobLayer) Blob() (name string, verified bool) { return l.blob, l.verified }

func (l *blobLayer) Describe() sbom.Layer { return l.desc }
func (l *blobLayer) Open(ctx context.Context) (io.ReadCloser, error) {
	rc, err := l.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening layer %s: %w", l.name(), err)
	}
	return rc, nil
}

func (l *blobLayer) name() string {
	if l.desc.Digest != "" {
		return l.desc.Digest
	}
	return l.desc.DiffID
}

// image makes a Source of a manifest. A configuration that cannot be read, or
// that does not fit the layers, is a gap: the layers are there all the same.
func (o *opener) image(ctx context.Context, st store, d v1.Descriptor, raw []byte, org origin) (*image, error) {
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	im := &image{}
	cfg, rawCfg, err := readConfig(ctx, st, m)
	if isFinal(err) {
		im.gap(sbom.Unreadable, "the image configuration cannot be read: %v", err)
	} else if err != nil {
		return nil, err
	}
	switch form, err := formOf(ctx, st, m, cfg); {
	case err != nil:
		return nil, err
	case form == formDocument:
		return nil, notImage(d, m)
	case form == formFiles:
		return o.artifact(ctx, st, d, m, org)
	}
	im.platform = platformOf(cfg)
	im.subject = subject(cfg, rawCfg, org)
	for _, k := range sortedKeys(m.Annotations) {
		im.subject.Evidence = append(im.subject.Evidence, evidence(sbom.ImageLabel, k+"="+redactPair(k, m.Annotations[k]), "annotations of the manifest"))
	}
	im.subject.Digest = d.Digest.String()
	im.subject.PURL = purl(org, im.subject.Digest, cfg.Architecture)
	described := im.describe(cfg, len(m.Layers))
	for i, l := range m.Layers {
		ld := described[i]
		ld.Digest, ld.MediaType, ld.Size = l.Digest.String(), string(l.MediaType), l.Size
		_, verified := st.(*registryStore)
		im.layers = append(im.layers, &blobLayer{
			desc: ld, member: blobPath(l.Digest), blob: l.Digest.String(), verified: verified,
			open: func(ctx context.Context) (io.ReadCloser, error) { return st.blob(ctx, l) },
		})
	}
	return im, nil
}

// describe returns what the configuration says of n layers: diffID, chainID and
// the history line, lines of empty layers left out (OCI image-spec config.md,
// "history"). Where the lines do not fit the layers, no layer has one; where the
// diffIDs do not, no layer has one, and that is a gap: which layers a container
// would have is not known.
func (im *image) describe(cfg *v1.ConfigFile, n int) []sbom.Layer {
	out := make([]sbom.Layer, n)
	if len(cfg.RootFS.DiffIDs) != n {
		if len(im.gaps) == 0 { // else the configuration could not be read
			im.gap(sbom.Unreadable, "the configuration lists %d layers and the manifest %d: all of the manifest's were read", len(cfg.RootFS.DiffIDs), n)
		}
		return out
	}
	var lines []string
	for _, h := range cfg.History {
		if !h.EmptyLayer {
			lines = append(lines, redactHistory(h.CreatedBy))
		}
	}
	chain := ""
	for i, id := range cfg.RootFS.DiffIDs {
		if i == 0 {
			chain = id.String()
		} else {
			sum := sha256.Sum256([]byte(chain + " " + id.String()))
			chain = "sha256:" + hex.EncodeToString(sum[:])
		}
		out[i] = sbom.Layer{DiffID: id.String(), ChainID: chain}
		if len(lines) == len(out) {
			out[i].CreatedBy = sbom.CleanValue(lines[i])
		}
	}
	return out
}

// shared closes something when the last of its users closes.
type shared struct {
	users atomic.Int32
	close func() error
}

// share lets each of the images close c with the others.
func share(images []*image, c io.Closer) {
	s := &shared{close: c.Close}
	s.users.Store(int32(len(images)))
	for _, im := range images {
		var done atomic.Bool
		im.onClose = func() error {
			if done.Swap(true) || s.users.Add(-1) > 0 {
				return nil
			}
			return s.close()
		}
	}
}

func sources(images []*image) []scanner.Source {
	out := make([]scanner.Source, len(images))
	for i, im := range images {
		out[i] = im
	}
	return out
}

// blobPath is where an OCI image layout has a blob.
func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// verified reads a blob and ends in an error if it has not the size and digest
// that d says. A negative size is not known.
type verified struct {
	io.ReadCloser
	want   v1.Hash
	size   int64
	hasher hash.Hash
	n      int64
}

func verify(rc io.ReadCloser, d v1.Descriptor) (io.ReadCloser, error) {
	h, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		rc.Close()
		return nil, problem(malformedHint, "digest of unknown algorithm %q", d.Digest.Algorithm)
	}
	return &verified{ReadCloser: rc, want: d.Digest, size: d.Size, hasher: h}, nil
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.hasher.Write(p[:n])
	v.n += int64(n)
	if v.size >= 0 && v.n > v.size {
		return n, v.bad("is larger than the %d bytes that its descriptor says", v.size)
	}
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if v.size >= 0 && v.n != v.size {
		return n, v.bad("is truncated: it has %d of %d bytes", v.n, v.size)
	}
	if got := hex.EncodeToString(v.hasher.Sum(nil)); got != v.want.Hex {
		return n, v.bad("is corrupt: its bytes have the digest %s:%s", v.want.Algorithm, got)
	}
	return n, io.EOF
}

func (v *verified) bad(format string, args ...any) error {
	return problem("the image is damaged: copy or save it again", "blob %s "+format, append([]any{v.want}, args...)...)
}
