package store_test

import (
	"fmt"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// filter is any, of up to four things.
func (h *history) filter() store.Filter {
	r := h.r
	var f store.Filter
	for range r.IntN(4) {
		switch r.IntN(13) {
		case 0:
			f.Repository = pick(r, []string{"h/*", "h/b?1", "*a", "g/A", "h/b*x", "[h]*", "h/b_1"})
		case 1:
			f.Team = pick(r, teams)
		case 2:
			f.Vendor = pick(r, vendors)
		case 3:
			f.Regime = pick(r, regimes)
		case 4:
			f.Verdict = pick(r, []denylist.Outcome{denylist.Pass, denylist.Deny, denylist.Incomplete})
		case 5, 6:
			f.Level = pick(r, []denylist.Level{denylist.Denied, denylist.Review, denylist.Mention})
		case 7:
			f.State = pick(r, []store.ImageState{store.Waiting, store.Scanned, store.Failed})
		case 8:
			f.Platform = pick(r, platforms)
		case 9:
			f.Text = pick(r, []string{"LATEST", "h/", "scan", "%", "_", "b/x", digest(r.IntN(8))[:12], digest(r.IntN(8))[20:24], "none"})
		case 10:
			f.Since = h.m.now.Add(-time.Duration(r.IntN(60)) * time.Second)
		case 11:
			f.NewIn = 1 + r.Int64N(20)
		case 12:
			f.Digest = digest(r.IntN(8))
		}
	}
	if r.IntN(5) == 0 {
		f.Finding = fmt.Sprintf("f%d", r.IntN(6))
	}
	f.Gone = r.IntN(5) == 0
	return f
}

// late is a filter of what is new, and of one thing more or nothing.
func (h *history) late() store.Filter {
	f := store.Filter{NewIn: 1 + h.r.Int64N(20)}
	if n := len(h.runs); n > 0 && h.r.IntN(2) == 0 {
		f.NewIn = h.runs[h.r.IntN(n)]
	}
	switch h.r.IntN(8) {
	case 0:
		f.Vendor = pick(h.r, vendors)
	case 1:
		f.Regime = pick(h.r, regimes)
	case 2:
		f.Level = pick(h.r, []denylist.Level{denylist.Denied, denylist.Review, denylist.Mention})
	case 3:
		f.State = pick(h.r, []store.ImageState{store.Waiting, store.Scanned, store.Failed})
	case 4:
		f.Team = pick(h.r, teams)
	case 5:
		f.NewIn, f.Since = 0, h.m.now.Add(-time.Duration(h.r.IntN(400))*time.Second)
	}
	return f
}
