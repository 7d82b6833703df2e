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

// findings reads images that have such findings, and then the findings of these,
// until the page is full.
func (s *Store) findings(ctx context.Context, t tx, f *Filter, after cursor, follows bool) (page []Finding, at []cursor, err error) {
	x, err := narrow(ctx, t, f)
	if err != nil {
		return nil, nil, err
	}
	w := &x.w
	w.image(f)
	w.cells(f, " AND c.findings > 0")
	w.add("m.findings > 0")
	w.seenIn(f, "r.id", "repository_id", "audit_finding")
	w.hasFinding(f, true)
	n, from := f.limit()+1, after
	for within := ">="; ; within = ">" { // the page before may have ended within an image
		v := where{dialect: s.dialect, conds: slices.Clone(w.conds), args: slices.Clone(w.args)}
		if follows || within == ">" {
			v.add("r.name >= ? AND (r.name > ? OR i.digest "+within+" ?)", from.Repository, from.Repository, from.Digest)
		}
		var images []int64
		err := t.rows(ctx, "SELECT i.id, r.name, i.digest"+f.pageTables(s.dialect, x.keys)+" WHERE 1 = 1"+v.and()+" ORDER BY r.name, i.digest LIMIT ?",
			append(v.args, n), func(scan func(...any) error) error {
				var id int64
				err := scan(&id, &from.Repository, &from.Digest)
				images = append(images, id)
				return err
			})
		if err != nil || len(images) == 0 {
			return page, at, err
		}
		more, moreAt, err := s.findingsOf(ctx, t, f, images, after, follows, n-len(page))
		page, at = append(page, more...), append(at, moreAt...)
		if err != nil || len(page) == n || len(images) < n {
			return page, at, err
		}
	}
}

// findingsOf reads the findings of some images that a filter selects, n at most.
func (s *Store) findingsOf(ctx context.Context, t tx, f *Filter, images []int64, after cursor, follows bool, n int) ([]Finding, []cursor, error) {
	in, args := placeholders(images)
	w := where{dialect: s.dialect}
	w.add("i.id IN "+in, args...)
	w.finding(f, "f.")
	w.seen(f, "g.")
	w.findingText(f.Text)
	if follows {
		w.add(`r.name >= ? AND (r.name > ? OR i.digest > ? OR i.digest = ? AND (f.rank > ? OR f.rank = ? AND f.finding > ?))`,
			after.Repository, after.Repository, after.Digest, after.Digest, after.Rank, after.Rank, after.Finding)
	}
	join, sight := " JOIN ", " LEFT JOIN "
	if s.dialect == SQLite { // else it might read all that is late first
		if join = " CROSS JOIN "; f.late() {
			sight = join
		}
	}
	return selectFindings(ctx, t, `SELECT r.name, i.digest, i.platform, i.tags, i.team,
		f.rank, f.finding, f.vendor, f.rulings, f.detail, coalesce(g.first_seen, 0), coalesce(g.first_run, 0), coalesce(g.gone, 0)
		FROM audit_image i`+join+`audit_repository r ON r.id = i.repository_id`+join+`audit_found f ON f.manifest_id = i.manifest_id`+
		sight+`audit_finding g ON g.repository_id = i.repository_id AND g.finding = f.finding
		WHERE 1 = 1`+w.and()+` ORDER BY r.name, i.digest, f.rank, f.finding LIMIT ?`, append(w.args, n))
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
	w.findingText(f.Text)
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
		o.at(repository, digest)
		o.Platform, o.Tags, o.Team = platform, list(tags), team
		o.FirstSeen, o.FirstRun, o.Gone = fromMicros(first), run, fromMicros(gone)
		page = append(page, o)
		at = append(at, cursor{Repository: repository, Digest: digest, Rank: int64(f.rank), Finding: f.id})
		return err
	})
	return page, at, err
}
