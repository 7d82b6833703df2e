package store

import (
	"context"
	"slices"
)

// Findings returns a page of the findings that a filter selects, one for each
// image that has it, in the order of repository, digest, level and ID, and the
// cursor of the next page: empty after the last one. Since and NewIn are of the
// finding's first sight in the repository.
//
// With Gone they are those that no image of a repository has any more, once a
// repository, with the image that last had it, in the order of repository and
// ID; but with a Digest, those of that image, which is gone.
func (s *Store) Findings(ctx context.Context, f Filter) (page []Finding, next string, err error) {
	after, follows, err := f.after()
	if err != nil {
		return nil, "", err
	}
	read := s.findings
	if f.Gone && f.Digest == "" {
		read = s.goneFindings
	}
	var at []cursor
	err = s.read(ctx, "reading findings", func(t tx) error {
		page, at, err = read(ctx, t, &f, after, follows)
		return err
	})
	if err == nil && len(page) > f.limit() {
		page = page[:f.limit()]
		next = at[len(page)-1].String()
	}
	return page, next, err
}

func (s *Store) findings(ctx context.Context, t tx, f *Filter, after cursor, follows bool) ([]Finding, []cursor, error) {
	w := where{dialect: s.dialect}
	w.image(f)
	w.add("m.findings > 0")
	w.finding(f, "f.")
	w.seen(f, "g.")
	w.seenIn(f, "r.id", "repository_id", "audit_finding")
	w.text(f.Text, false) // an image is read no further without
	w.text(f.Text, true)
	if follows {
		w.add(`r.name >= ? AND (r.name > ? OR i.digest > ? OR i.digest = ? AND (f.rank > ? OR f.rank = ? AND f.finding > ?))`,
			after.Repository, after.Repository, after.Digest, after.Digest, after.Rank, after.Rank, after.Finding)
	}
	tables, join := f.pageTables(s.dialect)
	return selectFindings(ctx, t, `SELECT r.name, i.digest, i.platform, i.tags, i.team,
		f.rank, f.finding, f.vendor, f.rulings, f.detail, coalesce(g.first_seen, 0), coalesce(g.first_run, 0), coalesce(g.gone, 0)`+
		tables+join+`audit_found f ON f.manifest_id = i.manifest_id
		LEFT JOIN audit_finding g ON g.repository_id = i.repository_id AND g.finding = f.finding
		WHERE 1 = 1`+w.and()+` ORDER BY r.name, i.digest, f.rank, f.finding LIMIT ?`, append(slices.Clone(w.args), f.limit()+1))
}

func (s *Store) goneFindings(ctx context.Context, t tx, f *Filter, after cursor, follows bool) ([]Finding, []cursor, error) {
	w := where{dialect: s.dialect}
	w.glob("r.name", f.Repository)
	w.equal("i.team", f.Team)
	w.equal("i.platform", f.Platform)
	w.equal("m.state", string(f.State))
	w.equal("m.outcome", string(f.Verdict))
	w.finding(f, "f.")
	w.seen(f, "f.")
	w.text(f.Text, true)
	if follows {
		w.add("r.name >= ? AND (r.name > ? OR f.finding > ?)", after.Repository, after.Repository, after.Finding)
	}
	return selectFindings(ctx, t, `SELECT r.name, i.digest, i.platform, i.tags, i.team,
		f.rank, f.finding, f.vendor, f.rulings, f.detail, f.first_seen, f.first_run, f.gone
		FROM audit_repository r JOIN audit_finding f ON f.repository_id = r.id
		JOIN audit_image i ON i.id = f.image_id JOIN audit_manifest m ON m.id = i.manifest_id
		WHERE f.gone <> 0`+w.and()+` ORDER BY r.name, f.finding LIMIT ?`, append(slices.Clone(w.args), f.limit()+1))
}

func selectFindings(ctx context.Context, t tx, query string, args []any) (page []Finding, at []cursor, err error) {
	err = t.rows(ctx, query, args, func(scan func(...any) error) error {
		var f found
		var repository, digest, platform, tags, team string
		var first, run, gone int64
		err := scan(&repository, &digest, &platform, &tags, &team, &f.rank, &f.id, &f.vendor, &f.rulings, &f.detail, &first, &run, &gone)
		if err != nil {
			return err
		}
		o, err := f.finding()
		o.Repository, o.Digest, o.Platform, o.Tags, o.Team = repository, digest, platform, list(tags), team
		o.FirstSeen, o.FirstRun, o.Gone = fromMicros(first), run, fromMicros(gone)
		page = append(page, o)
		at = append(at, cursor{Repository: repository, Digest: digest, Rank: int64(f.rank), Finding: f.id})
		return err
	})
	return page, at, err
}
