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

// countCells reads the range of the counters that a filter and a group need.
func countCells(ctx context.Context, t tx, what Group, f *Filter, each func(group, count, int64)) error {
	w := where{dialect: t.dialect}
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
	w.cell(f)
	from, key := "audit_cell c", "'', c.state, c.outcome"
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
// them one by one: for questions that the counters do not keep.
func countRows(ctx context.Context, t tx, what Group, f *Filter, each func(group, count, int64)) error {
	ofFindings := what == ByVendor || what == ByRegime
	if !ofFindings && !f.ofFindings() {
		return countImages(ctx, t, what, f, each)
	}
	x, err := narrow(ctx, t, f)
	if err != nil {
		return err
	}
	w, on := &x.w, where{dialect: t.dialect}
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
func countImages(ctx context.Context, t tx, what Group, f *Filter, each func(group, count, int64)) error {
	x, err := narrow(ctx, t, f)
	if err != nil {
		return err
	}
	w := &x.w
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

// counting gathers the rows of one image.
type counting struct {
	what  Group
	f     *Filter
	each  func(group, count, int64)
	id    int64
	k     group
	name  string // of the repository
	team  string
	first int64
	found []found
	since []int64 // of found
}

func (c *counting) row(scan func(...any) error) error {
	var id, first, seen int64
	var k group
	var name, team string
	var f found
	if err := scan(&id, &name, &team, &k.state, &k.outcome, &first, &f.rank, &f.id, &f.vendor, &f.rulings, &seen); err != nil {
		return err
	}
	if id != c.id {
		c.flush()
		c.id, c.k, c.name, c.team, c.first = id, k, name, team, first
	}
	if f.rank >= 0 {
		c.found, c.since = append(c.found, f), append(c.since, seen)
	}
	return nil
}

// flush counts the image.
func (c *counting) flush() {
	if c.id == 0 {
		return
	}
	all := topics(c.found)
	switch c.what {
	case ByVendor, ByRegime:
		for t, n := range all {
			named, name := t.vendor != "" && (c.f.Vendor == "" || c.f.Vendor == t.vendor) && t.regime == c.f.Regime, t.vendor
			if c.what == ByRegime {
				named, name = t.regime != "" && (c.f.Regime == "" || c.f.Regime == t.regime) && t.vendor == c.f.Vendor, t.regime
			}
			if named {
				c.each(group{name: name}, n, c.firstOf(t))
			}
		}
	case ByRepository, ByTeam, "":
		n, ok := all[topic{c.f.Vendor, c.f.Regime}]
		k := map[Group]group{ByRepository: {name: c.name}, ByTeam: {name: c.team}, "": c.k}[c.what]
		if ok {
			c.each(k, n, c.first)
		}
	}
	c.id, c.found, c.since = 0, c.found[:0], c.since[:0]
}

// firstOf is when the first finding of a topic was seen.
func (c *counting) firstOf(t topic) int64 {
	var first int64
	for i := range c.found {
		f := &c.found[i]
		is := t.vendor == "" || f.vendor == t.vendor
		if t.regime != "" {
			ruled := false
			f.regimes(func(regime string, _ rank) { ruled = ruled || regime == t.regime })
			is = is && ruled
		}
		if is && (first == 0 || c.since[i] < first) {
			first = c.since[i]
		}
	}
	return first
}
