package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

func onBothB(b *testing.B, bench func(b *testing.B, url string)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, "sqlite://"+b.TempDir()+"/a.db") })
	b.Run("postgres", func(b *testing.B) { bench(b, storetest.Postgres(b).Database(b)) })
}

// BenchmarkSaveResult writes results of small images.
func BenchmarkSaveResult(b *testing.B) {
	onBothB(b, func(b *testing.B, url string) {
		ctx := context.Background()
		s := must(store.Open(ctx, url))(b)
		defer s.Close()
		f := storetest.Fleet{Repositories: 100}
		run := must(storetest.Fill(ctx, s, storetest.Fleet{Repositories: 100, Images: 100}))(b)
		n := 0
		for b.Loop() {
			n++
			check(b, s.SaveResult(ctx, f.Result(run.ID, n)))
		}
	})
}

// BenchmarkQueries asks what the dashboard asks, of 100,000 images with 300,000
// findings in a fifth of them, each time on new connections. All are new in run
// 1; run 2 has listed all of them again, found nothing new, and still goes on.
func BenchmarkQueries(b *testing.B) {
	onBothB(b, func(b *testing.B, url string) {
		ctx := context.Background()
		s := must(store.Open(ctx, url))(b)
		if totals := must(s.Totals(ctx, store.Filter{}))(b); totals.Images == 0 {
			start := time.Now()
			fleet := storetest.Fleet{Repositories: 2000, Images: 100_000}
			check(b, storetest.FillMany(ctx, s, fleet))
			run := must(s.BeginRun(ctx, store.Run{Kind: store.Auditing, Scope: []string{"again"}}))(b)
			check(b, storetest.See(ctx, s, run.ID, fleet))
			b.Logf("filled in %v", time.Since(start))
		}
		check(b, s.Close())
		for _, q := range queries {
			b.Run(q.name, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s := must(store.Open(ctx, url))(b)
					b.StartTimer()
					check(b, q.ask(ctx, s, 0))
					b.StopTimer()
					check(b, s.Close())
					b.StartTimer()
				}
			})
		}
	})
}

