package denylist

import (
	"encoding/binary"
	"hash/maphash"
	"sync"

	"github.com/interdict/interdict/sbom"
)

// clean remembers components that matched nothing. Images of one fleet share
// most of theirs, and matching is most of what judging one costs. It holds 128
// bits for each, made with seeds of this process: two components do not meet
// there by accident, nor by anyone's intention. Of two that have the same place
// the later is remembered. It is safe for concurrent use.
type clean struct {
	seeds [2]maphash.Seed
	parts [32]cleanPart
}

type cleanPart struct {
	mu   sync.Mutex
	keys *[1 << 12]cleanKey // 2 MiB in all parts
}

type cleanKey [2]uint64

func newClean() *clean {
	return &clean{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

func (c *clean) key(text []byte) cleanKey {
	return cleanKey{maphash.Bytes(c.seeds[0], text), maphash.Bytes(c.seeds[1], text)}
}

func (c *clean) part(k cleanKey) (p *cleanPart, place uint64) {
	return &c.parts[k[0]%uint64(len(c.parts))], k[1] % uint64(len(cleanPart{}.keys))
}

func (c *clean) has(k cleanKey) bool {
	p, place := c.part(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys != nil && p.keys[place] == k
}

func (c *clean) add(k cleanKey) {
	p, place := c.part(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = new([1 << 12]cleanKey)
	}
	p.keys[place] = k
}

// appendAsked appends all that is matched of a component: what facts reads, and
// its evidence. Equal texts are of components that match alike.
func appendAsked(b []byte, c *sbom.Component) []byte {
	b = appendTexts(b, c.PURL, c.Group, c.Name, c.Supplier, c.Publisher, c.Maker)
	b = binary.AppendUvarint(b, uint64(len(c.CPEs)))
	b = appendTexts(b, c.CPEs...)
	b = binary.AppendUvarint(b, uint64(len(c.Authors)))
	b = appendTexts(b, c.Authors...)
	b = binary.AppendUvarint(b, uint64(len(c.References)))
	for i := range c.References {
		b = appendTexts(b, c.References[i].Type, c.References[i].URL)
	}
	for i := range c.Evidence {
		b = appendTexts(b, string(c.Evidence[i].Kind), c.Evidence[i].Value)
	}
	return b
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}
