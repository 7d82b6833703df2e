package denylist

import (
	"fmt"
	"slices"
	"strings"
)

// selection is the law that a policy selects.
type selection struct {
	ids     []string // of the regimes, sorted
	unknown []string
	vendors map[string][]designation // by vendor: who of the regimes asked names it
	asOf    Date
}

// designation is a regime and what it says of one vendor.
type designation struct {
	regime *Regime
	vendor *RegimeVendor
}

// InForce reports whether the regime rules on the day. For the zero Date: as
// far as the list knows it has not ended.
func (r *Regime) InForce(on Date) bool {
	if on.IsZero() {
		return r.Ends.IsZero()
	}
	begins := r.Effective
	if begins.IsZero() {
		begins = r.Issued
	}
	return !on.Before(begins.Time) && (r.Ends.IsZero() || on.Before(r.Ends.Time))
}

// Bans reports whether the regime bans use, procurement or sale: whether it
// decides unless other regimes are asked for.
func (r *Regime) Bans() bool {
	return slices.ContainsFunc(r.Effects, func(e Effect) bool { return e == UseBan || e == ProcurementBan || e == SaleBan })
}

// inForce reports whether the regime's naming of the vendor is in force.
func (v *RegimeVendor) inForce(on Date) bool {
	return on.IsZero() || !on.Before(v.From.Time)
}

// Select returns the regimes that the policy asks and that are in force, sorted
// by ID, and the problems with it: a regime that the list does not have is an
// error, one that is not in force on the day a warning.
func (l *List) Select(p Policy) ([]*Regime, []Problem) {
	var rs []*Regime
	var ps []Problem
	for i := range l.Regimes {
		r := &l.Regimes[i]
		if len(p.Regimes) == 0 && (p.AllEffects || r.Bans()) && r.InForce(p.AsOf) {
			rs = append(rs, r)
		}
	}
	for _, id := range p.Regimes {
		i := slices.IndexFunc(l.Regimes, func(r Regime) bool { return r.ID == id })
		if i < 0 {
			pr := Problem{Severity: SeverityError, Where: id, Message: "the list has no such regime", Hint: `"interdict denylist ls" lists them`}
			var ids []string
			for _, r := range l.Regimes {
				ids = append(ids, r.ID)
			}
			if near := nearest(id, ids); near != "" {
				pr.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			ps = append(ps, pr)
			continue
		}
		r := &l.Regimes[i]
		if !r.InForce(p.AsOf) {
			ps = append(ps, Problem{Severity: SeverityWarning, Where: id, Message: "it is not in force on " + p.AsOf.String(), Hint: r.term()})
			continue
		}
		if !slices.Contains(rs, r) {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b *Regime) int { return strings.Compare(a.ID, b.ID) })
	return rs, ps
}

// term says from when to when a regime is in force.
func (r *Regime) term() string {
	s := "in force from " + r.Effective.String()
	if r.Effective.IsZero() {
		s = "in force from " + r.Issued.String()
	}
	if !r.Ends.IsZero() {
		s += ", no longer from " + r.Ends.String()
	}
	return s
}

func (ix *index) selectLaws(p Policy) selection {
	rs, ps := ix.list.Select(p)
	a := selection{vendors: map[string][]designation{}, asOf: p.AsOf}
	for _, pr := range ps {
		if pr.Severity == SeverityError {
			a.unknown = append(a.unknown, pr.Where)
		}
	}
	for _, r := range rs {
		a.ids = append(a.ids, r.ID)
		for i := range r.Vendors {
			if v := &r.Vendors[i]; v.inForce(p.AsOf) {
				a.vendors[v.ID] = append(a.vendors[v.ID], designation{r, v})
			}
		}
	}
	slices.Sort(a.unknown)
	return a
}
