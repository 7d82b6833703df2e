package cyclonedx

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// note reads a note where it stands: JSON in a JSON string, in the order in
// which ours are written, of printable ASCII and without other escapes than
// those of its quotes. Nearly all are like that.
type note struct {
	s   string
	pos int
	bad bool // it is not like that: Decode's way shall read it
}

// has moves past what is expected, if it comes.
func (n *note) has(part string) bool {
	if !strings.HasPrefix(n.s[n.pos:], part) {
		return false
	}
	n.pos += len(part)
	return true
}

// text reads a string to its end. Most often it is the last of its sort.
func (n *note) text(last string) string {
	const quote = `\"`
	if end := n.pos + len(last); last != "" && end+2 <= len(n.s) && n.s[end:end+2] == quote && n.s[n.pos:end] == last {
		n.pos = end + 2
		return last
	}
	start := n.pos
	end := endOfPlain(n.s, start)
	if end+2 > len(n.s) || n.s[end:end+2] != quote {
		n.bad = true
		return ""
	}
	n.pos = end + 2
	return n.s[start:end]
}

// count reads a number of up to nine digits.
func (n *note) count() (v int) {
	start := n.pos
	for ; n.pos < len(n.s) && '0' <= n.s[n.pos] && n.s[n.pos] <= '9'; n.pos++ {
		if n.pos-start > 8 {
			break
		}
		v = v*10 + int(n.s[n.pos]-'0')
	}
	return v
}

// plainOccurrence reads an occurrence and reports whether it could.
func (k *skim) plainOccurrence(o *sbom.Occurrence) bool {
	n := note{s: k.s, pos: k.pos + 1}
	if n.has(`{\"path\":\"`) {
		o.Path = n.text(k.path)
	} else {
		return false
	}
	if n.has(`,\"layer\":\"`) {
		o.Layer = n.text(k.layer)
	}
	if n.has(`,\"hidden\":true`) {
		o.Hidden = true
	}
	if n.has(`,\"digest\":\"`) {
		o.Digest = n.text("")
	}
	if n.bad || !n.has(`}"`) {
		return false
	}
	k.pos, k.path, k.layer = n.pos, o.Path, o.Layer
	return true
}

// plainEvidence reads an evidence and reports whether it could.
func (k *skim) plainEvidence(e *sbom.Evidence) bool {
	n := note{s: k.s, pos: k.pos + 1}
	if !n.has(`{\"value\":\"`) {
		return false
	}
	e.Value = n.text("")
	if n.has(`,\"path\":\"`) {
		e.Path = n.text(k.path)
		k.path = e.Path
	}
	if n.has(`,\"layer\":\"`) {
		e.Layer = n.text(k.layer)
	}
	if n.has(`,\"where\":\"`) {
		e.Where = n.text("")
	}
	if n.has(`,\"detector\":\"`) {
		e.Detector = n.text(k.detector)
		k.detector = e.Detector
	}
	if n.has(`,\"count\":`) {
		e.Count = n.count()
	}
	if n.has(`,\"group\":\"`) {
		e.Group = n.text("")
	}
	if n.has(`,\"format\":\"`) {
		e.Format = sbom.FileFormat(n.text(""))
	}
	if n.bad || !n.has(`}"`) {
		return false
	}
	k.pos = n.pos
	return true
}
