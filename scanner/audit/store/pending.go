package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Pending returns digests of manifests that a run waits for, sorted, after one
// of them or from the first, at most n.
func (s *Store) Pending(ctx context.Context, run int64, after string, n int) (out []string, err error) {
	err = s.read(ctx, "reading what a run waits for", func(t tx) error {
		out, err = t.digests(ctx, `SELECT m.digest FROM audit_run_wait w JOIN audit_manifest m ON m.id = w.manifest_id
			WHERE w.run_id = ? AND m.digest > ? ORDER BY m.digest LIMIT ?`, run, after, n)
		return err
	})
	return out, err
}

// Judged tells what the result of a manifest depends on: the key it was looked
// at by, and the ruleset it was judged by, see [Store.Ruleset]. Without a result the key
// is empty.
func (s *Store) Judged(ctx context.Context, digest string) (key string, ruleset int64, err error) {
	err = s.read(ctx, "reading how an image was judged", func(t tx) error {
		err := t.row(ctx, "SELECT result_key, judged_law FROM audit_manifest WHERE digest = ? AND state = 'scanned'", []any{digest}, &key, &ruleset)
		if errors.Is(err, sql.ErrNoRows) {
			key, ruleset, err = "", 0, nil
		}
		return err
	})
	return key, ruleset, err
}

// Ruleset returns a ruleset, with its text, by what Judged and JudgedBy call it.
func (s *Store) Ruleset(ctx context.Context, id int64) (l Ruleset, err error) {
	err = s.read(ctx, "reading a ruleset", func(t tx) error {
		l, err = s.ruleset(ctx, t, id, true)
		return err
	})
	return l, err
}

// JudgedBy returns the rulesets other than its own by which those manifests were
// judged that a run saw, until the run ends.
func (s *Store) JudgedBy(ctx context.Context, run int64) (out []int64, err error) {
	err = s.read(ctx, "reading by which rulesets images were judged", func(t tx) error {
		out = nil
		return t.rows(ctx, `SELECT DISTINCT m.judged_law FROM audit_run_image r JOIN audit_image i ON i.id = r.image_id
			JOIN audit_manifest m ON m.id = i.manifest_id WHERE r.run_id = ? AND m.state = 'scanned'
			AND m.judged_law <> (SELECT law_id FROM audit_run WHERE id = ?) ORDER BY 1`, []any{run, run},
			func(scan func(...any) error) error {
				var id int64
				err := scan(&id)
				out = append(out, id)
				return err
			})
	})
	return out, err
}

// SeenJudgedBy returns digests of manifests that a run saw and that were judged
// by a ruleset, sorted, after one of them or from the first, at most n.
func (s *Store) SeenJudgedBy(ctx context.Context, run, ruleset int64, after string, n int) (out []string, err error) {
	err = s.read(ctx, "reading what was judged by a ruleset", func(t tx) error {
		out, err = t.digests(ctx, `SELECT DISTINCT m.digest FROM audit_run_image r JOIN audit_image i ON i.id = r.image_id
			JOIN audit_manifest m ON m.id = i.manifest_id WHERE r.run_id = ? AND m.state = 'scanned' AND m.judged_law = ? AND m.digest > ?
			ORDER BY m.digest LIMIT ?`, run, ruleset, after, n)
		return err
	})
	return out, err
}

func (t tx) digests(ctx context.Context, query string, args ...any) (out []string, err error) {
	err = t.rows(ctx, query, args, func(scan func(...any) error) error {
		var digest string
		err := scan(&digest)
		out = append(out, digest)
		return err
	})
	return out, err
}

// Looked is what an image said of itself when it was looked at.
type Looked struct {
	Platform string // "os/arch[/variant]"
	Created  time.Time
}

// Known tells of those of some manifests that were looked at which platform
// they are for, and when they say that they were made, by digest.
func (s *Store) Known(ctx context.Context, digests []string) (out map[string]Looked, err error) {
	err = s.read(ctx, "reading what is known of images", func(t tx) error {
		out = make(map[string]Looked, len(digests))
		for part := range slices.Chunk(digests, maxRows) {
			in, args := placeholders(part)
			err := t.rows(ctx, "SELECT digest, platform, created FROM audit_manifest WHERE state = 'scanned' AND digest IN "+in, args,
				func(scan func(...any) error) error {
					var digest, platform string
					var created int64
					err := scan(&digest, &platform, &created)
					out[digest] = Looked{platform, fromMicros(created)}
					return err
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
