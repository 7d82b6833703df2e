package scan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/layer"
)

// Key identifies everything but the image that Run's results depend on: two
// scans of an image with the same key find the same.
func Key(opt Options) string {
	return key(detect.All(opt.Watch, &nested{}), opt, false)
}

// key names everything but the subject that a layer's results depend on.
func key(detectors *detect.Set, opt Options, walker bool) string {
	h := sha256.New()
	for _, n := range detectors.Names() {
		fmt.Fprintln(h, n)
	}
	fmt.Fprintln(h, cacheFormat, catalog.Version(), opt.Watch.ContentKey(), opt.Files, walker)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// inventoryKey adds what only whole inventories depend on: the layers as they
// are, since an image's ID is that of a configuration that only claims them.
func (r *run) inventoryKey(diffIDs []string) string {
	h := sha256.New()
	fmt.Fprintln(h, r.key, r.opt.Tool.Name, r.opt.Tool.Version, diffIDs)
	if r.opt.Watch != nil {
		for _, f := range r.opt.Watch.Fingerprints {
			fmt.Fprintln(h, f)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// cachedInventory returns the inventory of an image that was looked at before.
// How the image is called, and the clock, are this run's. The diffIDs are those
// of identify.
func (r *run) cachedInventory(ctx context.Context, diffIDs []string) (*sbom.Inventory, bool) {
	s := r.src.Subject()
	if r.opt.Cache == nil || s.ImageID == "" || r.opt.LayersOnly || slices.Contains(diffIDs, "") {
		return nil, false
	}
	f, err := r.opt.Cache.open(ctx, "inventories", s.ImageID, r.inventoryKey(diffIDs))
	if f == nil {
		r.trouble(err)
		return nil, false
	}
	defer f.Close()
	var inv sbom.Inventory
	if err := readJSON(io.LimitReader(f, f.size), &inv); err != nil {
		r.trouble(fmt.Errorf("reading a cached inventory: %w", err))
		return nil, false
	}
	descs := r.src.Layers()
	if len(descs) != len(inv.Layers) {
		return nil, false
	}
	for i, l := range descs {
		inv.Layers[i] = cachedDescription(inv.Layers[i], l.Describe())
	}
	r.checkChains(inv.Layers)
	inv.Subject, inv.Tool, inv.Created = s, r.opt.Tool, r.opt.Created
	inv.Normalize()
	for _, l := range inv.Layers {
		r.opt.observe(Event{Kind: LayerCached, Layer: l.DiffID, N: l.Size})
	}
	return &inv, true
}

// cachedDescription prefers what this image says of a layer: the same layer
// may be stored in another compression elsewhere.
func cachedDescription(was, is sbom.Layer) sbom.Layer {
	if is.Digest == "" {
		is.Digest, is.Size = was.Digest, was.Size
	}
	if is.Size == 0 {
		is.Size = was.Size
	}
	is.DiffID = was.DiffID
	return is
}

// saveInventory keeps an inventory, but not one that lacks a part of a layer:
// the next source of the same image may have it.
func (r *run) saveInventory(ctx context.Context, inv *sbom.Inventory) {
	lacks := slices.ContainsFunc(r.layers, func(l *readLayer) bool { return !l.whole() })
	if r.opt.Cache == nil || inv.Subject.ImageID == "" || lacks || r.opt.LayersOnly {
		return
	}
	var diffIDs []string
	for _, l := range r.layers {
		diffIDs = append(diffIDs, l.index.DiffID)
	}
	r.trouble(r.opt.Cache.put(ctx, "inventories", inv.Subject.ImageID, r.inventoryKey(diffIDs), func(w io.Writer) error {
		return writeJSON(w, inv)
	}))
}

// isCached reports whether the cache has a result of a layer.
func (r *run) isCached(ctx context.Context, diffID string) bool {
	if diffID == "" {
		return false
	}
	if _, release, ok := r.opt.Cache.memory.Acquire(diffID + "-" + r.key); ok {
		release()
		return true
	}
	f, err := r.opt.Cache.open(ctx, "layers", diffID, r.key)
	r.trouble(err)
	if f == nil {
		return false
	}
	f.Close()
	return true
}

// cachedDiffID returns the diffID of a blob that was read before, or "".
func (r *run) cachedDiffID(ctx context.Context, blob string) string {
	f, err := r.opt.Cache.open(ctx, "blobs", blob, blobsKey)
	if f == nil {
		r.trouble(err)
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, min(f.size, 256)))
	r.trouble(err)
	return string(b)
}

// blobsKey is the version of what is kept of blobs: their diffIDs, which depend
// on nothing else.
const blobsKey = "1"

// useCached takes layer i from the cache, where it may have been put by a scan of
// another image. It reports whether it is there.
func (r *run) useCached(ctx context.Context, i int, diffID string) bool {
	if diffID == "" {
		return false
	}
	desc := r.src.Layers()[i].Describe()
	rl, ok := r.cachedLayer(ctx, diffID, desc)
	if ok {
		r.layers[i] = rl
		r.opt.observe(Event{Kind: LayerCached, Layer: diffID, N: desc.Size})
	}
	return ok
}

// cachedLayer returns a layer that was read before.
func (r *run) cachedLayer(ctx context.Context, diffID string, desc sbom.Layer) (*readLayer, bool) {
	m, key := r.opt.Cache.memory, diffID+"-"+r.key
	if v, release, ok := m.Acquire(key); ok {
		return v.(*decodedLayer).share(r.store, desc, release), true
	}
	f, err := r.opt.Cache.open(ctx, "layers", diffID, r.key)
	if f == nil {
		r.trouble(err)
		return nil, false
	}
	d, stored, err := decodeLayer(f, diffID)
	if err != nil {
		f.Close()
		r.trouble(fmt.Errorf("reading a cached layer: %w", err))
		return nil, false
	}
	release := m.Share(key, d, d.size(stored), func() { d.index.Close(); f.Close() })
	return d.share(r.store, desc, release), true
}

// decodeLayer reads a stored layer, and tells how many bytes what was found in
// it takes there.
func decodeLayer(f *result, diffID string) (d *decodedLayer, stored int64, err error) {
	var head [8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, 0, err
	}
	n := int64(binary.BigEndian.Uint64(head[:]))
	if n < 0 || n > f.size-8 {
		return nil, 0, errors.New("its length is wrong")
	}
	d = &decodedLayer{traces: &traces{}}
	if err := readJSON(io.NewSectionReader(f, 8, n), &d.record); err != nil {
		return nil, 0, err
	}
	if d.index, err = layer.Decode(io.NewSectionReader(f, 8+n, f.size-8-n), f.size-8-n, nil); err != nil {
		return nil, 0, err
	}
	if d.index.DiffID != diffID {
		return nil, 0, errors.New("it is of another layer")
	}
	return d, n, nil
}

// saveLayer keeps a layer that was read whole, under the diffID that was
// computed, and that diffID under the digest of the blob.
func (r *run) saveLayer(ctx context.Context, rl *readLayer) {
	if r.opt.Cache == nil || r.walker || !rl.whole() || len(rl.index.Reread) > 0 {
		return
	}
	if ix := rl.index; ix.Digest != ix.DiffID {
		r.trouble(r.opt.Cache.put(ctx, "blobs", ix.Digest, blobsKey, func(w io.Writer) error {
			_, err := io.WriteString(w, ix.DiffID)
			return err
		}))
	}
	defer r.opt.Cache.memory.Delete(rl.index.DiffID + "-" + r.key)
	r.trouble(r.opt.Cache.put(ctx, "layers", rl.index.DiffID, r.key, func(w io.Writer) error {
		var found strings.Builder
		if err := writeJSON(&found, rl.record); err != nil {
			return err
		}
		var head [8]byte
		binary.BigEndian.PutUint64(head[:], uint64(found.Len()))
		if _, err := io.WriteString(w, string(head[:])+found.String()); err != nil {
			return err
		}
		return rl.index.Encode(w)
	}))
}

// trouble tells that the cache could not be used. It never fails a scan.
func (r *run) trouble(err error) {
	if err != nil {
		r.opt.observe(Event{Kind: CacheTrouble, Err: err})
	}
}

func writeJSON(w io.Writer, v any) error {
	zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(zw).Encode(v); err != nil {
		zw.Close()
		return err
	}
	return zw.Close()
}

func readJSON(r io.Reader, v any) error {
	zr, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer zr.Close()
	return json.NewDecoder(zr).Decode(v)
}
