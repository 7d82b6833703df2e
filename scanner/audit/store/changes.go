package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/interdict/interdict/denylist"
)

// Change is what a run's new verdict of an image changed. A finding whose level
// changed is in both lists, as it is and as it was.
type Change struct {
	Repository     string
	Digest         string
	Platform       string
	Tags           []string
	Team           string
	Before, After  denylist.Outcome
	Added, Removed []Finding
}

// changed is a finding as a change keeps it.
type changed struct {
	ID     string         `json:"id"`
	Vendor string         `json:"vendor"`
	Level  denylist.Level `json:"level"`
	Detail string         `json:"detail"`
}

func (c changed) same(d changed) bool { return c.ID == d.ID && c.Level == d.Level }

// saveChange keeps what the new verdict changes. A run that judges twice has
// the change of both together.
func (j *judging) saveChange(ctx context.Context, outcome denylist.Outcome) error {
	if j.run == 0 {
		return nil
	}
	before, had := j.m.outcome, changedOf(j.had)
	var added, removed []changed
	var oldAdded, oldRemoved string
	var oldBefore denylist.Outcome
	err := j.t.row(ctx, "SELECT before_outcome, added, removed FROM audit_change WHERE run_id = ? AND manifest_id = ?",
		[]any{j.run, j.m.id}, &oldBefore, &oldAdded, &oldRemoved)
	switch {
	case err == nil: // what it was before the run
		if err := decode(oldAdded, &added); err != nil {
			return err
		}
		if err := decode(oldRemoved, &removed); err != nil {
			return err
		}
		before = oldBefore
		had = append(without(had, added), removed...)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	has := changedOf(j.has)
	added, removed = without(has, had), without(had, has)
	if before == outcome && len(added) == 0 && len(removed) == 0 {
		return j.t.exec(ctx, "DELETE FROM audit_change WHERE run_id = ? AND manifest_id = ?", j.run, j.m.id)
	}
	return j.t.insert(ctx, "audit_change (run_id, manifest_id, before_outcome, after_outcome, added, removed)", 6,
		[][]any{{j.run, j.m.id, before, outcome, encode(nonNil(added)), encode(nonNil(removed))}},
		`ON CONFLICT (run_id, manifest_id) DO UPDATE SET after_outcome = excluded.after_outcome,
		added = excluded.added, removed = excluded.removed`)
}

// Compare returns what a verdict would change if it were saved, an entry for each
// image of the manifest that is there, in no order; Before and After are equal and
// both lists empty where it would change nothing. It writes nothing.
func (s *Store) Compare(ctx context.Context, digest string, v *denylist.Verdict) (out []Change, err error) {
	images, err := s.Places(ctx, digest)
	if err != nil {
		return nil, err
	}
	var had []found
	err = s.read(ctx, "reading the findings of "+digest, func(t tx) error {
		var id int64
		if err := t.row(ctx, "SELECT id FROM audit_manifest WHERE digest = ?", []any{digest}, &id); err != nil {
			return err
		}
		all, err := readFound(ctx, t, []int64{id})
		had = all[id]
		return err
	})
	if err != nil {
		return nil, err
	}
	was, is := changedOf(had), changedOf(foundOf(v))
	added, removed := encode(without(is, was)), encode(without(was, is))
	for _, i := range images {
		if !i.Gone.IsZero() {
			continue
		}
		c := Change{Repository: i.Repository, Digest: digest, Platform: i.Platform, Tags: i.Tags, Team: i.Team, Before: i.Verdict, After: v.Outcome}
		if c.Added, err = c.findings(added); err != nil {
			return nil, err
		}
		if c.Removed, err = c.findings(removed); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func changedOf(fs []found) []changed {
	out := make([]changed, len(fs))
	for i, f := range fs {
		out[i] = changed{f.id, f.vendor, f.rank.level(), f.detail}
	}
	return out
}

// without returns those of a that are not in b.
func without(a, b []changed) []changed {
	return slices.DeleteFunc(slices.Clone(a), func(c changed) bool { return slices.ContainsFunc(b, c.same) })
}

// Changes returns what the verdicts of a run changed, an entry for each image
// that is there, in the order of repository and digest. First results are no
// changes.
func (s *Store) Changes(ctx context.Context, run int64) (out []Change, err error) {
	err = s.read(ctx, fmt.Sprintf("reading the changes of run %d", run), func(t tx) error {
		out = nil
		return t.rows(ctx, `SELECT r.name, i.digest, i.platform, i.tags, i.team, c.before_outcome, c.after_outcome, c.added, c.removed
			FROM audit_change c JOIN audit_image i ON i.manifest_id = c.manifest_id AND i.gone = 0
			JOIN audit_repository r ON r.id = i.repository_id
			WHERE c.run_id = ? ORDER BY r.name, i.digest`, []any{run}, func(scan func(...any) error) error {
			var c Change
			var tags, added, removed string
			err := scan(&c.Repository, &c.Digest, &c.Platform, &tags, &c.Team, &c.Before, &c.After, &added, &removed)
			if err != nil {
				return err
			}
			c.Tags = list(tags)
			if c.Added, err = c.findings(added); err != nil {
				return err
			}
			c.Removed, err = c.findings(removed)
			out = append(out, c)
			return err
		})
	})
	return out, err
}

// findings reads a list of findings as they were or are in the image.
func (c *Change) findings(text string) ([]Finding, error) {
	var kept []changed
	if err := decode(text, &kept); err != nil {
		return nil, err
	}
	var out []Finding
	for _, k := range kept {
		f := found{rank: rankOf(k.Level), id: k.ID, vendor: k.Vendor, detail: k.Detail}
		o, err := f.finding()
		if err != nil {
			return nil, err
		}
		o.at(c.Repository, c.Digest)
		o.Platform, o.Tags, o.Team = c.Platform, c.Tags, c.Team
		out = append(out, o)
	}
	return out, nil
}
