package dashboard

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// fresh bounds what the first page lists.
const fresh = 10

type homePage struct {
	Verdict  denylist.Outcome // of the whole; empty while nothing was audited
	Sentence string
	Totals   store.Totals
	Last     *store.Run // the last audit or judging again
	Working  *store.Run // a run that is under way
	Laws     []export.Law
	Vendors  []store.Count
	New      []store.Finding
	MoreNew  bool
	First    bool // no run before the last: everything is new
	Trend    *chart
}

// home is the fleet at a glance.
func (d *dashboard) home(w http.ResponseWriter, r *http.Request) {
	ctx, s := r.Context(), d.opt.Store
	p := &homePage{}
	runs, err := s.Runs(ctx, 100)
	if err == nil && len(runs) > 0 {
		err = d.fillHome(ctx, p, runs)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.page(w, r, "home", layout{Title: "Overview", Nav: "/", Live: p.Working != nil, Body: p})
}

func (d *dashboard) fillHome(ctx context.Context, p *homePage, runs []store.Run) error {
	s := d.opt.Store
	last, err := export.Last(ctx, s)
	if err != nil {
		return err
	}
	p.Last, p.First = &last, earlier(runs, last.ID) == 0
	for i := range runs {
		if active(runs[i]) {
			p.Working = &runs[i]
			break
		}
	}
	if p.Totals, err = s.Totals(ctx, store.Filter{}); err != nil {
		return err
	}
	p.Verdict, p.Sentence = fleetVerdict(p.Totals, last)
	if p.Laws, err = d.lawsNow(ctx, last, p.Totals); err != nil {
		return err
	}
	if p.Vendors, err = s.By(ctx, "vendor", store.Filter{}); err != nil {
		return err
	}
	if !p.First {
		page, next, err := s.Findings(ctx, store.Filter{NewIn: last.ID, Limit: fresh})
		if err != nil {
			return err
		}
		p.New, p.MoreNew = page, next != ""
	}
	trend, err := s.Trend(ctx, trendRuns)
	if err != nil {
		return err
	}
	p.Trend = newChart(comparable(trend))
	// What is denied first; within that by ID, as they come.
	slices.SortStableFunc(p.Laws, func(a, b export.Law) int {
		return cmp.Compare(urgency(a), urgency(b))
	})
	return nil
}

// lawsNow are the regimes that the run asked, with today's counts.
func (d *dashboard) lawsNow(ctx context.Context, run store.Run, t store.Totals) ([]export.Law, error) {
	counts, err := d.opt.Store.By(ctx, "regime", store.Filter{})
	if err != nil {
		return nil, err
	}
	list := d.laws.of(run.Law)
	return export.Laws(list, run.Law.Regimes, counts, export.Complete(run, t), d.now()), nil
}

// earlier counts the runs before the one, without those of notifications.
func earlier(runs []store.Run, id int64) (n int) {
	for _, r := range runs {
		if r.ID < id && r.Kind != store.Notified {
			n++
		}
	}
	return n
}

// comparable keeps the runs whose counts can be laid beside each other: the
// audits of what the newest audit asked for, and judgings again when all audits
// asked for that, because they count everything.
func comparable(runs []store.Run) []store.Run {
	var newest *store.Run
	same := true
	for i := len(runs) - 1; i >= 0; i-- {
		switch {
		case runs[i].Kind != store.Auditing:
		case newest == nil:
			newest = &runs[i]
		case !slices.Equal(runs[i].Scope, newest.Scope):
			same = false
		}
	}
	return slices.DeleteFunc(slices.Clone(runs), func(r store.Run) bool {
		switch r.Kind {
		case store.Auditing:
			return !slices.Equal(r.Scope, newest.Scope)
		case store.Rejudging:
			return !same
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
func fleetVerdict(t store.Totals, last store.Run) (denylist.Outcome, string) {
	n := func(k int64) string { return grouped(itoa(k)) }
	switch {
	case t.Deny > 0:
		return denylist.Deny, n(t.Deny) + " of " + plural(t.Images, "image") + " " + verb(t.Deny, "contains", "contain") + " software that is banned."
	case t.Images == 0:
		return denylist.Incomplete, "No image was found."
	case t.Incomplete+t.Failed+t.Waiting > 0:
		return denylist.Incomplete, "Nothing banned was found, but " + n(t.Incomplete+t.Failed+t.Waiting) + " of " + plural(t.Images, "image") + " could not be examined whole."
	case len(last.Problems) > 0:
		return denylist.Incomplete, "Nothing banned was found in " + plural(t.Images, "image") + ", but " + plural(int64(len(last.Problems)), "part") + " of what was asked for could not be listed."
	case last.State == store.Stopped:
		return denylist.Incomplete, "Nothing banned was found in " + plural(t.Images, "image") + ", but the last run was stopped."
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
func (l *laws) of(law store.Law) *denylist.List {
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
	Last *store.Run
	Laws []export.Law
	Made time.Time
}

// regimes tells law by law.
func (d *dashboard) regimes(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	p := &regimesPage{Made: d.now()}
	last, err := export.Last(ctx, d.opt.Store)
	if err == nil {
		var totals store.Totals
		if totals, err = d.opt.Store.Totals(ctx, store.Filter{}); err == nil {
			p.Last = &last
			p.Laws, err = d.lawsNow(ctx, last, totals)
		}
	} else if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.page(w, r, "regimes", layout{Title: "Regimes", Nav: "/regimes", Body: p})
}
