package report

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
)

//go:embed page
var pageFiles embed.FS

// page is what page/page.html shows. Text in it is foreign unless it is made
// here: the template passes it through v, and html/template escapes it.
type page struct {
	Policy   string
	CSS      template.CSS
	JS       template.JS
	Worst    denylist.Outcome
	Headline string
	AsOf     string
	Created  string
	List     denylist.ListID
	Tool     wireTool
	Targets  []pageTarget
	Laws     []pageLaw
	Waivers  []string // warnings of those that are expired or waive nothing
	Method   []string
}

// writeHTML writes one self-contained page: it loads nothing, runs only the
// script that it brings, and reads without it.
func writeHTML(w io.Writer, r *Report, opt Options) error {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"v":      func(s any) string { return visible(fmt.Sprint(s)) },
		"upper":  func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
		"web":    webAddress,
		"answer": answer,
	}).ParseFS(pageFiles, "page/page.html")
	if err != nil {
		return err
	}
	css, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return err
	}
	js, err := pageFiles.ReadFile("page/page.js")
	if err != nil {
		return err
	}
	p := r.page(opt)
	p.CSS, p.JS = template.CSS(css), template.JS(js)
	p.Policy = "default-src 'none'; style-src " + source(css) + "; script-src " + source(js) + "; base-uri 'none'; form-action 'none'"
	return t.Execute(w, p)
}

