package dashboard

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// fresh bounds what the first page lists.
const fresh = 10

type homePage struct {
	State    *export.State    // nil while nothing was audited
	Verdict  denylist.Outcome // of the whole
	Sentence string
	Totals   store.Totals
	Laws     []export.Law
	Vendors  []store.Count
	New      []store.Finding
	MoreNew  bool
	Trend    *chart
}

// home is the fleet at a glance.
func (d *dashboard) home(w http.ResponseWriter, r *http.Request) {
	p := &homePage{}
	state, err := export.Status(r.Context(), d.opt.Store)
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = nil
	case err == nil:
		p.State = &state
		err = d.fillHome(r.Context(), p)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.page(w, r, "home", layout{Title: "Overview", Nav: "/", Live: state.Active != nil, Body: p})
}

func (d *dashboard) fillHome(ctx context.Context, p *homePage) (err error) {
	s := d.opt.Store
	if p.Totals, err = s.Totals(ctx, store.Filter{}); err != nil {
		return err
	}
	p.Verdict, p.Sentence = fleetVerdict(p.Totals, p.State)
	if p.Laws, err = d.lawsNow(ctx, p.State, p.Totals); err != nil {
		return err
	}
	// What is denied first; within that by ID, as they come.
	slices.SortStableFunc(p.Laws, func(a, b export.Law) int { return cmp.Compare(urgency(a), urgency(b)) })
	if p.Vendors, err = s.By(ctx, store.ByVendor, store.Filter{}); err != nil {
		return err
	}
	if p.State.Before > 0 {
		page, next, err := s.Findings(ctx, store.Filter{NewIn: p.State.Last.ID, Limit: fresh})
		if err != nil {
			return err
		}
		p.New, p.MoreNew = page, next != ""
	}
	trend, err := s.Trend(ctx, trendRuns)
	p.Trend = newChart(comparable(trend))
	return err
}

// lawsNow are the regimes that the last run asked, with today's counts.
func (d *dashboard) lawsNow(ctx context.Context, state *export.State, t store.Totals) ([]export.Law, error) {
	counts, err := d.opt.Store.By(ctx, store.ByRegime, store.Filter{})
	if err != nil {
		return nil, err
	}
	law := state.Last.Ruleset
	return export.Laws(d.laws.of(law), law.Regimes, counts, state.Complete(t), d.now()), nil
}

// comparable keeps the runs whose counts can be laid beside each other: the
// audits of the scope that was audited most often, of several such the newest,
// and judgings again when no other was audited, because they count everything.
func comparable(runs []store.Run) []store.Run {
	times := make(map[string]int)
	most := ""
	for _, r := range runs {
		if scope := strings.Join(r.Scope, "\x00"); r.Kind == store.Auditing {
			if times[scope]++; times[scope] >= times[most] {
				most = scope
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(runs), func(r store.Run) bool {
		switch r.Kind {
		case store.Auditing:
			return strings.Join(r.Scope, "\x00") != most
		case store.Rejudging:
			return len(times) > 1
		}
		return true
	})
}

func urgency(l export.Law) int {
	switch {
	case l.Images > 0:
		return 0
	case l.Findings > 0:
		return 1
	}
	return 2
}

func active(r store.Run) bool { return r.State == store.Planning || r.State == store.Working }

// fleetVerdict is that of all images together: what was not looked at is
// nothing that anybody can call clean.
func fleetVerdict(t store.Totals, state *export.State) (denylist.Outcome, string) {
	n := func(k int64) string { return grouped(itoa(k)) }
	open := t.Images - t.Pass - t.Deny - t.ToReview
	switch {
	case t.Deny > 0:
		return denylist.Deny, n(t.Deny) + " of " + plural(t.Images, "image") + " " + verb(t.Deny, "contains", "contain") + " software that is banned."
	case t.Images == 0:
		return denylist.Incomplete, "No image was found."
	case open > 0 || t.Failed+t.Waiting > 0:
		return denylist.Incomplete, "Nothing banned was found, but " + n(max(open, t.Failed, t.Waiting)) + " of " + plural(t.Images, "image") + " could not be examined whole, or not yet."
	case len(state.Problems) > 0:
		return denylist.Incomplete, "Nothing banned was found in " + plural(t.Images, "image") + ", but " + plural(int64(len(state.Problems)), "part") + " of what was asked for could not be listed."
	case state.Active != nil:
		return denylist.Incomplete, "Nothing banned is in any of " + plural(t.Images, "image") + " so far; a run is under way."
	case t.ToReview > 0:
		return denylist.NeedsReview, "Nothing banned is certain, but " + n(t.ToReview) + " of " + plural(t.Images, "image") + " " + verb(t.ToReview, "has", "have") + " something to review."
	}
	return denylist.Pass, "Nothing banned is in any of " + plural(t.Images, "image") + "."
}

// laws keeps the lists that the newest runs judged by: reading one takes
// longer than all else on a page.
type laws struct {
	mu   sync.Mutex
	kept []keptList
}

type keptList struct {
	id   denylist.ListID
	list *denylist.List
}

// maxLists bounds the lists that are kept.
const maxLists = 4

// of returns the list of a law, or nil when its text cannot be read.
func (l *laws) of(law store.Ruleset) *denylist.List {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.kept {
		if k.id == law.List && law.List.Digest != "" {
			return k.list
		}
	}
	list, err := export.ReadList(law)
	if err != nil {
		return nil
	}
	l.kept = append(l.kept, keptList{law.List, list})
	if len(l.kept) > maxLists {
		l.kept = l.kept[1:]
	}
	return list
}

type regimesPage struct {
	State *export.State // nil while nothing was audited
	Laws  []export.Law
}

// regimes tells law by law.
func (d *dashboard) regimes(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	p := &regimesPage{}
	state, err := export.Status(ctx, d.opt.Store)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	} else if err == nil {
		var totals store.Totals
		if totals, err = d.opt.Store.Totals(ctx, store.Filter{}); err == nil {
			p.State = &state
			p.Laws, err = d.lawsNow(ctx, &state, totals)
		}
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.page(w, r, "regimes", layout{Title: "Regimes", Nav: "/regimes", Body: p})
}
