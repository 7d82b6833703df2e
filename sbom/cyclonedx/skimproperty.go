package cyclonedx

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// open moves into a list or an object, whose first byte is c, and reports
// whether something is in it.
func (k *skim) open(c byte) bool {
	if k.pos >= len(k.s) || k.s[k.pos] != c {
		k.bail()
		return false
	}
	k.pos = endOfSpace(k.s, k.pos+1)
	if k.pos < len(k.s) && k.s[k.pos] == c+2 { // ']' follows '[' by two, and '}' '{'
		k.pos++
		return false
	}
	return !k.odd
}

// more moves past a comma, or past the end of the list or object.
func (k *skim) more(end byte) bool {
	i := k.pos
	if i < len(k.s) && k.s[i] <= ' ' {
		i = endOfSpace(k.s, i)
	}
	if i >= len(k.s) {
		k.bail()
		return false
	}
	switch c := k.s[i]; {
	case c == end:
		k.pos = i + 1
		return false
	case c != ',':
		k.bail()
		return false
	}
	k.pos = endOfSpace(k.s, i+1)
	return true
}

// name reads the name of a member, and moves to its value.
func (k *skim) name() string {
	start := k.pos + 1
	if k.pos >= len(k.s) || k.s[k.pos] != '"' {
		k.bail()
		return ""
	}
	end := endOfPlain(k.s, start)
	if end+1 < len(k.s) && k.s[end] == '"' {
		i := endOfSpace(k.s, end+1)
		if i < len(k.s) && k.s[i] == ':' {
			k.pos = endOfSpace(k.s, i+1)
			return k.s[start:end]
		}
	}
	k.bail()
	return ""
}

// text reads a string, cleaned.
func (k *skim) text() string {
	start := k.pos + 1
	if k.pos >= len(k.s) || k.s[k.pos] != '"' {
		k.bail()
		return ""
	}
	end := endOfPlain(k.s, start)
	if end < len(k.s) && k.s[end] == '"' {
		k.pos = end + 1
		return k.s[start:end]
	}
	return sbom.CleanText(k.value())
}

// value reads a string of any bytes.
func (k *skim) value() string {
	l := lexer{s: k.s, pos: k.pos}
	v := l.str()
	if l.err != nil {
		k.bail()
		return ""
	}
	k.pos = l.pos
	return v
}

// skip reads over one value of any type.
func (k *skim) skip() {
	i := k.pos
	if i >= len(k.s) {
		k.bail()
		return
	}
	switch c := k.s[i]; {
	case c == '"':
		i = skipString(k.s, i+1)
	case c == '{' || c == '[':
		i = skipBlock(k.s, i)
	default:
		l := lexer{s: k.s, pos: i}
		l.skip()
		if i = l.pos; l.err != nil {
			i = len(k.s) + 1
		}
	}
	if k.pos = i; i > len(k.s) {
		k.bail()
	}
}

// ownProperties reads what a judgement asks of the properties of a component.
func (k *skim) ownProperties(c *sbom.Component) {
	if !k.open('[') {
		return
	}
	for more := true; more; more = k.more(']') {
		name := k.propertyName()
		if k.odd {
			return
		}
		if kind, ok := strings.CutPrefix(name, propEvidence); ok {
			k.closePlaces(c)
			k.evidence(kind, c.Occurrences)
		} else if name == propOccurrence {
			k.occurrence(c)
		} else {
			k.property(c, name)
		}
		if k.more('}') {
			k.bail()
			return
		}
	}
	k.closePlaces(c)
	c.Evidence = k.facts.list()
}

// propertyName reads a property up to its value, which is a string.
func (k *skim) propertyName() string {
	if !k.open('{') || !k.has(`"name":`) {
		k.bail()
		return ""
	}
	name := k.text()
	if !k.more('}') || !k.has(`"value":`) || k.pos >= len(k.s) || k.s[k.pos] != '"' {
		k.bail()
	}
	return name
}

// has moves past a member's name, to its value, if that is what comes.
func (k *skim) has(name string) bool {
	if !strings.HasPrefix(k.s[k.pos:], name) {
		return false
	}
	if k.pos += len(name); k.pos < len(k.s) && k.s[k.pos] <= ' ' {
		k.pos = endOfSpace(k.s, k.pos)
	}
	return true
}

