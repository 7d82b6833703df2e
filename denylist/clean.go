package denylist

import (
	"sync"

	"github.com/interdict/interdict/sbom"
)

// clean remembers components that matched nothing. Images of one fleet share
// most of theirs, and matching is most of what judging one costs. It holds a
// mark of each; of two that have the same place, the later. It is safe for
// concurrent use.
type clean struct {
	marker sbom.Marker
	parts  [32]cleanPart
}

type cleanPart struct {
	mu    sync.Mutex
	marks *[1 << 12]sbom.Mark // 2 MiB in all parts
}

func newClean() *clean {
	return &clean{marker: sbom.NewMarker()}
}

func (c *clean) part(m sbom.Mark) (p *cleanPart, place uint64) {
	return &c.parts[m[0]%uint64(len(c.parts))], m[1] % uint64(len(cleanPart{}.marks))
}

func (c *clean) has(m sbom.Mark) bool {
	p, place := c.part(m)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.marks != nil && p.marks[place] == m
}

func (c *clean) add(m sbom.Mark) {
	p, place := c.part(m)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.marks == nil {
		p.marks = new([1 << 12]sbom.Mark)
	}
	p.marks[place] = m
}

// appendAsked appends all that is matched of a component. Equal texts are of
// components that match alike.
func appendAsked(b []byte, c *sbom.Component) []byte {
	for f := range c.Facts() {
		b = sbom.AppendTexts(b, string(f.Kind), f.Value)
	}
	return b
}
