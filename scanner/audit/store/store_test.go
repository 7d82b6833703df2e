package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// must returns a value that has no error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t testing.TB, what string, have, want T) {
	t.Helper()
	if diff := gocmp.Diff(want, have); diff != "" {
		t.Errorf("%s (-want +have)\n%s", what, diff)
	}
}

const theList = `denylist: 1
regimes:
- id: us-b
  name: The B act
  effects: [use-ban]
vendors:
- id: acme
  name: Acme Inc.
`

func TestRunsKeepTheirLaw(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		if _, err := s.Run(ctx, 0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no run: %v", err)
		}
		ruleset := store.Ruleset{
			List: denylist.ListID{Name: "test", Version: "1", Digest: "sha256:1"}, Regimes: []string{"us-b"},
			AsOf: must(denylist.ParseDate("2026-10-01"))(t), Text: []byte(theList), Waivers: []byte("waivers: []"),
			Policy: denylist.Policy{Regimes: []string{"us-b"}, Mentions: true},
		}
		want := store.Run{Kind: store.Auditing, Scope: []string{"registry.example", "a list"}, Method: "tags", Ruleset: ruleset,
			Problems: []store.Problem{{What: "x", Reason: "403"}}}
		first := must(s.BeginRun(ctx, want))(t)
		want.ID, want.State, want.Started = first.ID, store.Planning, first.Started
		equal(t, "the run as it begins", first, want)
		equal(t, "the run as it is read", must(s.Run(ctx, 0))(t), want)

		ruleset.AsOf = must(denylist.ParseDate("2026-10-02"))(t)
		second := must(s.BeginRun(ctx, store.Run{Kind: store.Rejudging, Ruleset: ruleset}))(t)
		equal(t, "another day's ruleset", must(s.Run(ctx, second.ID))(t).Ruleset, ruleset)
		var texts, rulesets int
		check(t, s.DB().QueryRow("SELECT (SELECT count(*) FROM audit_text), (SELECT count(*) FROM audit_law)").Scan(&texts, &rulesets))
		equal(t, "texts and rulesets", []int{texts, rulesets}, []int{2, 2})

		check(t, s.SetRun(ctx, first.ID, store.Stopped, []store.Problem{{What: "y", Reason: "z"}}, "the disk is full"))
		check(t, s.SetRun(ctx, first.ID, store.Working, nil, "too late"))
		got := must(s.Run(ctx, first.ID))(t)
		if got.State != store.Stopped || got.Error != "the disk is full" || got.Ended.IsZero() || got.Problems[0].What != "y" {
			t.Errorf("stopped: %+v", got)
		}
		check(t, s.SetRun(ctx, second.ID, store.Working, nil, ""))
		for range 2 {
			if !must(s.FinishIfDone(ctx, second.ID))(t) {
				t.Error("a run that waits for nothing does not end")
			}
		}
		runs := must(s.Runs(ctx, 1))(t)
		if len(runs) != 1 || runs[0].ID != second.ID || runs[0].Ruleset.Text != nil || runs[0].Ruleset.List.Name != "test" {
			t.Errorf("runs: %+v", runs)
		}
		if trend := must(s.Trend(ctx, 5))(t); len(trend) != 1 || trend[0].ID != second.ID {
			t.Errorf("trend: %+v", trend)
		}
	})
}

// seenAndJudged makes a run, and one image with that verdict.
func seenAndJudged(t testing.TB, s *store.Store, ruleset store.Ruleset, v denylist.Verdict) (run store.Run, digests []string) {
	t.Helper()
	ctx := context.Background()
	run = must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working, Ruleset: ruleset}))(t)
	var seen []store.Observation
	for n := range 3 {
		seen = append(seen, store.Observation{Repository: "h/a", Digest: digest(n), Tags: []string{fmt.Sprint("v", n)}, Workloads: []string{"ns/pod/c"}})
	}
	digests = must(s.RecordImages(ctx, run.ID, "k", seen))(t)
	for _, d := range digests {
		check(t, s.SaveResult(ctx, store.Result{
			Run: run.ID, Digest: d, ImageID: "sha256:i", Key: "k", Platform: "linux/arm64", Created: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
			Labels: map[string]string{"team": "red"}, Layers: []store.Layer{{DiffID: "l", Size: 2, Read: true}},
			BOM: bytes.Repeat([]byte(d), 1000), Report: []byte("report of " + d), Verdict: v, At: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
		}))
	}
	return run, digests
}

func finding(id string, l denylist.Level) denylist.Finding {
	return denylist.Finding{ID: id, Vendor: "acme", VendorName: "Acme Inc.", Level: l, Component: denylist.ComponentRef{Name: "c-" + id},
		Rulings: []denylist.Ruling{{Regime: "us-b", Verdict: denylist.RulingVerdict(l)}}}
}