// closePlaces ends the list of occurrences.
func (k *skim) closePlaces(c *sbom.Component) {
	if len(k.places.all) > k.places.from {
		c.Occurrences = k.places.list()
	}
}

// property reads one that is neither an occurrence nor an evidence.
func (k *skim) property(c *sbom.Component, name string) {
	switch name {
	case propType:
		c.Type = sbom.ComponentType(k.text())
	case propPURL:
		c.PURL = k.text()
	case propMaker:
		c.Manufacturer = k.text()
	case propCPE:
		c.CPEs = append(c.CPEs, k.text())
		k.rough = k.rough || !rising(c.CPEs)
	case propAuthor:
		c.Authors = append(c.Authors, k.text())
		k.rough = k.rough || !rising(c.Authors)
	case propContains:
		c.Contains = append(c.Contains, k.text())
		k.rough = k.rough || !rising(c.Contains)
	case propReference:
		ref := k.reading.pair(property{name, k.value()}, "type", "url")
		if ref[0] == "website" || ref[0] == "vcs" {
			c.References = append(c.References, sbom.Reference{Type: ref[0], URL: ref[1]})
			k.rough = true
		}
		k.checkNote()
	default:
		k.pos = skipString(k.s, k.pos+1)
		if k.pos > len(k.s) {
			k.bail()
		}
	}
}

// checkNote gives up when a note could not be read.
func (k *skim) checkNote() {
	if k.reading.err != nil {
		k.bail()
	}
}

func (k *skim) occurrence(c *sbom.Component) {
	if len(c.Occurrences) > 0 { // one after the evidence
		k.bail()
		return
	}
	o := k.places.next()
	if start := k.pos; !k.plainOccurrence(o) {
		k.pos = start
		*o = k.reading.occurrence(property{propOccurrence, k.value()})
		k.checkNote()
		o.Path, o.Layer, o.Digest = sbom.CleanText(o.Path), sbom.CleanText(o.Layer), sbom.CleanText(o.Digest)
	}
	if n := len(k.places.all); n > k.places.from+1 {
		last := &k.places.all[n-2]
		k.rough = k.rough || last.Path > o.Path || last.Path == o.Path && last.Layer >= o.Layer
	}
}

func (k *skim) evidence(kind string, places []sbom.Occurrence) {
	e := k.facts.next()
	if len(places) == 1 {
		e.Path, e.Layer = places[0].Path, places[0].Layer
	}
	if start := k.pos; !k.plainEvidence(e) {
		k.pos = start
		*e = k.reading.evidence(kind, property{Value: k.value()}, places)
		k.checkNote()
		for _, s := range []*string{&e.Path, &e.Layer, &e.Where, &e.Detector, &e.Group} {
			*s = sbom.CleanText(*s)
		}
		e.Value, e.Format = sbom.CleanValue(e.Value), sbom.FileFormat(sbom.CleanText(string(e.Format)))
	} else if n := len(e.Value); n > 0 && (e.Value[0] == ' ' || e.Value[n-1] == ' ' || n > sbom.MaxValue) {
		e.Value = sbom.CleanValue(e.Value)
	}
	e.Kind = sbom.Kind(kind)
	if e.Outdated() {
		k.bail()
	}
	if n := len(k.facts.all); n > k.facts.from+1 {
		k.rough = k.rough || !before(&k.facts.all[n-2], e)
	}
}

// before reports whether two facts are in the order of sbom.Inventory.Normalize.
func before(a, b *sbom.Evidence) bool {
	switch {
	case a.Path != b.Path:
		return a.Path < b.Path
	case a.Layer != b.Layer:
		return a.Layer < b.Layer
	case a.Kind != b.Kind:
		return a.Kind < b.Kind
	case a.Value != b.Value:
		return a.Value < b.Value
	case a.Where != b.Where:
		return a.Where < b.Where
	case a.Group != b.Group:
		return a.Group < b.Group
	case a.Detector != b.Detector:
		return a.Detector < b.Detector
	case a.Count != b.Count:
		return a.Count < b.Count
	}
	return a.Format < b.Format
}
