package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

// TestOpenedTogether: processes that open a new store at once make it once.
func TestOpenedTogether(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "sqlite://" + t.TempDir() + "/a.db", "postgres": storetest.Postgres(t).Database(t)} {
		t.Run(name, func(t *testing.T) {
			var g errgroup.Group
			for range 6 {
				g.Go(func() error {
					s, err := store.Open(context.Background(), url)
					if err != nil {
						return err
					}
					return s.Close()
				})
			}
			check(t, g.Wait())
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "sqlite://" + t.TempDir() + "/a.db", "postgres": storetest.Postgres(t).Database(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := must(store.Open(ctx, url))(t)
			_, err := s.DB().Exec("INSERT INTO audit_schema (version) VALUES (99)")
			check(t, err)
			check(t, s.Close())
			_, err = store.Open(ctx, url)
			var h interface{ Hint() string }
			if !errors.Is(err, store.ErrNewer) || !errors.As(err, &h) || !strings.Contains(err.Error(), "99") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no.db")
	check(t, os.WriteFile(file, []byte(strings.Repeat("this is no database\n", 100)), 0o644))
	for _, url := range []string{"", "mysql://x", "sqlite://", "sqlite://" + file, "sqlite://" + t.TempDir() + "/none/a.db", "postgres://u:secret@/x?host=/nowhere&port=z"} {
		if s, err := store.Open(context.Background(), url); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
			_ = s.Close()
		}
	}
}

// TestFull: a full disk is told as such, and what was there stays whole.
// max_page_count makes SQLite act as it does when the disk has no more pages.
func TestFull(t *testing.T) {
	ctx := context.Background()
	s := must(store.Open(ctx, "sqlite://"+t.TempDir()+"/a.db"))(t)
	defer s.Close()
	run, _ := seenAndJudged(t, s, store.Ruleset{}, denylist.Verdict{Outcome: denylist.Deny, Findings: []denylist.Finding{finding("f", denylist.Denied)}})
	var pages int
	check(t, s.DB().QueryRow("PRAGMA page_count").Scan(&pages))
	_, err := s.DB().Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+20))
	check(t, err)
	saved := 0
	for n := range 1000 {
		_, err := s.RecordImages(ctx, run.ID, "k", []store.Observation{{Repository: "h/full", Digest: digest(100 + n)}})
		if err == nil {
			v := denylist.Verdict{Outcome: denylist.Deny, Findings: []denylist.Finding{finding(fmt.Sprint("g", n), denylist.Denied)}}
			err = s.SaveResult(ctx, store.Result{Run: run.ID, Digest: digest(100 + n), BOM: noise(5000 + n), Verdict: v, At: time.Now()})
		}
		if err != nil {
			if !errors.Is(err, store.ErrFull) {
				t.Fatal(err)
			}
			break
		}
		saved++
	}
	if saved == 0 || saved == 1000 {
		t.Fatalf("%d results were saved", saved)
	}
	if err := s.WriteBlob(ctx, "x", strings.NewReader(strings.Repeat("x", 1<<20))); !errors.Is(err, store.ErrFull) {
		t.Errorf("a blob: %v", err)
	}
	recounts(t, s)
	equal(t, "results", int(must(s.Totals(ctx, store.Filter{Repository: "h/full"}))(t).Deny), saved)
	var says string
	check(t, s.DB().QueryRow("PRAGMA integrity_check").Scan(&says))
	equal(t, "the file", says, "ok")
	_, err = s.DB().Exec("PRAGMA max_page_count = 1000000")
	check(t, err)
	check(t, s.SaveResult(ctx, store.Result{Run: run.ID, Digest: digest(0), BOM: noise(100_000), Verdict: denylist.Verdict{Outcome: denylist.Pass}, At: time.Now()}))
}

// TestPostgresRestarts: what is written and read while the server restarts is
// neither lost nor done twice.
func TestPostgresRestarts(t *testing.T) {
	ctx := context.Background()
	server := storetest.Postgres(t)
	s := must(store.Open(ctx, server.Database(t)))(t)
	defer s.Close()
	run := must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working}))(t).ID
	stop := make(chan struct{})
	saved := make([]int, 3)
	var g errgroup.Group
	for worker := range saved {
		g.Go(func() error {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return nil
				default:
				}
				d := digest(worker*80 + n%80)
				if _, err := s.RecordImages(ctx, run, "k", []store.Observation{{Repository: fmt.Sprint("h/", worker), Digest: d}}); err != nil {
					return fmt.Errorf("see: %w", err)
				}
				v := denylist.Verdict{Outcome: denylist.Deny, Findings: []denylist.Finding{finding("f", denylist.Denied)}}
				if err := s.SaveResult(ctx, store.Result{Run: run, Digest: d, Key: "k", BOM: []byte("{}"), Verdict: v, At: time.Now()}); err != nil {
					return fmt.Errorf("result: %w", err)
				}
				if _, err := s.Totals(ctx, store.Filter{}); err != nil {
					return fmt.Errorf("totals: %w", err)
				}
				saved[worker] = max(saved[worker], n%80+1)
				if n >= 80 {
					saved[worker] = 80
				}
			}
		})
	}
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		server.Restart(t)
	}
	time.Sleep(300 * time.Millisecond)
	close(stop)
	check(t, g.Wait())
	recounts(t, s)
	equal(t, "images denied", int(must(s.Totals(ctx, store.Filter{}))(t).Deny), saved[0]+saved[1]+saved[2])
}

// TestLockedFile: another process that holds the file's lock is waited for.
func TestLockedFile(t *testing.T) {
	ctx := context.Background()
	file := t.TempDir() + "/a.db"
	s := must(store.Open(ctx, "sqlite://"+file))(t)
	defer s.Close()
	other := must(sql.Open("sqlite", "file:"+file+"?_txlock=immediate"))(t)
	defer other.Close()
	tx := must(other.Begin())(t)
	time.AfterFunc(300*time.Millisecond, func() { _ = tx.Rollback() })
	check(t, s.Heartbeat(ctx, "w"))
	must(s.Totals(ctx, store.Filter{}))(t)
}
