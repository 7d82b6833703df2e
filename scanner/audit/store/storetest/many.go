package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// FillMany leaves what Fill leaves, but for ids, times, documents, the names of
// layers and the totals of the run, in a fraction of the time: it fills a fleet
// of two images a repository, which is one of each kind, and copies their rows
// until there are as many as the fleet has. Repositories must be a multiple of
// ten, and Images one of twice their number.
func FillMany(ctx context.Context, s *store.Store, f Fleet) error {
	f = f.defaults()
	seed := f
	seed.Images = 2 * f.Repositories
	if f.Repositories%10 != 0 || f.Images%seed.Images != 0 {
		return fmt.Errorf("%d images in %d repositories are no fleet of equal parts", f.Images, f.Repositories)
	}
	if _, err := Fill(ctx, s, seed); err != nil {
		return err
	}
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	c := &copier{ctx: ctx, tx: tx}
	times := int64(f.Images / seed.Images)
	c.run("CREATE TEMP TABLE copied (was TEXT PRIMARY KEY, digest TEXT NOT NULL, tags TEXT NOT NULL)")
	for _, table := range []string{"audit_manifest", "audit_image", "audit_layer"} {
		c.highest(table)
	}
	for n := int64(1); n < times && c.err == nil; n++ {
		c.name(f, seed.Images, int(n))
		c.copy(n)
	}
	c.multiply(times)
	if s.Dialect() == store.PostgreSQL {
		for _, table := range []string{"audit_manifest", "audit_image", "audit_layer"} {
			c.run(fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT max(id) FROM %s))", table, table))
		}
	}
	c.run("DROP TABLE copied")
	if c.err != nil {
		return fmt.Errorf("copying images: %w", c.err)
	}
	if err := tx.Commit(); err != nil || s.Dialect() == store.SQLite {
		return err
	}
	_, err = s.DB().ExecContext(ctx, "ANALYZE") // as autovacuum does in time
	return err
}

// copier copies rows in a transaction until its first error.
type copier struct {
	ctx context.Context
	tx  *sql.Tx
	ids map[string]int64 // the highest of what was filled, by table
	err error
}

func (c *copier) run(query string) {
	if c.err == nil {
		_, c.err = c.tx.ExecContext(c.ctx, query)
	}
}

func (c *copier) highest(table string) {
	if c.ids == nil {
		c.ids = map[string]int64{}
	}
	var id int64
	if c.err == nil {
		c.err = c.tx.QueryRowContext(c.ctx, "SELECT max(id) FROM "+table).Scan(&id)
	}
	c.ids[table] = id
}

// name says what the nth copies of the images are called.
func (c *copier) name(f Fleet, images, n int) {
	c.run("DELETE FROM copied")
	var values []string
	for i := range images {
		tags, err := json.Marshal(slices.Sorted(slices.Values(f.Observation(n*images + i).Tags)))
		if err != nil {
			c.err = err
		}
		values = append(values, fmt.Sprintf("('%s', '%s', '%s')", f.Digest(i), f.Digest(n*images+i), tags))
	}
	for part := range slices.Chunk(values, 500) {
		c.run("INSERT INTO copied (was, digest, tags) VALUES " + strings.Join(part, ", "))
	}
}

// copy makes the nth copies.
func (c *copier) copy(n int64) {
	manifest, image, layer := n*c.ids["audit_manifest"], n*c.ids["audit_image"], n*c.ids["audit_layer"]
	seeds := func(column, table string) string { return fmt.Sprintf(" WHERE t.%s <= %d", column, c.ids[table]) }
	named := " JOIN copied n ON n.was = t.digest"
	of := map[string]string{"manifest_id": fmt.Sprintf("t.manifest_id + %d", manifest)}
	c.rows("audit_manifest", named+seeds("id", "audit_manifest"), map[string]string{"id": fmt.Sprintf("t.id + %d", manifest), "digest": "n.digest"})
	c.rows("audit_image", named+seeds("id", "audit_image"), map[string]string{"id": fmt.Sprintf("t.id + %d", image),
		"manifest_id": of["manifest_id"], "digest": "n.digest", "tags": "n.tags", "run_tags": "n.tags"})
	c.rows("audit_document", seeds("manifest_id", "audit_manifest"), of)
	c.rows("audit_found", seeds("manifest_id", "audit_manifest"), of)
	// The layers of bases, which are the first five, are those of all images.
	own := fmt.Sprintf("IN (SELECT layer_id FROM audit_manifest_layer WHERE place >= 5 AND manifest_id <= %d)", c.ids["audit_manifest"])
	c.rows("audit_layer", " WHERE t.id "+own, map[string]string{"id": fmt.Sprintf("t.id + %d", layer), "diff_id": fmt.Sprintf("t.diff_id || '-%d'", n)})
	c.rows("audit_manifest_layer", seeds("manifest_id", "audit_manifest"), map[string]string{"manifest_id": of["manifest_id"],
		"layer_id": fmt.Sprintf("CASE WHEN t.place >= 5 THEN t.layer_id + %d ELSE t.layer_id END", layer)})
}

// rows copies those of a table t that a clause selects, with some columns made
// of others.
func (c *copier) rows(table, clause string, made map[string]string) {
	if c.err != nil {
		return
	}
	rows, err := c.tx.QueryContext(c.ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		c.err = err
		return
	}
	columns, err := rows.Columns()
	rows.Close()
	if c.err = err; err != nil {
		return
	}
	from := make([]string, len(columns))
	for i, column := range columns {
		if from[i] = made[column]; from[i] == "" {
			from[i] = "t." + column
		}
	}
	c.run("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(from, ", ") + " FROM " + table + " t" + clause)
}

// multiply makes the counters those of so many images for each.
func (c *copier) multiply(times int64) {
	counters := []string{"images", "with_denied", "with_review", "only_review", "with_mention", "findings", "denied", "review"}
	for i, column := range counters {
		counters[i] = fmt.Sprintf("%s = %s * %d", column, column, times)
	}
	c.run("UPDATE audit_cell SET " + strings.Join(counters, ", "))
	c.run("UPDATE audit_new SET " + strings.Join(counters, ", "))
	c.run(fmt.Sprintf("UPDATE audit_finding SET images = images * %d", times))
}
