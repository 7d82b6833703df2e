package export

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/scanner/audit/store"
)

// Law is a regime that was asked, what it says of all images, and how its
// deadlines stand on a day.
type Law struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Authority  string     `json:"authority,omitempty"`
	Citation   string     `json:"citation,omitempty"`
	Effects    []string   `json:"effects"`
	Who        string     `json:"who,omitempty"`
	Effective  string     `json:"effective,omitempty"`
	Ends       string     `json:"ends,omitempty"`
	Deadlines  []Deadline `json:"deadlines"`
	Reporting  string     `json:"reporting,omitempty"`
	Remedy     string     `json:"remedy,omitempty"`
	Exceptions []string   `json:"exceptions"`
	Status     string     `json:"status,omitempty"`
	Sources    []string   `json:"sources"`
	Verified   bool       `json:"verified"` // whether the list's account was checked against the text
	Images     int64      `json:"images"`   // denied under it
	Findings   int64      `json:"findings"`
	FirstSeen  string     `json:"firstSeen,omitempty"`
	Answer     string     `json:"answer"` // what was found, in a sentence
	InForce    string     `json:"inForce,omitempty"`
	// Countdown says the next deadline in few words, or the last when all are
	// over.
	Countdown string `json:"countdown,omitempty"`
}

// Deadline is one deadline on a day.
type Deadline struct {
	What   string `json:"what"`
	Due    string `json:"due,omitempty"`    // the last day; empty when what it begins with has not been
	Within string `json:"within,omitempty"` // the period, when it begins with an identification
	Days   *int   `json:"days,omitempty"`   // until Due; negative since then
	Says   string `json:"says"`
}

// ReadList reads the list that a run judged by.
func ReadList(rules store.Ruleset) (*denylist.List, error) {
	l, err := denylist.Parse(bytes.NewReader(rules.Text), "the run's denylist")
	if err != nil {
		return nil, fmt.Errorf("reading the denylist of a run: %w", err)
	}
	return l, nil
}

// Laws returns the regimes that were asked, sorted by ID, with the counts of
// each ([store.Store.By] regime), as they stand on a day. Complete tells that
// all images could be examined: only then nothing found means that there is
// nothing. List may be nil when it cannot be read; only IDs are then known.
func Laws(list *denylist.List, asked []string, counts []store.Count, complete bool, on time.Time) []Law {
	on = on.UTC().Truncate(24 * time.Hour)
	out := make([]Law, 0, len(asked))
	for _, id := range asked {
		regime := denylist.Regime{ID: id, Name: id}
		if list != nil {
			if i := slices.IndexFunc(list.Regimes, func(r denylist.Regime) bool { return r.ID == id }); i >= 0 {
				regime = list.Regimes[i]
			}
		}
		var n store.Count
		if i := slices.IndexFunc(counts, func(c store.Count) bool { return c.Name == id }); i >= 0 {
			n = counts[i]
		}
		out = append(out, lawOf(&regime, n, complete, on))
	}
	return out
}

func lawOf(g *denylist.Regime, n store.Count, complete bool, on time.Time) Law {
	l := Law{
		ID: g.ID, Name: cmp.Or(g.Name, g.ID), Authority: g.Authority, Citation: g.Citation,
		Effects: each(g.Effects, func(e denylist.Effect) string { return string(e) }),
		Who:     g.Who, Effective: g.Effective.String(), Ends: g.Ends.String(), Reporting: g.Reporting, Remedy: g.Remedy,
		Exceptions: list(g.Exceptions), Status: g.Status, Sources: list(g.Sources), Verified: g.Verified,
		Images: n.Deny, Findings: n.Findings, FirstSeen: stamp(n.FirstSeen), InForce: inForce(g, on),
		Deadlines: each(g.Deadlines, func(d denylist.Deadline) Deadline { return deadlineOf(d, n.FirstSeen, on) }),
	}
	switch {
	case n.Deny > 0:
		l.Answer = count(n.Deny, "image") + " with covered articles."
	case n.Review > 0:
		l.Answer = "No covered article is certain; " + count(n.Review, "image") + " to review."
	case complete:
		l.Answer = "No covered article found."
	default:
		l.Answer = "No covered article found in what could be examined."
	}
	l.Countdown = countdown(l.Deadlines)
	return l
}

// inForce says since when a regime binds, or from when it will.
func inForce(g *denylist.Regime, on time.Time) string {
	switch {
	case !g.Ends.IsZero() && !g.Ends.After(on):
		return "no longer in force since " + g.Ends.String()
	case g.Effective.IsZero():
		return ""
	case g.Effective.After(on):
		return "in force from " + g.Effective.String() + ", in " + days(int(g.Effective.Sub(on).Hours()/24))
	}
	return "in force since " + g.Effective.String()
}

// deadlineOf tells how a deadline stands. A period begins with the first
// identification.
func deadlineOf(d denylist.Deadline, identified, on time.Time) Deadline {
	out := Deadline{What: d.What, Within: report.Within(d)}
	due, ok := report.Due(d, identified)
	if !ok {
		out.Says = strings.TrimPrefix(d.Period+": "+d.What, ": ")
		if out.Within != "" {
			out.Says = "within " + out.Within + " of identifying: " + d.What
		}
		return out
	}
	n := int(due.Sub(on).Hours() / 24)
	out.Due, out.Days = due.Format(time.DateOnly), &n
	out.Says = fmt.Sprintf("%s: %s (%s)", out.Due, d.What, when(n))
	if out.Within != "" {
		out.Says = fmt.Sprintf("%s: %s (%s; %s from first identifying on %s)", out.Due, d.What, when(n), out.Within, day(identified))
	}
	return out
}

// countdown is the next deadline, else the last.
func countdown(ds []Deadline) string {
	var next, last *Deadline
	for i := range ds {
		d := &ds[i]
		switch {
		case d.Days == nil:
		case *d.Days >= 0 && (next == nil || *d.Days < *next.Days):
			next = d
		case *d.Days < 0 && (last == nil || *d.Days > *last.Days):
			last = d
		}
	}
	switch {
	case next != nil:
		return "due " + when(*next.Days) + ": " + next.What
	case last != nil:
		return "was due " + when(*last.Days) + ": " + last.What
	case len(ds) > 0:
		return ds[0].Says
	}
	return ""
}

// when says a number of days from now in words.
func when(n int) string {
	switch {
	case n == 0:
		return "today"
	case n < 0:
		return days(-n) + " ago"
	}
	return "in " + days(n)
}

func days(n int) string { return count(int64(n), "day") }
