package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// component is what is compared of a CycloneDX component, 1.2 to 1.7.
type component struct {
	Ref        string `json:"bom-ref"`
	Type, PURL string
	Supplier   *named
	Maker      *named `json:"manufacturer"`
	Publisher  string
	Author     string
	Authors    []named
	Desc       string `json:"description"`
	CPE        string
	Licenses   []licence
	Hashes     []any
	References []reference `json:"externalReferences"`
	Evidence   struct {
		Identity    json.RawMessage
		Occurrences []any
	}
	Properties []struct{ Name string }
	Components []component
}

type named struct{ Name, Email string }

type licence struct {
	Expression string
	License    struct{ ID, Name string }
}

// named reports whether it is more than the digest of a text.
func (l licence) named() bool {
	return l.Expression != "" || l.License.ID != "" || l.License.Name != "" && !strings.HasPrefix(l.License.Name, "sha256:")
}

type reference struct{ URL string }

type document struct {
	SpecVersion  string
	Metadata     struct{ Component component }
	Components   []component
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
	Compositions []any
}

// fields are what a component may have, in the order of the table.
var fields = []struct {
	name string
	has  func(*component) bool
}{
	{"supplier", func(c *component) bool { return c.Supplier != nil && c.Supplier.Name != "" }},
	{"publisher", func(c *component) bool { return c.Publisher != "" }},
	{"authors", func(c *component) bool { return c.Author != "" || len(c.Authors) > 0 }},
	{"manufacturer", func(c *component) bool { return c.Maker != nil }},
	{"any of these four", func(c *component) bool {
		return c.Supplier != nil || c.Publisher != "" || c.Author != "" || len(c.Authors) > 0 || c.Maker != nil
	}},
	{"description", func(c *component) bool { return c.Desc != "" }},
	{"licence", func(c *component) bool { return slices.ContainsFunc(c.Licenses, licence.named) }},
	{"hashes", func(c *component) bool { return len(c.Hashes) > 0 }},
	{"CPE", func(c *component) bool { return c.CPE != "" }},
	{"external references", func(c *component) bool {
		return slices.ContainsFunc(c.References, func(r reference) bool { return r.URL != "" })
	}},
	{"evidence.identity", func(c *component) bool { return len(c.Evidence.Identity) > 0 }},
	{"evidence.occurrences", func(c *component) bool { return len(c.Evidence.Occurrences) > 0 }},
	{"place in a property of the tool's own", func(c *component) bool {
		for _, p := range c.Properties {
			if strings.HasPrefix(p.Name, "syft:location:") || p.Name == "interdict:occurrence" {
				return true
			}
		}
		return false
	}},
}

// totals are what a document has as a whole.
var totals = []string{
	"packages that depend on one", "dependencies between packages", "packages in the graph from the image",
	"references that lead nowhere", "layers", "compositions", "image's package URL or digest", "specification", "megabytes",
}

type column struct {
	title    string
	packages int
	filled   map[string]int
	totals   map[string]string
}

func read(file string) (column, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return column{}, err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return column{}, fmt.Errorf("reading %s: %w", file, err)
	}
	c := column{filled: map[string]int{}, totals: map[string]string{}}
	groups := map[string][]component{} // by package URL
	name := map[string]string{}        // reference to package URL
	for _, x := range doc.Components {
		if x.PURL != "" && x.Type != "file" {
			groups[x.PURL] = append(groups[x.PURL], x)
			name[x.Ref] = x.PURL
		}
	}
	c.packages = len(groups)
	for _, g := range groups {
		for _, f := range fields {
			for i := range g {
				if f.has(&g[i]) {
					c.filled[f.name]++
					break
				}
			}
		}
	}
	c.graph(&doc, name)
	layers := 0
	for _, x := range doc.Metadata.Component.Components {
		if strings.HasPrefix(x.Ref, "layer:") {
			layers++
		}
	}
	known := "no"
	if m := doc.Metadata.Component; m.PURL != "" || len(m.Hashes) > 0 || strings.Contains(string(raw[:min(len(raw), 4096)]), `"version":"sha256:`) {
		known = "yes"
	}
	c.totals["layers"] = strconv.Itoa(layers)
	c.totals["compositions"] = strconv.Itoa(len(doc.Compositions))
	c.totals["image's package URL or digest"] = known
	c.totals["specification"] = doc.SpecVersion
	c.totals["megabytes"] = fmt.Sprintf("%.1f", float64(len(raw))/1e6)
	return c, nil
}

// graph follows the dependencies.
func (c *column) graph(doc *document, name map[string]string) {
	refs := map[string]bool{doc.Metadata.Component.Ref: true}
	for _, x := range doc.Metadata.Component.Components {
		refs[x.Ref] = true
	}
	for _, x := range doc.Components {
		refs[x.Ref] = true
	}
	edges := map[string][]string{}
	pairs, from, lost := map[[2]string]bool{}, map[string]bool{}, 0
	for _, d := range doc.Dependencies {
		edges[d.Ref] = append(edges[d.Ref], d.DependsOn...)
		if !refs[d.Ref] {
			lost++
		}
		for _, on := range d.DependsOn {
			if !refs[on] {
				lost++
			}
			if a, b := name[d.Ref], name[on]; a != "" && b != "" {
				pairs[[2]string{a, b}], from[a] = true, true
			}
		}
	}
	seen, reached := map[string]bool{}, map[string]bool{}
	for todo := []string{doc.Metadata.Component.Ref}; len(todo) > 0; {
		r := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[r] {
			continue
		}
		seen[r] = true
		if p := name[r]; p != "" {
			reached[p] = true
		}
		todo = append(todo, edges[r]...)
	}
	c.totals["packages that depend on one"] = strconv.Itoa(len(from))
	c.totals["dependencies between packages"] = strconv.Itoa(len(pairs))
	c.totals["packages in the graph from the image"] = strconv.Itoa(len(reached))
	c.totals["references that lead nowhere"] = strconv.Itoa(lost)
}
