package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/scanner/audit/store"
)

var imageHeader = []string{
	"repository", "digest", "platform", "tags", "team", "workloads", "state", "verdict", "denied", "review", "waived",
	"created", "first_seen", "last_seen", "gone", "scanned_at", "judged_at", "list", "as_of", "error",
}

var whereHeader = []string{"repository", "digest", "platform", "tags", "team"}

var findingHeader = []string{
	"finding", "level", "vendor", "vendor_name", "component", "version", "purl", "regimes", "path", "hidden",
	"finding_waived", "finding_first_seen", "finding_first_run", "finding_gone",
}

// csvList writes RFC 4180, UTF-8, with a header: a row for each finding. An
// image without findings has one row, so that no image is lost.
type csvList struct {
	w      *csv.Writer
	header []string
}

func newCSV(w io.Writer, header ...[]string) *csvList {
	l := &csvList{w: csv.NewWriter(w)}
	for _, h := range header {
		l.header = append(l.header, h...)
	}
	return l
}

func (l *csvList) begin() error { return l.w.Write(l.header) }

func (l *csvList) end() error {
	l.w.Flush()
	return l.w.Error()
}

func (l *csvList) image(i store.Image, found []store.Finding) error {
	head := imageCells(i)
	if len(found) == 0 {
		return l.w.Write(report.Cells(append(head, make([]string, len(findingHeader))...)))
	}
	for _, f := range found {
		if err := l.w.Write(report.Cells(append(head[:len(head):len(head)], findingCells(f)...))); err != nil {
			return err
		}
	}
	return nil
}

func (l *csvList) finding(f store.Finding) error {
	head := []string{f.Repository, f.Digest, f.Platform, strings.Join(f.Tags, " "), f.Team}
	return l.w.Write(report.Cells(append(head, findingCells(f)...)))
}

func imageCells(i store.Image) []string {
	return []string{
		i.Repository, i.Digest, i.Platform, strings.Join(i.Tags, " "), i.Team, strings.Join(i.Workloads, " "),
		string(i.State), string(i.Verdict), number(i.Denied), number(i.Review), number(i.Waived),
		stamp(i.Created), stamp(i.FirstSeen), stamp(i.LastSeen), stamp(i.Gone), stamp(i.ScannedAt), stamp(i.JudgedAt),
		strings.TrimSpace(i.List.Name + " " + i.List.Version), i.AsOf.String(), i.Error,
	}
}

func findingCells(f store.Finding) []string {
	return []string{
		f.ID, string(f.Level), f.Vendor, f.VendorName, f.Component.Name, f.Component.Version, f.Component.PURL,
		rulings(f), f.Path, strconv.FormatBool(f.Hidden), strconv.FormatBool(f.Waived), stamp(f.FirstSeen), number(f.FirstRun), stamp(f.Gone),
	}
}

// rulings is "us-bod-17-01=denied us-far-52-204-23=review".
func rulings(f store.Finding) string {
	return strings.Join(each(f.Regimes, func(r store.RegimeVerdict) string { return r.ID + "=" + r.Verdict }), " ")
}

func csvCounts(w io.Writer, what string, counts []store.Count) error {
	l := newCSV(w, []string{what, "title", "images", "images_denied", "images_review", "findings", "first_seen"})
	if err := l.begin(); err != nil {
		return err
	}
	for _, c := range counts {
		row := []string{c.Name, c.Title, number(c.Images), number(c.Deny), number(c.Review), number(c.Findings), stamp(c.FirstSeen)}
		if err := l.w.Write(report.Cells(row)); err != nil {
			return err
		}
	}
	return l.end()
}

func csvRuns(w io.Writer, runs []store.Run) error {
	l := newCSV(w, []string{
		"run", "kind", "state", "scope", "started", "ended", "images", "waiting", "failed", "pass", "deny", "incomplete", "to_review",
		"findings", "denied", "review", "layers", "layers_read", "bytes", "problems", "list", "as_of", "error",
	})
	if err := l.begin(); err != nil {
		return err
	}
	for _, r := range runs {
		t := r.Totals
		row := []string{number(r.ID), string(r.Kind), string(r.State), strings.Join(r.Scope, " "), stamp(r.Started), stamp(r.Ended)}
		for _, n := range []int64{t.Images, t.Waiting, t.Failed, t.Pass, t.Deny, t.Incomplete, t.ToReview, t.Findings, t.Denied, t.Review, t.Layers, t.LayersRead, t.Bytes, int64(len(r.Problems))} {
			row = append(row, number(n))
		}
		row = append(row, strings.TrimSpace(r.Ruleset.List.Name+" "+r.Ruleset.List.Version), r.Ruleset.AsOf.String(), r.Error)
		if err := l.w.Write(report.Cells(row)); err != nil {
			return err
		}
	}
	return l.end()
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
