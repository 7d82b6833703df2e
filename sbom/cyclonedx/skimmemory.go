package cyclonedx

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// memory holds components of earlier documents. Images that share a layer have
// the same text for what is in it: comparing that is several times as fast as
// reading it again. The zero value is ready.
type memory struct {
	byRef    map[string][]standing
	size     int // of all texts, in bytes
	recalled int // components, so far
}

// standing is a component and the text, one whole JSON object, that it was read
// from. Nothing else's text is needed to read one.
type standing struct {
	text string
	c    sbom.Component
}

const (
	// memorySize is how much text is known, in bytes; then all begins anew.
	memorySize = 32 << 20
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
	for _, r := range k.memory.byRef[ref] {
		if strings.HasPrefix(s, r.text) && r.text != "" {
			*c = r.c
			k.memory.recalled++
			k.pos += len(r.text)
			return ref, true
		}
	}
	return ref, false
}

// learn remembers a component that was just read. A ref that was never seen
// costs only its name: most documents are read alone.
func (m *memory) learn(ref, text string) {
	if m.byRef == nil || m.size > memorySize {
		m.byRef, m.size = map[string][]standing{}, 0
	}
	texts, again := m.byRef[ref]
	if !again {
		m.size += len(ref) + 64
		m.byRef[strings.Clone(ref)] = nil
		return
	}
	text = strings.Clone(text)
	s := skim{Skimmer: &Skimmer{}, s: text}
	var c sbom.Component
	if s.component(&c); s.odd || s.rough || s.pos != len(text) || c.Ref != ref {
		return
	}
	if len(texts) == knownTexts {
		m.size -= len(texts[0].text)
		texts = slices.Delete(texts, 0, 1)
	}
	m.byRef[c.Ref] = append(texts, standing{text, c}) // not ref: the map would keep the whole document
	m.size += 2 * len(text)
}
