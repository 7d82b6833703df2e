package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// maxRows bounds how many places and evidences of one finding the table lists;
// all are in the other formats.
const maxRows = 6

// Colours (ECMA-48 SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
)

// sheet is a page of a terminal.
type sheet struct {
	bytes.Buffer
	width int
	color bool
}

// paint colours text that is safe already.
func (s *sheet) paint(sgr, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// row writes a label at indent columns and text, wrapped, from column at. Both
// must be visible; the text may not be painted.
func (s *sheet) row(indent int, sgr, label string, at int, text string) {
	lines := wrap(text, s.width-at)
	pad := at - indent - runewidth.StringWidth(label)
	if pad < 1 && label != "" { // a label too wide for its column has a line of its own
		s.line(strings.Repeat(" ", indent) + s.paint(sgr, label))
		label, pad = "", at-indent
	}
	s.line(strings.Repeat(" ", indent) + s.paint(sgr, label) + strings.Repeat(" ", pad) + lines[0])
	for _, l := range lines[1:] {
		s.line(strings.Repeat(" ", at) + l)
	}
}

func (s *sheet) line(text string) {
	s.WriteString(strings.TrimRight(text, " "))
	s.WriteByte('\n')
}

func writeTable(w io.Writer, r *Report, opt Options) error {
	s := &sheet{width: max(cmp.Or(opt.Width, 80), 40), color: opt.Color}
	for i := range r.Targets {
		if i > 0 {
			s.line("")
			s.line(s.paint(dim, strings.Repeat("─", s.width)))
			s.line("")
		}
		s.target(r, &r.Targets[i], opt)
	}
	if len(r.Targets) > 1 {
		s.line("")
		s.summary(r)
	}
	for _, warning := range r.WaiverWarnings() {
		s.line("")
		s.row(0, yellow, "waiver", 12, warning)
	}
	_, err := w.Write(s.Bytes())
	return err
}

func (s *sheet) target(r *Report, t *Target, opt Options) {
	s.headline(r, t)
	groups, left := t.groups(opt)
	for _, g := range groups {
		s.line("")
		for _, l := range wrap(visible(g.Name), s.width) {
			s.line(s.paint(bold, l))
		}
		var last []denylist.Ruling
		for i, f := range g.Findings {
			if i > 0 {
				s.line("")
			}
			s.finding(t, f, slices.Equal(last, f.Rulings) && len(last) > 0)
			last = f.Rulings
		}
	}
	if left > 0 {
		s.line("")
		verb := "are"
		if left == 1 {
			verb = "is"
		}
		s.row(0, dim, "", 0, count(left, "mere mention")+" of a name "+verb+" not shown.")
	}
	s.coverage(t)
}

func outcomeColor(o denylist.Outcome) string {
	switch o {
	case denylist.Pass:
		return green
	case denylist.Deny:
		return red
	}
	return yellow
}

func (s *sheet) headline(r *Report, t *Target) {
	o := t.Outcome()
	name := visible(t.Target)
	if t.Platform != "" {
		name += " (" + visible(t.Platform) + ")"
	}
	s.row(0, outcomeColor(o), strings.ToUpper(string(o)), 12, name)
	if t.Digest != "" {
		s.row(0, "", "", 2, visible(t.Digest))
	}
	if t.Error != "" {
		s.row(0, red, "error", 12, visible(t.Error))
		return
	}
	s.row(0, "", "", 12, t.tally().String()+"; "+meaning(o))
	law := "list " + visible(strings.TrimSpace(r.List.Name+" "+r.List.Version))
	if a := cmp.Or(t.Verdict.AsOf.String(), r.AsOf.String()); a != "" {
		law += ", law as of " + a
	}
	if n := len(t.Verdict.Regimes); n > 0 {
		law += ", " + count(n, "regime") + " asked"
	}
	s.row(0, dim, "", 12, law)
	if t.Inventory != nil && t.Inventory.Foreign != "" {
		s.row(0, dim, "", 12, "bill of materials by "+visible(t.Inventory.Foreign)+": it has no evidence from inside binaries")
	}
}

func meaning(o denylist.Outcome) string {
	switch o {
	case denylist.Pass:
		return "all could be examined"
	case denylist.Deny:
		return "software that is banned is in it"
	case denylist.NeedsReview:
		return "a person must decide, so it is not passed"
	}
	return "not all could be examined, so it is not passed"
}

func (s *sheet) finding(t *Target, f *denylist.Finding, sameLaw bool) {
	sgr := dim
	switch f.Standing() {
	case denylist.Denied:
		sgr = red
	case denylist.Review:
		sgr = yellow
	}
	s.row(2, sgr, levelWord(f), 14, title(f))
	if f.Waiver != nil {
		s.row(4, dim, "", 14, string(f.Level)+", "+waived(f.Waiver))
	}
	what := identifies(f)
	if f.Hidden() {
		what += "; hidden by a later layer, but it ships"
	}
	s.row(2, dim, "", 14, strings.TrimPrefix(what, "; "))
	if sameLaw {
		s.row(4, dim, "law", 14, "as above")
	} else {
		for _, r := range f.Rulings {
			s.ruling(r)
		}
	}
	for i, o := range f.Occurrences {
		if i == maxRows {
			s.row(4, dim, "", 14, "and "+count(len(f.Occurrences)-i, "more place"))
			break
		}
		s.row(4, dim, onFirst(i, "at"), 14, place(t, o))
	}
	s.layers(t, f)
	for i, p := range f.Matches {
		if i == maxRows {
			s.row(4, dim, "", 14, "and "+count(len(f.Matches)-i, "more evidence"))
			break
		}
		s.row(4, dim, onFirst(i, "evidence"), 14, proofLine(f, p))
	}
	if f.Why != "" {
		s.row(4, dim, "why", 14, visible(f.Why))
	}
	s.row(4, dim, "finding", 14, visible(f.ID))
}

// layers writes the lines of the image's history that brought a finding.
func (s *sheet) layers(t *Target, f *denylist.Finding) {
	if t.Inventory == nil {
		return
	}
	first := true
	for _, l := range t.Inventory.Layers {
		if l.CreatedBy == "" || !slices.ContainsFunc(f.Occurrences, func(o sbom.Occurrence) bool { return o.Layer == l.DiffID }) {
			continue
		}
		label := ""
		if first {
			label, first = "made by", false
		}
		s.row(4, dim, label, 14, visible(l.CreatedBy))
	}
}

// shortID is the beginning of an ID that Explain takes.
func shortID(f *denylist.Finding) string {
	id := strings.TrimPrefix(f.ID, f.Vendor+"-")
	return visible(id[:min(8, len(id))])
}

func onFirst(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}

func (s *sheet) ruling(r denylist.Ruling) {
	sgr := dim
	switch r.Verdict {
	case denylist.RulingDenied:
		sgr = red
	case denylist.RulingReview:
		sgr = yellow
	}
	text := visible(r.Regime)
	if r.Citation != "" {
		text += ": " + visible(r.Citation)
	}
	if r.Reason != "" && r.Verdict != denylist.RulingDenied {
		text += ". " + visible(r.Reason)
	}
	if r.Waiver != nil {
		text += ". Waived until " + r.Waiver.Expires.String()
	}
	s.row(4, sgr, answer(r.Verdict), 14, text)
}

// answer is a regime's answer in words.
func answer(v denylist.RulingVerdict) string {
	if v == denylist.RulingNotCovered {
		return "no ban"
	}
	return visible(strings.ReplaceAll(string(v), "-", " "))
}

func place(t *Target, o sbom.Occurrence) string {
	text := visible(cmp.Or(o.Path, "the image's history"))
	var in []string
	if l := t.layerName(o.Layer); l != "" {
		in = append(in, l)
	}
	if o.Hidden {
		in = append(in, "hidden")
	}
	if len(in) > 0 {
		text += " (" + strings.Join(in, ", ") + ")"
	}
	return text
}

// proofLine tells what was read, how much it counts, and where when that is
// not the finding's first place.
func proofLine(f *denylist.Finding, p denylist.Match) string {
	text := visible(string(p.Kind)) + " = " + visible(p.Value)
	if p.Count > 1 {
		text += fmt.Sprintf(" (%s times)", grouped(int64(p.Count)))
	}
	strength := string(p.Strength)
	if !p.Verified {
		strength += ", rule not verified"
	}
	text += " [" + visible(strength) + "; " + visible(p.Rule) + "]"
	if p.Path != "" && !toldBy(f, p) {
		text += " in " + visible(p.Path)
	}
	return text
}

// toldBy reports whether the place of a proof is plain from the finding: its
// value is the path, or it is the only place.
func toldBy(f *denylist.Finding, p denylist.Match) bool {
	for _, o := range f.Occurrences {
		if o.Path == p.Path {
			return len(f.Occurrences) == 1 || p.Kind == sbom.Path || p.Kind == sbom.Filename
		}
	}
	return p.Kind == sbom.Path
}

func (s *sheet) coverage(t *Target) {
	weigh, noted := t.weighty()
	if t.Inventory == nil && len(weigh)+len(noted) == 0 {
		return // it was not looked at: the headline says so
	}
	s.line("")
	if inv := t.Inventory; inv != nil && (inv.Coverage.FilesSeen > 0 || inv.Foreign == "") {
		c := inv.Coverage
		s.row(0, bold, "Coverage", 10, fmt.Sprintf("%s seen (%s), %s read by a detector or cataloger",
			count(c.FilesSeen, "file"), size(c.BytesSeen), grouped(c.FilesExamined)))
	} else {
		s.row(0, bold, "Coverage", 10, "not stated")
	}
	switch {
	case len(weigh) == 0:
		s.row(0, "", "", 10, "nothing was left out")
	default:
		s.row(0, "", "", 10, "not examined: "+count(len(weigh), "thing"))
	}
	for i, g := range weigh {
		if i == 3*maxRows {
			s.row(2, dim, "", 14, "and "+grouped(int64(len(weigh)-i))+" more")
			break
		}
		s.row(2, yellow, visible(string(g.Reason)), 14, gapLine(t, g))
	}
	if len(noted) > 0 {
		s.row(0, dim, "", 10, count(len(noted), "malformed file")+", read as plain bytes")
	}
}

func gapLine(t *Target, g sbom.Gap) string {
	text := visible(g.Path)
	if l := t.layerName(g.Layer); l != "" {
		text = strings.TrimSpace(text + " (" + l + ")")
	}
	if g.Detail != "" {
		text = strings.TrimPrefix(text+": "+visible(g.Detail), ": ")
	}
	return text
}

func (s *sheet) summary(r *Report) {
	s.line(s.paint(bold, "Summary"))
	for i := range r.Targets {
		t := &r.Targets[i]
		name := visible(t.Target)
		if t.Platform != "" {
			name += " (" + visible(t.Platform) + ")"
		}
		o := t.Outcome()
		s.row(2, outcomeColor(o), strings.ToUpper(string(o)), 14, name)
	}
}
