package audit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
	"github.com/interdict/interdict/scanner/scantest"
)

// slowly makes every blob take a while, so that there is a middle of an audit.
func (f *fleet) slowly(d time.Duration) {
	f.choose = func(r *http.Request, _ int) scantest.Fault {
		if _, ok := scantest.IsBlob(r); ok {
			time.Sleep(d)
		}
		return scantest.NoFault
	}
}

// TestDatabaseRestarts: PostgreSQL goes away and comes back in the middle.
func TestDatabaseRestarts(t *testing.T) {
	server := storetest.Postgres(t)
	f := newFleet(t)
	f.fill(t, 24)
	f.slowly(20 * time.Millisecond)
	a := open(t, server.Database(t), t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := a.Plan(ctx, audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
	if err != nil {
		t.Fatal(err)
	}
	scanned := make(chan struct{}, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2, Observe: func(e audit.Event) {
			if e.Kind == audit.Scanned {
				scanned <- struct{}{}
			}
		}})
	}()
	for range 2 {
		for range 4 {
			<-scanned
		}
		server.Stop(t)
		time.Sleep(1500 * time.Millisecond) // longer than a worker may be silent
		server.Start(t)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	run, err = a.Store().Run(ctx, run.ID)
	if got := run.Totals; err != nil || run.State != store.Done || got.Deny != 8 || got.Pass != 16 || got.Failed+got.Waiting != 0 {
		t.Errorf("run %+v, %v", run, err)
	}
}

// TestDiskFull: the work ends and says why, nothing is lost, and it goes on when
// there is space again.
func TestDiskFull(t *testing.T) {
	f := newFleet(t)
	f.fill(t, 24)
	a := open(t, sqlite(t), t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := a.Plan(ctx, audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
	if err != nil {
		t.Fatal(err)
	}
	// SQLite says the same when it is not let to grow as when it cannot.
	var pages int
	if err := a.Store().DB().QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := a.Store().DB().ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 8)
	start := time.Now()
	if err := a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2, Grace: time.Second}); !errors.Is(err, store.ErrFull) {
		t.Fatalf("error %v of a full disk", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	limit(1 << 30)
	if err := a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2}); err != nil {
		t.Fatal(err)
	}
	run, err = a.Store().Run(ctx, run.ID)
	if got := run.Totals; err != nil || run.State != store.Done || got.Deny != 8 || got.Pass != 16 || got.Failed+got.Waiting != 0 {
		t.Errorf("run %+v, %v", run, err)
	}
}