func TestDocumentsAndImages(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		v := denylist.Verdict{Outcome: denylist.Deny, Findings: []denylist.Finding{finding("f", denylist.Denied)},
			List: denylist.ListID{Name: "n", Version: "v", Digest: "d"}, AsOf: must(denylist.ParseDate("2026-10-01"))(t)}
		run, digests := seenAndJudged(t, s, store.Ruleset{Text: []byte(theList)}, v)
		d := digests[0]
		equal(t, "bill of materials", string(must(s.BOM(ctx, d))(t)), string(bytes.Repeat([]byte(d), 1000)))
		equal(t, "report", string(must(s.Report(ctx, d))(t)), "report of "+d)
		if _, err := s.BOM(ctx, "sha256:none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no bill of materials: %v", err)
		}
		image := must(s.Image(ctx, "h/a", d))(t)
		image.FirstSeen, image.LastSeen = time.Time{}, time.Time{}
		equal(t, "image", image, store.Image{
			Repository: "h/a", Digest: d, Platform: "linux/arm64", Tags: image.Tags, Labels: map[string]string{"team": "red"}, Workloads: []string{"ns/pod/c"},
			State: store.Scanned, Verdict: denylist.Deny, Denied: 1, Created: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
			ScannedAt: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), JudgedAt: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
			List: v.List, AsOf: v.AsOf,
		})
		if _, err := s.Image(ctx, "h/b", d); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no image: %v", err)
		}
		counts := must(s.By(ctx, store.ByVendor, store.Filter{}))(t)
		equal(t, "the vendor's name", counts[0].Title, "Acme Inc.")
		counts = must(s.By(ctx, store.ByRegime, store.Filter{}))(t)
		equal(t, "the regime's name", counts[0].Title, "The B act")
		if _, _, err := s.Images(ctx, store.Filter{After: "?"}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("cursor: %v", err)
		}

		var all []string
		for after := ""; ; {
			page := must(s.BOMs(ctx, after, 2))(t)
			if len(page) == 0 {
				break
			}
			for _, b := range page {
				all = append(all, b.Digest)
				equal(t, "stored", string(b.Report)+b.Key+b.ImageID+b.Platform+b.Labels["team"], "report of "+b.Digest+"k"+"sha256:i"+"linux/arm64red")
			}
			after = all[len(all)-1]
		}
		equal(t, "all bills of materials", all, digests)

		must(s.BeginRun(ctx, store.Run{Kind: store.Auditing}))(t)
		check(t, s.MarkMissing(ctx, run.ID+1, []string{"h/a"}))
		equal(t, "repositories", must(s.Repositories(ctx, "h/*"))(t), []string(nil))
		places := must(s.Places(ctx, d))(t)
		if len(places) != 1 || places[0].Gone.IsZero() {
			t.Errorf("places: %+v", places)
		}
	})
}

func TestJudgingAgainTellsWhatChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		before := denylist.Verdict{Outcome: denylist.Deny, Findings: []denylist.Finding{finding("gone", denylist.Denied), finding("less", denylist.Denied), finding("same", denylist.Review)}}
		_, digests := seenAndJudged(t, s, store.Ruleset{Text: []byte("old")}, before)
		again := must(s.BeginRun(ctx, store.Run{Kind: store.Rejudging, State: store.Working, Ruleset: store.Ruleset{Text: []byte("new")}}))(t)
		equal(t, "outdated", len(must(s.Outdated(ctx, again.ID, "", 10))(t)), 3)

		after := denylist.Verdict{Outcome: denylist.Incomplete, Findings: []denylist.Finding{finding("less", denylist.Review), finding("new", denylist.Review), finding("same", denylist.Review)}}
		at := time.Now()
		check(t, s.SaveVerdict(ctx, again.ID, digests[0], before, nil, at)) // first as it was
		equal(t, "changes of the same verdict", len(must(s.Changes(ctx, again.ID))(t)), 0)
		for range 2 { // the second time changes nothing
			check(t, s.SaveVerdict(ctx, again.ID, digests[0], after, []byte("anew"), at))
		}
		check(t, s.SaveVerdict(ctx, again.ID, digests[1], before, nil, at))
		equal(t, "outdated", must(s.Outdated(ctx, again.ID, "", 10))(t)[0].Digest, digests[2])
		equal(t, "report", string(must(s.Report(ctx, digests[0]))(t)), "anew")

		changes := must(s.Changes(ctx, again.ID))(t)
		if len(changes) != 1 {
			t.Fatalf("changes: %+v", changes)
		}
		name := func(fs []store.Finding) (out []string) {
			for _, f := range fs {
				out = append(out, f.ID+" "+string(f.Level)+" "+f.Component.Name)
			}
			return out
		}
		c := changes[0]
		equal(t, "added", name(c.Added), []string{"less review c-less", "new review c-new"})
		equal(t, "removed", name(c.Removed), []string{"gone denied c-gone", "less denied c-less"})
		equal(t, "outcomes", []denylist.Outcome{c.Before, c.After}, []denylist.Outcome{denylist.Deny, denylist.Incomplete})

		check(t, s.SaveVerdict(ctx, again.ID, digests[0], before, nil, at))
		equal(t, "changes taken back", len(must(s.Changes(ctx, again.ID))(t)), 0)
		if err := s.SaveVerdict(ctx, again.ID, "sha256:none", after, nil, at); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("verdict of nothing: %v", err)
		}
	})
}

