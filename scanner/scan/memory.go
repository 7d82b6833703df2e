package scan

import (
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/internal/lru"
	"github.com/interdict/interdict/scanner/layer"
)

// WithMemory returns a cache in the same folder that also keeps in memory,
// decoded, what it read most recently, up to about max bytes: for a program that
// scans many images which share layers.
func (c *Cache) WithMemory(max int64) *Cache {
	with := *c
	with.memory = lru.New[string, any](max)
	return &with
}

// decodedLayer is a layer from the cache. It is only read: a scan takes a copy
// of what it changes.
type decodedLayer struct {
	index  *layer.Index
	record record
	traces *traces
}

// share makes a layer of one scan. Release is called when that is over.
func (d *decodedLayer) share(s *layer.Spool, desc sbom.Layer, release func()) *readLayer {
	ix := d.index.Share(s)
	return &readLayer{desc: describe(desc, ix), index: ix, record: d.record.clone(), gaps: gapsOf(desc, ix), traces: d.traces, close: release}
}

// size is about how much memory it takes, in bytes: that of its names, and of
// what was found as it was stored.
func (d *decodedLayer) size(stored int64) int64 {
	const entry, unpacked = 280, 12
	return int64(len(d.index.Entries))*entry + stored*unpacked
}

func (rec record) clone() record {
	rec.Findings = slices.Clone(rec.Findings)
	for i := range rec.Findings {
		fs := &rec.Findings[i]
		fs.Gaps = slices.Clone(fs.Gaps)
		components := make([]sbom.Component, len(fs.Components))
		for j := range fs.Components {
			components[j] = fs.Components[j].Clone()
		}
		fs.Components = components
	}
	return rec
}
