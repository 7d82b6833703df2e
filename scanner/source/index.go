package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
)

// Bounds on foreign image metadata.
const (
	maxConfig    = 16 << 20 // bytes of an image configuration
	maxManifests = 1000     // manifests that one reference leads to
	maxNesting   = 4        // indexes in indexes
	maxLayers    = 4096     // of one image; Docker allows 127
)

// store is a place of manifests and blobs.
type store interface {
	// manifest returns the bytes of a manifest or index, checked.
	manifest(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// blob opens a blob; its reader checks digest and size. A blob that is not
	// there is scanner.ErrAbsent.
	blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
}

// origin is what is known of an image before it is opened.
type origin struct {
	name      string   // the user's words
	repo      string   // "docker.io/library/nginx", empty if not known
	tags      []string // bare
	refs      []string // repositories without tag that name it elsewhere, as written
	indexedBy string
}

// found is an image that an index leads to.
type found struct {
	desc     v1.Descriptor
	platform v1.Platform
}

// resolve opens what a descriptor leads to: an image, or those of an index
// that are wanted.
func (o *opener) resolve(ctx context.Context, st store, d v1.Descriptor, org origin) ([]*image, error) {
	raw, err := st.manifest(ctx, d)
	if err != nil {
		return nil, err
	}
	if !registry.IsIndex(d.MediaType, raw) {
		im, err := o.image(ctx, st, d, raw, org)
		if err != nil {
			return nil, err
		}
		if err := o.want.accepts(im.platform); err != nil {
			return nil, err
		}
		return []*image{im}, nil
	}
	org.indexedBy = d.Digest.String()
	w := walker{st: st}
	if err := w.index(ctx, raw, 0); err != nil {
		return nil, fmt.Errorf("reading the index %s: %w", d.Digest, err)
	}
	return o.chosen(ctx, st, w.found, org)
}

// chosen opens those of the images that are wanted.
func (o *opener) chosen(ctx context.Context, st store, images []found, org origin) ([]*image, error) {
	have := make([]v1.Platform, len(images))
	for i, f := range images {
		have[i] = f.platform
	}
	picks, err := o.want.choose(have)
	if err != nil {
		return nil, err
	}
	if len(picks) == 0 {
		return nil, problem(malformedHint, "the index has no image")
	}
	var out []*image
	for _, i := range picks {
		raw, err := st.manifest(ctx, images[i].desc)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest for %s: %w", registry.PlatformString(have[i]), err)
		}
		im, err := o.image(ctx, st, images[i].desc, raw, org)
		if err != nil {
			return nil, err
		}
		if p := registry.PlatformString(have[i]); p != "" {
			im.subject.Platform = p
		}
		out = append(out, im)
	}
	return out, nil
}

// walker collects the images of an index and the indexes in it.
type walker struct {
	st    store
	found []found
	seen  map[v1.Hash]bool
}

func (w *walker) index(ctx context.Context, raw []byte, depth int) error {
	if depth > maxNesting {
		return problem(malformedHint, "indexes lie in indexes more than %d deep", maxNesting)
	}
	var idx v1.IndexManifest
	if err := json.Unmarshal(raw, &idx); err != nil {
		return problem(malformedHint, "the index is malformed: %v", err)
	}
	if err := unambiguous(raw); err != nil {
		return err
	}
	return w.entries(ctx, idx.Manifests, depth)
}

func (w *walker) entries(ctx context.Context, ds []v1.Descriptor, depth int) error {
	if w.seen == nil {
		w.seen = map[v1.Hash]bool{}
	}
	for _, d := range ds {
		if w.seen[d.Digest] {
			continue
		}
		w.seen[d.Digest] = true
		if len(w.seen) > maxManifests {
			return problem(malformedHint, "the index leads to more than %d manifests", maxManifests)
		}
		if err := w.entry(ctx, d, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, d v1.Descriptor, depth int) error {
	switch {
	case d.MediaType.IsIndex():
		raw, err := w.st.manifest(ctx, d)
		if err != nil {
			return fmt.Errorf("reading the index %s: %w", d.Digest, err)
		}
		return w.index(ctx, raw, depth+1)
	case !d.MediaType.IsImage():
		return nil // some other artifact
	case d.Platform != nil && d.Platform.OS != "" && d.Platform.OS != "unknown":
		w.found = append(w.found, found{d, *d.Platform})
		return nil
	case d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
		// https://docs.docker.com/build/metadata/attestations/attestation-storage/
		return nil
	}
	// The index does not say: the image does.
	raw, err := w.st.manifest(ctx, d)
	if errors.Is(err, scanner.ErrAbsent) {
		w.found = append(w.found, found{d, v1.Platform{}})
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the manifest %s: %w", d.Digest, err)
	}
	m, cfg, _, err := readImage(ctx, w.st, raw)
	if err != nil || isArtifact(m, cfg) {
		return err
	}
	w.found = append(w.found, found{d, platformOf(cfg)})
	return nil
}

func platformOf(cfg *v1.ConfigFile) v1.Platform {
	if p := cfg.Platform(); p != nil {
		return *p
	}
	return v1.Platform{}
}

// unambiguous refuses a document that is a manifest for one reader and an index
// for another.
func unambiguous(raw []byte) error {
	err := registry.CheckManifest(raw)
	if errors.Is(err, registry.ErrAmbiguous) {
		return problem("do not use this image: build it again", "%w", err)
	}
	if err != nil {
		return problem(malformedHint, "%w", err)
	}
	return nil
}

// isArtifact reports whether a manifest is of something else than an image: a
// signature, an attestation, a chart. An image has a configuration that lists
// its layers, whatever its media type is called.
func isArtifact(m *v1.Manifest, cfg *v1.ConfigFile) bool {
	for _, l := range m.Layers {
		if l.MediaType == "application/vnd.in-toto+json" {
			return true
		}
	}
	return !m.Config.MediaType.IsConfig() && len(cfg.RootFS.DiffIDs) == 0
}

// readImage reads manifest and configuration.
func readImage(ctx context.Context, st store, raw []byte) (*v1.Manifest, *v1.ConfigFile, []byte, error) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, nil, problem(malformedHint, "the manifest is malformed: %v", err)
	}
	if err := unambiguous(raw); err != nil {
		return nil, nil, nil, err
	}
	if m.SchemaVersion == 1 {
		return nil, nil, nil, problem("push the image again with a current tool", "the manifest has the old format schema 1, which is not read")
	}
	if len(m.Layers) > maxLayers {
		return nil, nil, nil, problem(malformedHint, "the manifest lists %d layers", len(m.Layers))
	}
	if m.Config.Digest.Hex == "" {
		return nil, nil, nil, problem(malformedHint, "the manifest names no image configuration")
	}
	rc, err := st.blob(ctx, m.Config)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("opening the image configuration: %w", err)
	}
	defer rc.Close()
	cfg, err := readAll(rc, maxConfig)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the image configuration: %w", err)
	}
	cf, err := v1.ParseConfigFile(bytes.NewReader(cfg))
	if err != nil {
		if !m.Config.MediaType.IsConfig() {
			return m, &v1.ConfigFile{}, cfg, nil
		}
		return nil, nil, nil, problem(malformedHint, "the image configuration is malformed: %v", err)
	}
	return m, cf, cfg, nil
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

var _ store = (*registryStore)(nil)

const maxManifest = registry.MaxManifest
