package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// Report is the report of an audit: the count and the method, as BOD 17-01
// asked for them, what is behind the count, and what changed.
type Report struct {
	SchemaVersion string        `json:"schemaVersion"`
	Created       string        `json:"created"`
	Run           Run           `json:"run"` // the last audit or judging again
	List          List          `json:"list"`
	AsOf          string        `json:"asOf,omitempty"`
	Totals        Totals        `json:"totals"` // of all images that are there now
	Laws          []Law         `json:"laws"`
	Findings      Some[Finding] `json:"findings"` // denied, then to review, one for each image that has it
	Vendors       []Count       `json:"vendors"`
	Regimes       []Count       `json:"regimes"`
	Repositories  []Count       `json:"repositories"`
	Teams         []Count       `json:"teams"`
	Method        []string      `json:"method"`
	Problems      []Unlisted    `json:"problems"`   // could not be listed
	Failed        Some[Image]   `json:"failed"`     // looked at in vain
	Incomplete    Some[Image]   `json:"incomplete"` // nothing denied, but not all could be examined
	New           Some[Finding] `json:"new"`        // first seen by the run
	Gone          Some[Finding] `json:"gone"`       // gone since the run began
	Trend         []Run         `json:"trend"`      // runs that ended, oldest first
	day           time.Time     // that days are counted from
	state         State
	law           *denylist.List // nil when it cannot be read
}

// Some is a list that may be cut.
type Some[T any] struct {
	Total int64 `json:"total"`
	More  bool  `json:"more"` // whether Items are not all
	Items []T   `json:"items"`
}

// Counter counts images and findings.
type Counter interface {
	Totals(ctx context.Context, f store.Filter) (store.Totals, error)
	By(ctx context.Context, what store.Group, f store.Filter) ([]store.Count, error)
}

// History gives runs.
type History interface {
	Run(ctx context.Context, id int64) (store.Run, error)
	Audits(ctx context.Context) ([]store.Run, error)
	Trend(ctx context.Context, limit int) ([]store.Run, error)
}

// Source is what a report is made from. *store.Store is one.
type Source interface {
	Lister
	Counter
	History
}

// shown bounds each list of a report; exports have them all.
const shown = 1000

// trendRuns is how many runs a report looks back.
const trendRuns = 20

// State is how things stand by the runs so far.
type State struct {
	// Last is the newest run that is no mere notification of a registry, with
	// the text of its law.
	Last store.Run
	// Problems are what could not be listed: those of the newest audit of each
	// scope, because a later audit of something else does not mend them.
	Problems []Unlisted
	// Active is a run that is under way; nil for none.
	Active *store.Run
	// Before counts the runs before Last, notifications left out.
	Before int
}

