package denylist

import (
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/interdict/interdict/sbom"
)

// checker looks for what makes a file unusable and knows its lines.
type checker struct {
	tree     *yaml.Node
	problems []Problem
}

// add notes a problem at the place that the path leads to: names of fields and
// indexes of lists.
func (c *checker) add(message, hint string, place ...any) {
	where, line := c.locate(place)
	c.problems = append(c.problems, Problem{SeverityError, line, where, message, hint})
}

func (c *checker) locate(place []any) (where string, line int) {
	n := c.tree
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, step := range place {
		switch s := step.(type) {
		case string:
			where = strings.TrimPrefix(where+"."+s, ".")
			if n != nil {
				n = field(n, s)
			}
		case int:
			where += "[" + strconv.Itoa(s) + "]"
			if n != nil {
				if n.Kind == yaml.AliasNode {
					n = n.Alias
				}
				if s < len(n.Content) {
					n = n.Content[s]
				}
			}
		}
		if n != nil {
			line = n.Line
		}
	}
	return where, max(line, 1)
}

// field returns a field's value, or nil when it is not there.
func field(n *yaml.Node, name string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

const idHint = "lower-case letters, digits and single dashes"

func (c *checker) document(d *document) {
	c.emptyItems(c.tree)
	seen := map[string]bool{}
	for i := range d.Regimes {
		r := &d.Regimes[i]
		c.id(r.ID, seen, "regimes", i)
		c.regime(r, i)
	}
	clear(seen)
	for i := range d.Vendors {
		v := &d.Vendors[i]
		c.id(v.ID, seen, "vendors", i)
		rules := map[string]bool{}
		for j := range v.Rules {
			c.id(strings.TrimPrefix(v.Rules[j].ID, v.ID+"/"), rules, "vendors", i, "rules", j)
			c.rule(&v.Rules[j], "vendors", i, "rules", j)
		}
	}
}

// emptyItems finds items of lists that say nothing, which decoding drops.
func (c *checker) emptyItems(n *yaml.Node) {
	for _, item := range n.Content {
		if n.Kind == yaml.SequenceNode && item.Tag == "!!null" {
			c.problems = append(c.problems, Problem{SeverityError, item.Line, "", "an item of a list is empty", `remove the "-", or write what it stands for`})
		}
		c.emptyItems(item)
	}
}

func (c *checker) id(id string, seen map[string]bool, place ...any) {
	at := append(slices.Clone(place), "id")
	switch {
	case id == "":
		c.add("it has no id", idHint, place...)
	case !idForm.MatchString(id):
		c.add(fmt.Sprintf("%q is not an id", id), idHint, at...)
	case seen[id]:
		c.add(fmt.Sprintf("the id %q is used twice", id), "give one of them another", at...)
	}
	seen[id] = true
}

func (c *checker) regime(r *Regime, i int) {
	at := func(place ...any) []any { return append([]any{"regimes", i}, place...) }
	if len(r.Effects) == 0 {
		c.add("it has no effects", "one or more of "+strings.Join(words(effects), ", "), at()...)
	}
	for j, e := range r.Effects {
		c.oneOf(string(e), words(effects), at("effects", j)...)
	}
	c.covers(r.Covers, at("covers")...)
	if r.Embedded != "" {
		c.oneOf(string(r.Embedded), words(answers), at("embedded")...)
	}
	if !r.Ends.IsZero() && r.Ends.Before(r.Effective.Time) {
		c.add("it ends before it begins", "ends is the first day on which it is no longer in force", at("ends")...)
	}
	for j, d := range r.Deadlines {
		if d.Date.IsZero() == (d.Period == "") {
			c.add("a deadline has either a date or a period", "date: 2024-07-20, or period: P3BD", at("deadlines", j)...)
		}
		if d.Period != "" && !periodForm.MatchString(d.Period) {
			c.add(fmt.Sprintf("%q is not a period", d.Period), "P60D, P3M, P1Y, or P3BD for business days", at("deadlines", j, "period")...)
		}
	}
	named := map[string]bool{}
	for j, v := range r.Vendors {
		c.id(v.ID, named, at("vendors", j)...)
		c.covers(v.Covers, at("vendors", j, "covers")...)
	}
}

var periodForm = regexp.MustCompile(`^P[1-9][0-9]*(BD|D|W|M|Y)$`)

func (c *checker) covers(m map[Identifies]Answer, place ...any) {
	for what, answer := range m {
		if !slices.Contains(identifiables, what) || what == Maker || what == Data {
			c.add(fmt.Sprintf("%q is nothing that a regime can cover", what), "one of product, engine, driver, open-source, residue", append(slices.Clone(place), string(what))...)
		}
		c.oneOf(string(answer), words(answers), append(slices.Clone(place), string(what))...)
	}
}

func (c *checker) rule(r *Rule, place ...any) {
	at := func(p ...any) []any { return append(slices.Clone(place), p...) }
	c.kind(r.Kind, at("kind")...)
	c.oneOf(string(r.Identifies), words(identifiables), at("identifies")...)
	c.oneOf(string(r.Strength), words(strengths), at("strength")...)
	ways := 0
	for _, has := range []bool{len(r.Values) > 0, len(r.All) > 0, r.AtLeast != nil} {
		if has {
			ways++
		}
	}
	if ways != 1 {
		c.add("it has not exactly one of values, all and atLeast", "split it into several rules", at()...)
	}
	if len(r.Values) > 0 {
		c.match(r.Kind, r.Match, r.Values, at()...)
	} else if r.Match != "" {
		c.add("all and atLeast have no match", `write "name*" for a prefix`, at("match")...)
	}
	if len(r.Values) == 0 && r.Kind != sbom.Symbol {
		c.add("all and atLeast are for kind symbol", "", at("kind")...)
	}
	if s := r.AtLeast; s != nil && (s.Count < 1 || s.Count > len(s.Of)) {
		c.add(fmt.Sprintf("at least %d of %d can never, or always, be met", s.Count, len(s.Of)), "", at("atLeast", "count")...)
	}
	if r.Min < 0 || r.Min > 0 && r.Kind != sbom.SymbolFamily {
		c.add("min is for kind symbol_prefix", "how many symbols must have the prefix", at("min")...)
	}
	for j, f := range r.Requires.Formats {
		c.oneOf(f, formatNames(), at("requires", "formats", j)...)
	}
	for j, k := range r.Requires.Kinds {
		c.kind(k, at("requires", "kinds", j)...)
	}
	for j, e := range r.Except {
		c.kind(e.Kind, at("except", j, "kind")...)
		c.match(e.Kind, e.Match, e.Values, at("except", j)...)
	}
}

// formatNames returns the values of Requires.Formats.
func formatNames() []string { return append([]string{anyProgram}, words(sbom.FileFormats())...) }

func (c *checker) match(k sbom.Kind, m Operator, values []string, place ...any) {
	at := func(p ...any) []any { return append(slices.Clone(place), p...) }
	c.oneOf(string(m), words(matches), at("match")...)
	if len(values) == 0 {
		c.add("it has no values", "", at()...)
	}
	switch {
	case m == Entity && k.Info().Name == sbom.NameNone:
		c.add(fmt.Sprintf("kind %s does not carry the name of a legal entity", k), "use exact-fold", at("match")...)
	case m == Elements && k != sbom.Path:
		c.add("elements is for kind path", "", at("match")...)
	case m == Image && k != sbom.ImageRef:
		c.add("image is for kind container_image", "", at("match")...)
	case (k == sbom.Symbol || k == sbom.PEExport) && m != Exact && m != Prefix,
		(k == sbom.CXXNamespace || k == sbom.BinaryString) && m != Exact:
		c.add(fmt.Sprintf("a scan cannot look for a %s by %s", k, m), "use exact", at("match")...)
	case k == sbom.SymbolFamily && m != Prefix:
		c.add("symbol_prefix has match prefix", "", at("match")...)
	}
	seen := map[string]bool{}
	for j, v := range values {
		if strings.TrimSpace(v) == "" || strings.TrimSpace(v) != v {
			c.add(fmt.Sprintf("%q is empty, or has white space at an end", v), "", at("values", j)...)
		}
		if seen[v] {
			c.add(fmt.Sprintf("%q is there twice", v), "", at("values", j)...)
		}
		seen[v] = true
		if err := validPattern(m, v); err != nil {
			c.add(err.Error(), "", at("values", j)...)
		}
	}
}

func validPattern(m Operator, v string) error {
	switch m {
	case Regex:
		if _, err := regexp.Compile(v); err != nil {
			return fmt.Errorf("%q is no regular expression: %w", v, err)
		}
	case Glob:
		if _, err := path.Match(v, ""); err != nil {
			return fmt.Errorf("%q is no glob: %w", v, err)
		}
	case Entity:
		if normalizeEntity(v) == "" {
			return fmt.Errorf("nothing is left of the name %q without its legal form", v)
		}
	case Subject:
		if len(attributes(v)) == 0 {
			return fmt.Errorf(`%q has no attribute of the form "CN=name"`, v)
		}
	}
	return nil
}

func (c *checker) kind(k sbom.Kind, place ...any) {
	if !slices.Contains(ruleKinds(), string(k)) {
		hint := "see the schema for the kinds"
		if near := nearest(string(k), ruleKinds()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.add(fmt.Sprintf("%q is not a kind of evidence", k), hint, place...)
	}
}

func (c *checker) oneOf(v string, of []string, place ...any) {
	if slices.Contains(of, v) {
		return
	}
	hint := "one of " + strings.Join(of, ", ")
	if near := nearest(v, of); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	message := fmt.Sprintf("%q is not known here", v)
	if v == "" {
		message = "it is missing"
	}
	c.add(message, hint, place...)
}

// fieldsOf returns the YAML fields of a type of the format, by its Go name.
func fieldsOf(typeName string) []string {
	var names []string
	for _, t := range []any{document{}, Regime{}, RegimeVendor{}, Deadline{}, Vendor{}, Embedder{}, Rule{}, Some{}, Requires{}, Exception{}, waiversDocument{}, Waiver{}} {
		rt := reflect.TypeOf(t)
		if rt.Name() != typeName {
			continue
		}
		for i := range rt.NumField() {
			name, _, _ := strings.Cut(rt.Field(i).Tag.Get("yaml"), ",")
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
