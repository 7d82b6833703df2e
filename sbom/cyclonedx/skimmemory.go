package cyclonedx

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// memory holds components of earlier documents. Images that share a layer have
// the same text for what is in it: comparing that is several times as fast as
// reading it again. The zero value is ready.
type memory struct {
	byRef    map[string][]standing
	size     int // of all that is standing, in bytes
	recalled int // components, so far
	seed     maphash.Seed
	marks    *[1 << 16]uint32 // of refs that were seen
}

// standing is a component and the text, one whole JSON object, that it was read
// from. Nothing else's text is needed to read one.
type standing struct {
	text string
	c    sbom.Component
}

// size is about what it takes, in bytes: the text, the component with its place
// in the map, and the lists, which grew by doubling. A small text makes a
// component that is many times as large.
func (r *standing) size() int {
	return len(r.text) + 700 + 112*len(r.c.Occurrences) + 240*len(r.c.Evidence)
}

const (
	// memorySize is how much is known, in bytes; then all begins anew. A text of
	// more than an eighth of that is not learned.
	memorySize = 64 << 20
	// knownTexts is how many texts of one ref are known: a fleet stands on few
	// bases, and each has its own libc.
	knownTexts = 8
)

// recall returns the component that begins at k.pos, if its text is known, and
// moves past it. Else it returns its ref, or "" when that is not read at once.
func (k *skim) recall(c *sbom.Component) (ref string, ok bool) {
	s := k.s[k.pos:]
	i := endOfSpace(s, min(1, len(s)))
	if !strings.HasPrefix(s[i:], `"bom-ref":`) {
		return "", false
	}
	i = endOfSpace(s, i+len(`"bom-ref":`)) + 1
	end := endOfPlain(s, min(i, len(s)))
	if i > end || s[i-1] != '"' {
		return "", false
	}
	ref = s[i:end]
	texts := k.memory.byRef[ref]
	for i := range texts {
		r := &texts[i]
		if strings.HasPrefix(s, r.text) && r.text != "" {
			*c = r.c
			k.memory.recalled++
			k.pos += len(r.text)
			return ref, true
		}
	}
	return ref, false
}

// learn remembers a component that was just read. Of a ref that is new it keeps
// a mark only: most documents are read once, and alone.
func (m *memory) learn(ref, text string) {
	if m.marks == nil {
		m.marks, m.seed = new([1 << 16]uint32), maphash.MakeSeed()
	}
	h := maphash.String(m.seed, ref)
	if mark := &m.marks[h%uint64(len(m.marks))]; *mark != uint32(h>>32) {
		*mark = uint32(h >> 32)
		return
	}
	if len(text) > memorySize/8 {
		return
	}
	text = strings.Clone(text)
	s := skim{Skimmer: &Skimmer{}, s: text}
	var c sbom.Component
	if s.component(&c); s.odd || s.rough || s.pos != len(text) || c.Ref != ref {
		return
	}
	if m.byRef == nil || m.size > memorySize {
		m.byRef, m.size = map[string][]standing{}, 0
	}
	texts := m.byRef[ref]
	if len(texts) == knownTexts {
		m.size -= texts[0].size()
		texts = slices.Delete(texts, 0, 1)
	}
	known := standing{text, c}
	m.byRef[c.Ref] = append(texts, known) // not ref: the map would keep the whole document
	m.size += known.size()
}
