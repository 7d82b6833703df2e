package denylist

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/interdict/interdict/sbom"
)

// index is a list made ready for judging. It is not changed after compile.
type index struct {
	list    *List
	vendors map[string]*Vendor
	regimes map[string]*Regime
	kinds   map[sbom.Kind]*matcher
	rules   map[string]*compiledRule
	watched []watched
	prints  []string // of watched, sorted
	digest  string
}

// compiledRule is a rule and what its conditions need.
type compiledRule struct {
	*Rule
	vendor *Vendor
	except []exception
	needs  int // how many of the elements of All or AtLeast one file must have; 0 for neither
}

type exception struct {
	kind sbom.Kind
	m    *matcher
}

// pattern is one value of a rule, or one element of a set of symbols.
type pattern struct {
	rule    *compiledRule
	value   string
	element int // index in All or AtLeast.Of, or -1
	// alias tells that the pattern is looked up under another kind than its
	// rule's; at says under which.
	at sbom.Kind
}

// ValueID is the ID of one value of a rule, as it stands in a proof.
func ValueID(ruleID, value string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(value) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		} else {
			dash = true
		}
	}
	return ruleID + "#" + b.String()
}

func (p *pattern) id() string {
	if p.element >= 0 {
		return p.rule.ID
	}
	return ValueID(p.rule.ID, p.value)
}

// compile builds the index of a list whose rules are valid.
func compile(l *List) *index {
	ix := &index{
		list: l, vendors: map[string]*Vendor{}, regimes: map[string]*Regime{},
		kinds: map[sbom.Kind]*matcher{}, rules: map[string]*compiledRule{},
	}
	for i := range l.Regimes {
		ix.regimes[l.Regimes[i].ID] = &l.Regimes[i]
	}
	for i := range l.Vendors {
		v := &l.Vendors[i]
		ix.vendors[v.ID] = v
		for j := range v.Rules {
			ix.add(v, &v.Rules[j])
		}
	}
	for _, m := range ix.kinds {
		m.finish()
	}
	ix.watched = fingerprints(l)
	for _, w := range ix.watched {
		ix.prints = append(ix.prints, w.print)
	}
	slices.Sort(ix.prints)
	ix.prints = slices.Compact(ix.prints)
	ix.digest = digest(l)
	return ix
}

func (ix *index) add(v *Vendor, r *Rule) {
	cr := &compiledRule{Rule: r, vendor: v}
	ix.rules[r.ID] = cr
	if r.Disabled {
		return
	}
	for _, e := range r.Except {
		m := newMatcher()
		for _, value := range e.Values {
			m.add(e.Match, e.Kind, &pattern{rule: cr, value: value, element: -1})
		}
		m.finish()
		cr.except = append(cr.except, exception{e.Kind, m})
	}
	for _, value := range r.Values {
		for _, k := range carriers(r) {
			ix.matcher(k).add(r.Match, k, &pattern{rule: cr, value: value, element: -1, at: k})
		}
	}
	elements := r.All
	cr.needs = len(elements)
	if r.AtLeast != nil {
		elements, cr.needs = r.AtLeast.Of, r.AtLeast.Count
	}
	for i, name := range elements {
		prefix, family := strings.CutSuffix(name, "*")
		for _, k := range []sbom.Kind{sbom.Symbol, sbom.PEExport, sbom.SymbolFamily} {
			m := Exact
			if family {
				m = Prefix
			}
			if family || k != sbom.SymbolFamily {
				ix.matcher(k).add(m, k, &pattern{rule: cr, value: prefix, element: i, at: k})
			}
		}
	}
}

func (ix *index) matcher(k sbom.Kind) *matcher {
	m := ix.kinds[k]
	if m == nil {
		m = newMatcher()
		m.libraries = k.Info().Is(sbom.IsLibrary)
		ix.kinds[k] = m
	}
	return m
}

// carriers are the kinds of evidence that a rule is held against.
func carriers(r *Rule) []sbom.Kind {
	ks := []sbom.Kind{r.Kind}
	for _, k := range sbom.Kinds() {
		named := r.Kind == sbom.EntityName && r.Match == Entity && k.Name != sbom.NameNone
		family := k.Kind == sbom.SymbolFamily && (r.Kind == sbom.Symbol || r.Kind == sbom.PEExport) && r.Match == Prefix
		if k.Kind != r.Kind && (named || family || slices.Contains(k.Under, r.Kind)) {
			ks = append(ks, k.Kind)
		}
	}
	return ks
}

// compiled returns the list's index. A list that was not made by Parse or
// Merge is compiled for each call.
func (l *List) compiled() *index {
	if l.index != nil {
		return l.index()
	}
	return compile(l)
}

// digest identifies the regimes, vendors and rules, whatever their order.
func digest(l *List) string {
	c := &List{Regimes: slices.Clone(l.Regimes), Vendors: slices.Clone(l.Vendors)}
	slices.SortFunc(c.Regimes, func(a, b Regime) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Vendors, func(a, b Vendor) int { return strings.Compare(a.ID, b.ID) })
	for i := range c.Vendors {
		rules := slices.Clone(c.Vendors[i].Rules)
		slices.SortFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
		c.Vendors[i].Rules = rules
	}
	b, err := json.Marshal([]any{Format, c.Regimes, c.Vendors})
	if err != nil {
		return "" // plain data: it cannot be
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ID names the list and its content.
func (l *List) ID() ListID {
	return ListID{Name: l.Name, Version: l.Version, Digest: l.compiled().digest}
}

// anchored compiles a regular expression for the whole value.
func anchored(expr string) *regexp.Regexp {
	re, err := regexp.Compile(`^(?:` + expr + `)$`)
	if err != nil {
		return regexp.MustCompile(`^\z.`) // matches nothing: Parse refuses such a rule
	}
	return re
}
