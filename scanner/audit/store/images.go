package store

import (
	"context"
	"slices"

	"github.com/interdict/interdict/denylist"
)

const imageColumns = `r.name, i.digest, i.platform, i.tags, i.team, i.workloads, i.first_seen, i.last_seen, i.gone,
	m.state, m.error, m.attempts, m.outcome, m.denied, m.review, m.waived, m.created, m.labels, m.scanned_at, m.judged_at,
	m.list_name, m.list_version, m.list_digest, m.as_of`

// imageTables joins them as the planner likes.
const imageTables = " FROM audit_repository r JOIN audit_image i ON i.repository_id = r.id JOIN audit_manifest m ON m.id = i.manifest_id"

// pageTables joins them for a page of images: in the page's own order, by the
// index of only those that are there, or gone, so that no more rows are read
// than the page needs; or, when keys is a condition that few images meet, from
// these. SQLite keeps to the order of cross joins
// (https://www.sqlite.org/optoverview.html#crossjoin), PostgreSQL to that of
// subqueries with an offset.
func (f *Filter) pageTables(d Dialect, keys string) string {
	there, index := "i.gone = 0", "audit_image_there"
	if f.Gone {
		there, index = "i.gone <> 0", "audit_image_gone"
	}
	const (
		image    = " (SELECT * FROM audit_image i WHERE "
		manifest = " CROSS JOIN LATERAL (SELECT * FROM audit_manifest m WHERE m.id = i.manifest_id OFFSET 0) m"
	)
	switch {
	case f.Digest != "":
		return imageTables
	case d == SQLite && keys != "":
		return imageTables
	case d == SQLite:
		return " FROM audit_repository r CROSS JOIN audit_image i INDEXED BY " + index +
			" ON i.repository_id = r.id CROSS JOIN audit_manifest m ON m.id = i.manifest_id"
	case keys != "":
		return " FROM" + image + keys + " OFFSET 0) i" + manifest +
			" CROSS JOIN LATERAL (SELECT * FROM audit_repository r WHERE r.id = i.repository_id OFFSET 0) r"
	}
	return " FROM audit_repository r CROSS JOIN LATERAL" + image + "i.repository_id = r.id AND " + there + " ORDER BY i.digest OFFSET 0) i" + manifest
}

func scanImage(scan func(...any) error) (i Image, err error) {
	var tags, workloads, labels, asOf string
	var first, last, gone, created, scanned, judged int64
	err = scan(&i.Repository, &i.Digest, &i.Platform, &tags, &i.Team, &workloads, &first, &last, &gone,
		&i.State, &i.Error, &i.Attempts, &i.Verdict, &i.Denied, &i.Review, &i.Waived, &created, &labels, &scanned, &judged,
		&i.List.Name, &i.List.Version, &i.List.Digest, &asOf)
	if err != nil {
		return i, err
	}
	i.FirstSeen, i.LastSeen, i.Gone = fromMicros(first), fromMicros(last), fromMicros(gone)
	i.Created, i.ScannedAt, i.JudgedAt = fromMicros(created), fromMicros(scanned), fromMicros(judged)
	i.Tags, i.Workloads = list(tags), list(workloads)
	if i.AsOf, err = denylist.ParseDate(asOf); err != nil {
		return i, err
	}
	return i, decode(labels, &i.Labels)
}

// Images returns a page of the images that a filter selects, in the order of
// repository and digest, and the cursor of the next page: empty after the last
// one. Since and NewIn are of the images' own first sight. Vendor, Regime,
// Level and Finding select images that have one finding that is of all of these; with a
// Regime, Level is what the regime says.
func (s *Store) Images(ctx context.Context, f Filter) (page []Image, next string, err error) {
	after, follows, err := f.after()
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, "reading images", func(t tx) error {
		x, err := narrow(ctx, t, &f)
		if err != nil {
			return err
		}
		w := &x.w
		w.image(&f)
		w.cells(&f, "")
		w.hasFinding(&f, false)
		tables := f.pageTables(s.dialect, x.keys)
		if s.dialect == SQLite {
			w.seenIn(&f, "i.id", "id", "audit_image")
		} else if w.seen(&f, "i."); f.late() && x.keys == "" {
			tables = imageTables // its planner knows how many are late
		}
		if follows {
			w.add("r.name >= ? AND (r.name > ? OR i.digest > ?)", after.Repository, after.Repository, after.Digest)
		}
		page, err = selectImages(ctx, t, tables, w, f.limit()+1)
		return err
	})
	if err == nil && len(page) > f.limit() {
		page = page[:f.limit()]
		last := page[len(page)-1]
		next = cursor{Repository: last.Repository, Digest: last.Digest}.String()
	}
	return page, next, err
}

func selectImages(ctx context.Context, t tx, tables string, w *where, limit int) (page []Image, err error) {
	err = t.rows(ctx, "SELECT "+imageColumns+tables+" WHERE 1 = 1"+w.and()+" ORDER BY r.name, i.digest LIMIT ?",
		append(slices.Clone(w.args), limit), func(scan func(...any) error) error {
			i, err := scanImage(scan)
			page = append(page, i)
			return err
		})
	return page, err
}

// Image returns one image, also one that is gone, or [ErrNotFound].
func (s *Store) Image(ctx context.Context, repository, digest string) (i Image, err error) {
	err = s.read(ctx, "reading "+repository+"@"+digest, func(t tx) error {
		w := where{dialect: s.dialect}
		w.add("r.name = ? AND i.digest = ?", repository, digest)
		page, err := selectImages(ctx, t, imageTables, &w, 1)
		if err == nil && len(page) == 0 {
			err = ErrNotFound
		}
		if err == nil {
			i = page[0]
		}
		return err
	})
	return i, err
}

// Places returns where a manifest is: its images, those that are there first.
func (s *Store) Places(ctx context.Context, digest string) (out []Image, err error) {
	err = s.read(ctx, "reading where "+digest+" is", func(t tx) error {
		w := where{dialect: s.dialect}
		w.add("m.digest = ?", digest)
		out, err = selectImages(ctx, t, imageTables, &w, 1<<30)
		return err
	})
	slices.SortStableFunc(out, func(a, b Image) int {
		return int(min(micros(a.Gone), 1) - min(micros(b.Gone), 1))
	})
	return out, err
}
