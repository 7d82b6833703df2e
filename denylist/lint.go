package denylist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// shortPattern is the length in bytes below which a value that identifies by
// itself is likely to occur by chance.
const shortPattern = 4

// Lint returns what is wrong or doubtful in a list as a whole, sorted by
// place: names that lead nowhere, rules that can never have the effect that
// they claim, and values that are likely to occur where they should not. What
// makes a file unreadable is found by [Parse].
func Lint(l *List) []Problem {
	c := &linter{l: l, named: map[string]bool{}, seen: map[string]string{}}
	vendors := map[string]bool{}
	for i := range l.Vendors {
		vendors[l.Vendors[i].ID] = true
	}
	for i := range l.Regimes {
		c.regime(&l.Regimes[i], vendors)
	}
	for i := range l.Vendors {
		v := &l.Vendors[i]
		if !c.named[v.ID] {
			c.add(SeverityWarning, v.ID, "no regime names this vendor: what its rules find is never denied", "add it to the vendors of a regime")
		}
		if len(v.Rules) == 0 && v.Note == "" {
			c.add(SeverityWarning, v.ID, "it has no rules, and no note that says why", "")
		}
		for j := range v.Rules {
			c.rule(v, &v.Rules[j])
		}
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.Where, b.Where) })
	return c.problems
}

type linter struct {
	l        *List
	problems []Problem
	named    map[string]bool   // vendors that a regime names
	seen     map[string]string // kind and value: the vendor and rule that has it
}

func (c *linter) add(s Severity, where, message, hint string) {
	c.problems = append(c.problems, Problem{Severity: s, Where: where, Message: message, Hint: hint})
}

func (c *linter) regime(r *Regime, vendors map[string]bool) {
	if r.Effective.IsZero() && r.Issued.IsZero() {
		c.add(SeverityWarning, r.ID, "it has no date: it counts as always in force", "give effective or issued")
	}
	if r.Citation == "" {
		c.add(SeverityWarning, r.ID, "it has no citation", "findings name the law by it")
	}
	if r.Verified && len(r.Sources) == 0 {
		c.add(SeverityWarning, r.ID, "it is said to be verified, but names no source", "")
	}
	if len(r.Covers) == 0 {
		c.add(SeverityWarning, r.ID, "it says of nothing whether it is covered: all it names is for review", "covers: {product: covered, ...}")
	}
	if len(r.Vendors) == 0 {
		c.add(SeverityWarning, r.ID, "it names no vendor", "")
	}
	for _, v := range r.Vendors {
		c.named[v.ID] = true
		if !vendors[v.ID] {
			c.add(SeverityError, r.ID, fmt.Sprintf("it names the vendor %q, which is not in the list", v.ID), nearHint(v.ID, vendors))
		}
	}
}

func nearHint(id string, set map[string]bool) string {
	var ids []string
	for v := range set {
		ids = append(ids, v)
	}
	slices.Sort(ids)
	if near := nearest(id, ids); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func (c *linter) rule(v *Vendor, r *Rule) {
	switch {
	case r.Disabled:
		return
	case r.Verified && len(r.Sources) == 0:
		c.add(SeverityError, r.ID, "it is said to be verified, but names no source", "add sources, or set verified to false")
	case !r.Verified && r.Strength == Decisive:
		c.add(SeverityNote, r.ID, "it is not verified, so it brings a review at most", "check it against a source and set verified")
	}
	if r.Identifies == Data && r.Strength != Weak && r.Strength != Corroborating {
		c.add(SeverityWarning, r.ID, "data never brings more than a mention", "use strength weak")
	}
	if r.Identifies == Residue && r.Strength == Decisive {
		c.add(SeverityWarning, r.ID, "residue never brings more than a review", "use strength strong")
	}
	if r.Kind == sbom.Filename && len(r.Requires.Formats) == 0 && strengthOrder[r.Strength] >= strengthOrder[Strong] {
		c.add(SeverityWarning, r.ID, "a file name without a format matches any file of that name", "requires: {formats: [pe]}")
	}
	for _, id := range r.Requires.Rules {
		if _, ok := c.find(id); !ok {
			c.add(SeverityError, r.ID, fmt.Sprintf("it requires the rule %q, which is not in the list: it never matches", id), "")
		}
	}
	for _, value := range r.Values {
		c.value(v, r, value)
	}
}

func (c *linter) find(id string) (*Rule, bool) {
	for i := range c.l.Vendors {
		for j := range c.l.Vendors[i].Rules {
			if r := &c.l.Vendors[i].Rules[j]; r.ID == id {
				return r, true
			}
		}
	}
	return nil, false
}

func (c *linter) value(v *Vendor, r *Rule, value string) {
	strong := strengthOrder[r.Strength] >= strengthOrder[Strong]
	if r.Match == Entity {
		name := normalizeEntity(value)
		if strong && len(name) < shortPattern {
			c.add(SeverityWarning, r.ID, fmt.Sprintf("without its legal form the name %q is only %q", value, name), "lower the strength")
		}
		value = name
	} else if strong && len(value) < shortPattern && r.Kind != sbom.PackageName && r.Kind != sbom.CPEVendor && r.Kind != sbom.HelmChart {
		c.add(SeverityWarning, r.ID, fmt.Sprintf("%q is short enough to occur by chance", value), "lower the strength, or use a longer value")
	}
	if r.Match == Regex && (strings.HasPrefix(value, ".*") && strings.HasSuffix(value, ".*") && len(value) < 8) {
		c.add(SeverityWarning, r.ID, fmt.Sprintf("%q matches nearly everything", value), "")
	}
	key := strings.Join([]string{string(r.Kind), string(r.Match), strings.ToLower(value)}, "\x00")
	owner := v.ID + "\x00" + r.ID
	if other, ok := c.seen[key]; ok {
		vendor, rule, _ := strings.Cut(other, "\x00")
		if vendor != v.ID {
			c.add(SeverityWarning, r.ID, fmt.Sprintf("%s identifies another vendor by the same value %q", rule, value), "")
		}
		return
	}
	c.seen[key] = owner
}
