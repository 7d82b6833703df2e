package listing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/scanner/registry"
)

// Bounds of what one reference leads to: those of scanner/source.
const (
	maxManifests = 1000
	maxNesting   = 4
	maxConfig    = 16 << 20
)

const malformedHint = "it is damaged or was made wrongly: build, push or save it again"

// leaf is an image that a digest leads to.
type leaf struct {
	Image
	config v1.Descriptor // zero if the manifest was not read
}

// content is what a digest leads to.
type content struct {
	once    sync.Once
	leaves  []*leaf
	err     error
	learned bool // more is known than Known told

	mu sync.Mutex // of reading configurations
}

// recall fills in what references are known to lead to.
func (r *reader) recall(tags []*tagged) {
	var digests []string
	for _, t := range tags {
		if t.err == nil && t.content == nil {
			digests = append(digests, t.digest)
		}
	}
	slices.Sort(digests)
	digests = slices.Compact(digests)
	if len(digests) == 0 {
		return
	}
	for digest, images := range r.o.Known(digests) {
		c := r.slot(digest)
		c.once.Do(func() {
			for _, im := range images {
				c.leaves = append(c.leaves, &leaf{Image: im})
			}
		})
	}
}

// get returns what a digest leads to: as it is known, or as it is read.
func (r *reader) get(ctx context.Context, ref name.Digest, digest string) (*content, error) {
	c := r.slot(digest)
	c.once.Do(func() {
		desc, raw, err := r.client.Manifest(ctx, ref)
		if c.err = err; err == nil {
			c.leaves, c.err = r.leaves(ctx, desc, raw)
			c.learned = true
		}
	})
	return c, c.err
}

// parsed is get for a manifest that was read already.
func (r *reader) parsed(ctx context.Context, desc v1.Descriptor, raw []byte) (*content, error) {
	c := r.slot(desc.Digest.String())
	c.once.Do(func() {
		c.leaves, c.err = r.leaves(ctx, desc, raw)
		c.learned = true
	})
	return c, c.err
}

func (r *reader) slot(digest string) *content {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.content[digest]
	if c == nil {
		c = &content{}
		r.content[digest] = c
	}
	return c
}

// leaves are the images that a manifest or index leads to: none if it is
// something else, a signature or a chart.
func (r *reader) leaves(ctx context.Context, desc v1.Descriptor, raw []byte) ([]*leaf, error) {
	if err := check(raw); err != nil {
		return nil, err
	}
	if !registry.IsIndex(desc.MediaType, raw) {
		l, err := r.manifest(ctx, desc, raw)
		if l == nil || err != nil {
			return nil, err
		}
		return []*leaf{l}, nil
	}
	w := walker{reader: r, index: desc.Digest.String(), seen: map[v1.Hash]bool{}}
	if err := w.walk(ctx, raw, 0); err != nil {
		return nil, fmt.Errorf("reading the index %s: %w", desc.Digest, err)
	}
	return w.leaves, nil
}

func check(raw []byte) error {
	err := registry.CheckManifest(raw)
	if errors.Is(err, registry.ErrAmbiguous) {
		return problem("do not use this image: build it again", "%w", err)
	}
	if err != nil {
		return problem(malformedHint, "%w", err)
	}
	return nil
}

// manifest returns nil for what is no image.
func (r *reader) manifest(ctx context.Context, desc v1.Descriptor, raw []byte) (*leaf, error) {
	l := &leaf{Image: Image{Digest: desc.Digest.String(), MediaType: string(desc.MediaType)}}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, problem(malformedHint, "the manifest %s is malformed: %w", desc.Digest, err)
	}
	if m.SchemaVersion == 1 {
		return l, nil // of the old format: to look at it will tell
	}
	l.config = m.Config
	image, err := r.isImage(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("reading what %s is: %w", desc.Digest, err)
	}
	if !image {
		return nil, nil
	}
	return l, nil
}

// maxDocument is the largest signed document, in bytes, that counts as one.
const maxDocument = 32 << 20

// isImage tells what a scan can look into from signatures, attestations and what
// has no contents at all. Media types are what the pusher says, and no runtime
// heeds those of layers: only what is called a signature and is JSON is one.
// Charts, models and other artifacts have files, and are looked into.
func (r *reader) isImage(ctx context.Context, m *v1.Manifest) (bool, error) {
	if len(m.Layers) == 0 {
		return m.Config.MediaType.IsConfig(), nil
	}
	for _, l := range m.Layers {
		if !isDocument(string(l.MediaType)) || l.Size > maxDocument {
			return true, nil
		}
	}
	for _, l := range m.Layers {
		raw, err := r.client.SmallBlob(ctx, r.at, l, maxDocument)
		switch {
		case isNotFound(err): // there is nothing to look into either
		case err != nil:
			return false, err
		case !json.Valid(raw):
			return true, nil
		}
	}
	return false, nil
}

