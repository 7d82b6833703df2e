package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// write puts a report down with a renderer.
func (r *Report) write(p renderer) error {
	t := r.Totals
	p.head("Count and method", r.Headline())
	p.table("Run", []string{"What", "Answer"}, r.facts())
	p.section("The count")
	p.table("Images, by what is known of them", []string{"Denied", "Incomplete", "To review", "Failed", "Waiting", "Passed", "All"},
		[][]string{{grouped(t.Deny), grouped(t.Incomplete), grouped(t.ToReview), grouped(t.Failed), grouped(t.Waiting), grouped(t.Pass), grouped(t.Images)}})
	if n := store.Totals(t).Again(); n > 0 {
		p.paragraph("Those that failed or wait count by the verdict of an earlier look too, where they have one: " + count(n, "image") + ".")
	}
	r.writeCounts(p)
	r.writeFindings(p)
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
	s := fmt.Sprintf("%s: %s denied, %s incomplete, %s to review, %s passed", count(t.Images, "image"), grouped(t.Deny), grouped(t.Incomplete), grouped(t.ToReview), grouped(t.Pass))
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

func (r *Report) writeCounts(p renderer) {
	for _, by := range []struct {
		what   string
		counts []Count
		none   string
	}{{"vendor", r.Vendors, "vendors"}, {"regime", r.Regimes, "regimes"}, {"repository", r.Repositories, "repositories"}, {"team", r.Teams, "teams"}} {
		found := slices.DeleteFunc(slices.Clone(by.counts), func(c Count) bool { return c.Findings == 0 })
		if len(found) > shown {
			found = found[:shown]
		}
		if len(found) > 0 {
			p.table("By "+by.what, []string{capital(by.what), "Images", "Denied", "To review", "Findings", "First seen"}, countRows(by.what, found))
		}
		if rest := len(by.counts) - len(found); rest > 0 && len(found) < shown {
			p.paragraph(fmt.Sprintf("%s of %s %s have no finding.", grouped(int64(rest)), grouped(int64(len(by.counts))), by.none))
		} else if rest > 0 {
			p.paragraph(fmt.Sprintf("%s more %s: the export has all.", grouped(int64(rest)), by.none))
		}
	}
}

func (r *Report) writeFindings(p renderer) {
	p.section("What was identified")
	if r.Findings.Total == 0 {
		p.paragraph("Nothing of a vendor on the list, in what could be examined.")
		return
	}
	p.table(capped("Findings, one for each image that has it", r.Findings), findingColumnsShort, each(r.Findings.Items, findingRow))
}

var findingColumnsShort = []string{"Level", "Vendor", "Component", "Image", "Place"}

func findingRow(f Finding) []string {
	level, place := f.Level, f.Path
	if f.Waived {
		level = "waived"
	}
	if f.Hidden {
		place += " (hidden by a later layer, but it ships)"
	}
	return []string{level, f.VendorName, strings.TrimSpace(f.Component.Name + " " + f.Component.Version), named(f.Repository, f.Digest, f.Tags), place}
}

// countRows names regimes by their IDs, which are shorter; their names stand
// where each says its answer.
func countRows(what string, counts []Count) [][]string {
	return each(counts, func(c Count) []string {
		name := c.Title
		if name == "" || what == "regime" {
			name = c.Name
		}
		if name == "" {
			name = "(none)"
		}
		first, _, _ := strings.Cut(c.FirstSeen, "T")
		return []string{name, grouped(c.Images), grouped(c.Deny), grouped(c.Review), grouped(c.Findings), first}
	})
}

func (r *Report) writeLaws(p renderer) {
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

func (r *Report) writeGaps(p renderer) {
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

func (r *Report) writeChanges(p renderer) {
	p.section("What changed")
	switch {
	case r.state.Before == 0:
		p.paragraph("This was the first run: all is new.")
	case r.New.Total > 0:
		p.table(capped("Findings that this run saw first", r.New), findingColumnsShort, each(r.New.Items, findingRow))
	default:
		p.paragraph("This run saw no finding for the first time.")
	}
	if r.Gone.Total > 0 {
		p.table(capped("Findings that are gone since this run began", r.Gone), findingColumnsShort, each(r.Gone.Items, findingRow))
	}
	if len(r.Trend) > 1 {
		p.table("Runs that ended, oldest first", []string{"Run", "What", "Ended", "Images", "Denied", "Incomplete", "To review", "Failed", "Passed"},
			each(r.Trend, func(o Run) []string {
				t := o.Totals
				return []string{grouped(o.ID), strings.TrimSpace(o.Kind + " " + strings.Join(o.Scope, ", ")), o.Ended, grouped(t.Images), grouped(t.Deny), grouped(t.Incomplete), grouped(t.ToReview), grouped(t.Failed), grouped(t.Pass)}
			}))
	}
}

func capped[T any](title string, s Some[T]) string {
	if !s.More {
		return fmt.Sprintf("%s (%s)", title, grouped(s.Total))
	}
	if int64(len(s.Items)) == s.Total {
		return fmt.Sprintf("%s (the first %s; the export has all)", title, grouped(s.Total))
	}
	return fmt.Sprintf("%s (the first %s of %s; the export has all)", title, grouped(int64(len(s.Items))), grouped(s.Total))
}

func imageName(i Image) string { return named(i.Repository, i.Digest, i.Tags) }

// named names an image as people do, with its digest.
func named(repository, digest string, tags []string) string {
	if len(tags) == 0 {
		return repository + "@" + digest
	}
	return repository + ":" + tags[0] + " (" + digest + ")"
}
