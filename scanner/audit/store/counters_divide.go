package store

import (
	"context"
)

// division is of repositories, by what a filter selects of them: conditions on
// their ids, empty for all.
type division struct {
	whole string // all that the counters have of it
	mixed string // some, perhaps: rows are read
}

// none is a condition that no repository meets.
const none = "IS NULL"

// divide looks which repositories the Text, or Since and NewIn, of a filter
// select whole or not at all. Most are one or the other: what a fleet's first
// audit found is all new in it, and a text is often part of a repository's name.
func divide(ctx context.Context, t tx, what Group, f *Filter) (division, error) {
	rows := division{whole: none}
	if f.Digest != "" || f.Finding != "" || f.Gone || f.late() == (f.Text != "") {
		return rows, nil
	}
	sort := byTime
	if f.Text != "" {
		sort = byName
	}
	s, err := sort(ctx, t, what, f)
	if err != nil {
		return rows, err
	}
	p := division{whole: s.among(s.whole, s.mixed, s.other), mixed: s.among(s.mixed, s.whole, s.other)}
	if s.tooMany {
		return rows, nil
	}
	return p, nil
}

// sorted are the ids of repositories of which a filter selects all, something
// perhaps, and nothing.
type sorted struct {
	whole, mixed, other []int64
	tooMany             bool // to name them in a query
}

// among is a condition that some of the repositories meet, and not the others.
func (s *sorted) among(some, others, more []int64) string {
	rest := append(append([]int64(nil), others...), more...)
	switch {
	case len(some) == 0:
		return none
	case len(rest) == 0:
		return ""
	case len(some) <= min(len(rest), fewRows):
		return "IN (" + numbers(some) + ")"
	case len(rest) <= fewRows:
		return "NOT IN (" + numbers(rest) + ")"
	}
	s.tooMany = true
	return ""
}

// byName sorts repositories by whether a text is part of their names: else it
// may be part of a tag or a component.
func byName(ctx context.Context, t tx, _ Group, f *Filter) (s sorted, err error) {
	w := where{dialect: t.dialect}
	is, arg := w.contains("name", f.Text)
	err = t.rows(ctx, "SELECT id, CASE WHEN "+is+" THEN 1 ELSE 0 END FROM audit_repository", []any{arg}, func(scan func(...any) error) error {
		var id, named int64
		err := scan(&id, &named)
		if named == 1 {
			s.whole = append(s.whole, id)
		} else {
			s.mixed = append(s.mixed, id)
		}
		return err
	})
	return s, err
}

// byTime sorts repositories by when their images were first seen, or, where what
// is counted is of findings, these.
func byTime(ctx context.Context, t tx, what Group, f *Filter) (s sorted, err error) {
	query := "SELECT repository_id, min(first_run), max(first_run), min(first_seen), "
	if what == ByVendor || what == ByRegime {
		query += "max(first_seen) FROM audit_finding"
	} else {
		query += "max(newest) FROM audit_new WHERE gone = 0 AND images > 0"
	}
	err = t.rows(ctx, query+" GROUP BY repository_id", nil, func(scan func(...any) error) error {
		var id, run, lastRun, seen, lastSeen int64
		err := scan(&id, &run, &lastRun, &seen, &lastSeen)
		since := micros(f.Since)
		switch {
		case f.NewIn != 0 && (f.NewIn < run || f.NewIn > lastRun), lastSeen < since:
			s.other = append(s.other, id)
		case (f.NewIn == 0 || run == lastRun) && seen >= since:
			s.whole = append(s.whole, id)
		default:
			s.mixed = append(s.mixed, id)
		}
		return err
	})
	return s, err
}
