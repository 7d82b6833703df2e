package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// BeginRun writes a run down. It fills ID, Started when zero, and State when
// empty (Planning); the ruleset is kept once per content.
func (s *Store) BeginRun(ctx context.Context, r Run) (Run, error) {
	if r.Started.IsZero() {
		r.Started = s.now()
	}
	r.Started = fromMicros(micros(r.Started))
	if r.State == "" {
		r.State = Planning
	}
	// Not tried again when a run that was not confirmed may be there.
	err := s.try(ctx, "beginning a run", false, func() error {
		return s.once(ctx, func(t tx) error {
			ruleset, err := s.saveRuleset(ctx, t, r.Ruleset)
			if err != nil {
				return err
			}
			return t.row(ctx, `INSERT INTO audit_run (kind, state, scope, method, started, problems, law_id, covers)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
				[]any{r.Kind, r.State, encode(nonNil(r.Scope)), r.Method, micros(r.Started), encode(nonNil(r.Problems)), ruleset, encode(nonNil(r.Covers))}, &r.ID)
		})
	})
	return r, err
}

const runColumns = "id, kind, state, scope, method, started, ended, error, problems, law_id, totals"

// Run returns a run with its totals and the whole ruleset; with id 0, the newest.
// [ErrNotFound] when there is none.
func (s *Store) Run(ctx context.Context, id int64) (r Run, err error) {
	err = s.read(ctx, fmt.Sprintf("reading run %d", id), func(t tx) error {
		query, args := "SELECT "+runColumns+" FROM audit_run WHERE id = ?", []any{id}
		if id == 0 {
			query, args = "SELECT "+runColumns+" FROM audit_run ORDER BY id DESC LIMIT 1", nil
		}
		runs, err := s.runs(ctx, t, true, query, args...)
		if err == nil && len(runs) == 0 {
			err = sql.ErrNoRows
		}
		if err == nil {
			r = runs[0]
		}
		return err
	})
	return r, err
}

// Runs returns the newest runs, the newest first, with totals, and rulesets without
// text. Limit zero or less means all.
func (s *Store) Runs(ctx context.Context, limit int) (out []Run, err error) {
	err = s.read(ctx, "reading runs", func(t tx) error {
		out, err = s.runs(ctx, t, false, "SELECT "+runColumns+" FROM audit_run ORDER BY id DESC"+limited(limit))
		return err
	})
	return out, err
}

// Audits returns the runs that are no mere notices, and the notices that are not
// worked on yet, the newest first: like Runs, and all of them.
func (s *Store) Audits(ctx context.Context) (out []Run, err error) {
	err = s.read(ctx, "reading audits", func(t tx) error {
		out, err = s.runs(ctx, t, false, "SELECT "+runColumns+" FROM audit_run WHERE kind <> ? OR ended = 0 ORDER BY id DESC", Notified)
		return err
	})
	return out, err
}

// LatestAudit returns the newest run of kind [Auditing], like Run.
func (s *Store) LatestAudit(ctx context.Context) (r Run, err error) {
	var id int64
	err = s.read(ctx, "reading the newest audit", func(t tx) error {
		return t.row(ctx, "SELECT id FROM audit_run WHERE kind = ? ORDER BY id DESC LIMIT 1", []any{Auditing}, &id)
	})
	if err != nil {
		return r, err
	}
	return s.Run(ctx, id)
}

// Covers returns the patterns of all that audits were ever asked for, sorted.
func (s *Store) Covers(ctx context.Context) (out []string, err error) {
	err = s.read(ctx, "reading what audits cover", func(t tx) error {
		out = nil
		return t.rows(ctx, "SELECT DISTINCT covers FROM audit_run WHERE kind = ? AND covers <> '[]'", []any{Auditing}, func(scan func(...any) error) error {
			var text string
			err := scan(&text)
			out = append(out, list(text)...)
			return err
		})
	})
	return sortedSet(out), err
}

// OpenRun is a run that has not ended.
type OpenRun struct {
	ID    int64
	Kind  RunKind
	State RunState // Planning or Working
	Waits bool     // manifests of it have no result yet
}

// OpenRuns returns all runs that have not ended, the oldest first.
func (s *Store) OpenRuns(ctx context.Context) (out []OpenRun, err error) {
	err = s.read(ctx, "reading runs that have not ended", func(t tx) error {
		out = nil
		return t.rows(ctx, `SELECT id, kind, state, EXISTS (SELECT 1 FROM audit_run_wait w WHERE w.run_id = r.id)
			FROM audit_run r WHERE ended = 0 ORDER BY id`, nil, func(scan func(...any) error) error {
			var r OpenRun
			err := scan(&r.ID, &r.Kind, &r.State, &r.Waits)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

// Trend returns the newest of the runs that were completed, the oldest first,
// with the totals of their end.
func (s *Store) Trend(ctx context.Context, limit int) (out []Run, err error) {
	err = s.read(ctx, "reading the trend", func(t tx) error {
		out, err = s.runs(ctx, t, false, `SELECT * FROM (SELECT `+runColumns+` FROM audit_run WHERE state = 'done'
			ORDER BY id DESC`+limited(limit)+`) AS newest ORDER BY id`)
		return err
	})
	return out, err
}

func limited(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" LIMIT %d", n)
}

func (s *Store) runs(ctx context.Context, t tx, texts bool, query string, args ...any) ([]Run, error) {
	var out []Run
	var rulesets []int64
	err := t.rows(ctx, query, args, func(scan func(...any) error) error {
		var r Run
		var scope, problems, totals string
		var started, ended, ruleset int64
		if err := scan(&r.ID, &r.Kind, &r.State, &scope, &r.Method, &started, &ended, &r.Error, &problems, &ruleset, &totals); err != nil {
			return err
		}
		r.Started, r.Ended = fromMicros(started), fromMicros(ended)
		err := errors.Join(decode(scope, &r.Scope), decode(problems, &r.Problems), decode(totals, &r.Totals))
		out, rulesets = append(out, r), append(rulesets, ruleset)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := map[int64]Ruleset{}
	for i := range out {
		r := &out[i]
		if r.Ended.IsZero() {
			if r.Totals, err = s.runTotals(ctx, t, r.ID, r.Kind, false); err != nil {
				return nil, err
			}
		}
		l, ok := known[rulesets[i]]
		if !ok {
			if l, err = s.ruleset(ctx, t, rulesets[i], texts); err != nil {
				return nil, err
			}
			known[rulesets[i]] = l
		}
		r.Ruleset = l
	}
	return out, nil
}

// SetRun says how far a run is. Problems replace those that were written when
// they are not nil. Done and Stopped end the run, with the totals of that
// moment and the reason; a run that has ended stays as it is.
func (s *Store) SetRun(ctx context.Context, id int64, state RunState, problems []Problem, reason string) error {
	return s.write(ctx, fmt.Sprintf("updating run %d", id), func(t tx) error {
		kind, ended, _, err := s.lockRun(ctx, t, id)
		if err != nil || ended {
			return err
		}
		if problems != nil {
			if err := t.exec(ctx, "UPDATE audit_run SET problems = ? WHERE id = ?", encode(problems), id); err != nil {
				return err
			}
		}
		if state == Done || state == Stopped {
			return s.endRun(ctx, t, id, kind, state, reason)
		}
		return t.exec(ctx, "UPDATE audit_run SET state = ?, error = ? WHERE id = ?", state, reason, id)
	})
}

// FinishIfDone ends a run, as Done and with its totals, when it is Working and
// nothing of it waits any more. It reports whether the run has ended, now or
// before. It is cheap while something waits.
func (s *Store) FinishIfDone(ctx context.Context, id int64) (done bool, err error) {
	var state RunState
	var waits bool
	what := fmt.Sprintf("settling run %d", id)
	err = s.read(ctx, what, func(t tx) error {
		return t.row(ctx, "SELECT state, EXISTS (SELECT 1 FROM audit_run_wait w WHERE w.run_id = r.id) FROM audit_run r WHERE id = ?",
			[]any{id}, &state, &waits)
	})
	if err != nil || state == Done || state == Stopped {
		return err == nil, err
	}
	if state != Working || waits {
		return false, nil
	}
	err = s.write(ctx, what, func(t tx) error {
		kind, ended, state, err := s.lockRun(ctx, t, id)
		if done = ended; err != nil || ended || state != Working {
			return err
		}
		if err := t.row(ctx, "SELECT EXISTS (SELECT 1 FROM audit_run_wait WHERE run_id = ?)", []any{id}, &waits); err != nil || waits {
			return err
		}
		done = true
		return s.endRun(ctx, t, id, kind, Done, "")
	})
	return done && err == nil, err
}

func (s *Store) lockRun(ctx context.Context, t tx, id int64) (kind RunKind, ended bool, state RunState, err error) {
	err = t.row(ctx, "SELECT kind, state FROM audit_run WHERE id = ?"+s.dialect.lock(), []any{id}, &kind, &state)
	return kind, state == Done || state == Stopped, state, err
}

// endRun writes the totals and forgets what only a running run needs.
func (s *Store) endRun(ctx context.Context, t tx, id int64, kind RunKind, state RunState, reason string) error {
	totals, err := s.runTotals(ctx, t, id, kind, true)
	if err != nil {
		return err
	}
	err = t.exec(ctx, "UPDATE audit_run SET state = ?, error = ?, ended = ?, totals = ? WHERE id = ?",
		state, reason, micros(s.now()), encode(totals), id)
	if err != nil {
		return err
	}
	for _, table := range []string{"audit_run_layer", "audit_run_wait", "audit_run_image"} {
		if err := t.exec(ctx, "DELETE FROM "+table+" WHERE run_id = ?", id); err != nil {
			return err
		}
	}
	// A result that was written at the end of a run may have counted for it still.
	for _, table := range []string{"audit_run_read", "audit_run_cell"} {
		if err := t.exec(ctx, "DELETE FROM "+table+" WHERE run_id IN (SELECT id FROM audit_run WHERE ended <> 0)"); err != nil {
			return err
		}
	}
	return nil
}

// runTotals counts the images that a run saw; those of a run that judges again
// are all that are there. Layers are those of what was looked at in the run,
// and in the end all that its images have.
func (s *Store) runTotals(ctx context.Context, t tx, id int64, kind RunKind, end bool) (Totals, error) {
	if kind == Rejudging {
		return s.totals(ctx, t, Filter{})
	}
	var c Totals
	err := t.rows(ctx, `SELECT state, outcome, sum(images), sum(findings), sum(denied), sum(review)
		FROM audit_run_cell WHERE run_id = ? GROUP BY state, outcome`, []any{id}, func(scan func(...any) error) error {
		var k group
		var n count
		err := scan(&k.state, &k.outcome, &n.images, &n.findings, &n.denied, &n.review)
		c.add(k, n)
		return err
	})
	if err != nil {
		return c, err
	}
	err = t.row(ctx, "SELECT coalesce(sum(layers), 0), coalesce(sum(was_read), 0), coalesce(sum(bytes), 0) FROM audit_run_read WHERE run_id = ?",
		[]any{id}, &c.Layers, &c.LayersRead, &c.Bytes)
	if err != nil || !end {
		return c, err
	}
	err = t.row(ctx, `SELECT count(DISTINCT l.layer_id) FROM audit_run_image r JOIN audit_image i ON i.id = r.image_id
		JOIN audit_manifest_layer l ON l.manifest_id = i.manifest_id WHERE r.run_id = ?`, []any{id}, &c.Layers)
	return c, err
}

func sumWhere(cond string) string {
	return "coalesce(sum(CASE WHEN " + cond + " THEN 1 ELSE 0 END), 0)"
}
