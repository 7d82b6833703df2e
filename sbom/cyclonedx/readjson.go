package cyclonedx

import (
	"fmt"
	"strings"
)

// jsonReader fills a document from JSON.
type jsonReader struct {
	lexer
	left  int // components that may still come
	props slab[property]
	deps  slab[dependency]
	// unread are the fields that were skipped, see document.Unread.
	unread map[string]bool
}

// maxUnread bounds how many skipped fields are named, and how long they are, in
// bytes.
const maxUnread = 64

// skipField skips a field that is not read, and notes it as part of what it is
// a field of: "components[].modelCard".
func (r *jsonReader) skipField(of, key string) {
	if len(r.unread) < maxUnread && len(key) <= maxUnread {
		r.unread[of+key] = true
	}
	r.skip()
}

// slab hands out short lists that lie in one array, to spare allocations.
type slab[T any] struct {
	all  []T
	from int // where the list begins that is being filled
}

func (s *slab[T]) add(v T) { s.all = append(s.all, v) }

// list ends the list that was filled and begins the next.
func (s *slab[T]) list() []T {
	out := s.all[s.from:len(s.all):len(s.all)]
	s.from = len(s.all)
	if len(out) == 0 {
		return nil
	}
	return out
}

func parseJSON(text string, limit int) (*document, error) {
	r := &jsonReader{lexer: lexer{s: text}, left: limit, unread: map[string]bool{}}
	// Guesses of the counts save growing.
	r.props.all = make([]property, 0, len(text)/256)
	r.deps.all = make([]dependency, 0, len(text)/1024)
	doc := r.document()
	if err := r.end(); err != nil {
		return nil, err
	}
	if !strings.EqualFold(doc.Format, "CycloneDX") {
		return nil, fmt.Errorf("not a CycloneDX document: bomFormat is %q", doc.Format)
	}
	return doc, nil
}

func (r *jsonReader) document() *document {
	var doc document
	r.object(func(key string) {
		switch key {
		case "bomFormat":
			doc.Format = r.text()
		case "specVersion":
			doc.Spec = r.text()
		case "serialNumber":
			doc.Serial = r.text()
		case "metadata":
			r.metadata(&doc)
		case "components":
			// A guess of the count saves growing: a component of ours takes more.
			doc.Components = make([]component, 0, min(r.left, len(r.s)/640))
			doc.Components = r.components(doc.Components)
		case "dependencies":
			doc.Dependencies = r.dependencies()
		case "compositions":
			doc.Compositions = r.compositions()
		case "services":
			doc.Services = r.services()
		case "$schema", "version":
			r.skip()
		default:
			r.skipField("", key)
		}
	})
	doc.Unread = r.unread
	return &doc
}

func (r *jsonReader) metadata(doc *document) {
	r.object(func(key string) {
		switch key {
		case "timestamp":
			doc.Timestamp = r.text()
		case "tools":
			r.tools(doc)
		case "component":
			doc.Subject = &component{}
			r.component(doc.Subject)
		case "properties":
			doc.Properties = r.properties()
		case "supplier":
			doc.Supplier = r.contact()
		case "manufacture":
			doc.Manufacture = r.contact()
		case "lifecycles":
			r.skip()
		default:
			r.skipField("metadata.", key)
		}
	})
}

// tools reads either a list of tools (to 1.4) or an object (since 1.5).
func (r *jsonReader) tools(doc *document) {
	if r.peek() == '{' {
		r.object(func(key string) {
			if key == "components" {
				doc.Tools = r.components(nil)
			} else {
				r.skip()
			}
		})
		return
	}
	r.array(func() {
		var t tool
		r.object(func(key string) {
			switch key {
			case "vendor":
				t.Vendor = r.text()
			case "name":
				t.Name = r.text()
			case "version":
				t.Version = r.text()
			default:
				r.skip()
			}
		})
		doc.LegacyTools = append(doc.LegacyTools, t)
	})
}

// components appends to out.
func (r *jsonReader) components(out []component) []component {
	r.array(func() {
		if r.left--; r.left < 0 {
			r.fail("too many components")
			return
		}
		out = append(out, component{})
		r.component(&out[len(out)-1])
	})
	return out
}

func (r *jsonReader) component(c *component) {
	r.object(func(key string) {
		switch key {
		case "bom-ref":
			c.Ref = r.text()
		case "type":
			c.Type = r.text()
		case "group":
			c.Group = r.text()
		case "name":
			c.Name = r.text()
		case "version":
			c.Version = r.text()
		case "author":
			c.Author = r.text()
		case "publisher":
			c.Publisher = r.text()
		case "description":
			c.Description = r.text()
		case "copyright":
			c.Copyright = r.text()
		case "scope":
			c.Scope = r.text()
		case "cpe":
			c.CPE = r.text()
		case "purl":
			c.PURL = r.text()
		default:
			r.componentPart(c, key)
		}
	})
}

func (r *jsonReader) componentPart(c *component, key string) {
	switch key {
	case "supplier":
		c.Supplier = r.contact().Name
	case "manufacturer":
		c.Maker = r.contact().Name
	case "authors":
		r.array(func() { c.Authors = append(c.Authors, r.contact()) })
	case "hashes":
		c.Hashes = r.hashes()
	case "licenses":
		r.licenses(c)
	case "externalReferences":
		c.References = r.references()
	case "evidence":
		r.evidence(c)
	case "properties":
		c.Properties = r.properties()
	case "components":
		c.Components = r.components(nil)
	case "swid":
		r.swid(&c.SWID)
	case "pedigree":
		r.pedigree(c)
	case "mime-type", "modified":
		r.skip()
	default:
		r.skipField("components[].", key)
	}
}

