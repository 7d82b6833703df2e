package audit_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
	"github.com/interdict/interdict/scanner/scantest"
)

// TestRest: a registry that asks for a longer rest than anybody waits for gets
// it from all workers, and no image fails for it.
func TestRest(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		f := newFleet(t)
		f.fill(t, 6)
		impatient := func(o *audit.Options) { o.Registry.MaxWait = 100 * time.Millisecond }
		first := open(t, database, t.TempDir(), impatient)
		second := open(t, database, t.TempDir(), impatient)
		run, err := first.Plan(t.Context(), audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
		if err != nil {
			t.Fatal(err)
		}
		var refused atomic.Int32
		opens := time.Now().Add(2500 * time.Millisecond)
		f.choose = func(r *http.Request, _ int) scantest.Fault {
			if time.Now().Before(opens) {
				refused.Add(1)
				return scantest.TooMany
			}
			return scantest.NoFault
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var work sync.WaitGroup
		for _, a := range []*audit.Audit{first, second} {
			work.Go(func() {
				if err := a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2}); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if n := refused.Load(); n < 3 || n > 40 {
			t.Errorf("%d requests were refused in 2.5 s by a registry that asked for rests of 1 s", n)
		}
		for tag, i := range images(t, first) {
			if i.State != store.Scanned {
				t.Errorf("%s: %s: %s", tag, i.State, i.Error)
			}
		}
	})
}

// TestRate: two workers together ask no more often than they may.
func TestRate(t *testing.T) {
	database := storetest.Postgres(t).Database(t)
	f := newFleet(t)
	f.fill(t, 12)
	first, second := open(t, database, t.TempDir()), open(t, database, t.TempDir())
	run, err := first.Plan(t.Context(), audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
	if err != nil {
		t.Fatal(err)
	}
	const rate = 20
	f.counts()
	start := time.Now()
	var work sync.WaitGroup
	for _, a := range []*audit.Audit{first, second} {
		work.Go(func() {
			if err := a.Work(t.Context(), audit.WorkOptions{Run: run.ID, Jobs: 2, Rate: rate}); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	asked := 0
	for _, n := range f.counts() {
		asked += n
	}
	// A second's worth may go at once, and each worker holds half of one.
	if least := time.Duration(asked-2*rate) * time.Second / rate; time.Since(start) < least || asked < 30 {
		t.Errorf("%d requests in %v", asked, time.Since(start))
	}
}
