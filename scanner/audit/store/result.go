package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/interdict/interdict/denylist"
)

// SaveResult keeps what looking at a manifest gave, in one transaction, for all
// images of it, and no run waits for it any more. The same again changes
// nothing; another result of the same digest replaces the one before.
func (s *Store) SaveResult(ctx context.Context, r Result) error {
	bom, report := s.pack(r.BOM), s.packReport(r.Report)
	return s.write(ctx, "writing the result of "+r.Digest, func(t tx) error {
		j := &judging{store: s, t: t, run: r.Run, at: r.At, has: foundOf(&r.Verdict), tally: newTally()}
		if err := j.begin(ctx, r.Digest, true); err != nil {
			return err
		}
		if err := s.saveLayers(ctx, t, j.m.id, r.Run, r.Layers, j.there()); err != nil {
			return err
		}
		err := t.exec(ctx, `UPDATE audit_manifest SET state = 'scanned', error = '', result_key = ?, image_id = ?, platform = ?,
			created = ?, labels = ?, scanned_at = ? WHERE id = ?`,
			r.Key, r.ImageID, r.Platform, micros(r.Created), encode(r.Labels), micros(r.At), j.m.id)
		if err != nil {
			return err
		}
		if err := s.saveDocuments(ctx, t, j.m.id, bom, report); err != nil {
			return err
		}
		if err := t.exec(ctx, "DELETE FROM audit_run_wait WHERE manifest_id = ?", j.m.id); err != nil {
			return err
		}
		j.state, j.platform = Scanned, r.Platform
		return j.end(ctx, r.Verdict)
	})
}

func (s *Store) packReport(report []byte) []byte {
	if report == nil {
		return nil
	}
	return s.pack(report)
}

// SaveVerdict replaces the verdict of a manifest by that of another ruleset, or of
// the same: [ErrNotFound] when it was never looked at. A nil report leaves the
// one there is. What the verdict changes is among the run's Changes.
func (s *Store) SaveVerdict(ctx context.Context, run int64, digest string, v denylist.Verdict, report []byte, at time.Time) error {
	packed := s.packReport(report)
	return s.write(ctx, "writing the verdict of "+digest, func(t tx) error {
		j := &judging{store: s, t: t, run: run, at: at, has: foundOf(&v), tally: newTally()}
		if err := j.begin(ctx, digest, false); err != nil {
			return err
		}
		if err := s.saveDocuments(ctx, t, j.m.id, nil, packed); err != nil {
			return err
		}
		j.state = j.m.state
		return j.end(ctx, v)
	})
}

// SaveFailure keeps why a try to look at a manifest failed. With the final one
// the manifest is Failed, and no run waits for it any more. A failure that
// comes after a result is not kept.
func (s *Store) SaveFailure(ctx context.Context, run int64, digest, reason string, attempt int, final bool) error {
	return s.write(ctx, "writing the failure of "+digest, func(t tx) error {
		j := &judging{store: s, t: t, run: run, at: s.now(), tally: newTally()}
		if err := j.begin(ctx, digest, true); err != nil || j.m.state != Waiting {
			return err
		}
		if !final {
			return t.exec(ctx, "UPDATE audit_manifest SET error = ?, attempts = ? WHERE id = ?", reason, attempt, j.m.id)
		}
		err := t.exec(ctx, "UPDATE audit_manifest SET state = 'failed', error = ?, attempts = ?, failed_run = ? WHERE id = ?",
			reason, attempt, run, j.m.id)
		if err != nil {
			return err
		}
		if err := t.exec(ctx, "DELETE FROM audit_run_wait WHERE manifest_id = ?", j.m.id); err != nil {
			return err
		}
		was := *j.m
		j.m.state = Failed
		for _, p := range j.places {
			j.tally.off(p, &was, j.had)
			j.tally.on(p, j.m, j.had)
			j.tally.seen(p.runs, p, &was, -1)
			j.tally.seen(p.runs, p, j.m, 1)
		}
		return j.tally.write(ctx, t, j.at, run)
	})
}