func (r *jsonReader) swid(s *swid) {
	r.object(func(key string) {
		switch key {
		case "tagId":
			s.ID = r.text()
		case "name":
			s.Name = r.text()
		default:
			r.skip()
		}
	})
}

func (r *jsonReader) pedigree(c *component) {
	r.object(func(key string) {
		switch key {
		case "ancestors":
			c.Ancestors = r.components(nil)
		case "descendants":
			c.Descendants = r.components(nil)
		case "variants":
			c.Variants = r.components(nil)
		default:
			r.skipField("components[].pedigree.", key)
		}
	})
}

func (r *jsonReader) services() []service {
	var out []service
	r.array(func() {
		if r.left--; r.left < 0 {
			r.fail("too many components and services")
			return
		}
		var s service
		r.object(func(key string) { r.serviceField(&s, key) })
		out = append(out, s)
	})
	return out
}

func (r *jsonReader) serviceField(s *service, key string) {
	switch key {
	case "bom-ref":
		s.Ref = r.text()
	case "provider":
		r.object(func(key string) {
			switch key {
			case "name":
				s.Provider.Name = r.text()
			case "url":
				s.Provider.URLs = r.texts()
			default:
				r.skip()
			}
		})
	case "group":
		s.Group = r.text()
	case "name":
		s.Name = r.text()
	case "version":
		s.Version = r.text()
	case "endpoints":
		s.Endpoints = r.texts()
	case "externalReferences":
		s.References = r.references()
	case "services":
		s.Services = r.services()
	default:
		r.skipField("services[].", key)
	}
}

func (r *jsonReader) texts() (out []string) {
	r.array(func() { out = append(out, r.text()) })
	return out
}

func (r *jsonReader) contact() contact {
	var c contact
	r.object(func(key string) {
		switch key {
		case "name":
			c.Name = r.text()
		case "email":
			c.Email = r.text()
		default:
			r.skip()
		}
	})
	return c
}

func (r *jsonReader) hashes() []hash {
	var out []hash
	r.array(func() {
		var h hash
		r.object(func(key string) {
			switch key {
			case "alg":
				h.Algorithm = r.text()
			case "content":
				h.Value = r.text()
			default:
				r.skip()
			}
		})
		out = append(out, h)
	})
	return out
}

func (r *jsonReader) licenses(c *component) {
	r.array(func() {
		var e expression
		r.object(func(key string) {
			switch key {
			case "license":
				c.Licenses = append(c.Licenses, r.license())
			case "expression":
				e.Text = r.text()
			case "acknowledgement":
				e.Ack = r.text()
			default:
				r.skip()
			}
		})
		if e.Text != "" {
			c.Expressions = append(c.Expressions, e)
		}
	})
}

func (r *jsonReader) license() license {
	var l license
	r.object(func(key string) {
		switch key {
		case "id":
			l.ID = r.text()
		case "name":
			l.Name = r.text()
		case "url":
			l.URL = r.text()
		case "acknowledgement":
			l.Ack = r.text()
		default:
			r.skip()
		}
	})
	return l
}

func (r *jsonReader) references() []reference {
	var out []reference
	r.array(func() {
		var ref reference
		r.object(func(key string) {
			switch key {
			case "type":
				ref.Type = r.text()
			case "url":
				ref.URL = r.text()
			default:
				r.skip()
			}
		})
		out = append(out, ref)
	})
	return out
}

func (r *jsonReader) evidence(c *component) {
	r.object(func(key string) {
		if key != "occurrences" {
			r.skip()
			return
		}
		r.array(func() {
			var p place
			r.object(func(key string) {
				if key == "location" {
					p.Location = r.text()
				} else {
					r.skip()
				}
			})
			c.Places = append(c.Places, p)
		})
	})
}

func (r *jsonReader) properties() []property {
	r.array(func() {
		var p property
		r.object(func(key string) {
			switch key {
			case "name":
				p.Name = r.text()
			case "value":
				p.Value = r.text()
			default:
				r.skip()
			}
		})
		r.props.add(p)
	})
	return r.props.list()
}

func (r *jsonReader) dependencies() []dependency {
	out := make([]dependency, 0, len(r.s)/2048)
	r.array(func() {
		var d dependency
		r.object(func(key string) {
			switch key {
			case "ref":
				d.Ref = r.text()
			case "dependsOn":
				r.array(func() { r.deps.add(dependency{Ref: r.text()}) })
				d.On = r.deps.list()
			default:
				r.skip()
			}
		})
		out = append(out, d)
	})
	return out
}

func (r *jsonReader) compositions() []composition {
	var out []composition
	r.array(func() {
		var c composition
		r.object(func(key string) {
			switch key {
			case "aggregate":
				c.Aggregate = r.text()
			case "assemblies":
				r.array(func() {
					c.Assemblies = append(c.Assemblies, struct {
						Ref string `xml:"ref,attr"`
					}{r.text()})
				})
			default:
				r.skip()
			}
		})
		out = append(out, c)
	})
	return out
}
