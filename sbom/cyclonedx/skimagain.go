package cyclonedx

import (
	"hash/maphash"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// recurring are components of earlier documents. Images have their base in
// common: what was read of its components need not be read again where the
// text is the same to the byte.
type recurring struct {
	of     map[string]*recurringComponent // by reference
	memory int                            // that the texts take, in bytes

	seed maphash.Seed
	met  []uint64 // bits of references met: most come but once, and are not kept
	bits int      // set in met

	kept, found int // how often that was
}

type recurringComponent struct {
	text  string // of the object, braces included
	c     sbom.Component
	stale int // how often the reference had another text
}

// Bounds of what is kept.
const (
	maxRecurring = 32 << 20 // bytes of text; then it begins anew
	maxMet       = 1 << 20  // bits
	maxStale     = 3        // texts of one reference: then it is taken to have a new one each time
	freeKept     = 4096     // components that are kept before keeping has to have paid
)

// find returns what is known of the component whose object begins s.
func (n *recurring) find(ref, s string) *recurringComponent {
	if len(n.of) == 0 {
		return nil
	}
	rc := n.of[ref]
	if rc == nil || !strings.HasPrefix(s, rc.text) {
		return nil
	}
	n.found++
	return rc
}

// note keeps a component that has been met before, whose object is text.
func (n *recurring) note(ref, text string) {
	if n.kept > freeKept+n.found {
		return
	}
	rc, stale := n.of[ref], 0
	switch {
	case rc == nil && !n.again(ref):
		return
	case rc != nil:
		if rc.stale++; rc.stale > maxStale {
			return
		}
		stale = rc.stale
		n.memory -= len(rc.text)
	}
	rc = &recurringComponent{text: strings.Clone(text), stale: stale}
	k := skim{Skimmer: &Skimmer{}, s: rc.text}
	if k.component(&rc.c); k.odd || k.rough {
		return
	}
	n.kept++
	if n.memory += len(text); n.memory > maxRecurring || n.of == nil {
		n.of, n.memory = map[string]*recurringComponent{}, len(text)
	}
	n.of[rc.c.Ref] = rc
}

// again reports whether a reference was met before. It may be wrong, seldom.
func (n *recurring) again(ref string) bool {
	if n.met == nil || n.bits > maxMet/4 {
		n.seed, n.met, n.bits = maphash.MakeSeed(), make([]uint64, maxMet/64), 0
	}
	h := maphash.String(n.seed, ref) % maxMet
	if n.met[h/64]>>(h%64)&1 == 1 {
		return true
	}
	n.met[h/64] |= 1 << (h % 64)
	n.bits++
	return false
}
