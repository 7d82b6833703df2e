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
	seen  map[string]bool // digest and platform
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
		w.seen = map[string]bool{}
	}
	for _, d := range ds {
		key := d.Digest.String()
		if d.Platform != nil { // one manifest may be listed for several
			key += " " + registry.PlatformString(*d.Platform)
		}
		if w.seen[key] {
			continue
		}
		w.seen[key] = true
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
	case d.Platform != nil && d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
		// Its platform is unknown/unknown, so that no runtime takes it:
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
	m, err := parseManifest(raw)
	if err != nil {
		return err
	}
	cfg, _, err := readConfig(ctx, w.st, m)
	if err != nil && !isFinal(err) {
		return err
	}
	form, err := formOf(ctx, w.st, m, cfg)
	if err == nil && form != formDocument {
		w.found = append(w.found, found{d, platformOf(cfg)})
	}
	return err
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

// parseManifest reads the manifest of an image or an artifact.
func parseManifest(raw []byte) (*v1.Manifest, error) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, problem(malformedHint, "the manifest is malformed: %v", err)
	}
	if err := unambiguous(raw); err != nil {
		return nil, err
	}
	if m.SchemaVersion == 1 {
		return nil, problem("push the image again with a current tool", "the manifest has the old format schema 1, which is not read")
	}
	if len(m.Layers) > maxLayers {
		return nil, problem(malformedHint, "the manifest lists %d layers", len(m.Layers))
	}
	return m, nil
}

// readConfig reads the image configuration, and returns an empty one beside an
// error. What is no image's configuration is no error where the manifest does
// not call it one.
func readConfig(ctx context.Context, st store, m *v1.Manifest) (*v1.ConfigFile, []byte, error) {
	if m.Config.Digest.Hex == "" {
		return &v1.ConfigFile{}, nil, problem(malformedHint, "the manifest names no image configuration")
	}
	rc, err := st.blob(ctx, m.Config)
	if err != nil {
		return &v1.ConfigFile{}, nil, fmt.Errorf("opening the image configuration: %w", err)
	}
	defer rc.Close()
	raw, err := readAll(rc, maxConfig)
	if err != nil {
		return &v1.ConfigFile{}, nil, fmt.Errorf("reading the image configuration: %w", err)
	}
	cfg, err := parseConfig(raw)
	if err != nil && !m.Config.MediaType.IsConfig() {
		err = nil
	}
	return cfg, raw, err
}

func parseConfig(raw []byte) (*v1.ConfigFile, error) {
	cfg, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return &v1.ConfigFile{}, problem(malformedHint, "the image configuration is malformed: %v", err)
	}
	return cfg, nil
}

// isFinal reports whether an error is of bytes that are damaged or not there:
// asking again would not help.
func isFinal(err error) bool {
	var re *registry.Error
	if errors.As(err, &re) {
		return re.Kind == registry.NotFound || re.Kind == registry.BadDigest || re.Kind == registry.TooLarge
	}
	var se *Error
	return errors.As(err, &se) || errors.Is(err, scanner.ErrAbsent) || errors.Is(err, errTooLong)
}

var errTooLong = errors.New("it is longer than the limit")

func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%w of %d bytes", errTooLong, limit)
	}
	return b, err
}

var _ store = (*registryStore)(nil)

const maxManifest = registry.MaxManifest
