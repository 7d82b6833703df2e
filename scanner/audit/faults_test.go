package audit_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/scantest"
)

// images returns what the store has, by tag.
func images(t *testing.T, a *audit.Audit) map[string]store.Image {
	t.Helper()
	page, _, err := a.Store().Images(t.Context(), store.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]store.Image{}
	for _, i := range page {
		for _, tag := range i.Tags {
			out[tag] = i
		}
	}
	return out
}

// TestFaults: what passes is tried again, what stays is told with its reason,
// and one image's trouble is no other's.
func TestFaults(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		f := newFleet(t)
		f.fill(t, 4)
		blob := func(tag, text string) string {
			layers, err := f.push(t, "team/bad:"+tag, text).Layers()
			if err != nil {
				t.Fatal(err)
			}
			d, err := layers[len(layers)-1].Digest()
			if err != nil {
				t.Fatal(err)
			}
			return d.String()
		}
		faults := map[string]struct {
			fault scantest.Fault
			times int
		}{}
		add := func(tag string, fault scantest.Fault, times int) {
			faults[blob(tag, base+"-- 1/srv/"+tag+" --\n"+strings.Repeat(tag+" fails\n", 400))] = struct {
				fault scantest.Fault
				times int
			}{fault, times}
		}
		const always = 1 << 20
		add("broken", scantest.ServerError, always)
		add("busy", scantest.ServerError, 3)
		add("cut", scantest.Truncated, 3)
		add("denied", scantest.Denied, always)
		add("flipped", scantest.Corrupt, 1)
		add("gone", scantest.Gone, always)
		add("limited", scantest.TooMany, 1)
		add("slow", scantest.Slow, 1)
		add("wrong", scantest.Corrupt, always)
		f.choose = func(r *http.Request, n int) scantest.Fault {
			digest, _ := scantest.IsBlob(r)
			if x, ok := faults[digest]; ok && n <= x.times {
				return x.fault
			}
			return scantest.NoFault
		}

		a := open(t, database, t.TempDir())
		run := audited(t, a, f, law(t, acme, "2024-12-01"))
		got := images(t, a)
		if run.Totals.Images != 13 || run.Totals.Failed != 1 || run.Totals.Incomplete != 3 || run.Totals.Waiting != 0 || run.State != store.Done {
			t.Errorf("totals %+v", run.Totals)
		}
		for _, tag := range []string{"busy", "cut", "flipped", "limited", "slow", "v1"} {
			if i := got[tag]; i.State != store.Scanned {
				t.Errorf("%s: %s %s", tag, i.State, i.Error)
			}
		}
		if i := got["broken"]; i.State != store.Failed || !strings.Contains(i.Error, "500") || i.Attempts != 5 {
			t.Errorf("broken: %s %q after %d attempts", i.State, i.Error, i.Attempts)
		}
		// What trying again cannot mend is in the result, beside all that was read.
		for tag, why := range map[string]string{"denied": "403", "gone": "404", "wrong": "corrupt"} {
			i := got[tag]
			if i.State != store.Scanned || i.Verdict != denylist.Incomplete {
				t.Errorf("%s: %s %s %q", tag, i.State, i.Verdict, i.Error)
			}
			if bom, err := a.Store().BOM(t.Context(), i.Digest); err != nil || !strings.Contains(string(bom), why) {
				t.Errorf("%s: the bill of materials does not say %q, %v", tag, why, err)
			}
		}

		// A new run tries again what failed or could not be read, and nothing else.
		f.choose = nil
		f.counts()
		again := audited(t, a, f, law(t, acme, "2024-12-01"))
		if again.Totals.Failed != 0 || f.counts()["layer"] != 4 {
			t.Errorf("totals %+v of the second run", again.Totals)
		}
	})
}

// TestTwoAuditsAtOnce: both end, and no image is looked at twice.
func TestTwoAuditsAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		f := newFleet(t)
		f.fill(t, 16)
		cache := t.TempDir()
		first := open(t, database, cache)
		second := first
		if strings.HasPrefix(database, "postgres") {
			second = open(t, database, t.TempDir()) // as on another machine
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		var scanned atomic.Int32
		for _, a := range []*audit.Audit{first, second} {
			wg.Go(func() {
				run, err := a.Plan(ctx, audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
				if err == nil {
					err = a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2, Observe: func(e audit.Event) {
						if e.Kind == audit.Scanned {
							scanned.Add(1)
						}
					}})
				}
				if err != nil {
					t.Error(err)
				}
				if run, err = a.Store().Run(ctx, run.ID); err != nil || run.State != store.Done || run.Totals.Images != 16 || run.Totals.Deny != 6 {
					t.Errorf("run %+v, %v", run, err)
				}
			})
		}
		wg.Wait()
		if n := scanned.Load(); n != 16 {
			t.Errorf("%d looks at 16 images", n)
		}
		if asked := f.counts(); asked["layer"] != 16+6+1 {
			t.Errorf("%d GETs of 23 layers", asked["layer"])
		}
	})
}

// TestGracefulStop: an image in flight is put back when the grace is over, which
// counts as no try, and the next worker goes on.
func TestGracefulStop(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		f := newFleet(t)
		f.fill(t, 6)
		var stuck atomic.Bool
		stuck.Store(true)
		held := make(chan struct{}, 100)
		f.choose = func(r *http.Request, _ int) scantest.Fault {
			if _, ok := scantest.IsBlob(r); ok && stuck.Load() {
				held <- struct{}{}
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Second):
				}
			}
			return scantest.NoFault
		}
		a := open(t, database, t.TempDir())
		run, err := a.Plan(t.Context(), audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2, Grace: 200 * time.Millisecond}) }()
		<-held
		cancel()
		start := time.Now()
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(start), err)
		}
		if got, err := a.Store().Run(t.Context(), run.ID); err != nil || got.State != store.Working || got.Totals.Waiting != 6 {
			t.Errorf("run %+v, %v", got, err)
		}
		stuck.Store(false)
		if err := a.Work(t.Context(), audit.WorkOptions{Run: run.ID}); err != nil {
			t.Fatal(err)
		}
		for tag, i := range images(t, a) {
			if i.State != store.Scanned || i.Attempts > 1 {
				t.Errorf("%s: %s after %d attempts: %s", tag, i.State, i.Attempts, i.Error)
			}
		}
	})
}

// TestNotice: an image that a registry tells of is judged as the newest audit.
func TestNotice(t *testing.T) {
	f := newFleet(t)
	f.fill(t, 2)
	a := open(t, sqlite(t), t.TempDir())
	audited(t, a, f, law(t, acme, "2024-12-01"))
	f.push(t, "team/new:v9", base+"-- 1/opt/acme/bin/agent --\n#!/bin/sh\n")
	if _, err := a.Enqueue(t.Context(), f.host+"/team/new:v9"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := a.Work(ctx, audit.WorkOptions{Observe: func(e audit.Event) {
		if e.Kind == audit.Scanned {
			time.AfterFunc(500*time.Millisecond, cancel)
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if i := images(t, a)["v9"]; i.Verdict != "deny" {
		t.Errorf("image %+v", i)
	}
	run, err := a.Store().Run(t.Context(), 0)
	if err != nil || run.Kind != store.Notified || run.State != store.Done || run.Totals.Images != 1 {
		t.Errorf("run %+v, %v", run, err)
	}
}
