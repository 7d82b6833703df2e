package facts

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/interdict/interdict/sbom"
)

// errDamaged is what Decode returns for bytes that Encode did not write.
var errDamaged = errors.New("reading facts: they are damaged")

// Decode reads what Encode wrote. The inventory holds a copy of the bytes. It
// is an error if they are damaged or of another [Version].
func Decode(data []byte) (*sbom.Inventory, error) {
	if len(data) == 0 || data[0] != Version {
		return nil, fmt.Errorf("reading facts: they are not of version %d", Version)
	}
	d := decoder{data: data[1:]}
	d.table()
	inv := &sbom.Inventory{}
	d.subject(&inv.Subject)
	inv.Tool.Watched = d.watched()
	inv.Foreign = d.text()
	if n := d.count(5); n > 0 {
		inv.Coverage.Gaps = make([]sbom.Gap, n)
		for i := range inv.Coverage.Gaps {
			inv.Coverage.Gaps[i] = sbom.Gap{Path: d.text(), Layer: d.text(), Reason: sbom.Reason(d.text()), Detail: d.text(), Detector: d.text()}
		}
	}
	if n := d.count(16); n > 0 {
		inv.Components = make([]sbom.Component, n)
		for i := range inv.Components {
			d.component(&inv.Components[i])
		}
	}
	if d.bad || len(d.data) > 0 {
		return nil, errDamaged
	}
	return inv, nil
}

// decoder reads from the front of data. Once it is bad, all that it reads is
// zero.
type decoder struct {
	data    []byte
	strings []string
	bad     bool
	texts   slab[string]
	places  slab[sbom.Occurrence]
	facts   slab[sbom.Evidence]
	links   slab[sbom.Reference]
}

// slab allocates many short lists at once.
type slab[T any] struct{ free []T }

func (s *slab[T]) list(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		s.free = make([]T, max(n, 256))
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.data)
	if size <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[size:]
	return n
}

// count reads how many items follow, each of so many bytes at least: damaged
// bytes make no list that they have no room for.
func (d *decoder) count(least int) int {
	n := d.number()
	if n > uint64(len(d.data)/least) {
		d.bad, d.data = true, nil
		return 0
	}
	return int(n)
}

// table reads the strings, which share one copy of their bytes.
func (d *decoder) table() {
	d.strings = make([]string, d.count(1)+1)
	lengths, total := make([]int, len(d.strings)), 0
	for i := 1; i < len(lengths); i++ {
		lengths[i] = d.count(1)
		if total += lengths[i]; total > len(d.data) {
			d.bad = true
			break
		}
	}
	if d.bad {
		d.bad, d.data = true, nil
		return
	}
	all := string(d.data[:total])
	d.data = d.data[total:]
	for i, n := range lengths {
		d.strings[i], all = all[:n], all[n:]
	}
}

func (d *decoder) text() string {
	n := d.number()
	if n >= uint64(len(d.strings)) {
		d.bad, d.data = true, nil
		return ""
	}
	return d.strings[n]
}

func (d *decoder) list() []string {
	out := d.texts.list(d.count(1))
	for i := range out {
		out[i] = d.text()
	}
	return out
}

func (d *decoder) subject(s *sbom.Subject) {
	s.Kind, s.Name, s.Digest, s.PURL = sbom.SubjectKind(d.text()), d.text(), d.text(), d.text()
	if n := d.count(2); n > 0 {
		s.Labels = make(map[string]string, n)
		for range n {
			k := d.text()
			s.Labels[k] = d.text()
		}
	}
	s.Evidence = d.evidence(nil)
}

func (d *decoder) watched() []string {
	n := d.count(printSize)
	all := hex.EncodeToString(d.data[:n*printSize])
	d.data = d.data[n*printSize:]
	if all == "" {
		return d.list()
	}
	out := make([]string, 0, n)
	for ; all != ""; all = all[2*printSize:] {
		out = append(out, all[:2*printSize])
	}
	return append(out, d.list()...)
}

func (d *decoder) component(c *sbom.Component) {
	c.Ref, c.Type, c.Group, c.Name, c.Version = d.text(), sbom.ComponentType(d.text()), d.text(), d.text(), d.text()
	c.PURL, c.Supplier, c.Publisher, c.Manufacturer, c.Scope = d.text(), d.text(), d.text(), d.text(), sbom.Scope(d.text())
	c.CPEs, c.Authors, c.Contains = d.list(), d.list(), d.list()
	c.References = d.links.list(d.count(2))
	for i := range c.References {
		c.References[i] = sbom.Reference{Type: d.text(), URL: d.text()}
	}
	c.Occurrences = d.places.list(d.count(4))
	for i := range c.Occurrences {
		c.Occurrences[i] = sbom.Occurrence{Hidden: d.number() == 1, Path: d.text(), Layer: d.text(), Digest: d.text()}
	}
	c.Evidence = d.evidence(c.Occurrences)
}

func (d *decoder) evidence(places []sbom.Occurrence) []sbom.Evidence {
	out := d.facts.list(d.count(8))
	for i := range out {
		e := &out[i]
		e.Kind, e.Value = sbom.Kind(d.text()), d.text()
		switch at := d.number(); {
		case at == 0:
			e.Path, e.Layer = d.text(), d.text()
		case at <= uint64(len(places)):
			e.Path, e.Layer = places[at-1].Path, places[at-1].Layer
		default:
			d.bad, d.data = true, nil
		}
		e.Format, e.Where, e.Detector = sbom.FileFormat(d.text()), d.text(), d.text()
		e.Count = int(d.number())
		e.Group = d.text()
	}
	return out
}
