package cyclonedx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/interdict/interdict/sbom"
)

// Encoder writes many documents. What [Encode] would write of a component that
// an earlier document had, it writes again: images of one fleet share most of
// theirs. The zero value is ready. It may be used by many goroutines.
type Encoder struct {
	mu     sync.Mutex
	marker sbom.Marker
	texts  map[sbom.Mark][]byte
	size   int // of all texts, in bytes
}

// encoderSize is how much text an Encoder remembers, in bytes; then all begins
// anew. It is that of some 15,000 components. One of more than an eighth of that
// is not remembered.
const encoderSize = 32 << 20

// Encode writes the bytes that the function [Encode] writes. Only for compact
// JSON it is faster.
func (e *Encoder) Encode(w io.Writer, inv *sbom.Inventory, opt Options) error {
	if opt.Pretty || opt.Format != JSON && opt.Format != "" {
		return Encode(w, inv, opt)
	}
	b, bom, err := frame(inv, opt)
	if err != nil {
		return err
	}
	// One component stands for all. No text of another's making can be taken
	// for it: there, quotes are escaped.
	bom.Components = &[]cdx.Component{{BOMRef: "components"}}
	var out bytes.Buffer
	if err := encodeJSON(&out, bom); err != nil {
		return err
	}
	before, after, ok := bytes.Cut(out.Bytes(), []byte(`"components":[{"bom-ref":"components","type":"","name":""}],`))
	if !ok {
		return Encode(w, inv, opt)
	}
	all := make([]byte, 0, min(len(b.refs)*2500, encoderSize)) // as much as most take
	all = append(all, before...)
	if all, err = e.components(all, b); err != nil {
		return err
	}
	all = append(all, after...)
	if _, err := w.Write(all); err != nil {
		return fmt.Errorf("writing CycloneDX: %w", err)
	}
	return nil
}

func encodeJSON(buf *bytes.Buffer, v any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding CycloneDX: %w", err)
	}
	return nil
}

// components appends the member "components", if there is one.
func (e *Encoder) components(all []byte, b *builder) ([]byte, error) {
	var key []byte
	var buf bytes.Buffer
	next := `"components":[`
	for i := range b.inv.Components {
		c := &b.inv.Components[i]
		if !b.refs[c.Ref] {
			continue
		}
		key = slices.Grow(b.appendKey(key[:0], c), sbom.MarkRoom)
		mark, text := e.recall(key)
		if text == nil {
			buf.Reset()
			if err := encodeJSON(&buf, b.component(c)); err != nil {
				return nil, err
			}
			text = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
			e.learn(mark, text)
		}
		all = append(append(all, next...), text...)
		next = ","
	}
	if next == "," {
		all = append(all, "],"...)
	}
	return all, nil
}

func (e *Encoder) recall(key []byte) (sbom.Mark, []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.texts == nil || e.size > encoderSize {
		e.marker, e.texts, e.size = sbom.NewMarker(), map[sbom.Mark][]byte{}, 0
	}
	m := e.marker.Mark(key)
	return m, e.texts[m]
}

func (e *Encoder) learn(m sbom.Mark, text []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.texts[m]; !ok && len(text) <= encoderSize/8 {
		e.texts[m] = bytes.Clone(text)
		e.size += len(text)
	}
}

// appendKey appends all that the text of a component depends on.
func (b *builder) appendKey(k []byte, c *sbom.Component) []byte {
	k = sbom.AppendTexts(k, b.spec.String(), b.toolRef,
		c.Ref, string(c.Type), c.Group, c.Name, c.Version, c.PURL, c.Supplier, c.Publisher, c.Manufacturer,
		c.Copyright, c.Description, c.FoundBy, c.Language, string(c.Scope))
	flag := func(f bool) {
		if f {
			k = append(k, 1)
		} else {
			k = append(k, 0)
		}
	}
	count := func(n int) { k = binary.AppendUvarint(k, uint64(n)) }
	for _, texts := range [][]string{c.CPEs, c.Authors, c.Contains} {
		count(len(texts))
		k = sbom.AppendTexts(k, texts...)
	}
	count(len(c.DependsOn))
	for _, ref := range c.DependsOn {
		k = sbom.AppendTexts(k, ref)
		flag(b.refs[ref])
	}
	count(len(c.Licenses))
	for _, l := range c.Licenses {
		k = sbom.AppendTexts(k, l.ID, l.Expression, l.Name, l.URL)
		flag(l.Declared)
	}
	count(len(c.Hashes))
	for _, h := range c.Hashes {
		k = sbom.AppendTexts(k, h.Algorithm, h.Value)
	}
	count(len(c.References))
	for _, r := range c.References {
		k = sbom.AppendTexts(k, r.Type, r.URL)
	}
	count(len(c.Properties))
	for _, p := range c.Properties {
		k = sbom.AppendTexts(k, p.Name, p.Value)
	}
	count(len(c.Occurrences))
	for _, o := range c.Occurrences {
		k = sbom.AppendTexts(k, o.Path, o.Layer, o.Digest)
		flag(o.Hidden)
		index, ok := b.layerIndex[o.Layer]
		flag(ok)
		count(index)
		count(len(b.inv.Layers))
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		k = sbom.AppendTexts(k, string(e.Kind), e.Value, e.Path, e.Layer, e.Where, e.Detector, e.Group, string(e.Format))
		count(e.Count)
	}
	return k
}
