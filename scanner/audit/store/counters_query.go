package store

import (
	"context"
	"slices"
	"strings"
)

// counted reports whether the counters can answer a filter; else rows are read.
func (f *Filter) counted() bool {
	return f.Digest == "" && f.Finding == "" && f.Text == "" && !f.late()
}

// countedNew reports whether the counters of what is new in a run can answer.
func (f *Filter) countedNew(what Group) bool {
	g := *f
	g.NewIn = 0
	return f.NewIn != 0 && g.counted() && f.Vendor == "" && f.Regime == "" && what != ByVendor && what != ByRegime
}

// countNew reads the range of the counters of what is new in a run.
func countNew(ctx context.Context, t tx, what Group, f *Filter, each func(group, count, int64)) error {
	w := where{dialect: t.dialect}
	w.add("c.first_run = ?", f.NewIn)
	return sumCells(ctx, t, "audit_new c", &w, what, f, each)
}

// countCells reads the range of the counters that a filter and a group need, of
// the repositories that a condition on c.repository_id selects, if there is one.
func countCells(ctx context.Context, t tx, what Group, f *Filter, only string, each func(group, count, int64)) error {
	w := where{dialect: t.dialect}
	if only != "" {
		w.add("c.repository_id " + only)
	}
	// Each vendor is a range of its own; "any but the empty" were all regimes
	// of each vendor too.
	if what == ByVendor && f.Vendor == "" {
		w.add("c.vendor IN (SELECT name FROM audit_vendor)")
	} else {
		w.add("c.vendor = ?", f.Vendor)
	}
	if what == ByRegime && f.Regime == "" {
		w.add("c.regime > ''")
	} else {
		w.add("c.regime = ?", f.Regime)
	}
	return sumCells(ctx, t, "audit_cell c", &w, what, f, each)
}

func sumCells(ctx context.Context, t tx, from string, w *where, what Group, f *Filter, each func(group, count, int64)) error {
	w.cell(f)
	key := "'', c.state, c.outcome"
	if what != "" {
		key = map[Group]string{ByVendor: "c.vendor", ByRegime: "c.regime", ByRepository: "r.name", ByTeam: "c.team"}[what] + ", '', ''"
	}
	if what == ByRepository || f.Repository != "" {
		from += " JOIN audit_repository r ON r.id = c.repository_id"
		w.glob("r.name", f.Repository)
	}
	columns := []string{"images", "with_denied", "with_review", "only_review", "with_mention", "findings", "denied", "review"}
	for i, c := range columns {
		columns[i] = "sum(c." + c + ")"
	}
	query := "SELECT " + key + ", " + strings.Join(columns, ", ") + ", min(c.first_seen) FROM " + from +
		" WHERE 1 = 1" + w.and() + " GROUP BY 1, 2, 3"
	return t.rows(ctx, query, w.args, func(scan func(...any) error) error {
		var k group
		var c count
		var first int64
		err := scan(&k.name, &k.state, &k.outcome,
			&c.images, &c.withDenied, &c.withReview, &c.onlyReview, &c.withMention, &c.findings, &c.denied, &c.review, &first)
		each(k, c, first)
		return err
	})
}

// countRows reads the images and findings that a filter selects, and counts
// them one by one: for questions that the counters do not keep. Only is as in
// countCells, of i.repository_id.
func countRows(ctx context.Context, t tx, what Group, f *Filter, only string, each func(group, count, int64)) error {
	ofFindings := what == ByVendor || what == ByRegime
	if !ofFindings && !f.ofFindings() {
		return countImages(ctx, t, what, f, only, each)
	}
	x, err := narrow(ctx, t, f)
	if err != nil {
		return err
	}
	w, on := &x.w, where{dialect: t.dialect}
	if only != "" {
		w.add("i.repository_id " + only)
	}
	on.equal("f.finding", f.Finding)
	on.equal("f.vendor", f.Vendor)
	all := *f
	all.Level = "" // each topic has its own: see count.of
	w.image(&all)
	w.cells(&all, "")
	if ofFindings {
		w.findingText(f.Text)
	}
	join := " LEFT JOIN "
	if ofFindings || f.ofFindings() {
		join = " JOIN "
	}
	if ofFindings {
		w.seen(f, "g.")
	} else {
		w.seen(f, "i.")
	}
	query := `SELECT i.id, r.name, i.team, m.state, m.outcome, i.first_seen,
		coalesce(f.rank, -1), coalesce(f.finding, ''), coalesce(f.vendor, ''), coalesce(f.rulings, ''), coalesce(g.first_seen, 0)` +
		imageTables + join + "audit_found f ON f.manifest_id = i.manifest_id" + on.and() +
		" LEFT JOIN audit_finding g ON g.repository_id = i.repository_id AND g.finding = f.finding WHERE 1 = 1" + w.and() + " ORDER BY i.id"
	c := &counting{what: what, f: f, each: each}
	err = t.rows(ctx, query, slices.Concat(on.args, w.args), c.row)
	c.flush()
	return err
}

// countImages counts the images that a filter selects, whose rows say how many
// findings they have.
func countImages(ctx context.Context, t tx, what Group, f *Filter, only string, each func(group, count, int64)) error {
	x, err := narrow(ctx, t, f)
	if err != nil {
		return err
	}
	w := &x.w
	if only != "" {
		w.add("i.repository_id " + only)
	}
	w.image(f)
	w.seen(f, "i.")
	tables := " FROM audit_image i JOIN audit_manifest m ON m.id = i.manifest_id"
	if what == ByRepository || f.Repository != "" {
		tables += " JOIN audit_repository r ON r.id = i.repository_id"
	}
	key := map[Group]string{"": "'', m.state, m.outcome", ByRepository: "r.name, '', ''", ByTeam: "i.team, '', ''"}[what]
	query := "SELECT " + key + ", count(*), " + sumWhere("m.denied > 0") + ", " + sumWhere("m.denied = 0 AND m.review > 0") +
		", sum(m.findings), sum(m.denied), sum(m.review), min(i.first_seen)" + tables + " WHERE 1 = 1" + w.and() + " GROUP BY 1, 2, 3"
	return t.rows(ctx, query, w.args, func(scan func(...any) error) error {
		var k group
		var c count
		var first int64
		err := scan(&k.name, &k.state, &k.outcome, &c.images, &c.withDenied, &c.onlyReview, &c.findings, &c.denied, &c.review, &first)
		each(k, c, first)
		return err
	})
}