// isDocument reports whether a media type is that of a signature or an
// attestation: cosign's (specs/SIGNATURE_SPEC.md and specs/ATTESTATION_SPEC.md
// in github.com/sigstore/cosign), in-toto's and Sigstore's own bundle.
func isDocument(mediaType string) bool {
	mt, _, _ := strings.Cut(mediaType, ";")
	switch mt {
	case "application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.dsse.envelope.v1+json", "application/vnd.in-toto+json":
		return true
	}
	return strings.HasPrefix(mt, "application/vnd.dev.sigstore.bundle")
}

// walker collects the images of an index and of the indexes in it.
type walker struct {
	*reader
	index  string
	leaves []*leaf
	seen   map[v1.Hash]bool
}

func (w *walker) walk(ctx context.Context, raw []byte, depth int) error {
	if depth > maxNesting {
		return problem(malformedHint, "indexes lie in indexes more than %d deep", maxNesting)
	}
	if err := check(raw); err != nil {
		return err
	}
	var idx v1.IndexManifest
	if err := json.Unmarshal(raw, &idx); err != nil {
		return problem(malformedHint, "the index is malformed: %w", err)
	}
	for _, d := range idx.Manifests {
		if w.seen[d.Digest] {
			continue
		}
		if len(w.seen) >= maxManifests {
			return problem(malformedHint, "the index leads to more than %d manifests", maxManifests)
		}
		w.seen[d.Digest] = true
		if err := w.entry(ctx, d, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, d v1.Descriptor, depth int) error {
	known := d.Platform != nil && d.Platform.OS != "" && d.Platform.OS != "unknown"
	switch {
	case d.MediaType.IsImage() && known:
		w.add(&leaf{Image: Image{Digest: d.Digest.String(), MediaType: string(d.MediaType), Platform: registry.PlatformString(*d.Platform)}})
		return nil
	case d.MediaType.IsImage() && d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
		// https://docs.docker.com/build/metadata/attestations/attestation-storage/
		return nil
	}
	_, raw, err := w.client.Manifest(ctx, w.at.Digest(d.Digest.String()))
	if d.MediaType.IsImage() && isNotFound(err) {
		// To look at it will tell what is missing.
		w.add(&leaf{Image: Image{Digest: d.Digest.String(), MediaType: string(d.MediaType)}})
		return nil
	}
	named := d.MediaType.IsIndex() || d.MediaType.IsImage()
	if !named && (isNotFound(err) || err == nil && !isManifest(raw)) {
		return nil // an entry that is no manifest
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", d.Digest, err)
	}
	if registry.IsIndex(d.MediaType, raw) {
		return w.walk(ctx, raw, depth+1)
	}
	if err := check(raw); err != nil {
		return err
	}
	l, err := w.manifest(ctx, d, raw)
	if l != nil {
		w.add(l)
	}
	return err
}

// isManifest reports whether what an index leads to is the manifest of an image
// or an index, whatever its media type claims.
func isManifest(raw []byte) bool {
	var m struct {
		SchemaVersion int
		Layers        []json.RawMessage
		Manifests     []json.RawMessage
	}
	return json.Unmarshal(raw, &m) == nil && m.SchemaVersion == 2 && (m.Layers != nil || m.Manifests != nil)
}

func (w *walker) add(l *leaf) {
	l.Index = w.index
	w.leaves = append(w.leaves, l)
}

// when tells when the images were made: by what is known, else by the
// configuration of the first that is wanted. Zero if nothing tells.
func (c *content) when(ctx context.Context, r *reader) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var latest time.Time
	for _, l := range c.leaves {
		if l.Created.After(latest) {
			latest = l.Created
		}
	}
	if wanted := r.filter.accept(c.leaves); latest.IsZero() && len(wanted) > 0 {
		c.configure(ctx, r, wanted[0])
		latest = wanted[0].Created
	}
	return latest
}

// platforms fills in the platforms that no index told.
func (c *content) platforms(ctx context.Context, r *reader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.leaves {
		if l.Platform == "" {
			c.configure(ctx, r, l)
		}
	}
}

// configure reads an image's configuration. One that cannot be read leaves the
// image as it is: to look at it will tell.
func (c *content) configure(ctx context.Context, r *reader, l *leaf) {
	if types.MediaType(l.MediaType).IsSchema1() {
		return
	}
	if l.config.Digest.Hex == "" {
		_, raw, err := r.client.Manifest(ctx, r.at.Digest(l.Digest))
		if err != nil {
			return
		}
		m, err := v1.ParseManifest(bytes.NewReader(raw))
		if err != nil || m.Config.Digest.Hex == "" {
			return
		}
		l.config = m.Config
	}
	raw, err := r.client.SmallBlob(ctx, r.at, l.config, maxConfig)
	if err != nil {
		return
	}
	var cfg v1.ConfigFile
	if json.Unmarshal(raw, &cfg) != nil {
		return
	}
	if p := cfg.Platform(); p != nil && l.Platform == "" {
		l.Platform = registry.PlatformString(*p)
	}
	l.Created = cfg.Created.UTC()
	c.learned = true
}
