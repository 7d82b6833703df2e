package store

import (
	"context"
	"slices"

	"github.com/interdict/interdict/denylist"
)

const imageColumns = `r.name, i.digest, i.platform, i.tags, i.team, i.workloads, i.first_seen, i.last_seen, i.gone,
	m.state, m.error, m.attempts, m.outcome, m.denied, m.review, m.waived, m.created, m.labels, m.scanned_at, m.judged_at,
	m.list_name, m.list_version, m.list_digest, m.as_of`

const imageTables = " FROM audit_repository r JOIN audit_image i ON i.repository_id = r.id JOIN audit_manifest m ON m.id = i.manifest_id"

func scanImage(scan func(...any) error) (i Image, err error) {
	var tags, workloads, labels, asOf string
	var first, last, gone, created, scanned, judged int64
	err = scan(&i.Repository, &i.Digest, &i.Platform, &tags, &i.Team, &workloads, &first, &last, &gone,
		&i.State, &i.Error, &i.Attempts, &i.Verdict, &i.Denied, &i.Review, &i.Waived, &created, &labels, &scanned, &judged,
		&i.Law.Name, &i.Law.Version, &i.Law.Digest, &asOf)
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
	w := where{dialect: s.dialect}
	w.image(&f)
	w.hasFinding(&f)
	w.seen(&f, "i.")
	w.text(f.Text, false)
	if follows {
		w.add("r.name >= ? AND (r.name > ? OR i.digest > ?)", after.Repository, after.Repository, after.Digest)
	}
	err = s.read(ctx, "reading images", func(t tx) error {
		page, err = selectImages(ctx, t, &w, f.limit()+1)
		return err
	})
	if err == nil && len(page) > f.limit() {
		page = page[:f.limit()]
		last := page[len(page)-1]
		next = cursor{Repository: last.Repository, Digest: last.Digest}.String()
	}
	return page, next, err
}

// seen adds since when and in which run something was first seen. The rows are
// few: they are found by their own index, and not in the page's order.
func (w *where) seen(f *Filter, prefix string) {
	if !f.Since.IsZero() {
		w.add(prefix+"first_seen >= ?", micros(f.Since))
	}
	if f.NewIn != 0 {
		w.add(prefix+"first_run = ?", f.NewIn)
	}
}

func selectImages(ctx context.Context, t tx, w *where, limit int) (page []Image, err error) {
	err = t.rows(ctx, "SELECT "+imageColumns+imageTables+" WHERE 1 = 1"+w.and()+" ORDER BY r.name, i.digest LIMIT ?",
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
		page, err := selectImages(ctx, t, &w, 1)
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
		w.add("i.digest = ?", digest)
		out, err = selectImages(ctx, t, &w, 1<<30)
		return err
	})
	slices.SortStableFunc(out, func(a, b Image) int {
		return int(min(micros(a.Gone), 1) - min(micros(b.Gone), 1))
	})
	return out, err
}
