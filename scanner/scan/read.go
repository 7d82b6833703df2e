package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/layer"
)

// readLayer reads a layer in one pass: the detectors see every file that they
// want, and what the catalogers will want is kept.
func (r *run) readLayer(ctx context.Context, l scanner.Layer, desc sbom.Layer) (*readLayer, error) {
	var (
		mu  sync.Mutex
		rec record
	)
	hold, also := holder{r.store}, r.also[desc.DiffID]
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
		return absentLayer(desc), nil
	}
	if err != nil {
		return nil, err // it names the layer
	}
	r.opt.observe(Event{Kind: LayerDone, Layer: ix.DiffID, N: ix.Size})
	rec.settle(ix.DiffID)
	rl := &readLayer{desc: describe(desc, ix), index: ix, record: rec, gaps: ix.Gaps, traces: &traces{}, close: func() { ix.Close() }}
	r.saveLayer(ctx, rl)
	return rl, nil
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
