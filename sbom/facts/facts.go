// Package facts stores what a verdict is made of: an inventory reduced by
// [sbom.Inventory.Reduce], in a few per cent of the size of its BOM. A fleet is
// judged by a new list from its facts, without reading a single document.
//
// The encoding is for a database of our own, not for exchange. It is stable
// within a Version: equal inventories have equal bytes. Compressing them is left
// to the store.
package facts

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/interdict/interdict/sbom"
)

// Version is that of the encoding, its first byte. Facts of another version are
// not read: they are made again from the BOM.
const Version = 1

// Encode returns the facts of an inventory, which is not changed.
func Encode(inv *sbom.Inventory) []byte {
	r := inv.Reduce()
	e := encoder{index: map[string]uint64{"": 0}}
	e.subject(&r.Subject)
	e.watched(r.Tool.Watched)
	e.text(r.Foreign)
	e.count(len(r.Coverage.Gaps))
	for _, g := range r.Coverage.Gaps {
		e.texts(g.Path, g.Layer, string(g.Reason), g.Detail, g.Detector)
	}
	e.count(len(r.Components))
	for i := range r.Components {
		e.component(&r.Components[i])
	}
	out := []byte{Version}
	out = binary.AppendUvarint(out, uint64(len(e.strings)))
	size := 0
	for _, s := range e.strings {
		out = binary.AppendUvarint(out, uint64(len(s)))
		size += len(s)
	}
	out = slices.Grow(out, size+len(e.body))
	for _, s := range e.strings {
		out = append(out, s...)
	}
	return append(out, e.body...)
}

// encoder writes the body, in which a text is a number in the table of strings.
type encoder struct {
	strings []string          // without the empty one, which is number 0
	index   map[string]uint64 // of strings, from 1
	body    []byte
}

func (e *encoder) count(n int) { e.body = binary.AppendUvarint(e.body, uint64(n)) }

func (e *encoder) text(s string) {
	n, ok := e.index[s]
	if !ok {
		e.strings = append(e.strings, s)
		n = uint64(len(e.strings))
		e.index[s] = n
	}
	e.body = binary.AppendUvarint(e.body, n)
}

func (e *encoder) texts(ss ...string) {
	for _, s := range ss {
		e.text(s)
	}
}

func (e *encoder) list(ss []string) {
	e.count(len(ss))
	e.texts(ss...)
}

func (e *encoder) subject(s *sbom.Subject) {
	e.texts(string(s.Kind), s.Name, s.Digest, s.PURL)
	e.count(len(s.Labels))
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		e.texts(k, s.Labels[k])
	}
	e.evidence(s.Evidence, nil)
}

// watched writes fingerprints as four bytes each, and as texts what is none.
func (e *encoder) watched(prints []string) {
	var packed []byte
	var rest []string
	for _, p := range prints {
		if b, err := hex.DecodeString(p); err == nil && len(b) == printSize && hex.EncodeToString(b) == p {
			packed = append(packed, b...)
		} else {
			rest = append(rest, p)
		}
	}
	e.count(len(packed) / printSize)
	e.body = append(e.body, packed...)
	e.list(rest)
}

// printSize is the size of a fingerprint in bytes: see sbom.Fingerprint.
const printSize = 4

func (e *encoder) component(c *sbom.Component) {
	e.texts(c.Ref, string(c.Type), c.Group, c.Name, c.Version, c.PURL, c.Supplier, c.Publisher, c.Manufacturer, string(c.Scope))
	e.list(c.CPEs)
	e.list(c.Authors)
	e.list(c.Contains)
	e.count(len(c.References))
	for _, r := range c.References {
		e.texts(r.Type, r.URL)
	}
	e.count(len(c.Occurrences))
	for _, o := range c.Occurrences {
		hidden := 0
		if o.Hidden {
			hidden = 1
		}
		e.count(hidden)
		e.texts(o.Path, o.Layer, o.Digest)
	}
	e.evidence(c.Evidence, c.Occurrences)
}

// evidence writes the place of an evidence as the number of the occurrence that
// has it, from 1, or as 0 and in full.
func (e *encoder) evidence(es []sbom.Evidence, places []sbom.Occurrence) {
	e.count(len(es))
	for i := range es {
		v := &es[i]
		e.texts(string(v.Kind), v.Value)
		at := slices.IndexFunc(places, func(o sbom.Occurrence) bool { return o.Path == v.Path && o.Layer == v.Layer })
		if e.count(at + 1); at < 0 {
			e.texts(v.Path, v.Layer)
		}
		e.texts(string(v.Format), v.Where, v.Detector)
		e.count(v.Count)
		e.text(v.Group)
	}
}
