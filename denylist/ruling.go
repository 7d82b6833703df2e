package denylist

import (
	"fmt"
	"slices"
	"strings"
)

// rule fills in what each regime asked says of the finding, and with it the
// finding's level: the strictest of the rulings. A finding that all of them
// answer with not-covered, or that none of them names, has the level mention:
// it denies nothing, but it is kept, for what it identifies is there.
func (j *evaluation) rule(f *Finding, w *assessment) {
	f.Level = Mention
	for _, n := range j.selection.vendors[f.Vendor] {
		r := n.ruling(f, w)
		f.Rulings = append(f.Rulings, r)
		switch {
		case r.Verdict == RulingDenied:
			f.Level = Denied
		case r.Verdict == RulingReview && f.Level == Mention:
			f.Level = Review
		}
	}
	f.Why = w.why() + j.lawWhy(f)
	f.Change = w.change() + j.lawChange(f)
}

// answer is what a regime says of one sort of thing by one vendor.
func (n designation) answer(what Identifies) Answer {
	for _, m := range []map[Identifies]Answer{n.vendor.Covers, n.regime.Covers} {
		if a, ok := m[what]; ok {
			return a
		}
		if a, ok := m[Product]; ok && what == Driver {
			return a
		}
	}
	return Open
}

// ruling gives the regime's answer to a finding.
func (n designation) ruling(f *Finding, w *assessment) Ruling {
	r := Ruling{Regime: n.regime.ID, Citation: n.regime.Citation}
	what := thing(f.Identifies)
	answer := n.answer(f.Identifies)
	embedded := n.regime.Embedded
	if embedded == "" {
		embedded = Open
	}
	switch {
	case f.EmbeddedIn != nil && f.Identifies == Engine:
		what, answer = "the vendor's code inside another's product ("+f.EmbeddedIn.Name+")", embedded
	case f.EmbeddedIn != nil && w.makerOnly && embedded == Excluded && answer == Covered:
		what, answer = "a file of the vendor inside another's product ("+f.EmbeddedIn.Name+"), which may be a product or embedded code", Open
	}
	switch answer {
	case Covered:
		r.Verdict, r.Reason = RulingDenied, "It covers "+what+"."
		if !n.regime.Bans() {
			r.Reason = fmt.Sprintf("It names the maker of %s (%s); it does not itself ban their use.", what, strings.Join(words(n.regime.Effects), ", "))
		}
	case Excluded:
		r.Verdict, r.Reason = RulingNotCovered, "It does not cover "+what+"."
	default:
		r.Verdict, r.Reason = RulingReview, "Its text leaves open whether it covers "+what+"."
	}
	switch {
	case f.Identity == Mention && r.Verdict != RulingNotCovered:
		r.Verdict, r.Reason = RulingMention, "The name occurs; that is no evidence of the product."
	case f.Identity == Review && r.Verdict == RulingDenied:
		r.Verdict = RulingReview
		r.Reason += " The evidence does not settle that it is one."
	}
	if n.vendor.Scope != "" {
		r.Reason += " Scope: " + strings.TrimSuffix(n.vendor.Scope, ".") + "."
	}
	if !n.regime.Verified || !n.vendor.Verified {
		r.Reason += " The list's account of this law was not checked against its text."
	}
	return r
}

// thing names what is identified, in a sentence.
func thing(i Identifies) string {
	switch i {
	case Engine:
		return "the vendor's engines and development kits"
	case Driver:
		return "the vendor's drivers"
	case OpenSource:
		return "open-source software by the vendor"
	case Residue:
		return "traces that the vendor's product leaves"
	case Data:
		return "the vendor's name in data"
	}
	return "the vendor's products"
}

// lawWhy says what the law adds to the evidence.
func (j *evaluation) lawWhy(f *Finding) string {
	count := map[RulingVerdict][]string{}
	for _, r := range f.Rulings {
		count[r.Verdict] = append(count[r.Verdict], r.Regime)
	}
	switch {
	case len(f.Rulings) == 0 && len(j.selection.ids) > 0 && f.Identity != Mention:
		if others := j.ix.naming(f.Vendor); len(others) > 0 {
			return fmt.Sprintf(" None of the regimes asked names the vendor; %s %s.", join(others), verb(len(others), "does", "do"))
		}
		return " No regime of the list names the vendor."
	case len(count[RulingDenied]) > 0:
		return fmt.Sprintf(" Denied under %s.", join(count[RulingDenied]))
	case len(count[RulingReview]) > 0:
		return fmt.Sprintf(" To be reviewed under %s.", join(count[RulingReview]))
	case len(count[RulingNotCovered]) > 0 && len(count[RulingNotCovered]) == len(f.Rulings):
		return fmt.Sprintf(" Not covered by %s.", join(count[RulingNotCovered]))
	}
	return ""
}

// lawChange says which other law would answer differently.
func (j *evaluation) lawChange(f *Finding) string {
	if f.Level == Denied || f.Identity == Mention {
		return ""
	}
	var stricter []string
	for _, id := range j.ix.naming(f.Vendor) {
		r := j.ix.regimes[id]
		for i := range r.Vendors {
			v := &r.Vendors[i]
			if v.ID != f.Vendor || !r.InForce(j.selection.asOf) || !v.inForce(j.selection.asOf) || j.selection.has(id) {
				continue
			}
			if n := (designation{r, v}); n.answer(f.Identifies) == Covered && f.Identity == Denied {
				stricter = append(stricter, id)
			}
		}
	}
	if len(stricter) == 0 {
		return ""
	}
	return fmt.Sprintf(" Asking %s would deny it.", join(stricter))
}

func (a *selection) has(id string) bool { return slices.Contains(a.ids, id) }

// naming returns the IDs of all regimes of the list that name the vendor.
func (ix *index) naming(vendor string) []string {
	var ids []string
	for i := range ix.list.Regimes {
		r := &ix.list.Regimes[i]
		for _, v := range r.Vendors {
			if v.ID == vendor {
				ids = append(ids, r.ID)
				break
			}
		}
	}
	return ids
}

// join is "a", "a and b", "a, b and c".
func join(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
