package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/denylist"
)

// Explain writes why a finding is one: evidence by evidence what was read,
// where, by which rule and from which source, what each regime says, and what
// would change the verdict. ID may be the beginning of a Finding.ID, with or
// without the vendor in front, if only one finding has it. A finding that several targets share is explained
// for each of them.
func Explain(w io.Writer, r *Report, id string, opt Options) error {
	ids := r.matching(id)
	switch len(ids) {
	case 0:
		return fmt.Errorf("explaining finding: no finding has the id %q", id)
	case 1:
	default:
		return fmt.Errorf("explaining finding: %q is the beginning of several: %s", id, visible(strings.Join(sortedKeys(ids), ", ")))
	}
	s := &sheet{width: max(cmp.Or(opt.Width, 80), 40), color: opt.Color}
	for i := range r.Targets {
		t := &r.Targets[i]
		for j := range t.Verdict.Findings {
			if f := &t.Verdict.Findings[j]; ids[f.ID] {
				if s.Len() > 0 {
					s.line("")
				}
				s.explain(r, t, f)
			}
		}
	}
	_, err := w.Write(s.Bytes())
	return err
}

// matching returns the IDs that begin with id, or id alone if there is one.
func (r *Report) matching(id string) map[string]bool {
	ids := make(map[string]bool)
	for i := range r.Targets {
		for j := range r.Targets[i].Verdict.Findings {
			f := &r.Targets[i].Verdict.Findings[j]
			switch {
			case id == "":
			case f.ID == id:
				return map[string]bool{id: true}
			case strings.HasPrefix(f.ID, id), strings.HasPrefix(strings.TrimPrefix(f.ID, f.Vendor+"-"), id):
				ids[f.ID] = true
			}
		}
	}
	return ids
}

func (s *sheet) explain(r *Report, t *Target, f *denylist.Finding) {
	s.row(0, bold, "finding", 12, visible(f.ID))
	s.row(0, bold, "target", 12, strings.TrimSpace(visible(t.Target)+" "+visible(t.Platform)))
	s.row(0, bold, "vendor", 12, visible(cmp.Or(f.VendorName, f.Vendor))+" ("+visible(f.Vendor)+")")
	s.row(0, bold, "component", 12, title(f))
	if f.Component.PURL != "" {
		s.row(0, "", "", 12, visible(f.Component.PURL))
	}
	s.row(0, bold, "is", 12, identifies(f))
	level := strings.ToLower(levelWord(f))
	if f.Identity != "" && f.Identity != f.Level {
		level += fmt.Sprintf(" (by the evidence alone: %s)", visible(string(f.Identity)))
	}
	s.row(0, bold, "level", 12, level)
	if f.Waiver != nil {
		s.row(0, bold, "waiver", 12, string(f.Level)+", "+waived(f.Waiver))
	}
	if f.Why != "" {
		s.row(0, bold, "because", 12, visible(f.Why))
	}
	if f.Change != "" {
		s.row(0, bold, "to change", 12, visible(f.Change))
	}
	s.explainPlaces(t, f)
	s.line("")
	s.line(s.paint(bold, "Evidence"))
	if len(f.Matches) == 0 {
		s.row(2, "", "", 2, "none is recorded")
	}
	for i, p := range f.Matches {
		s.explainProof(t, i+1, p)
	}
	s.line("")
	s.line(s.paint(bold, "Law"))
	for _, ruling := range f.Rulings {
		s.explainRuling(r, ruling)
	}
	if len(f.Rulings) == 0 {
		s.row(2, "", "", 2, "no regime that was asked names the vendor")
	}
}

func (s *sheet) explainPlaces(t *Target, f *denylist.Finding) {
	s.line("")
	s.line(s.paint(bold, "Places"))
	for _, o := range f.Occurrences {
		s.row(2, "", "", 2, place(t, o))
		if l := t.sourceLayer(o.Layer); l != nil && l.CreatedBy != "" {
			s.row(4, dim, "made by", 14, visible(l.CreatedBy))
		}
		if o.Digest != "" {
			s.row(4, dim, "file", 14, visible(o.Digest))
		}
	}
	if len(f.Occurrences) == 0 {
		s.row(2, "", "", 2, "the subject itself")
	}
}

func (s *sheet) explainProof(t *Target, n int, p denylist.Match) {
	s.row(2, bold, fmt.Sprintf("%d.", n), 5, visible(string(p.Kind))+" = "+visible(p.Value))
	if p.Path != "" {
		where := visible(p.Path)
		if l := t.layerName(p.Layer); l != "" {
			where += " (" + l + ")"
		}
		s.row(5, dim, "in", 14, where)
	}
	if p.Where != "" {
		s.row(5, dim, "at", 14, visible(p.Where))
	}
	if p.Format != "" {
		s.row(5, dim, "format", 14, visible(string(p.Format)))
	}
	if p.Count > 1 {
		s.row(5, dim, "times", 14, grouped(int64(p.Count)))
	}
	if p.Detector != "" {
		s.row(5, dim, "read by", 14, visible(p.Detector))
	}
	s.row(5, dim, "rule", 14, visible(p.Rule)+": "+strengthWords(p))
	if p.Source != "" {
		s.row(5, dim, "source", 14, visible(p.Source))
	}
}

// strengthWords says how much one proof counts.
func strengthWords(p denylist.Match) string {
	if !p.Verified {
		return visible(string(p.Strength)) + ", but not verified: it never decides"
	}
	switch p.Strength {
	case denylist.Decisive:
		return "decisive: it is enough alone"
	case denylist.Strong:
		return "strong: two that are independent are enough"
	case denylist.Corroborating:
		return "corroborating: it supports others"
	case denylist.Weak:
		return "weak: it proves nothing alone"
	}
	return visible(string(p.Strength))
}

func (s *sheet) explainRuling(r *Report, ruling denylist.Ruling) {
	word := visible(strings.ReplaceAll(string(ruling.Verdict), "-", " "))
	s.row(2, bold, word, 14, visible(ruling.Regime))
	g := r.regime(ruling.Regime)
	if g != nil && g.Name != "" {
		s.row(2, "", "", 14, visible(g.Name))
	}
	if ruling.Citation != "" {
		s.row(2, "", "", 14, visible(ruling.Citation))
	}
	if ruling.Waiver != nil {
		s.row(2, "", "", 14, waived(ruling.Waiver))
	}
	if ruling.Reason != "" {
		s.row(2, "", "", 14, visible(ruling.Reason))
	}
	if g == nil || ruling.Verdict == denylist.RulingNotCovered {
		return
	}
	if g.Reporting != "" {
		s.row(2, dim, "", 14, "report: "+visible(g.Reporting))
	}
	found := ruling.Verdict == denylist.RulingDenied
	for _, d := range g.Deadlines {
		s.row(2, dim, "", 14, "deadline: "+visible(clock(d, r.day(), found)))
	}
}
