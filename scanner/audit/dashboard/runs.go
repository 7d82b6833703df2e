package dashboard

import (
	"errors"
	"net/http"
	"slices"

	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

type runsPage struct {
	Runs  []store.Run
	Trend *chart
}

// runs lists runs, newest first.
func (d *dashboard) runs(w http.ResponseWriter, r *http.Request) {
	runs, err := d.opt.Store.Runs(r.Context(), 200)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	trend, err := d.opt.Store.Trend(r.Context(), trendRuns)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p := &runsPage{Runs: runs}
	p.Trend = newChart(comparable(trend))
	d.page(w, r, "runs", layout{Title: "Runs", Nav: "/runs", Live: slices.ContainsFunc(runs, active), Body: p})
}

type runPage struct {
	Run         store.Run
	Active      bool
	Old         bool // a newer run has begun: what failed in this one is not known any more
	Failed      []store.Image
	MoreFailed  bool
	Changes     []store.Change
	MoreChanges int
	First       bool // no run before it: all is new
	New         []store.Finding
	MoreNew     bool
}

const (
	maxFailed  = 100 // images of a run that its page lists
	maxChanges = 200
)

// run is one run: its progress, what went wrong, and what changed.
func (d *dashboard) run(w http.ResponseWriter, r *http.Request) {
	run, err := d.runOf(r, r.PathValue("id"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	ctx, s := r.Context(), d.opt.Store
	p := &runPage{Run: run, Active: active(run)}
	state, err := export.Status(ctx, s)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	var next string
	if p.Old = run.ID < state.Last.ID; !p.Old {
		if p.Failed, next, err = s.Images(ctx, store.Filter{State: store.Failed, Limit: maxFailed}); err != nil {
			d.fail(w, r, err)
			return
		}
		p.MoreFailed = next != ""
	}
	if p.First = run.ID == state.Last.ID && state.Before == 0; !p.First { // else all is new
		if p.New, next, err = s.Findings(ctx, store.Filter{NewIn: run.ID, Limit: 50}); err != nil {
			d.fail(w, r, err)
			return
		}
		p.MoreNew = next != ""
	}
	if p.Changes, err = s.Changes(ctx, run.ID); err != nil {
		d.fail(w, r, err)
		return
	}
	if n := len(p.Changes); n > maxChanges {
		p.Changes, p.MoreChanges = p.Changes[:maxChanges], n-maxChanges
	}
	d.page(w, r, "run", layout{Title: "Run " + itoa(run.ID), Nav: "/runs", Live: p.Active, Body: p})
}

type methodPage struct {
	State  *export.State // nil while nothing was audited
	Totals store.Totals
	Method []string
}

// method is the count and how it was come by, as BOD 17-01 asks for both.
func (d *dashboard) method(w http.ResponseWriter, r *http.Request) {
	p := &methodPage{}
	state, err := export.Status(r.Context(), d.opt.Store)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	} else if err == nil {
		p.State = &state
		p.Totals, err = d.opt.Store.Totals(r.Context(), store.Filter{})
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Method = export.Method(state.Last)
	d.page(w, r, "method", layout{Title: "Count and method", Nav: "/method", Body: p})
}