var queries = []struct {
	name string
	ask  func(ctx context.Context, s *store.Store, limit int) error // of pages; zero means 100
}{
	{"totals", totals(store.Filter{})},
	{"totals of a team", totals(store.Filter{Team: "team03"})},
	{"totals of a glob", totals(store.Filter{Repository: "registry.example/team0*"})},
	{"totals of a vendor denied", totals(store.Filter{Vendor: "vendor03", Level: denylist.Denied})},
	{"totals new in run", totals(store.Filter{NewIn: 1})},
	{"totals new in run denied", totals(store.Filter{NewIn: 1, Level: denylist.Denied})},
	{"totals new in run of a vendor", totals(store.Filter{NewIn: 1, Vendor: "vendor03"})},
	{"totals new in run of a regime", totals(store.Filter{NewIn: 1, Regime: "regime3"})},
	{"totals new in the second run", totals(store.Filter{NewIn: 2})},
	{"totals since", totals(store.Filter{Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})},
	{"totals since of a vendor", totals(store.Filter{Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Vendor: "vendor03"})},
	{"totals of a text", totals(store.Filter{Text: "app0012"})},
	{"totals of a text everywhere", totals(store.Filter{Text: "app"})},
	{"by vendor", by(store.ByVendor, store.Filter{})},
	{"by regime", by(store.ByRegime, store.Filter{})},
	{"by repository", by(store.ByRepository, store.Filter{})},
	{"by team", by(store.ByTeam, store.Filter{})},
	{"by vendor of a glob", by(store.ByVendor, store.Filter{Repository: "*app00*"})},
	{"by vendor denied", by(store.ByVendor, store.Filter{Level: denylist.Denied})},
	{"by regime of a vendor", by(store.ByRegime, store.Filter{Vendor: "vendor03"})},
	{"by vendor new in run", by(store.ByVendor, store.Filter{NewIn: 1})},
	{"by regime new in run", by(store.ByRegime, store.Filter{NewIn: 1})},
	{"by repository new in run", by(store.ByRepository, store.Filter{NewIn: 1})},
	{"by team new in run", by(store.ByTeam, store.Filter{NewIn: 1})},
	{"by vendor new in the second run", by(store.ByVendor, store.Filter{NewIn: 2})},
	{"by vendor of a text", by(store.ByVendor, store.Filter{Text: "app0012"})},
	{"images", images(store.Filter{})},
	{"images far", images(store.Filter{After: "eyJyIjoicmVnaXN0cnkuZXhhbXBsZS90ZWFtMTkvYXBwMTk5OSIsImQiOiJzaGEyNTY6OCJ9"})},
	{"images denied", images(store.Filter{Verdict: denylist.Deny})},
	{"images incomplete", images(store.Filter{Verdict: denylist.Incomplete})},
	{"images failed", images(store.Filter{State: store.Failed})},
	{"images of a team", images(store.Filter{Team: "team13"})},
	{"images of a vendor", images(store.Filter{Vendor: "vendor07"})},
	{"images of a regime denied", images(store.Filter{Regime: "regime3", Level: denylist.Denied})},
	{"images of a text", images(store.Filter{Text: "app0012"})},
	{"images of a tag", images(store.Filter{Text: "build-77777"})},
	{"images of a digest's part", images(store.Filter{Text: "77777"})},
	{"images of nothing", images(store.Filter{Text: "nowhere to be seen"})},
	{"images of a component", images(store.Filter{Text: "component-3-12"})},
	{"images new in run", images(store.Filter{NewIn: 1})},
	{"images new in run denied", images(store.Filter{NewIn: 1, Verdict: denylist.Deny})},
	{"images new in the second run", images(store.Filter{NewIn: 2})},
	{"images gone", images(store.Filter{Gone: true})},
	{"findings", findings(store.Filter{})},
	{"findings denied", findings(store.Filter{Level: denylist.Denied})},
	{"findings of a vendor", findings(store.Filter{Vendor: "vendor11"})},
	{"findings of a regime", findings(store.Filter{Regime: "regime5"})},
	{"findings of a team", findings(store.Filter{Team: "team13"})},
	{"findings of a text", findings(store.Filter{Text: "component-3-12"})},
	{"findings of nothing", findings(store.Filter{Text: "nowhere"})},
	{"findings of one ID", findings(store.Filter{Finding: "0000000000000000"})},
	{"findings new in run", findings(store.Filter{NewIn: 1})},
	{"findings new in run of a vendor", findings(store.Filter{NewIn: 1, Vendor: "vendor03"})},
	{"findings new in the second run", findings(store.Filter{NewIn: 2})},
	{"findings gone", findings(store.Filter{Gone: true})},
	{"trend", func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Trend(ctx, 30)
		return err
	}},
	{"runs", func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Runs(ctx, 30)
		return err
	}},
	{"run", func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Run(ctx, 0)
		return err
	}},
	{"changes", func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Changes(ctx, 1)
		return err
	}},
	{"repositories", func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Repositories(ctx, "*app00*")
		return err
	}},
}

func totals(f store.Filter) func(context.Context, *store.Store, int) error {
	return func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.Totals(ctx, f)
		return err
	}
}

func by(what store.Group, f store.Filter) func(context.Context, *store.Store, int) error {
	return func(ctx context.Context, s *store.Store, _ int) error {
		_, err := s.By(ctx, what, f)
		return err
	}
}

func images(f store.Filter) func(context.Context, *store.Store, int) error {
	return func(ctx context.Context, s *store.Store, limit int) error {
		f.Limit = limit
		_, _, err := s.Images(ctx, f)
		return err
	}
}

func findings(f store.Filter) func(context.Context, *store.Store, int) error {
	return func(ctx context.Context, s *store.Store, limit int) error {
		f.Limit = limit
		_, _, err := s.Findings(ctx, f)
		return err
	}
}