// TestOrderDoesNotMatter: the same results, saved in any order, count the same.
func TestOrderDoesNotMatter(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		r := rand.New(rand.NewPCG(6, 2))
		var seen []store.Observation
		var results []store.Result
		for n := range 20 {
			seen = append(seen, store.Observation{Repository: pick(r, repositories), Digest: digest(n), Team: pick(r, teams)})
			results = append(results, store.Result{Digest: digest(n), Verdict: verdict(r), BOM: []byte("{}"), At: time.Unix(1, 0)})
		}
		var first []any
		for range 4 {
			run := must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working}))(t).ID
			r.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
			must(s.RecordImages(ctx, run, fmt.Sprint(run), seen))(t) // another key, so all are looked at again
			for _, i := range r.Perm(len(results)) {
				results[i].Run = run
				check(t, s.SaveResult(ctx, results[i]))
			}
			counts := []any{must(s.Totals(ctx, store.Filter{}))(t)}
			for _, what := range []store.Group{store.ByVendor, store.ByRegime, store.ByRepository, store.ByTeam} {
				counts = append(counts, must(s.By(ctx, what, store.Filter{}))(t))
			}
			counts[3], counts[4] = nil, nil
			for i, what := range []store.Group{store.ByRepository, store.ByTeam} {
				for _, c := range must(s.By(ctx, what, store.Filter{}))(t) {
					c.FirstSeen = time.Time{} // of waiting images, which is now
					counts[3+i] = fmt.Sprint(counts[3+i], c)
				}
			}
			if first == nil {
				first = counts
			}
			equal(t, "counts", counts, first)
		}
	})
}

// TestBesideEachOther: many workers, planners and judges at once lose no count:
// in the end the counters are what counting the rows gives.
func TestBesideEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		stores := []*store.Store{open(nil), open(nil)}
		var runs []int64
		for range 3 {
			runs = append(runs, must(stores[0].BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working}))(t).ID)
		}
		var g errgroup.Group
		for n := range 6 {
			r := rand.New(rand.NewPCG(6, uint64(n)))
			h := &history{t: t, r: r, m: newModel()}
			s := stores[n%2]
			g.Go(func() error {
				for range 60 {
					d, run := digest(r.IntN(8)), pick(r, runs)
					var err error
					switch r.IntN(5) {
					case 0, 1:
						err = s.SaveResult(ctx, store.Result{Run: run, Digest: d, Key: "k", Verdict: verdict(r), BOM: []byte("{}"), At: time.Now(),
							Layers: []store.Layer{{DiffID: "base"}, {DiffID: layerPool[int(d[9])%len(layerPool)], Read: true}}})
					case 2:
						_, err = s.RecordImages(ctx, run, pick(r, []string{"k", "l"}), h.observations())
					case 3:
						err = s.MarkMissing(ctx, run, some(r, repositories))
					case 4:
						if err = s.SaveVerdict(ctx, run, d, verdict(r), nil, time.Now()); errors.Is(err, store.ErrNotFound) {
							err = nil
						}
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		check(t, g.Wait())
		recounts(t, stores[0])
		for _, table := range []string{"audit_new", "audit_run_cell", "audit_run_read"} {
			if count(t, stores[0], "SELECT count(*) FROM "+table) == 0 {
				t.Errorf("nothing is in %s", table)
			}
		}
	})
}

func TestFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		run := must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working}))(t).ID
		seen := []store.Observation{{Repository: "h/a", Digest: "sha256:1"}}
		equal(t, "to do", must(s.RecordImages(ctx, run, "k", slices.Clone(seen)))(t), []string{"sha256:1"})
		equal(t, "to do again", must(s.RecordImages(ctx, run, "k", slices.Clone(seen)))(t), []string{"sha256:1"})
		check(t, s.SaveFailure(ctx, run, "sha256:1", "503", 1, false))
		image := must(s.Image(ctx, "h/a", "sha256:1"))(t)
		if image.State != store.Waiting || image.Attempts != 1 || image.Error != "503" || must(s.FinishIfDone(ctx, run))(t) {
			t.Errorf("after a try: %+v", image)
		}
		check(t, s.SaveFailure(ctx, run, "sha256:1", "404", 2, true))
		equal(t, "to do in the same run", must(s.RecordImages(ctx, run, "k", slices.Clone(seen)))(t), []string{})
		if !must(s.FinishIfDone(ctx, run))(t) {
			t.Error("a failure keeps the run waiting")
		}
		next := must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working}))(t).ID
		equal(t, "to do in the next run", must(s.RecordImages(ctx, next, "k", slices.Clone(seen)))(t), []string{"sha256:1"})
		check(t, s.SaveResult(ctx, store.Result{Run: next, Digest: "sha256:1", Key: "k", BOM: []byte("{}"), Verdict: denylist.Verdict{Outcome: denylist.Pass}, At: time.Now()}))
		check(t, s.SaveFailure(ctx, next, "sha256:1", "late", 1, true))
		if image = must(s.Image(ctx, "h/a", "sha256:1"))(t); image.State != store.Scanned || image.Error != "" {
			t.Errorf("a failure after the result: %+v", image)
		}
	})
}
