package store

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/interdict/interdict/denylist"
)

// ErrCursor: a page's cursor is not one that the store gave.
var ErrCursor = errors.New("not a page's cursor")

// where collects conditions and their arguments.
type where struct {
	dialect Dialect
	conds   []string
	args    []any
}

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

// equal adds a condition unless the value is empty.
func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" = ?", value)
	}
}

// and is the conditions, to follow others.
func (w *where) and() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " AND " + strings.Join(w.conds, " AND ")
}

// glob adds that a column is as the glob says: "*" stands for any text, also
// with slashes in it, "?" for one character, and all else for itself.
func (w *where) glob(column, glob string) {
	switch {
	case glob == "" || glob == "*":
	case !strings.ContainsAny(glob, "*?"):
		w.add(column+" = ?", glob)
	case w.dialect == SQLite: // its LIKE takes capitals for small letters
		w.add(column+" GLOB ?", strings.ReplaceAll(glob, "[", "[[]"))
	default:
		w.add(column+` LIKE ? ESCAPE '\'`, strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%", "?", "_").Replace(glob))
	}
}

// contains is a condition that a column has the text in it, whatever the case
// (in SQLite only of ASCII), and its argument.
func (w *where) contains(column, text string) (string, any) {
	pattern := "%" + escapeLike(text) + "%"
	if w.dialect == SQLite {
		return column + ` LIKE ? ESCAPE '\'`, pattern
	}
	return column + ` ILIKE ? ESCAPE '\'`, pattern
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s)
}

// A condition that "IS TRUE" is one that no database makes a join of: it looks
// up in the list that it made once, and reads rows in the order it would without.
// Conditions below name tables so: r audit_repository, i audit_image, m
// audit_manifest, f audit_found, g audit_finding.

// image adds what a filter says of an image.
func (w *where) image(f *Filter) {
	w.glob("r.name", f.Repository)
	if f.Gone {
		w.add("i.gone <> 0")
	} else {
		w.add("i.gone = 0")
	}
	w.equal("m.digest", f.Digest)
	w.equal("i.team", f.Team)
	w.equal("i.platform", f.Platform)
	w.equal("m.state", string(f.State))
	w.equal("m.outcome", string(f.Verdict))
}

// cells keeps to repositories that have such images at all: the counters know.
// More is what else their cells must be.
func (w *where) cells(f *Filter, more string) {
	if f.Digest != "" || f.Team == "" && f.Platform == "" && f.State == "" && f.Verdict == "" && f.Vendor == "" && f.Regime == "" && f.Level == "" {
		return
	}
	c := where{dialect: w.dialect}
	c.cell(f)
	switch f.Level {
	case "":
		c.add("c.images > 0")
	case denylist.Denied:
		c.add("c.with_denied > 0")
	case denylist.Review:
		c.add("c.with_review > 0")
	default:
		c.add("c.with_mention > 0")
	}
	w.add("(r.id IN (SELECT c.repository_id FROM audit_cell c WHERE c.vendor = ? AND c.regime = ?"+c.and()+more+")) IS TRUE",
		append([]any{f.Vendor, f.Regime}, c.args...)...)
}

// cell adds what a filter says of a cell, but for vendor, regime and level.
func (w *where) cell(f *Filter) {
	if f.Gone {
		w.add("c.gone = 1")
	} else {
		w.add("c.gone = 0")
	}
	w.equal("c.team", f.Team)
	w.equal("c.platform", f.Platform)
	w.equal("c.state", string(f.State))
	w.equal("c.outcome", string(f.Verdict))
}

// finding adds what a filter says of one finding, whose columns have the prefix.
func (w *where) finding(f *Filter, prefix string) {
	w.equal(prefix+"finding", f.Finding)
	w.equal(prefix+"vendor", f.Vendor)
	switch {
	case f.Regime == "":
		if f.Level != "" {
			w.add(prefix+"rank = ?", int64(rankOf(f.Level)))
		}
	case f.Level != "": // what the regime itself says
		w.ruling(prefix, string(f.Level)+":"+f.Regime)
	default:
		a, x := w.contains(prefix+"rulings", ","+string(denylist.RulingDenied)+":"+f.Regime+",")
		b, y := w.contains(prefix+"rulings", ","+string(denylist.RulingReview)+":"+f.Regime+",")
		w.add("("+a+" OR "+b+")", x, y)
	}
}

func (w *where) ruling(prefix, ruling string) {
	cond, arg := w.contains(prefix+"rulings", ","+ruling+",")
	w.add(cond, arg)
}

// ofFindings reports whether a filter asks for images by a finding of theirs.
func (f *Filter) ofFindings() bool {
	return f.Finding != "" || f.Vendor != "" || f.Regime != "" || f.Level != ""
}

// late reports whether a filter asks for what was first seen late.
func (f *Filter) late() bool { return f.NewIn != 0 || !f.Since.IsZero() }

// hasFinding adds that an image has a finding that the filter selects, and that
// was first seen so late when late is set.
func (w *where) hasFinding(f *Filter, late bool) {
	late = late && f.late()
	if !f.ofFindings() && !late {
		return
	}
	e, join := where{dialect: w.dialect}, ""
	if late {
		join = " JOIN audit_finding g ON g.repository_id = i.repository_id AND g.finding = f.finding"
		if w.dialect == SQLite { // which else might read all that is late first
			join = " CROSS" + join
		}
		e.seen(f, "g.")
	}
	e.finding(f, "f.")
	w.add("(EXISTS (SELECT 1 FROM audit_found f"+join+" WHERE f.manifest_id = i.manifest_id"+e.and()+")) IS TRUE", e.args...)
}

// seen adds since when and in which run something was first seen.
func (w *where) seen(f *Filter, prefix string) {
	if !f.Since.IsZero() {
		w.add(prefix+"first_seen >= ?", micros(f.Since))
	}
	if f.NewIn != 0 {
		w.add(prefix+"first_run = ?", f.NewIn)
	}
}

// seenIn is seen for a row with an id of a table that SQLite shall not read
// pages by: it looks the id up in the list that the table's own index gives.
func (w *where) seenIn(f *Filter, id, column, table string) {
	e := where{dialect: w.dialect}
	e.seen(f, "")
	if len(e.conds) > 0 {
		w.add("("+id+" IN (SELECT "+column+" FROM "+table+" WHERE "+strings.Join(e.conds, " AND ")+")) IS TRUE", e.args...)
	}
}

// limit is how many rows a page has.
func (f *Filter) limit() int {
	if f.Limit <= 0 {
		return 100
	}
	return f.Limit
}

// cursor is the place of the last row of a page.
type cursor struct {
	Repository string `json:"r"`
	Digest     string `json:"d,omitempty"`
	Rank       int64  `json:"k,omitempty"`
	Finding    string `json:"f,omitempty"`
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // of strings and a number
	return base64.RawURLEncoding.EncodeToString(b)
}

// after reads the filter's cursor; ok is false for the first page.
func (f *Filter) after() (c cursor, ok bool, err error) {
	if f.After == "" {
		return c, false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(f.After)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return c, false, ErrCursor
	}
	return c, true, nil
}
