package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// isDockerManifest tells the manifest.json of "docker save" from any other file
// of that name.
func isDockerManifest(a *archive) bool {
	m, err := dockerManifest(context.Background(), a)
	return err == nil && len(m) > 0 && m[0].Config != ""
}

func dockerManifest(ctx context.Context, a *archive) (tarball.Manifest, error) {
	raw, err := readMember(ctx, a, "manifest.json", maxManifest)
	if err != nil {
		return nil, err
	}
	var m tarball.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, problem(malformedHint, "manifest.json is malformed: %v", err)
	}
	return m, nil
}

func readMember(ctx context.Context, m members, name string, limit int64) ([]byte, error) {
	rc, err := m.open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer rc.Close()
	b, err := readAll(rc, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// dockerImages opens an image of a docker archive.
func (o *opener) dockerImages(ctx context.Context, a *archive, org origin, sel string) ([]*image, error) {
	m, err := dockerManifest(ctx, a)
	if err != nil {
		return nil, err
	}
	open := func(ds []*tarball.Descriptor) ([]*image, error) {
		var out []*image
		for _, d := range ds {
			im, err := o.dockerImage(ctx, a, d, org)
			if err != nil {
				return nil, err
			}
			out = append(out, im)
		}
		return out, nil
	}
	chosen, called := selectDocker(m, sel)
	switch {
	case len(chosen) == 0:
		return nil, noSuchImage(sel, called)
	case len(chosen) > 1:
		e := severalImages(called)
		e.all = func() ([]*image, error) { return open(chosen) }
		return nil, e
	}
	return open(chosen)
}

func (o *opener) dockerImage(ctx context.Context, a *archive, d *tarball.Descriptor, org origin) (*image, error) {
	org.tags, org.refs = slices.Clone(org.tags), slices.Clone(org.refs)
	for _, ref := range d.RepoTags {
		org.addRef(ref)
	}
	if len(d.Layers) > maxLayers {
		return nil, problem(malformedHint, "the manifest lists %d layers", len(d.Layers))
	}
	im := &image{}
	cfg := &v1.ConfigFile{}
	raw, err := readMember(ctx, a, d.Config, maxConfig)
	if err == nil {
		cfg, err = parseConfig(raw)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		raw, cfg = nil, &v1.ConfigFile{}
		im.gap(sbom.Unreadable, "the image configuration cannot be read: %v", err)
	default:
		if err := checkName(d.Config, raw); err != nil {
			im.gap(sbom.Unreadable, "%v", err)
		}
	}
	im.platform, im.subject = platformOf(cfg), subject(cfg, raw, org)
	if err := o.want.accepts(im.platform); err != nil {
		return nil, err
	}
	im.layers = im.dockerLayers(a, d, cfg)
	o.addManifest(ctx, a, im, org, cfg.Architecture)
	return im, nil
}

// selectDocker returns the images with a tag or an ID, all if sel is empty, and
// what each of the archive is called.
func selectDocker(m tarball.Manifest, sel string) (chosen []*tarball.Descriptor, called []string) {
	for i := range m {
		n := append(slices.Clone(m[i].RepoTags), "@sha256:"+hexOf(m[i].Config))
		called = append(called, n[0])
		if sel == "" || slices.ContainsFunc(n, func(n string) bool { return sameName(n, sel) }) {
			chosen = append(chosen, &m[i])
		}
	}
	if sel != "" && len(chosen) > 1 {
		chosen = chosen[:1]
	}
	return chosen, called
}

// hexOf is the digest in a member's name: "HEX.json", "sha256:HEX" (ours and
// go-containerregistry's) or "blobs/sha256/HEX" (Docker 25 and later).
func hexOf(name string) string {
	return strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".json"), "sha256:")
}

// checkName checks bytes against the digest in their name, if there is one.
func checkName(name string, raw []byte) error {
	sum := sha256.Sum256(raw)
	if want := hexOf(name); len(want) == 64 && want != hex.EncodeToString(sum[:]) {
		return problem("the image is damaged: copy or save it again", "%s is corrupt: its bytes have the digest sha256:%x", name, sum)
	}
	return nil
}

func (im *image) dockerLayers(a *archive, d *tarball.Descriptor, cfg *v1.ConfigFile) []scanner.Layer {
	described := im.describe(cfg, len(d.Layers))
	var layers []scanner.Layer
	for i, name := range d.Layers {
		desc := described[i]
		desc.MediaType = string(types.DockerUncompressedLayer)
		if i < len(cfg.RootFS.DiffIDs) {
			if src, ok := d.LayerSources[cfg.RootFS.DiffIDs[i]]; ok {
				desc.MediaType = string(src.MediaType)
			}
		}
		layers = append(layers, archiveLayer(a, name, desc))
	}
	return layers
}

// archiveLayer is a member of an archive as a layer.
func archiveLayer(a *archive, name string, desc sbom.Layer) *blobLayer {
	l := &blobLayer{desc: desc, member: cleanName(name)}
	if m, member, err := a.resolve(name); err == nil {
		l.desc.Size, l.blob = m.size, member
	}
	want, named := blobDigest(name)
	if named {
		l.desc.Digest = want.String()
	}
	l.open = func(ctx context.Context) (io.ReadCloser, error) {
		rc, err := a.open(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", name, scanner.ErrAbsent)
		}
		if err != nil || !named {
			return rc, err
		}
		return verify(rc, v1.Descriptor{Digest: want, Size: -1})
	}
	return l
}

// blobDigest reads "blobs/ALGORITHM/HEX".
func blobDigest(name string) (v1.Hash, bool) {
	rest, ok := strings.CutPrefix(cleanName(name), "blobs/")
	if !ok {
		return v1.Hash{}, false
	}
	h, err := v1.NewHash(strings.Replace(rest, "/", ":", 1))
	return h, err == nil
}

// addManifest adds what the OCI layout in the archives of Docker 25 and later
// tells beside manifest.json: the manifest's digest, and the layers' media
// types. Without one the manifest digest is not known, and Subject.ImageID
// alone identifies the image.
func (o *opener) addManifest(ctx context.Context, a *archive, im *image, org origin, arch string) {
	if !a.has("index.json") {
		return
	}
	idx, err := readIndexJSON(ctx, a)
	if err != nil {
		return
	}
	w := walker{st: layoutStore{a}}
	if w.entries(ctx, idx.Manifests, 0) != nil {
		return
	}
	for _, f := range w.found {
		raw, err := w.st.manifest(ctx, f.desc)
		if err != nil {
			continue
		}
		m, err := v1.ParseManifest(bytes.NewReader(raw))
		if err != nil || m.Config.Digest.String() != im.subject.ImageID || len(m.Layers) != len(im.layers) {
			continue
		}
		im.subject.Digest = f.desc.Digest.String()
		im.subject.PURL = purl(org, im.subject.Digest, arch)
		for i, l := range m.Layers {
			if d := &im.layers[i].(*blobLayer).desc; d.Digest == l.Digest.String() {
				d.MediaType = string(l.MediaType)
			}
		}
		return
	}
}
