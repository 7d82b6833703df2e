package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/interdict/interdict/scanner"
)

// The cache selects a layer's result by nothing but its computed diffID. What is
// stated of a layer before it is read is a claim: two layers may claim one
// diffID, or that of a layer which another image has. There are two ways to a
// computed diffID without decoding a layer:
//
//   - The layer is a blob of a registry, known by the digest in a checked
//     manifest. When such a blob was read, its diffID was kept.
//   - Its bytes are at hand. Their digest is taken, which costs far less than
//     decompressing and examining them, but only where the cache has a result
//     for what is claimed.

// blobOf names a layer's stored bytes: see [scanner.Addressed].
func blobOf(l scanner.Layer) (name string, verified bool) {
	if a, ok := l.(scanner.Addressed); ok {
		return a.Blob()
	}
	return "", false
}

// distinct sets r.first: for each layer the first one that has the same bytes.
func (r *run) distinct() {
	seen := map[string]int{}
	for i, l := range r.src.Layers() {
		name, _ := blobOf(l)
		j, ok := seen[name]
		if !ok || name == "" {
			seen[name], j = i, i
		}
		r.first = append(r.first, j)
	}
}

// identify computes the diffIDs of layers that the cache may have. Those of
// the others are empty.
func (r *run) identify(ctx context.Context) ([]string, error) {
	srcs := r.src.Layers()
	diffIDs := make([]string, len(srcs))
	if r.opt.Cache == nil || r.walker {
		return diffIDs, nil
	}
	var hash []int
	for i, l := range srcs {
		switch blob, verified := blobOf(l); {
		case r.first[i] != i:
		case verified:
			diffIDs[i] = r.cachedDiffID(ctx, blob)
		case r.isCached(ctx, l.Describe().DiffID):
			hash = append(hash, i)
		}
	}
	if err := r.hashLayers(ctx, hash, diffIDs); err != nil {
		return nil, err
	}
	for i, j := range r.first {
		diffIDs[i] = diffIDs[j]
	}
	return diffIDs, nil
}

// hashLayers takes the digests of stored layers, and sets the diffIDs that
// belong to them. A layer that cannot be read has none: reading it tells why.
func (r *run) hashLayers(ctx context.Context, todo []int, diffIDs []string) error {
	if len(todo) == 0 {
		return nil
	}
	one := func(ctx context.Context, l scanner.Layer, i int) error {
		diffIDs[i] = ""
		digest, err := digestOf(ctx, l)
		if err == nil {
			diffIDs[i] = digest // of a plain layer they are the same
			if id := r.cachedDiffID(ctx, digest); id != "" {
				diffIDs[i] = id
			}
		}
		return ctx.Err()
	}
	s, ok := r.src.(scanner.Streamer)
	if !ok {
		return r.eachLayer(ctx, todo, func(ctx context.Context, i int) error { return one(ctx, r.src.Layers()[i], i) })
	}
	left := map[int]bool{}
	for _, i := range todo {
		left[i] = true
	}
	_ = s.Stream(ctx, func(i int, l scanner.Layer) error {
		if !left[i] {
			return nil
		}
		return one(ctx, l, i)
	})
	return ctx.Err()
}

// digestOf reads a stored layer to its end.
func digestOf(ctx context.Context, l scanner.Layer) (string, error) {
	rc, err := l.Open(ctx)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{rc}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
