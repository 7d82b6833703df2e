package store_test

import (
	"context"
	"testing"

	"modernc.org/sqlite"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

// linear are the queries that read all rows of one table, because a text may be
// in any, or because all images are new.
var linear = map[string]bool{
	"totals of a text": true, "images of a text": true, "images of a tag": true, "images of a digest's part": true,
	"images of nothing": true, "images of a component": true, "images new in run": true, "images new in the second run": true,
	"findings of a text": true, "findings of nothing": true,
}

// TestWorkDoesNotGrow: with eight times as many images, the dashboard's queries
// read about as many pages of the database. It is what keeps them fast,
// measured in something that does not depend on the machine.
func TestWorkDoesNotGrow(t *testing.T) {
	ctx := context.Background()
	reads := func(images int) map[string]int {
		s := must(store.OpenWith(ctx, "sqlite://"+t.TempDir()+"/a.db", store.Options{Connections: 1}))(t)
		defer s.Close()
		must(storetest.Fill(ctx, s, storetest.Fleet{Repositories: 40, Images: images}))(t)
		out := map[string]int{}
		for _, q := range queries {
			before := pagesRead(t, s)
			check(t, q.ask(ctx, s, 5))
			out[q.name] = pagesRead(t, s) - before
		}
		return out
	}
	small, large := reads(240), reads(8*240)
	for _, q := range queries {
		if limit := 3*small[q.name] + 30; large[q.name] > limit && !linear[q.name] {
			t.Errorf("%s: %d pages read, %d with eight times the images", q.name, small[q.name], large[q.name])
		}
		t.Logf("%-30s %6d %6d", q.name, small[q.name], large[q.name])
	}
}

// pagesRead is how many pages the reader has taken from its cache or the file.
func pagesRead(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	conn := must(s.Reader().Conn(context.Background()))(t)
	defer conn.Close()
	check(t, conn.Raw(func(c any) error {
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			current, _, err := c.(sqlite.DBStatus).Status(op, false)
			if err != nil {
				return err
			}
			n += current
		}
		return nil
	}))
	return n
}
