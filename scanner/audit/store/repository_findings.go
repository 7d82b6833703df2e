package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// writeSights keeps when a repository first had a finding, and when the last of
// its images lost it. All rows are changed by one statement, in order; those
// that lose an image are there.
func (y *tally) writeSights(ctx context.Context, t tx, at time.Time, run int64) error {
	keys := slices.SortedFunc(maps.Keys(y.sights), func(a, b sight) int {
		return cmp.Or(cmp.Compare(a.repository, b.repository), cmp.Compare(a.finding, b.finding))
	})
	keys = slices.DeleteFunc(keys, func(k sight) bool { return y.sights[k].n == 0 })
	for part := range slices.Chunk(keys, maxRows) {
		var args []any
		for _, k := range part {
			args = append(args, k.repository, k.finding, y.sights[k].n, micros(at), run)
		}
		var gone []sight
		err := t.rows(ctx, "INSERT INTO audit_finding (repository_id, finding, images, first_seen, first_run) VALUES "+
			strings.TrimSuffix(strings.Repeat(marks(5)+",", len(part)), ",")+
			` ON CONFLICT (repository_id, finding) DO UPDATE SET images = audit_finding.images + excluded.images,
			gone = CASE WHEN audit_finding.images + excluded.images > 0 THEN 0 ELSE audit_finding.gone END
			RETURNING repository_id, finding, images`, args, func(scan func(...any) error) error {
			var k sight
			var images int64
			err := scan(&k.repository, &k.finding, &images)
			if images == 0 {
				gone = append(gone, k)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, k := range gone {
			if err := y.writeGone(ctx, t, at, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeGone keeps what a finding was that a repository no longer has.
func (y *tally) writeGone(ctx context.Context, t tx, at time.Time, k sight) error {
	w := y.sights[k]
	f := w.found
	return t.exec(ctx, `UPDATE audit_finding SET gone = ?, image_id = ?, vendor = ?, rank = ?, component_id = ?, rulings = ?, detail = ?
		WHERE repository_id = ? AND finding = ?`,
		micros(at), w.image, f.vendor, int64(f.rank), f.component, f.rulings, f.detail, k.repository, k.finding)
}
