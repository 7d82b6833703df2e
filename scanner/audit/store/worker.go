package store

import (
	"context"
	"errors"
	"time"
)

// moment is what time it is for all workers: the database's, because machines'
// clocks differ.
func (s *Store) moment(ctx context.Context, t tx) (us int64, err error) {
	if s.clocked || s.dialect == SQLite {
		return micros(s.now()), nil
	}
	err = t.row(ctx, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", nil, &us)
	return us, err
}

// Heartbeat says that a worker is alive.
func (s *Store) Heartbeat(ctx context.Context, worker string) error {
	return s.write(ctx, "telling that "+worker+" is alive", func(t tx) error {
		now, err := s.moment(ctx, t)
		if err != nil {
			return err
		}
		return t.insert(ctx, "audit_worker (name, beat)", 2, [][]any{{worker, now}}, "ON CONFLICT (name) DO UPDATE SET beat = excluded.beat")
	})
}

// Stale returns the workers that have not told that they are alive for longer
// than that, sorted.
func (s *Store) Stale(ctx context.Context, older time.Duration) (out []string, err error) {
	err = s.read(ctx, "reading which workers are alive", func(t tx) error {
		now, err := s.moment(ctx, t)
		if err != nil {
			return err
		}
		out, err = readNames(ctx, t, "SELECT name FROM audit_worker WHERE beat < ? ORDER BY name", now-older.Microseconds())
		return err
	})
	return out, err
}

// Forget removes a worker that has ended, and reports whether it was there: of
// several that forget the same one, one is told so.
func (s *Store) Forget(ctx context.Context, worker string) (was bool, err error) {
	err = s.write(ctx, "forgetting "+worker, func(t tx) error {
		gone, err := readNames(ctx, t, "DELETE FROM audit_worker WHERE name = ? RETURNING name", worker)
		was = len(gone) > 0
		return err
	})
	return was, err
}

func readNames(ctx context.Context, t tx, query string, args ...any) (out []string, err error) {
	err = t.rows(ctx, query, args, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		out = append(out, name)
		return err
	})
	return out, err
}

// Pause asks all workers to leave a registry alone until then. A pause is not
// shortened by an earlier one.
func (s *Store) Pause(ctx context.Context, host string, until time.Time) error {
	return s.write(ctx, "pausing "+host, func(t tx) error {
		return t.insert(ctx, "audit_host (name, paused, spent)", 3, [][]any{{host, micros(until), 0}},
			`ON CONFLICT (name) DO UPDATE SET paused = CASE WHEN audit_host.paused > excluded.paused
			THEN audit_host.paused ELSE excluded.paused END`)
	})
}

// Paused returns until when a registry is to be left alone; the zero time when
// it is not.
func (s *Store) Paused(ctx context.Context, host string) (until time.Time, err error) {
	err = s.read(ctx, "reading the pause of "+host, func(t tx) error {
		var us int64
		if err := t.row(ctx, "SELECT paused FROM audit_host WHERE name = ?", []any{host}, &us); err != nil {
			return err
		}
		now, err := s.moment(ctx, t)
		if until = (time.Time{}); err == nil && us > now {
			until = fromMicros(us)
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return until, err
}

// Take takes n tokens of a registry's bucket, which all workers share, which
// fills at perSecond and holds what it gets in a second (at least one token).
// The tokens are taken at once; they may be used after wait, which is also as
// long as the registry's pause. perSecond zero or less means no rate.
//
// It is the generic cell rate algorithm (ITU-T I.371, annex A).
func (s *Store) Take(ctx context.Context, host string, perSecond float64, n int) (wait time.Duration, err error) {
	err = s.write(ctx, "taking from the rate of "+host, func(t tx) error {
		now, err := s.moment(ctx, t)
		if err != nil {
			return err
		}
		var cost, burst int64 // microseconds
		if perSecond > 0 {
			cost = int64(float64(n) / perSecond * 1e6)
			burst = max(1e6, int64(1e6/perSecond))
		}
		var spent, paused int64
		err = t.row(ctx, `INSERT INTO audit_host (name, paused, spent) VALUES (?, 0, ?)
			ON CONFLICT (name) DO UPDATE SET spent = CASE WHEN audit_host.spent > ? THEN audit_host.spent ELSE ? END + ?
			RETURNING spent, paused`, []any{host, now + cost, now, now, cost}, &spent, &paused)
		wait = time.Duration(max(0, spent-now-burst, paused-now)) * time.Microsecond
		return err
	})
	return wait, err
}
