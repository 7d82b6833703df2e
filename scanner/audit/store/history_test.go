package store_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/sha256"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

// onBoth runs a test on SQLite and on PostgreSQL. Open opens the same empty
// store each time, with a clock.
func onBoth(t *testing.T, test func(t *testing.T, open func(now func() time.Time) *store.Store)) {
	opener := func(t *testing.T, url string) func(func() time.Time) *store.Store {
		return func(now func() time.Time) *store.Store {
			t.Helper()
			s, err := store.OpenWith(context.Background(), url, store.Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		}
	}
	t.Run("sqlite", func(t *testing.T) { test(t, opener(t, "sqlite://"+t.TempDir()+"/a #?%20.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, opener(t, storetest.Postgres(t).Database(t))) })
}

var (
	vendors      = []string{"acme", "bolt", "corp"}
	regimes      = []string{"eu-a", "us-b", "us_c"}
	repositories = []string{"h/a", "h/b_1", "h/b/x", "g/A"}
	teams        = []string{"", "red", "blue"}
	tags         = []string{"latest", "v1", "v2", "nightly"}
	platforms    = []string{"linux/amd64", "linux/arm64"}
	layerPool    = []string{"l0", "l1", "l2", "l3", "l4", "l5"}
)

func digest(n int) string {
	sum := sha256.Sum256([]byte{byte(n)})
	return "sha256:" + hex.EncodeToString(sum[:])
}

func pick[T any](r *rand.Rand, vs []T) T { return vs[r.IntN(len(vs))] }

func some[T any](r *rand.Rand, vs []T) (out []T) {
	for _, v := range vs {
		if r.IntN(2) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// verdict makes one up: findings of a few IDs, so that images share them, at
// levels that differ.
func verdict(r *rand.Rand) denylist.Verdict {
	v := denylist.Verdict{Outcome: pick(r, []denylist.Outcome{denylist.Pass, denylist.Incomplete}), AsOf: denylist.DateOf(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)),
		List: denylist.ListID{Name: "list", Version: "1", Digest: "sha256:0"}, Regimes: regimes}
	if r.IntN(3) == 0 {
		return v
	}
	for n := range 6 {
		if r.IntN(2) == 0 {
			continue
		}
		f := denylist.Finding{ID: fmt.Sprintf("f%d", n), Vendor: vendors[n%3], VendorName: strings.ToUpper(vendors[n%3]), Level: denylist.Mention,
			Component:   denylist.ComponentRef{Ref: "x", Name: []string{"Scanner", "engine-x", "50%_off"}[n/2], Version: "1"},
			Occurrences: []sbom.Occurrence{{Path: fmt.Sprintf("/opt/%d", n), Hidden: r.IntN(2) == 0}}}
		left := denylist.Mention
		for _, regime := range some(r, regimes) {
			g := denylist.Ruling{Regime: regime, Verdict: pick(r, []denylist.RulingVerdict{
				denylist.RulingDenied, denylist.RulingReview, denylist.RulingNotCovered, denylist.RulingMention})}
			if r.IntN(4) == 0 {
				g.Waiver = &denylist.Waiver{}
			} else if g.Verdict == denylist.RulingDenied || g.Verdict == denylist.RulingReview && left == denylist.Mention {
				left = denylist.Level(g.Verdict)
			}
			f.Rulings = append(f.Rulings, g)
		}
		f.Level = left
		if left == denylist.Denied {
			v.Outcome = denylist.Deny
		}
		v.Findings = append(v.Findings, f)
	}
	return v
}

// history is a random one of a store and of the model of it.
type history struct {
	t    *testing.T
	r    *rand.Rand
	s    *store.Store
	m    *model
	runs []int64
}

func (h *history) step(ctx context.Context) (what string, err error) {
	h.m.now = h.m.now.Add(time.Second)
	if len(h.runs) == 0 || h.r.IntN(8) == 0 {
		run, err := h.s.BeginRun(ctx, store.Run{Kind: store.Auditing, State: store.Working, Scope: []string{"h"}})
		h.runs = append(h.runs, run.ID)
		h.m.begin(run.ID)
		return "begin", err
	}
	if h.r.IntN(8) == 0 {
		return "settle", h.settle(ctx, pick(h.r, h.runs))
	}
	// Mostly the newest run, sometimes an older one beside it.
	run := h.runs[len(h.runs)-1]
	if h.r.IntN(4) == 0 {
		run = pick(h.r, h.runs)
	}
	d := digest(h.r.IntN(8))
	known := h.m.manifests[d]
	switch n := h.r.IntN(10); {
	case n < 3:
		key := pick(h.r, []string{"k1", "k1", "k1", "k2"})
		seen := h.observations()
		todo, err := h.s.RecordImages(ctx, run, key, slices.Clone(seen))
		if want := h.m.see(run, key, seen); err == nil && !slices.Equal(todo, want) {
			h.t.Fatalf("todo %v, want %v", todo, want)
		}
		return fmt.Sprintf("see %d %s %v", run, key, seen), err
	case n < 4:
		gone := some(h.r, repositories)
		h.m.markMissing(run, gone)
		return fmt.Sprintf("markMissing %d %v", run, gone), h.s.MarkMissing(ctx, run, gone)
	case known == nil:
		return "", nil
	case n < 8:
		r := store.Result{Run: run, Digest: d, Key: pick(h.r, []string{"k1", "k2"}), Verdict: verdict(h.r), BOM: []byte("{}"), Report: []byte("{}"), At: h.m.now}
		for i, l := range layerPool {
			if int(d[8]+d[9])>>i&1 == 1 { // an image's layers are always the same
				r.Layers = append(r.Layers, store.Layer{DiffID: l, Size: int64(i + 1), Read: h.r.IntN(3) == 0})
			}
		}
		h.m.result(r)
		if err := h.s.SaveResult(ctx, r); err != nil || h.r.IntN(3) > 0 {
			return fmt.Sprintf("result %d %s", run, d), err
		}
		return "result, twice", h.s.SaveResult(ctx, r)
	case n < 9:
		final := h.r.IntN(2) == 0
		h.m.failure(run, d, "why", 2, final)
		return fmt.Sprintf("failure %d %s %v", run, d, final), h.s.SaveFailure(ctx, run, d, "why", 2, final)
	case known.verdict == nil:
		return "", nil
	}
	v := verdict(h.r)
	h.m.judged(run, d, v)
	return fmt.Sprintf("verdict %d %s", run, d), h.s.SaveVerdict(ctx, run, d, v, nil, h.m.now)
}

// running checks the totals of all runs that have not ended.
func (h *history) running(ctx context.Context) {
	h.t.Helper()
	for _, run := range h.runs {
		have, err := h.s.Run(ctx, run)
		if err != nil {
			h.t.Fatal(err)
		}
		want := h.m.runTotals(run)
		want.Layers = int64(len(h.m.runs[run].read)) // while it runs, of what was looked at
		if diff := gocmp.Diff(want, have.Totals); diff != "" {
			h.t.Fatalf("run %d, running (-want +have)\n%s", run, diff)
		}
	}
}

// settle checks that a run ends when nothing of it waits, with its totals.
func (h *history) settle(ctx context.Context, run int64) error {
	have, err := h.s.Run(ctx, run)
	if err != nil {
		return err
	}
	want := h.m.runTotals(run)
	have.Totals.Layers = want.Layers // while it runs, of what was looked at
	if diff := gocmp.Diff(want, have.Totals); diff != "" {
		h.t.Fatalf("run %d (-want +have)\n%s", run, diff)
	}
	done, err := h.s.FinishIfDone(ctx, run)
	if err != nil || done != (len(h.m.runs[run].waits) == 0) {
		h.t.Fatalf("settle: %v, %v; %d wait", done, err, len(h.m.runs[run].waits))
	}
	if !done {
		return nil
	}
	h.runs = slices.DeleteFunc(h.runs, func(id int64) bool { return id == run })
	have, err = h.s.Run(ctx, run)
	if diff := gocmp.Diff(want, have.Totals); err != nil || diff != "" || have.State != store.Done || !have.Ended.Equal(h.m.now) {
		h.t.Fatalf("run %d, %s at %v: %v (-want +have)\n%s", run, have.State, have.Ended, err, diff)
	}
	return nil
}

func (h *history) observations() []store.Observation {
	var seen []store.Observation
	at := map[[2]string]bool{}
	for range 1 + h.r.IntN(6) {
		n := h.r.IntN(8)
		g := store.Observation{Repository: pick(h.r, repositories), Digest: digest(n), Platform: platforms[n%2], Team: pick(h.r, teams), Tags: some(h.r, tags)}
		if !at[[2]string{g.Repository, g.Digest}] {
			at[[2]string{g.Repository, g.Digest}] = true
			seen = append(seen, g)
		}
	}
	return seen
}

// check compares all that the store answers with the model, under a filter.
func (h *history) check(ctx context.Context, f store.Filter) {
	t, s, m := h.t, h.s, h.m
	t.Helper()
	same := func(what string, have, want any, err error) {
		t.Helper()
		if diff := gocmp.Diff(want, have); err != nil || diff != "" {
			t.Fatalf("%s under %+v: %v (-want +have)\n%s", what, f, err, diff)
		}
	}
	totals, err := s.Totals(ctx, f)
	same("totals", totals, m.totals(f), err)
	for _, what := range []store.Group{store.ByVendor, store.ByRegime, store.ByRepository, store.ByTeam} {
		counts, err := s.By(ctx, what, f)
		slices.SortFunc(counts, func(a, b store.Count) int { return strings.Compare(a.Name, b.Name) })
		for i := range counts {
			c := &counts[i]
			if at := string(what) + c.Name; f == (store.Filter{}) { // before the model forgets
				if m.firsts[at].IsZero() {
					m.firsts[at] = m.now
				}
				same("first seen of "+at, c.FirstSeen, m.firsts[at], nil)
			}
			c.Title, c.FirstSeen = "", time.Time{}
		}
		if len(counts) == 0 {
			counts = nil
		}
		same("by "+string(what), counts, m.by(what, f), err)
	}
	var images, wantImages []string
	f.Limit = 1 + h.r.IntN(4)
	for g := f; ; {
		page, next, err := s.Images(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			images = append(images, fmt.Sprint(i.Repository, i.Digest, i.Platform, i.Team, i.Tags, i.State, i.Error, i.Attempts, i.Verdict, i.FirstSeen, i.LastSeen, i.Gone))
		}
		if g.After = next; next == "" {
			break
		}
	}
	f.Limit = 0
	for _, i := range m.list(f) {
		g := m.manifests[i.digest]
		var outcome denylist.Outcome
		if g.verdict != nil {
			outcome = g.verdict.Outcome
		}
		if len(i.tags) == 0 {
			i.tags = nil
		}
		wantImages = append(wantImages, fmt.Sprint(i.repository, i.digest, i.platform, i.team, i.tags, g.state, g.error, g.attempts, outcome, i.firstSeen, i.lastSeen, i.gone))
	}
	same("images", images, wantImages, nil)
	same("findings", h.findings(ctx, f), h.wantFindings(f), nil)
}

func (h *history) findings(ctx context.Context, f store.Filter) (out []string) {
	f.Limit = 1 + h.r.IntN(6)
	for {
		page, next, err := h.s.Findings(ctx, f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, g := range page {
			digest := g.Digest
			if f.Gone && f.Digest == "" {
				digest = "" // any that had it
				g.Level = ""
			}
			out = append(out, fmt.Sprint(g.Repository, digest, g.Level, g.ID, g.FirstSeen, g.FirstRun, g.Gone))
		}
		if f.After = next; next == "" {
			return out
		}
	}
}

func (h *history) wantFindings(f store.Filter) (out []string) {
	if f.Gone && f.Digest == "" {
		if f != (store.Filter{Gone: true, Finding: f.Finding, Repository: f.Repository, NewIn: f.NewIn, Since: f.Since}) {
			return h.findings(context.Background(), f) // what it last was is not modelled
		}
		for at, s := range h.m.sights {
			if !s.gone.IsZero() && (f.Finding == "" || f.Finding == at[1]) && (f.Repository == "" || like(f.Repository, at[0])) &&
				(f.NewIn == 0 || f.NewIn == s.run) && !s.first.Before(f.Since) {
				out = append(out, fmt.Sprint(at[0], "", "", at[1], s.first, s.run, s.gone))
			}
		}
		slices.Sort(out)
		return out
	}
	order := map[denylist.Level]int{denylist.Denied: 0, denylist.Review: 1, denylist.Mention: 2}
	var images []*modelImage
	for _, i := range h.m.list(store.Filter{Gone: f.Gone}) {
		if h.m.selects(&f, i) {
			images = append(images, i)
		}
	}
	for _, i := range images {
		found := h.m.finds(&f, i)
		slices.SortFunc(found, func(a, b denylist.Finding) int {
			return cmp.Or(order[a.Standing()]-order[b.Standing()], strings.Compare(a.ID, b.ID))
		})
		for _, g := range found {
			s := h.m.sights[[2]string{i.repository, g.ID}]
			if h.m.since(s, &f) && h.m.text(f.Text, i, g.Component.Name) {
				if s == nil {
					s = &modelSight{}
				}
				out = append(out, fmt.Sprint(i.repository, i.digest, g.Standing(), g.ID, s.first, s.run, s.gone))
			}
		}
	}
	return out
}

// TestHistory: after any history of seeing, looking, failing, judging again and
// vanishing, all answers are those of counting everything anew.
func TestHistory(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		h := &history{t: t, r: rand.New(rand.NewPCG(6, 1)), m: newModel()}
		h.s = open(func() time.Time { return h.m.now })
		for n := range 400 {
			what, err := h.step(ctx)
			if err != nil {
				t.Fatalf("step %d: %s: %v", n, what, err)
			}
			h.running(ctx)
			h.check(ctx, store.Filter{})
			h.check(ctx, h.filter())
			h.check(ctx, h.late())
			if t.Failed() {
				t.Fatalf("after step %d: %s", n, what)
			}
		}
		recounts(t, h.s)
	})
}
