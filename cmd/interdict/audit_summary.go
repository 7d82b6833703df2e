package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// shownRows bounds each list of a summary; 'audit results' has them all.
const shownRows = 20

// fleetVerdict is the verdict of all images of a run together. One that was not
// looked at, for whatever reason, is nothing that anybody can call clean.
func fleetVerdict(r store.Run) denylist.Outcome {
	n := r.Totals
	switch {
	case n.Deny > 0:
		return denylist.Deny
	case n.Incomplete+n.Failed+n.Waiting > 0, len(r.Problems) > 0, r.State == store.Stopped, n.Images == 0:
		return denylist.Incomplete
	case n.ToReview > 0:
		return denylist.NeedsReview
	}
	return denylist.Pass
}

// exitOfRun is the exit code of a run, by the rules of scan.
func (f *judgeFlags) exitOfRun(r store.Run) error {
	n := r.Totals
	looked := n.Deny + n.Pass + n.Incomplete + n.ToReview
	failed := looked == 0 && (n.Failed > 0 || len(r.Problems) > 0 || r.Error != "")
	outcomes := []denylist.Outcome{fleetVerdict(r)}
	if n.Deny > 0 { // counts for the rest too, where --fail-on lets it pass
		r.Totals.Deny = 0
		outcomes = append(outcomes, fleetVerdict(r))
	}
	return asError(exitOf(f.failOn, failed, outcomes...))
}

// writeSummary says what one run came to.
func writeSummary(ctx context.Context, w io.Writer, s *store.Store, r store.Run) error {
	writeHead(w, r)
	if err := writeVendors(ctx, w, s); err != nil {
		return err
	}
	lists := []struct {
		title  string
		filter store.Filter
		n      int64
	}{
		{"Denied", store.Filter{Verdict: denylist.Deny}, r.Totals.Deny},
		{"Incomplete", store.Filter{Verdict: denylist.Incomplete}, r.Totals.Incomplete},
		{"To review", store.Filter{Verdict: denylist.NeedsReview}, r.Totals.ToReview},
		{"Failed", store.Filter{State: store.Failed}, r.Totals.Failed},
	}
	for _, l := range lists {
		if l.n == 0 {
			continue
		}
		if err := writeImages(ctx, w, s, l.title, l.filter); err != nil {
			return err
		}
	}
	writeProblems(w, r)
	return nil
}

func writeProblems(w io.Writer, r store.Run) {
	if len(r.Problems) > 0 {
		fmt.Fprint(w, "\nNot listed\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  %s: %s\n", printable(p.What), printable(p.Reason))
	}
}

func writeHead(w io.Writer, r store.Run) {
	n := r.Totals
	line := func(head, format string, args ...any) {
		fmt.Fprintf(w, "%-12s%s\n", head, printable(fmt.Sprintf(format, args...)))
	}
	line(strings.ToUpper(string(fleetVerdict(r))), "%s", sentence(r))
	if r.ID == 0 {
		line("", "a question to %s: nothing of it is kept without --save", scopeOf(r))
	} else {
		line("", "run %d, %s of %s, %s", r.ID, r.Kind, scopeOf(r), stateOf(r))
	}
	line("", "list %s %s, law as of %s, %s asked", r.Ruleset.List.Name, r.Ruleset.List.Version, r.Ruleset.AsOf, counted(int64(len(r.Ruleset.Regimes)), "regime"))
	if n.Layers > 0 {
		line("", "%s, %d read in this run (%s)", counted(n.Layers, "distinct layer"), n.LayersRead, size(n.Bytes))
	}
	if n.Findings > 0 {
		line("", "%s: %d denied, %d for review", counted(n.Findings, "finding"), n.Denied, n.Review)
	}
}

// sentence says what is in the images, in words.
func sentence(r store.Run) string {
	n := r.Totals
	if n.Images == 0 {
		return "no image was found"
	}
	which, what := n.Deny, "software"
	if n.Deny == 0 {
		which, what = n.Pass+n.ToReview, "nothing"
	}
	verb := "have"
	if which == 1 {
		verb = "has"
	}
	parts := []string{fmt.Sprintf("%d of %s %s %s that is banned", which, counted(n.Images, "image"), verb, what)}
	for _, more := range []struct {
		n    int64
		text string
	}{{n.Incomplete, "could not be examined whole"}, {n.ToReview, "to review"}, {n.Failed, "failed"}, {n.Waiting, "wait"}} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.text))
		}
	}
	return strings.Join(parts, "; ")
}

func scopeOf(r store.Run) string {
	if len(r.Scope) > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(r.Scope[:3], ", "), len(r.Scope)-3)
	}
	if len(r.Scope) == 0 {
		return "all that is stored"
	}
	return strings.Join(r.Scope, ", ")
}

func stateOf(r store.Run) string {
	switch {
	case r.State == store.Stopped && r.Error != "":
		return "stopped: " + r.Error
	case !r.Ended.IsZero():
		return fmt.Sprintf("%s %s after %s", r.State, minute(r.Ended), r.Ended.Sub(r.Started).Round(time.Second/10))
	}
	return fmt.Sprintf("%s since %s", r.State, minute(r.Started))
}

// counted writes a number with its noun: "1 image", "200 images".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func writeVendors(ctx context.Context, w io.Writer, s *store.Store) error {
	counts, err := s.By(ctx, "vendor", store.Filter{})
	if err != nil || len(counts) == 0 {
		return err
	}
	fmt.Fprintln(w)
	t := newTable(w, "VENDOR", "IMAGES", "DENIED", "REVIEW", "FINDINGS", "FIRST SEEN")
	for _, c := range counts[:min(len(counts), shownRows)] {
		t.row(titleOf(c), c.Images, c.Deny, c.Review, c.Findings, dayOf(c.FirstSeen))
	}
	return t.Flush()
}

func writeImages(ctx context.Context, w io.Writer, s *store.Store, title string, f store.Filter) error {
	f.Limit = shownRows
	page, next, err := s.Images(ctx, f)
	if err != nil || len(page) == 0 {
		return err
	}
	slices.SortFunc(page, func(a, b store.Image) int {
		return cmp.Compare(imageName(a.Repository, a.Digest, a.Tags), imageName(b.Repository, b.Digest, b.Tags))
	})
	fmt.Fprintf(w, "\n%s\n", title)
	for _, i := range page {
		line := "  " + imageName(i.Repository, i.Digest, i.Tags)
		if i.Platform != "" {
			line += " (" + i.Platform + ")"
		}
		if i.State == store.Failed {
			line += ": " + reason(i)
		}
		fmt.Fprintln(w, printable(line))
	}
	if next != "" {
		fmt.Fprintln(w, "  and more: interdict audit results")
	}
	return nil
}
