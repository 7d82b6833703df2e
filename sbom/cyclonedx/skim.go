package cyclonedx

import (
	"strings"

	"github.com/interdict/interdict/sbom"
)

// Skimmer reads documents for one judgement each, one after another: of what
// interdict wrote as JSON it reads no more than a denylist asks, into memory
// that it uses again. Anything else, and anything unusual, is read as [Decode]
// reads it. The zero value is ready. It is not for use by many goroutines.
type Skimmer struct {
	inv     sbom.Inventory
	places  slab[sbom.Occurrence]
	facts   slab[sbom.Evidence]
	texts   slab[string]
	links   slab[sbom.Reference]
	memory  memory
	watched string   // of the last document
	prints  []string // what watched names
}

// Skim reads one document. The result is that of [Decode] without the fields
// that only people and other tools read: licences, hashes, copyright,
// description, properties, the finder and the language of a component, what it
// depends on, and references that are no website and no source repository.
//
// The inventory, and a verdict made of it, hold parts of text: they are valid
// until text is changed or Skim is called again. What is skipped is not
// checked beyond its brackets and quotes.
func (k *Skimmer) Skim(text string) (*sbom.Inventory, error) {
	if k.skim(text) {
		return &k.inv, nil
	}
	return Decoder{}.decode(text)
}

// skim reports whether it could read the text.
func (k *Skimmer) skim(text string) bool {
	if int64(len(text)) > MaxSize || !strings.HasPrefix(text, "{") {
		return false
	}
	k.inv = sbom.Inventory{Components: k.inv.Components[:0]}
	k.places.reset()
	k.facts.reset()
	k.texts.reset()
	k.links.reset()
	head := &jsonReader{lexer: lexer{s: text}, left: MaxComponents}
	doc := &document{}
	ours, listed := false, false
	s := skim{Skimmer: k, s: text}
	head.object(func(key string) {
		s.pos = endOfSpace(text, head.pos)
		switch key {
		case "bomFormat":
			doc.Format = head.text()
			return
		case "metadata":
			if ours = !ours && s.metadata(head, doc); !ours {
				head.fail("it is not ours")
			}
			return
		case "components":
			if !ours || listed {
				s.bail()
				break
			}
			s.components()
			listed = true
		default:
			s.skip()
		}
		if head.pos = s.pos; s.odd {
			head.fail("it is unusual")
		}
	})
	if head.end() != nil || !ours || !strings.EqualFold(doc.Format, "CycloneDX") {
		return false
	}
	if s.rough {
		k.inv.Normalize()
	}
	return true
}

// skim is the reading of one text.
type skim struct {
	*Skimmer
	s       string
	pos     int
	reading reading // of notes that are not plain
	// What notes held last.
	path, layer, detector string
	odd                   bool // what is not known how to read: Decode shall
	rough                 bool // something is not sorted
}

// bail gives up: loops end, for nothing more is there.
func (k *skim) bail() {
	k.odd, k.pos = true, len(k.s)
}

// metadata reads all but the components, as Decode does, and reports whether
// the document is ours.
func (k *skim) metadata(head *jsonReader, doc *document) bool {
	head.metadata(doc)
	if head.err != nil {
		return false
	}
	r := &reading{doc: doc, inv: &k.inv, at: map[string]int{}}
	watched := ""
	for i, p := range doc.Properties {
		switch p.Name {
		case propFormat:
			if r.ours = p.Value == propertyFormat; !r.ours {
				return false
			}
		case propWatched:
			watched, doc.Properties[i].Name = p.Value, "" // is put in below
		}
	}
	if !r.ours {
		return false
	}
	components := k.inv.Components
	k.inv.Components = nil
	k.inv.Created = parseTime(doc.Timestamp)
	r.metadata()
	k.inv.Normalize()
	k.inv.Tool.Watched, k.inv.Components = k.watch(watched), components
	return r.err == nil
}

// watch splits the fingerprints of what was watched. One version of a list has
// the same for all that is scanned with it.
func (k *Skimmer) watch(text string) []string {
	if text != k.watched {
		inv := sbom.Inventory{Tool: sbom.Tool{Watched: strings.Fields(strings.Clone(text))}}
		inv.Normalize()
		k.watched, k.prints = strings.Clone(text), inv.Tool.Watched
	}
	return k.prints
}