// judging is a transaction that writes a verdict.
type judging struct {
	store    *Store
	t        tx
	run      int64
	at       time.Time
	m        *manifest // as it was
	places   []*place
	had, has []found
	tally    *tally
	state    ImageState // that it becomes
	platform string     // for images whose listing did not say
}

// begin reads and locks the manifest and its images. One that no listing has
// seen is made only when a look at it may be written.
func (j *judging) begin(ctx context.Context, digest string, make bool) error {
	ms, err := j.store.manifests(ctx, j.t, []string{digest})
	if err != nil {
		return err
	}
	if ms[digest] == nil && make {
		err := j.t.insert(ctx, "audit_manifest (digest, state)", 2, [][]any{{digest, Waiting}}, "ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		if ms, err = j.store.manifests(ctx, j.t, []string{digest}); err != nil {
			return err
		}
	}
	if j.m = ms[digest]; j.m == nil || !make && j.m.outcome == "" {
		return ErrNotFound
	}
	places, err := j.store.places(ctx, j.t, []int64{j.m.id})
	if err != nil {
		return err
	}
	j.places = places[j.m.id]
	if j.m.outcome == "" {
		return nil
	}
	had, err := readFound(ctx, j.t, []int64{j.m.id})
	j.had = had[j.m.id]
	return err
}

func (j *judging) there() bool {
	return slices.ContainsFunc(j.places, func(p *place) bool { return p.gone == 0 })
}

// end writes the verdict, what it changed, and the counters.
func (j *judging) end(ctx context.Context, v denylist.Verdict) error {
	if err := nameFound(ctx, j.t, j.has); err != nil {
		return err
	}
	if !slices.Equal(j.had, j.has) {
		if err := writeFound(ctx, j.t, j.m.id, j.had, j.has); err != nil {
			return err
		}
	}
	if j.m.outcome != "" {
		if err := j.saveChange(ctx, v.Outcome); err != nil {
			return err
		}
	}
	was, is := *j.m, *j.m
	is.state, is.outcome = j.state, v.Outcome
	is.findings, is.denied, is.review = int64(len(j.has)), 0, 0
	for _, f := range j.has {
		switch f.rank {
		case rankDenied:
			is.denied++
		case rankReview:
			is.review++
		}
	}
	if err := j.saveOutcome(ctx, &v, &is); err != nil {
		return err
	}
	for _, p := range j.places {
		q := *p
		q.platform = cmp.Or(p.platform, j.platform)
		if q.platform != p.platform {
			if err := j.t.exec(ctx, "UPDATE audit_image SET platform = ? WHERE id = ?", q.platform, p.id); err != nil {
				return err
			}
		}
		j.tally.off(p, &was, j.had)
		j.tally.on(&q, &is, j.has)
		j.tally.seen(p.runs, p, &was, -1)
		j.tally.seen(p.runs, p, &is, 1)
	}
	return j.tally.write(ctx, j.t, j.at, j.run)
}

func (j *judging) saveOutcome(ctx context.Context, v *denylist.Verdict, is *manifest) error {
	var waived int64
	for i := range v.Findings {
		if v.Findings[i].Waiver != nil {
			waived++
		}
	}
	return j.t.exec(ctx, `UPDATE audit_manifest SET outcome = ?, findings = ?, denied = ?, review = ?, waived = ?, judged_at = ?,
		list_name = ?, list_version = ?, list_digest = ?, as_of = ?,
		judged_law = coalesce((SELECT law_id FROM audit_run WHERE id = ?), 0) WHERE id = ?`,
		v.Outcome, is.findings, is.denied, is.review, waived, micros(j.at),
		v.List.Name, v.List.Version, v.List.Digest, v.AsOf.String(), j.run, j.m.id)
}