// Unlisted is a part of a scope that could not be listed, and the run that says so.
type Unlisted struct {
	Run    int64  `json:"run"`
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// Status reads how things stand. The error is [store.ErrNotFound] when there was
// no run.
func Status(ctx context.Context, from History) (s State, err error) {
	runs, err := from.Audits(ctx)
	if err != nil {
		return s, err
	}
	scopes := make(map[string]bool)
	var last int64
	for i := range runs {
		r := &runs[i]
		if s.Active == nil && (r.State == store.Planning || r.State == store.Working) {
			s.Active = r
		}
		switch {
		case r.Kind == store.Notified:
			continue
		case last == 0:
			last = r.ID
		default:
			s.Before++
		}
		scope := strings.Join(r.Scope, "\x00")
		if r.Kind != store.Auditing || scopes[scope] || r.State == store.Planning {
			continue
		}
		scopes[scope] = true
		for _, p := range r.Problems {
			s.Problems = append(s.Problems, Unlisted{r.ID, p.What, p.Reason})
		}
		if r.State == store.Stopped {
			s.Problems = append(s.Problems, Unlisted{r.ID, strings.Join(r.Scope, ", "), cmp.Or(r.Error, "the run was stopped")})
		}
	}
	s.Last, err = from.Run(ctx, last)
	return s, err
}

// Complete reports whether everything that was asked for was listed, looked at
// and examined whole.
func (s *State) Complete(t store.Totals) bool {
	return t.Failed+t.Waiting+t.Incomplete == 0 && len(s.Problems) == 0 && s.Active == nil && t.Images > 0
}

// MakeReport reads a report from the store, as of now.
func MakeReport(ctx context.Context, from Source, now time.Time) (*Report, error) {
	state, err := Status(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("reporting an audit: %w", err)
	}
	run := state.Last
	r := &Report{
		SchemaVersion: SchemaVersion, Created: stamp(now), Run: RunOf(run),
		List: List(run.Ruleset.List), AsOf: run.Ruleset.AsOf.String(), day: now,
		Problems: append([]Unlisted{}, state.Problems...), state: state,
	}
	r.law, _ = ReadList(run.Ruleset) // without it, laws have IDs only
	for _, step := range []func(context.Context, Source, store.Run) error{r.count, r.identified, r.exceptions, r.changes} {
		if err := step(ctx, from, run); err != nil {
			return nil, fmt.Errorf("reporting an audit: %w", err)
		}
	}
	r.Method = Method(run)
	return r, nil
}

func (r *Report) count(ctx context.Context, from Source, run store.Run) error {
	totals, err := from.Totals(ctx, store.Filter{})
	if err != nil {
		return err
	}
	r.Totals = Totals(totals)
	for _, by := range []struct {
		what store.Group
		to   *[]Count
	}{{"vendor", &r.Vendors}, {"regime", &r.Regimes}, {"repository", &r.Repositories}, {"team", &r.Teams}} {
		counts, err := from.By(ctx, by.what, store.Filter{})
		if err != nil {
			return err
		}
		*by.to = each(counts, CountOf)
		if by.what == "regime" {
			r.Laws = Laws(r.law, run.Ruleset.Regimes, counts, r.state.Complete(totals), r.day)
		}
	}
	return nil
}

func (r *Report) exceptions(ctx context.Context, from Source, _ store.Run) (err error) {
	read := func(f store.Filter, total int64) (Some[Image], error) {
		return some(f, total, func(f store.Filter) ([]Image, string, error) {
			page, next, err := from.Images(ctx, f)
			return each(page, ImageOf), next, err
		})
	}
	if r.Failed, err = read(store.Filter{State: store.Failed}, r.Totals.Failed); err != nil {
		return err
	}
	r.Incomplete, err = read(store.Filter{Verdict: denylist.Incomplete}, r.Totals.Incomplete)
	return err
}

// identified lists what was found.
func (r *Report) identified(ctx context.Context, from Source, _ store.Run) error {
	denied, err := findingsOf(ctx, from, store.Filter{Level: denylist.Denied}, r.Totals.Denied)
	if err != nil {
		return err
	}
	review, err := findingsOf(ctx, from, store.Filter{Level: denylist.Review}, r.Totals.Review)
	if err != nil {
		return err
	}
	all := append(denied.Items, review.Items...)
	all = all[:min(len(all), shown)]
	total := denied.Total + review.Total
	r.Findings = Some[Finding]{Total: total, More: int64(len(all)) < total, Items: all}
	return nil
}

// findingsOf reads the first findings of a filter that selects total of them.
func findingsOf(ctx context.Context, from Source, f store.Filter, total int64) (Some[Finding], error) {
	return some(f, total, func(f store.Filter) ([]Finding, string, error) {
		page, next, err := from.Findings(ctx, f)
		return each(page, FindingOf), next, err
	})
}

func (r *Report) changes(ctx context.Context, from Source, run store.Run) (err error) {
	if r.state.Before == 0 {
		r.New = Some[Finding]{Total: r.Totals.Findings, More: true, Items: []Finding{}} // all is new
	} else if r.New, err = findingsOf(ctx, from, store.Filter{NewIn: run.ID}, 0); err != nil {
		return err
	}
	if r.Gone, err = r.gone(ctx, from, run); err != nil {
		return err
	}
	trend, err := from.Trend(ctx, trendRuns)
	r.Trend = each(trend, RunOf)
	return err
}

// gone lists what went since the run began, of the first findings that are gone.
func (r *Report) gone(ctx context.Context, from Source, run store.Run) (Some[Finding], error) {
	read := 0
	return some(store.Filter{Gone: true}, 0, func(f store.Filter) ([]Finding, string, error) {
		page, next, err := from.Findings(ctx, f)
		if read += len(page); read > 100*shown {
			next = ""
		}
		page = slices.DeleteFunc(page, func(f store.Finding) bool { return f.Gone.Before(run.Started) })
		return each(page, FindingOf), next, err
	})
}

// some reads pages until there are enough items. Total is how many there are,
// if that is known: it is at least as many as were read.
func some[T any](f store.Filter, total int64, read func(store.Filter) ([]T, string, error)) (Some[T], error) {
	out := Some[T]{Items: []T{}}
	more := false
	err := pages(f, func(f store.Filter) (string, error) {
		page, next, err := read(f)
		n := min(len(page), shown-len(out.Items))
		out.Items = append(out.Items, page[:n]...)
		if more = n < len(page) || next != ""; len(out.Items) == shown {
			next = ""
		}
		return next, err
	})
	out.Total, out.More = max(total, int64(len(out.Items))), more
	return out, err
}

// Method tells how a run counted, in sentences.
func Method(run store.Run) []string {
	var out []string
	if run.Method != "" {
		out = append(out, run.Method)
	}
	law := strings.TrimSpace(run.Ruleset.List.Name + " " + run.Ruleset.List.Version)
	if run.Ruleset.List.Digest != "" {
		law += " (" + run.Ruleset.List.Digest + ")"
	}
	asked := "Judged by the denylist " + law
	if as := run.Ruleset.AsOf.String(); as != "" {
		asked += ", by the law of " + as
	}
	return append(out,
		"What is counted is an image: a manifest, by its digest, in a repository. It counts once, however many tags lead to it, and once in each repository that holds it. Each platform of an image index is an image of its own.",
		"Every layer of an image is read, also what a later layer hides, because it ships with the image. A layer that several images share is read once. The bill of materials of each image is kept, and the verdict can be had again from it.",
		"A finding is denied when one decisive or two independent strong evidences identify the vendor's software and a regime that was asked bans it; it is for review when the identity is weaker or the text of the regime leaves the case open. Rules that were not checked against their source never decide.",
		"An image of which not all could be examined, and in which nothing is denied, is incomplete, not passed. What could not be listed or looked at is named, not left out.",
		asked+". Regimes asked: "+strings.Join(run.Ruleset.Regimes, ", ")+".")
}

// WriteReport writes a report as Text, Markdown, JSON or HTML.
func WriteReport(w io.Writer, r *Report, f Format) error {
	switch f {
	case JSON:
		return writeJSON(w, r)
	case Text:
		return r.write(&textRenderer{w: w})
	case Markdown:
		return r.write(&markdownRenderer{w: w})
	case HTML:
		return r.write(newHTMLRenderer(w))
	}
	return noFormat(f)
}
