package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/store"
)

// workUntil works until done says so.
func workUntil(t *testing.T, a *audit.Audit, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for ctx.Err() == nil && !done() {
			time.Sleep(50 * time.Millisecond)
		}
		cancel()
	}()
	if err := a.Work(ctx, audit.WorkOptions{Jobs: 2}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if !done() {
		t.Fatal("not done in a minute")
	}
}

// TestNoticesAreNotForgotten: notices make runs of their own. However many there
// are, each is worked on, each run ends, and the audit's rules stay known.
func TestNoticesAreNotForgotten(t *testing.T) {
	f := newFleet(t)
	f.fill(t, 1)
	a := open(t, sqlite(t), t.TempDir())
	audited(t, a, f, law(t, acme, "2024-12-01"))
	waiting, err := a.Plan(t.Context(), audit.PlanOptions{Scope: f.scope(t), Ruleset: law(t, acme, "2024-12-01")})
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for i := range 60 {
		f.push(t, fmt.Sprintf("team/pushed:p%d", i), fmt.Sprintf("-- 0/srv/n --\n%d\n", i))
		refs = append(refs, fmt.Sprintf("%s/team/pushed:p%d", f.host, i))
	}
	f.push(t, "team/pushed:banned", "-- 0/opt/acme/bin/agent --\n#!/bin/sh\n")
	enqueue(t, a, refs...)
	enqueue(t, a, f.host+"/team/pushed:banned")
	workUntil(t, a, func() bool {
		open, err := a.Store().OpenRuns(t.Context())
		return err == nil && len(open) == 0 && len(images(t, a)) >= 62
	})
	seen := images(t, a)
	for tag, i := range seen {
		if i.State != store.Scanned {
			t.Errorf("%s is %s", tag, i.State)
		}
	}
	if seen["banned"].Verdict != "deny" {
		t.Errorf("the last image: %+v", seen["banned"])
	}
	if run, err := a.Store().Run(t.Context(), waiting.ID); err != nil || run.State != store.Done {
		t.Errorf("the run of before: %+v, %v", run, err)
	}
}

func enqueue(t *testing.T, a *audit.Audit, refs ...string) {
	t.Helper()
	if refused, err := a.Enqueue(t.Context(), refs...); err != nil || len(refused) > 0 {
		t.Fatalf("refused %v, %v", refused, err)
	}
}

// TestNoticeOutOfScope: a sender names a host; requests and credentials go only
// to hosts that an audit named.
func TestNoticeOutOfScope(t *testing.T) {
	f, other := newFleet(t), newFleet(t)
	f.fill(t, 1)
	other.push(t, "team/app0:v1", base)
	a := open(t, sqlite(t), t.TempDir())
	audited(t, a, f, law(t, acme, "2024-12-01"))
	refused := []string{
		other.host + "/team/app0:v1", "localhost:5000/a:1", "169.254.169.254/latest:1",
		"metadata.google.internal/a:1", "registry.example/team/app0:v1",
	}
	got, err := a.Enqueue(t.Context(), append(slices.Clone(refused), f.host+"/new/app:v1")...)
	if err != nil || !slices.Equal(got, refused) {
		t.Errorf("refused %v, %v, want %v", got, err, refused)
	}
}

// TestNoticeFails: a notice that cannot be worked on is kept as such until an
// audit has listed its repository; one of an image that is gone is no failure.
func TestNoticeFails(t *testing.T) {
	f := newFleet(t)
	f.fill(t, 1)
	a := open(t, sqlite(t), t.TempDir())
	enqueueFailed := func() []store.FailedNotice {
		failed, err := a.Store().FailedNotices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return failed
	}
	audited(t, a, f, law(t, acme, "2024-12-01"))
	f.push(t, "team/bad:v1", base)
	f.breakManifests.Store(true)
	enqueue(t, a, f.host+"/team/bad:v1", f.host+"/team/app0:deleted")
	workUntil(t, a, func() bool { return len(enqueueFailed()) > 0 })
	if failed := enqueueFailed(); len(failed) != 1 || failed[0].Repository != f.host+"/team/bad" || failed[0].Error == "" {
		t.Errorf("failed: %+v", failed)
	}
	f.breakManifests.Store(false)
	audited(t, a, f, law(t, acme, "2024-12-01"))
	if failed := enqueueFailed(); len(failed) != 0 {
		t.Errorf("failed after an audit: %+v", failed)
	}
}