// source is a Content Security Policy source expression for inline text.
func source(b []byte) string {
	sum := sha256.Sum256(b)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (r *Report) page(opt Options) *page {
	p := &page{
		Worst: r.Outcome(), AsOf: r.AsOf.String(), Created: stamp(r.Created), List: r.List,
		Tool: wireTool{Name: cmp.Or(r.Tool.Name, "interdict"), Version: r.Tool.Version},
	}
	n := make(map[denylist.Outcome]int)
	for i := range r.Targets {
		p.Targets = append(p.Targets, r.Targets[i].page(i, opt))
		n[r.Targets[i].Outcome()]++
	}
	p.Headline = fmt.Sprintf("%s: %d denied, %d incomplete, %d to review, %d passed.", count(len(r.Targets), "target"),
		n[denylist.Deny], n[denylist.Incomplete], n[denylist.NeedsReview], n[denylist.Pass])
	for i := range r.Regimes {
		p.Laws = append(p.Laws, r.law(&r.Regimes[i]))
	}
	// What is denied first; within that by ID.
	classes := []string{"denied", "review", "", "clear"}
	slices.SortStableFunc(p.Laws, func(a, b pageLaw) int {
		return cmp.Compare(slices.Index(classes, a.Class), slices.Index(classes, b.Class))
	})
	p.Waivers, p.Method = r.WaiverWarnings(), r.method()
	return p
}

// method tells how the findings were arrived at. BOD 17-01 asks for it beside
// the count.
func (r *Report) method() []string {
	var files, examined, bytes int64
	seen, foreign := 0, 0
	detectors := make(map[string]bool)
	for i := range r.Targets {
		if inv := r.Targets[i].Inventory; inv != nil {
			seen++
			files += inv.Coverage.FilesSeen
			examined += inv.Coverage.FilesExamined
			bytes += inv.Coverage.BytesSeen
			if inv.Foreign != "" {
				foreign++
			}
			for _, d := range inv.Tool.Detectors {
				detectors[visible(d)] = true
			}
		}
	}
	out := []string{fmt.Sprintf(
		"%s of %d could be looked at: %s, %s in all, %s read by a detector or cataloger. Every layer of an image was read, "+
			"also what a later layer hides, because it ships with the image.",
		count(seen, "target"), len(r.Targets), count(files, "regular file"), size(bytes), grouped(examined))}
	if foreign > 0 {
		out = append(out, count(foreign, "target")+" was judged from a bill of materials of another tool, which has no evidence from inside binaries.")
	}
	if len(detectors) > 0 {
		out = append(out, "Detectors: "+strings.Join(sortedKeys(detectors), ", ")+".")
	}
	return append(out,
		"A finding is denied when one decisive or two independent strong evidences identify the vendor's software and a regime that was asked bans it; "+
			"it is for review when the identity is weaker or the text of the regime leaves the case open. Rules that were not checked against their source never decide.",
		"What could not be examined is listed under Coverage. A target with such things, and nothing denied, is incomplete, not passed. "+
			"One of which all was examined, and with something to review, is for review, not passed either.")
}

// law is a regime and what it says of the findings.
type pageLaw struct {
	ID, Name, Anchor, Class, Answer          string
	Authority, Citation, Effects, Who, Dates string
	Reporting, Remedy, Status                string
	Clock, Exceptions, Sources               []string
	Verified                                 bool
	Findings                                 []lawFinding
}

type lawFinding struct {
	Verdict denylist.RulingVerdict
	Title   string
	Anchor  string
	Target  string
}

func (r *Report) law(g *denylist.Regime) pageLaw {
	l := pageLaw{
		ID: g.ID, Name: cmp.Or(g.Name, g.ID), Anchor: "law-" + anchor(g.ID), Authority: g.Authority, Citation: g.Citation,
		Effects: visible(strings.Join(each(g.Effects, func(e denylist.Effect) string { return strings.ReplaceAll(string(e), "-", " ") }), ", ")),
		Who:     g.Who, Reporting: g.Reporting, Remedy: g.Remedy, Status: g.Status,
		Exceptions: g.Exceptions, Sources: g.Sources, Verified: g.Verified,
	}
	switch from, to := g.Effective.String(), g.Ends.String(); {
	case from != "" && to != "":
		l.Dates = from + " to " + to
	case from != "":
		l.Dates = "from " + from
	}
	denied, review := r.lawFindings(&l, g.ID)
	switch {
	case denied > 0:
		l.Class, l.Answer = "denied", count(denied, "covered article")+" found."
	case review > 0:
		l.Class, l.Answer = "review", "No covered article is certain; "+count(review, "finding")+" to review."
	case r.incomplete():
		l.Answer = "No covered article found in what could be examined."
	default:
		l.Class, l.Answer = "clear", "No covered article found."
	}
	for _, d := range g.Deadlines {
		l.Clock = append(l.Clock, clock(d, r.day(), denied > 0))
	}
	return l
}

func (r *Report) lawFindings(l *pageLaw, id string) (denied, review int) {
	for i := range r.Targets {
		t := &r.Targets[i]
		for j := range t.Verdict.Findings {
			f := &t.Verdict.Findings[j]
			for _, ruling := range f.Rulings {
				if ruling.Regime != id || nameOnly(f) {
					continue
				}
				v := ruling.Verdict
				if v == denylist.RulingDenied && f.Level != denylist.Denied {
					v = denylist.RulingReview // the law is clear, the identity is not
				}
				switch {
				case ruling.Waiver != nil: // told, and not counted
				case v == denylist.RulingDenied:
					denied++
				case v == denylist.RulingReview:
					review++
				}
				l.Findings = append(l.Findings, lawFinding{v, title(f) + lawWaived(ruling), findingAnchor(i, f), t.Target})
			}
		}
	}
	return denied, review
}

func lawWaived(ruling denylist.Ruling) string {
	if ruling.Waiver == nil {
		return ""
	}
	return " (waived until " + ruling.Waiver.Expires.String() + ")"
}

func (r *Report) incomplete() bool {
	for i := range r.Targets {
		if r.Targets[i].Outcome() == denylist.Incomplete {
			return true
		}
		if weigh, _ := r.Targets[i].weighty(); len(weigh) > 0 {
			return true
		}
	}
	return false
}

// day is the day that clocks run from: that of the report, else of the law.
func (r *Report) day() time.Time {
	if !r.Created.IsZero() {
		return r.Created.UTC().Truncate(24 * time.Hour)
	}
	return r.AsOf.Time
}
