package store_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

// recounts checks that the counters are what counting the rows gives.
func recounts(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := context.Background()
	filters := []store.Filter{{}, {Gone: true}, {Since: time.Unix(1, 0)}, {Text: "h/"}}
	for _, run := range must(s.Runs(ctx, 0))(t) {
		filters = append(filters, store.Filter{NewIn: run.ID}, store.Filter{NewIn: run.ID, Gone: true}, store.Filter{NewIn: run.ID, Vendor: "acme"},
			store.Filter{NewIn: run.ID, Level: denylist.Denied}, store.Filter{NewIn: run.ID, Regime: "us-b", Level: denylist.Review})
	}
	for _, f := range filters {
		for _, by := range []store.Group{"", store.ByVendor, store.ByRegime, store.ByRepository, store.ByTeam} {
			if f.Gone && (by == store.ByVendor || by == store.ByRegime) {
				continue // what was judged when it was gone has no first sight
			}
			fast, slow, err := s.Count(ctx, by, f)
			if check(t, err); len(slow) == 0 && f == (store.Filter{}) {
				t.Error("nothing is there")
			}
			equal(t, fmt.Sprintf("counts by %q of %+v", by, f), fast, slow)
		}
	}
	remade(t, s)
	var wrong int
	check(t, s.DB().QueryRow(`SELECT count(*) FROM audit_finding g WHERE g.images <>
		(SELECT count(*) FROM audit_image i JOIN audit_found f ON f.manifest_id = i.manifest_id
		WHERE i.repository_id = g.repository_id AND i.gone = 0 AND f.finding = g.finding) OR (g.images = 0) <> (g.gone <> 0)`).Scan(&wrong))
	equal(t, "findings of repositories that are counted wrong", wrong, 0)
	check(t, s.DB().QueryRow(`SELECT count(*) FROM audit_layer l WHERE (l.gone = 0) <> EXISTS
		(SELECT 1 FROM audit_manifest_layer ml JOIN audit_image i ON i.manifest_id = ml.manifest_id AND i.gone = 0 WHERE ml.layer_id = l.id)`).Scan(&wrong))
	equal(t, "layers that are counted wrong", wrong, 0)
}

// remade checks that the counters of new images and of running runs are what
// the migration that brought them makes of the rows.
func remade(t *testing.T, s *store.Store) {
	t.Helper()
	for table, columns := range map[string]string{
		"audit_new":      "first_run, gone, repository_id, team, platform, state, outcome, images, with_denied, with_review, only_review, with_mention, findings, denied, review",
		"audit_run_cell": "run_id, repository_id, state, outcome, images, findings, denied, review",
		"audit_run_read": "run_id, sum(layers) AS layers, sum(was_read) AS was_read, sum(bytes) AS bytes",
	} {
		text := string(must(os.ReadFile("schema/0002_new_and_running.sql"))(t))
		_, text, _ = strings.Cut(text, "INSERT INTO "+table+" (")
		names, text, _ := strings.Cut(text, ")\n")
		query, _, ok := strings.Cut(text, ";\n")
		if !ok {
			t.Fatalf("the migration does not fill %s", table)
		}
		group, shown := "", "images <> 0"
		if table == "audit_run_read" {
			group, shown = " GROUP BY run_id", "1 = 1"
		}
		have := lines(t, s, "SELECT "+columns+" FROM "+table+" WHERE "+shown+group)
		want := lines(t, s, "WITH made ("+names+") AS ("+query+") SELECT "+columns+" FROM made"+group)
		equal(t, table, have, want)
	}
}

// lines are the rows of a query, sorted.
func lines(t *testing.T, s *store.Store, query string) (out []string) {
	t.Helper()
	rows := must(s.DB().Query(query))(t)
	defer rows.Close()
	columns := must(rows.Columns())(t)
	for rows.Next() {
		row := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		check(t, rows.Scan(into...))
		out = append(out, strings.Join(row, " "))
	}
	check(t, rows.Err())
	slices.Sort(out)
	return out
}

// TestFillMany: the benchmark's fleet is the one that was audited image by image.
func TestFillMany(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		fleet := storetest.Fleet{Repositories: 10, Images: 80}
		copied := open(nil)
		check(t, storetest.FillMany(ctx, copied, fleet))
		recounts(t, copied)
		audited := must(store.Open(ctx, "sqlite://"+t.TempDir()+"/audited.db"))(t)
		defer audited.Close()
		must(storetest.Fill(ctx, audited, fleet))(t)
		for _, f := range []store.Filter{{}, {Vendor: "vendor01"}, {NewIn: 1, Level: denylist.Denied}, {Text: "build-7"}} {
			equal(t, "totals", must(copied.Totals(ctx, f))(t), must(audited.Totals(ctx, f))(t))
		}
		const rows = "SELECT r.name, i.digest, i.platform, i.team, i.tags, m.state, m.outcome, m.findings FROM audit_image i JOIN audit_manifest m ON m.id = i.manifest_id JOIN audit_repository r ON r.id = i.repository_id"
		equal(t, "images", lines(t, copied, rows), lines(t, audited, rows))
		const found = "SELECT m.digest, f.finding, f.rank, f.vendor, f.rulings, f.detail FROM audit_found f JOIN audit_manifest m ON m.id = f.manifest_id"
		equal(t, "findings", lines(t, copied, found), lines(t, audited, found))
	})
}
