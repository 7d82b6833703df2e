package store

import (
	"context"
	"slices"
)

// manifests reads and locks manifests by digest; digests must be sorted.
func (s *Store) manifests(ctx context.Context, t tx, digests []string) (map[string]*manifest, error) {
	out := map[string]*manifest{}
	for part := range slices.Chunk(digests, maxRows) {
		in, args := placeholders(part)
		err := t.rows(ctx, "SELECT id, digest, state, result_key, failed_run, outcome, findings, denied, review FROM audit_manifest WHERE digest IN "+in+
			" ORDER BY digest"+s.dialect.lock(), args, func(scan func(...any) error) error {
			m := &manifest{}
			err := scan(&m.id, &m.digest, &m.state, &m.key, &m.failedRun, &m.outcome, &m.findings, &m.denied, &m.review)
			out[m.digest] = m
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

const placeColumns = "id, repository_id, manifest_id, digest, platform, team, tags, run_tags, workloads, first_seen, first_run, last_seen, last_run, gone"

// places reads and locks the images of manifests, with the runs that saw them
// and have not ended, by manifest.
func (s *Store) places(ctx context.Context, t tx, manifests []int64) (map[int64][]*place, error) {
	out := map[int64][]*place{}
	for part := range slices.Chunk(manifests, maxRows) {
		in, args := placeholders(part)
		ps, err := s.readPlaces(ctx, t, "manifest_id IN "+in, args)
		if err != nil {
			return nil, err
		}
		if err := readRuns(ctx, t, ps); err != nil {
			return nil, err
		}
		for _, p := range ps {
			out[p.manifest] = append(out[p.manifest], p)
		}
	}
	return out, nil
}

// readRuns fills in which runs saw images. Of runs that have ended nothing is
// kept.
func readRuns(ctx context.Context, t tx, ps []*place) error {
	byID := make(map[int64]*place, len(ps))
	ids := make([]int64, len(ps))
	for i, p := range ps {
		byID[p.id], ids[i] = p, p.id
	}
	for part := range slices.Chunk(ids, maxRows) {
		in, args := placeholders(part)
		err := t.rows(ctx, "SELECT image_id, run_id FROM audit_run_image WHERE image_id IN "+in, args, func(scan func(...any) error) error {
			var id, run int64
			err := scan(&id, &run)
			if p := byID[id]; p != nil {
				p.runs = append(p.runs, run)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) readPlaces(ctx context.Context, t tx, where string, args []any) (out []*place, err error) {
	err = t.rows(ctx, "SELECT "+placeColumns+" FROM audit_image WHERE "+where+" ORDER BY id"+s.dialect.lock(), args, func(scan func(...any) error) error {
		p := &place{}
		err := scan(&p.id, &p.repository, &p.manifest, &p.digest, &p.platform, &p.team, &p.tags, &p.runTags, &p.workloads,
			&p.firstSeen, &p.firstRun, &p.lastSeen, &p.lastRun, &p.gone)
		out = append(out, p)
		return err
	})
	return out, err
}

// MarkMissing takes the images of these repositories, which the run has listed
// whole, that neither it nor a later run has seen as gone, and their findings
// with them, where no other image of the repository has them. Of the images
// that the run has seen, tags that it has not seen are gone.
func (s *Store) MarkMissing(ctx context.Context, run int64, repositories []string) error {
	names := sortedSet(repositories)
	return s.write(ctx, "writing what is gone", func(t tx) error {
		y, at := newTally(), s.now()
		for part := range slices.Chunk(names, maxRows) {
			in, args := placeholders(part)
			ps, err := s.readPlaces(ctx, t, `(gone = 0 AND last_run < ? OR last_run = ? AND tags <> run_tags)
				AND repository_id IN (SELECT id FROM audit_repository WHERE name IN `+in+")", append([]any{run, run}, args...))
			if err != nil {
				return err
			}
			var gone []*place
			for _, p := range ps {
				if p.lastRun < run {
					gone = append(gone, p)
				} else if err := t.exec(ctx, "UPDATE audit_image SET tags = run_tags WHERE id = ?", p.id); err != nil {
					return err
				}
			}
			for some := range slices.Chunk(gone, maxRows) {
				if err := s.markMissing(ctx, t, y, some, micros(at)); err != nil {
					return err
				}
			}
		}
		return y.write(ctx, t, at, run)
	})
}

// MarkTagsMissing takes the tags that kept denies from the images of a
// repository. An image that neither the run nor a later one has seen is gone with
// its last tag; one that had none before, only when untagged says so.
func (s *Store) MarkTagsMissing(ctx context.Context, run int64, repository string, kept func(tag string) bool, untagged bool) error {
	return s.write(ctx, "writing which tags are gone from "+repository, func(t tx) error {
		ps, err := s.readPlaces(ctx, t, "gone = 0 AND last_run <= ? AND repository_id IN (SELECT id FROM audit_repository WHERE name = ?)",
			[]any{run, repository})
		if err != nil {
			return err
		}
		var gone []*place
		for _, p := range ps {
			had := list(p.tags)
			has := slices.DeleteFunc(slices.Clone(had), func(tag string) bool { return !kept(tag) })
			if p.lastRun < run && len(has) == 0 && (len(had) > 0 || untagged) {
				gone = append(gone, p) // its tags tell what it was
			} else if len(has) < len(had) {
				if err := t.exec(ctx, "UPDATE audit_image SET tags = ? WHERE id = ?", encode(nonNil(has)), p.id); err != nil {
					return err
				}
			}
		}
		y, at := newTally(), s.now()
		for some := range slices.Chunk(gone, maxRows) {
			if err := s.markMissing(ctx, t, y, some, micros(at)); err != nil {
				return err
			}
		}
		return y.write(ctx, t, at, run)
	})
}

func (s *Store) markMissing(ctx context.Context, t tx, y *tally, ps []*place, at int64) error {
	var ids, manifests []int64
	for _, p := range ps {
		ids, manifests = append(ids, p.id), append(manifests, p.manifest)
	}
	slices.Sort(manifests)
	manifests = slices.Compact(manifests)
	in, args := placeholders(manifests)
	ms := map[int64]*manifest{}
	err := t.rows(ctx, "SELECT id, state, outcome FROM audit_manifest WHERE id IN "+in, args, func(scan func(...any) error) error {
		m := &manifest{}
		err := scan(&m.id, &m.state, &m.outcome)
		ms[m.id] = m
		return err
	})
	if err != nil {
		return err
	}
	found, err := readFound(ctx, t, manifests)
	if err != nil {
		return err
	}
	for _, p := range ps {
		y.off(p, ms[p.manifest], found[p.manifest])
		p.gone = at
		y.on(p, ms[p.manifest], found[p.manifest])
	}
	mark, idArgs := placeholders(ids)
	if err := t.exec(ctx, "UPDATE audit_image SET gone = ? WHERE id IN "+mark, append([]any{at}, idArgs...)...); err != nil {
		return err
	}
	return layersGone(ctx, t, manifests)
}

// Repositories returns the names of the repositories that a glob selects (see
// [Filter].Repository) and that have images that are there, sorted.
func (s *Store) Repositories(ctx context.Context, glob string) (out []string, err error) {
	err = s.read(ctx, "reading repositories", func(t tx) error {
		w := where{dialect: s.dialect}
		w.glob("r.name", glob)
		out, err = readNames(ctx, t, `SELECT r.name FROM audit_repository r WHERE EXISTS (SELECT 1 FROM audit_image i
			WHERE i.repository_id = r.id AND i.gone = 0)`+w.and()+" ORDER BY r.name", w.args...)
		return err
	})
	return out, err
}