func (k *skim) components() {
	if !k.open('[') {
		return
	}
	inv := &k.inv
	last := ""
	for {
		if len(inv.Components) >= MaxComponents {
			k.bail()
			return
		}
		inv.Components = append(inv.Components, sbom.Component{})
		c := &inv.Components[len(inv.Components)-1]
		start := k.pos
		if ref, ok := k.recall(c); !ok {
			if k.component(c); ref != "" && !k.odd {
				k.memory.learn(ref, k.s[start:k.pos])
			}
		}
		if c.Ref <= last { // absent, taken or out of order
			k.bail()
			return
		}
		last = c.Ref
		if !k.more(']') {
			return
		}
	}
}

func (k *skim) component(c *sbom.Component) {
	if !k.open('{') {
		k.bail()
		return
	}
	for {
		switch k.name() {
		case "bom-ref":
			c.Ref = k.text()
		case "type":
			c.Type = sbom.ComponentType(k.text())
		case "group":
			c.Group = k.text()
		case "name":
			c.Name = k.text()
		case "version":
			c.Version = k.text()
		case "publisher":
			c.Publisher = k.text()
		case "cpe":
			if cpe := k.text(); cpe != "" {
				k.texts.add(cpe)
				c.CPEs = k.texts.list()
			}
		case "purl":
			c.PURL = k.text()
		case "scope":
			c.Scope = sbom.Scope(k.text())
		case "supplier":
			c.Supplier, _ = k.contact()
		case "manufacturer":
			c.Manufacturer, _ = k.contact()
		case "authors":
			k.authors(c)
		case "externalReferences":
			k.references(c)
		case "properties":
			k.ownProperties(c)
			k.rest()
			return
		case "components": // Decode reads what is nested
			k.bail()
		default:
			k.skip()
		}
		if !k.more('}') {
			return
		}
	}
}

// rest reads over what follows the properties. There may be nothing that they
// have precedence over.
func (k *skim) rest() {
	for k.more('}') {
		switch k.name() {
		case "bom-ref", "type", "group", "name", "version", "publisher", "cpe", "purl", "scope", "supplier", "manufacturer",
			"authors", "externalReferences", "properties", "components":
			k.bail()
		default:
			k.skip()
		}
	}
}

func (k *skim) contact() (name, mail string) {
	if !k.open('{') {
		return "", ""
	}
	for {
		switch k.name() {
		case "name":
			name = k.text()
		case "email":
			mail = k.text()
		default:
			k.skip()
		}
		if !k.more('}') {
			return name, mail
		}
	}
}

func (k *skim) authors(c *sbom.Component) {
	if len(c.Authors) > 0 {
		k.bail()
	}
	if !k.open('[') {
		return
	}
	for {
		name, mail := k.contact()
		k.texts.add(contact{name, mail}.String())
		if !k.more(']') {
			break
		}
	}
	c.Authors = k.texts.list()
	k.rough = k.rough || !rising(c.Authors)
}

func rising(s []string) bool {
	for i := 1; i < len(s); i++ {
		if s[i-1] >= s[i] {
			return false
		}
	}
	return true
}

// references keeps what denylists ask: see denylist.facts.
func (k *skim) references(c *sbom.Component) {
	if len(c.References) > 0 {
		k.bail()
	}
	if !k.open('[') {
		return
	}
	for {
		var ref sbom.Reference
		for more := k.open('{'); more; more = k.more('}') {
			switch k.name() {
			case "url":
				ref.URL = k.text()
			case "type":
				ref.Type = k.text()
			default:
				k.skip()
			}
		}
		k.reference(ref)
		if !k.more(']') {
			break
		}
	}
	c.References = k.links.list()
}

func (k *skim) reference(ref sbom.Reference) {
	if ref.Type != "website" && ref.Type != "vcs" {
		return
	}
	if n := len(k.links.all); n > k.links.from {
		last := k.links.all[n-1]
		k.rough = k.rough || last.Type > ref.Type || last.Type == ref.Type && last.URL >= ref.URL
	}
	k.links.add(ref)
}
