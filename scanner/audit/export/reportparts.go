package export

import (
	"fmt"
	"strings"
)

// write puts a report down with a pen.
func (r *Report) write(p pen) error {
	t := r.Totals
	p.head("Count and method", r.Headline())
	p.table("Run", []string{"What", "Answer"}, r.facts())
	p.section("The count")
	p.table("Images, by what is known of them", []string{"Denied", "Incomplete", "Failed", "Waiting", "Passed", "All"},
		[][]string{{grouped(t.Deny), grouped(t.Incomplete), grouped(t.Failed), grouped(t.Waiting), grouped(t.Pass), grouped(t.Images)}})
	for _, by := range []struct {
		what   string
		counts []Count
	}{{"vendor", r.Vendors}, {"regime", r.Regimes}, {"repository", r.Repositories}, {"team", r.Teams}} {
		if len(by.counts) > 0 {
			p.table("By "+by.what, []string{capital(by.what), "Images", "Denied", "To review", "Findings", "First seen"}, countRows(by.counts))
		}
	}
	r.writeLaws(p)
	p.section("Method")
	for _, m := range r.Method {
		p.paragraph(m)
	}
	r.writeGaps(p)
	r.writeChanges(p)
	p.paragraph("This report states what was found and what the cited texts say of it. It is not legal advice.")
	return p.end()
}

// Headline says the whole in a sentence.
func (r *Report) Headline() string {
	t := r.Totals
	s := fmt.Sprintf("%s: %s denied, %s incomplete, %s passed", count(t.Images, "image"), grouped(t.Deny), grouped(t.Incomplete), grouped(t.Pass))
	if t.Failed > 0 {
		s += ", " + grouped(t.Failed) + " could not be looked at"
	}
	if t.Waiting > 0 {
		s += ", " + grouped(t.Waiting) + " without a result yet"
	}
	return s + "."
}

func (r *Report) facts() [][]string {
	run := r.Run
	rows := [][]string{
		{"Run", fmt.Sprintf("%d (%s), %s", run.ID, run.Kind, run.State)},
		{"Scope", strings.Join(run.Scope, ", ")},
		{"Started", run.Started},
		{"Ended", run.Ended},
		{"Law as of", r.AsOf},
		{"Denylist", strings.TrimSpace(r.List.Name + " " + r.List.Version + " " + r.List.Digest)},
		{"Layers", fmt.Sprintf("%s distinct, %s read in this run", grouped(r.Totals.Layers), grouped(run.Totals.LayersRead))},
		{"Made", r.Created},
	}
	var out [][]string
	for _, row := range rows {
		if row[1] != "" {
			out = append(out, row)
		}
	}
	if run.Error != "" {
		out = append(out, []string{"Stopped", run.Error})
	}
	return out
}

func countRows(counts []Count) [][]string {
	return each(counts, func(c Count) []string {
		name := c.Title
		if name == "" {
			name = c.Name
		}
		if name == "" {
			name = "(none)"
		}
		first, _, _ := strings.Cut(c.FirstSeen, "T")
		return []string{name, grouped(c.Images), grouped(c.Deny), grouped(c.Review), grouped(c.Findings), first}
	})
}

func (r *Report) writeLaws(p pen) {
	if len(r.Laws) == 0 {
		return
	}
	p.section("What each regime says")
	p.table("Regimes that were asked", []string{"Regime", "Answer", "In force", "Citation", "Reporting"}, each(r.Laws, func(l Law) []string {
		return []string{l.Name + " (" + l.ID + ")", l.Answer, l.InForce, l.Citation, l.Reporting}
	}))
	for _, l := range r.Laws {
		if len(l.Deadlines) > 0 {
			p.paragraph("Deadlines of " + l.Name + ":")
			p.items(each(l.Deadlines, func(d Deadline) string { return d.Says }))
		}
	}
}

func (r *Report) writeGaps(p pen) {
	p.section("What could not be listed or examined")
	if len(r.Problems) == 0 && r.Failed.Total == 0 && r.Incomplete.Total == 0 && r.Totals.Waiting == 0 {
		p.paragraph("Nothing: all that was asked for was listed, and all images were examined whole.")
		return
	}
	if len(r.Problems) > 0 {
		p.table("Not listed", []string{"What", "Reason", "Run"}, each(r.Problems, func(o Unlisted) []string { return []string{o.What, o.Reason, grouped(o.Run)} }))
	}
	if r.Totals.Waiting > 0 {
		p.paragraph(count(r.Totals.Waiting, "image") + " without a result yet.")
	}
	if r.Failed.Total > 0 {
		p.table(capped("Looked at in vain", r.Failed), []string{"Image", "Platform", "Reason"},
			each(r.Failed.Items, func(i Image) []string { return []string{imageName(i), i.Platform, i.Error} }))
	}
	if r.Incomplete.Total > 0 {
		p.table(capped("Not examined whole", r.Incomplete), []string{"Image", "Platform", "To review"},
			each(r.Incomplete.Items, func(i Image) []string { return []string{imageName(i), i.Platform, grouped(i.Review)} }))
	}
}

func (r *Report) writeChanges(p pen) {
	p.section("What changed")
	columns := []string{"Level", "Vendor", "Component", "Image", "Place"}
	rows := func(f Finding) []string {
		return []string{f.Level, f.VendorName, strings.TrimSpace(f.Component.Name + " " + f.Component.Version), f.Repository + "@" + f.Digest, f.Path}
	}
	switch {
	case r.New.Total > 0:
		p.table(capped("Findings that this run saw first", r.New), columns, each(r.New.Items, rows))
	default:
		p.paragraph("This run saw no finding for the first time.")
	}
	if r.Gone.Total > 0 {
		p.table(capped("Findings that are gone since this run began", r.Gone), columns, each(r.Gone.Items, rows))
	}
	if len(r.Trend) > 1 {
		p.table("Runs that ended, oldest first", []string{"Run", "Kind", "Ended", "Images", "Denied", "Incomplete", "Failed", "Passed"},
			each(r.Trend, func(o Run) []string {
				t := o.Totals
				return []string{grouped(o.ID), o.Kind, o.Ended, grouped(t.Images), grouped(t.Deny), grouped(t.Incomplete), grouped(t.Failed), grouped(t.Pass)}
			}))
	}
}

func capped[T any](title string, s Some[T]) string {
	if !s.More {
		return fmt.Sprintf("%s (%s)", title, grouped(s.Total))
	}
	return fmt.Sprintf("%s (the first %s of %s; the export has all)", title, grouped(int64(len(s.Items))), grouped(s.Total))
}

// imageName names an image as people do, with its digest.
func imageName(i Image) string {
	if len(i.Tags) == 0 {
		return i.Repository + "@" + i.Digest
	}
	return i.Repository + ":" + i.Tags[0] + " (" + i.Digest + ")"
}
