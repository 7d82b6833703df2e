package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/layer"
)

// readLayer reads layer i in one pass: the detectors see every file that they
// want, and what the catalogers will want is kept.
func (r *run) readLayer(ctx context.Context, l scanner.Layer, i int) error {
	var (
		mu  sync.Mutex
		rec record
	)
	desc := r.src.Layers()[i].Describe()
	hold, also := holder{r.store}, r.also[i]
	ix, err := layer.Read(ctx, l, layer.Options{
		Store:    r.store,
		Jobs:     r.opt.Jobs,
		Digests:  r.opt.Files,
		Progress: func(n int64) { r.opt.observe(Event{Kind: LayerBytes, Layer: desc.DiffID, N: n}) },
		Wants: func(f *scanner.File) bool {
			_, wanted := also[f.Path]
			return wanted || r.detectors.Wants(f) || r.kind().Wants(f)
		},
		Visit: func(ctx context.Context, f *scanner.File) (bool, error) {
			fs, err := r.detectors.Run(ctx, f, hold, detect.Limits{})
			if err != nil {
				return false, fmt.Errorf("examining %s: %w", f.Path, err)
			}
			mu.Lock()
			rec.add(fs)
			mu.Unlock()
			return also[f.Path] || r.kind().Keep(f), nil
		},
	})
	if errors.Is(err, scanner.ErrAbsent) {
		r.layers[i] = absentLayer(desc)
		return nil
	}
	if err != nil {
		return err // it names the layer
	}
	r.layers[i] = &readLayer{desc: describe(desc, ix), index: ix, record: rec, gaps: gapsOf(desc, ix),
		damage: ix.Damage, traces: &traces{}, close: func() { ix.Close() }}
	if ix.Damage != nil {
		return r.damaged(ctx, ix.Damage)
	}
	r.opt.observe(Event{Kind: LayerDone, Layer: ix.DiffID, N: ix.Size})
	r.layers[i].settle(ix.DiffID)
	r.saveLayer(ctx, r.layers[i])
	return nil
}

// damaged returns an error that ends the scan, for damage that does.
func (r *run) damaged(ctx context.Context, damage error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.opt.Fatal != nil && r.opt.Fatal(damage) {
		return damage
	}
	return nil
}

// checkChains removes the chainIDs that follow from a diffID which the layer
// does not have.
func (r *run) checkChains(layers []sbom.Layer) {
	for i, l := range r.src.Layers() {
		if layers[i].DiffID != l.Describe().DiffID {
			for j := range layers[i:] {
				layers[i+j].ChainID = ""
			}
			return
		}
	}
}

// damagedLayer is a layer of which nothing can be read.
func damagedLayer(desc sbom.Layer, damage error) *readLayer {
	ix := &layer.Index{Damage: damage}
	return &readLayer{desc: desc, index: ix, damage: damage, gaps: gapsOf(desc, ix), traces: &traces{}}
}

// gapsOf are the gaps of a layer that was read: in the tar, in the blob, and in
// what the image says of it.
func gapsOf(desc sbom.Layer, ix *layer.Index) []sbom.Gap {
	gaps := slices.Clone(ix.Gaps)
	switch {
	case strings.HasSuffix(desc.MediaType, "+encrypted") && (ix.Damage != nil || len(ix.Entries) == 0): // github.com/containers/ocicrypt
		return []sbom.Gap{{Layer: ix.DiffID, Reason: sbom.Encrypted, Detail: "the layer is encrypted: " + sbom.CleanValue(desc.MediaType)}}
	case ix.Damage != nil:
		gaps = append(gaps, sbom.Gap{Reason: layer.ReasonOf(ix.Damage), Detail: sbom.CleanValue(ix.Damage.Error())})
	case desc.DiffID != "" && ix.DiffID != "" && desc.DiffID != ix.DiffID:
		gaps = append(gaps, sbom.Gap{Layer: ix.DiffID, Reason: sbom.Ambiguous, Detail: fmt.Sprintf(
			"the image's configuration says that this layer is %s: a runtime may use that one, and not what the image has, which was examined", desc.DiffID)})
	}
	return gaps
}

// nameDamaged gives a name to each layer that has no diffID, since it could not
// be read to its end: the diffID that is stated, unless another layer has it,
// else the digest, else its place.
func (r *run) nameDamaged() {
	taken := map[string]bool{}
	for _, l := range r.layers {
		if l != nil && l.damage == nil {
			taken[l.desc.DiffID] = true
		}
	}
	for i, l := range r.layers {
		if l == nil || l.damage == nil || r.first[i] != i {
			continue
		}
		for _, id := range []string{l.desc.DiffID, l.desc.Digest, fmt.Sprintf("layer %d", i+1)} {
			if id == "" || taken[id] {
				continue
			}
			taken[id] = true
			l.desc.DiffID, l.index.DiffID = id, id
			l.settle(id)
			for k := range l.gaps {
				l.gaps[k].Layer = id
			}
			break
		}
	}
}

// unread is an error if nothing at all could be read.
func (r *run) unread() error {
	var first error
	for _, l := range r.layers {
		if l.index != nil && (l.damage == nil || len(l.index.Entries) > 0) {
			return nil
		}
		if first == nil {
			first = l.damage
		}
	}
	return first
}

// record is what the detectors say of one layer.
type record struct {
	Visited  int64 // files of the layer that a detector or cataloger read
	Seen     int64 // members of containers
	Examined int64 // those of them that a detector read
	Findings []detect.Findings
}

func (rec *record) add(fs detect.Findings) {
	rec.Visited++
	rec.Seen += fs.Seen
	rec.Examined += fs.Examined
	if len(fs.Components) > 0 || len(fs.Gaps) > 0 {
		rec.Findings = append(rec.Findings, fs)
	}
}

// settle puts what visitors found at the same time into the order of paths.
func (rec *record) settle(diffID string) {
	for i := range rec.Findings {
		rec.Findings[i].Place(diffID)
	}
	slices.SortFunc(rec.Findings, func(a, b detect.Findings) int { return cmp.Compare(firstPath(a), firstPath(b)) })
}

func firstPath(fs detect.Findings) string {
	if len(fs.Components) > 0 && len(fs.Components[0].Occurrences) > 0 {
		return fs.Components[0].Occurrences[0].Path
	}
	if len(fs.Gaps) > 0 {
		return fs.Gaps[0].Path
	}
	return ""
}

// describe joins what the image says of a layer and what reading it told.
func describe(desc sbom.Layer, ix *layer.Index) sbom.Layer {
	desc.DiffID = cmp.Or(ix.DiffID, desc.DiffID)
	desc.Digest = cmp.Or(desc.Digest, ix.Digest)
	if desc.Size == 0 {
		desc.Size = ix.Size
	}
	return desc
}

func absentLayer(desc sbom.Layer) *readLayer {
	return &readLayer{desc: desc, gaps: []sbom.Gap{{
		Layer:  cmp.Or(desc.DiffID, desc.Digest),
		Reason: sbom.Absent,
		Detail: fmt.Sprintf("the layer (%s) is named by the image but its contents are not included", cmp.Or(desc.MediaType, "unknown media type")),
	}}}
}

// holder lets the detectors keep members of archives in the layer's store.
type holder struct{ *layer.Spool }

func (h holder) Hold(r io.Reader, size, limit int64) (detect.Held, error) {
	held, err := h.Spool.Hold(r, size, limit)
	if err != nil {
		return nil, err
	}
	return held, nil
}
