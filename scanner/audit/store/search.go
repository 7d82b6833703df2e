package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// fewRows is up to how many rows of a table are listed in a query itself.
const fewRows = 5000

// narrowed is what is known of the images that a filter selects before they are
// looked for: those that have a text or a finding.
type narrowed struct {
	w    where
	keys string // a condition, without arguments, that few images meet; or empty
}

// narrow looks for what a filter names, each in its own table: a text in
// repositories, tags, digests, and components of findings; a finding by its ID.
func narrow(ctx context.Context, t tx, f *Filter) (*narrowed, error) {
	x := &narrowed{w: where{dialect: t.dialect}}
	if f.Finding != "" {
		c := choice{few: true}
		if err := c.find(ctx, t, "i.manifest_id", "SELECT manifest_id FROM audit_found WHERE finding = ?", f.Finding); err != nil {
			return nil, err
		}
		x.take(&c)
	}
	if f.Text == "" {
		return x, nil
	}
	c := choice{few: true}
	name, arg := x.w.contains("name", f.Text)
	if err := c.find(ctx, t, "i.repository_id", "SELECT id FROM audit_repository WHERE "+name, arg); err != nil {
		return nil, err
	}
	if own, args := x.w.ownText("", f.Text); len(own) > 0 {
		if err := c.find(ctx, t, "i.id", "SELECT id FROM audit_image WHERE "+strings.Join(own, " OR "), args...); err != nil {
			return nil, err
		}
	}
	err := c.find(ctx, t, "i.manifest_id", `SELECT DISTINCT manifest_id FROM audit_found
		WHERE component_id IN (SELECT id FROM audit_component WHERE `+name+")", arg)
	x.take(&c)
	return x, err
}

// choice is a condition of which one part must hold.
type choice struct {
	parts []string
	args  []any
	few   bool
}

// find adds that a column is one of those that a query gives: of the keys
// themselves when they are few.
func (c *choice) find(ctx context.Context, t tx, column, query string, args ...any) error {
	ids, err := readIDs(ctx, t, fmt.Sprintf("%s LIMIT %d", query, fewRows+1), args)
	switch {
	case err != nil:
	case len(ids) > fewRows:
		c.few = false
		c.parts, c.args = append(c.parts, column+" IN ("+query+")"), append(c.args, args...)
	case len(ids) > 0:
		c.parts = append(c.parts, column+" IN ("+numbers(ids)+")")
	}
	return err
}

func (x *narrowed) take(c *choice) {
	cond := "1 = 0"
	if len(c.parts) > 0 {
		cond = "(" + strings.Join(c.parts, " OR ") + ")"
	}
	if !c.few {
		cond += " IS TRUE"
	} else {
		x.keys = cond
	}
	x.w.add(cond, c.args...)
}

func numbers(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}

// ownText are the conditions that a text is part of a tag or of the digest.
func (w *where) ownText(prefix, text string) (conds []string, args []any) {
	// Tags are kept as JSON, and have no character that JSON would escape.
	if !strings.ContainsAny(text, "\"\\[],") {
		cond, arg := w.contains(prefix+"tags", text)
		conds, args = append(conds, cond), append(args, arg)
	}
	if hex := strings.ToLower(text); strings.Trim(strings.TrimPrefix(hex, "sha256:"), "0123456789abcdef") == "" {
		conds, args = append(conds, prefix+"digest LIKE ?"), append(args, "%"+hex+"%")
	}
	return conds, args
}

// findingText adds that a text is part of an image's repository, a tag, the
// digest, or the component of the finding: a condition for few rows.
func (w *where) findingText(text string) {
	if text == "" {
		return
	}
	conds, args := w.ownText("i.", text)
	repository, arg := w.contains("r.name", text)
	component, _ := w.contains("name", text)
	conds = append(conds, repository, "f.component_id IN (SELECT id FROM audit_component WHERE "+component+")")
	w.add("("+strings.Join(conds, " OR ")+")", append(args, arg, arg)...)
}
