package denylist

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/interdict/interdict/sbom"
)

// Explain writes, for readers without knowledge of software, what bans a
// vendor, whom each law binds, from when, until when what has to be done, what
// it covers and what not, and by what the vendor's software is known. The text
// is plain, wrapped at 80 columns, and depends on nothing but its arguments.
// The error is w's, or says that the list has no such vendor.
func Explain(w io.Writer, l *List, vendorID string) error {
	i := slices.IndexFunc(l.Vendors, func(v Vendor) bool { return v.ID == vendorID })
	if i < 0 {
		return fmt.Errorf("the list has no vendor %q", vendorID)
	}
	v := &l.Vendors[i]
	p := &printer{w: w}
	p.heading(v.Name, '=')
	id := l.ID()
	p.text(0, "%s, from list %s, version %s (%s). This is not legal advice.", v.ID, id.Name, orNone(id.Version), id.Digest)
	if v.Note != "" {
		p.text(0, "%s", v.Note)
	}
	p.laws(l, v)
	p.identifies(v)
	p.doesNot(v)
	p.embedders(v)
	return p.err
}

// printer writes wrapped text and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

// width is the columns of the text.
const width = 80

func (p *printer) line(s string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, s)
	}
}

func (p *printer) heading(s string, under rune) {
	p.wrap("", "", s)
	p.line(strings.Repeat(string(under), min(utf8.RuneCountInString(s), width)))
}

// text writes a paragraph, indented, and an empty line after it.
func (p *printer) text(indent int, format string, args ...any) {
	p.wrap(strings.Repeat(" ", indent), strings.Repeat(" ", indent), fmt.Sprintf(format, args...))
	p.line("")
}

// item writes "label: text" with a hanging indent; nothing when text is empty.
func (p *printer) item(label, text string) {
	if text != "" {
		p.wrap("  "+label+": ", "    ", text)
	}
}

func (p *printer) wrap(first, rest, text string) {
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			p.line(strings.TrimRight(line, " "))
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line(strings.TrimRight(line, " "))
}

func (p *printer) laws(l *List, v *Vendor) {
	n := 0
	for i := range l.Regimes {
		r := &l.Regimes[i]
		if j := slices.IndexFunc(r.Vendors, func(x RegimeVendor) bool { return x.ID == v.ID }); j >= 0 {
			if n++; n == 1 {
				p.heading("What the laws say", '-')
				p.line("")
			}
			p.law(r, &r.Vendors[j])
		}
	}
	if n == 0 {
		p.text(0, "No regime of the list names this vendor.")
	}
}

func (p *printer) law(r *Regime, v *RegimeVendor) {
	p.wrap("", "  ", fmt.Sprintf("%s (%s)", r.Name, r.ID))
	p.item("Issued by", r.Authority)
	p.item("Citation", r.Citation)
	p.item("Effect", effectsOf(r))
	p.item("Binds", r.Who)
	p.item("Dates", dates(r, v))
	p.item("Limit for this vendor", v.Scope)
	for _, d := range r.Deadlines {
		p.item("Deadline", d.when()+": "+d.What)
	}
	p.item("Duty to report", r.Reporting)
	p.item("To do", r.Remedy)
	for _, a := range []Answer{Covered, Excluded, Open} {
		p.item(map[Answer]string{Covered: "Covers", Excluded: "Does not cover", Open: "Leaves open"}[a], covered(r, v, a))
	}
	for _, e := range r.Exceptions {
		p.item("Exception", e)
	}
	p.item("Status", r.Status)
	for _, n := range r.Notes {
		p.item("Note", n)
	}
	switch {
	case !r.Verified:
		p.item("Caution", "This account was not checked against the law's text.")
	case !v.Verified:
		p.item("Caution", "That it names this vendor was not checked against its text.")
	}
	for _, s := range r.Sources {
		p.item("Source", s)
	}
	p.line("")
}

func effectsOf(r *Regime) string {
	names := map[Effect]string{
		UseBan: "bans use", ProcurementBan: "bans procurement", SaleBan: "bans sale",
		ExportControl: "controls exports to the vendor; use is not banned", AssetFreeze: "freezes assets and dealings",
		Warning: "warns; nothing is banned", Authorization: "refuses authorization of equipment", FundingBan: "bans buying with subsidies",
	}
	parts := make([]string, len(r.Effects))
	for i, e := range r.Effects {
		parts[i] = names[e]
	}
	s := strings.Join(parts, ", ")
	if !r.Bans() {
		s += " (asked only on request)"
	}
	return s
}

func dates(r *Regime, v *RegimeVendor) string {
	var parts []string
	for _, d := range []struct {
		label string
		date  Date
	}{{"issued", r.Issued}, {"in force from", r.Effective}, {"for this vendor from", v.From}, {"no longer in force from", r.Ends}} {
		if !d.date.IsZero() {
			parts = append(parts, d.label+" "+d.date.String())
		}
	}
	return strings.Join(parts, ", ")
}

// when says a deadline in words.
func (d Deadline) when() string {
	if !d.Date.IsZero() {
		return d.Date.String()
	}
	units := []struct{ suffix, one, many string }{
		{"BD", "business day", "business days"}, {"D", "day", "days"}, {"W", "week", "weeks"}, {"M", "month", "months"}, {"Y", "year", "years"},
	}
	for _, u := range units {
		if n, ok := strings.CutSuffix(strings.TrimPrefix(d.Period, "P"), u.suffix); ok {
			if n == "1" {
				return "within 1 " + u.one
			}
			return "within " + n + " " + u.many
		}
	}
	return d.Period
}

// covered lists what a regime answers with a.
func covered(r *Regime, v *RegimeVendor, a Answer) string {
	var parts []string
	n := designation{r, v}
	for _, what := range []Identifies{Product, Driver, Engine, OpenSource} {
		if n.answer(what) == a {
			parts = append(parts, thing(what))
		}
	}
	if embedded := cmp.Or(r.Embedded, Open); embedded == a {
		parts = append(parts, "the vendor's code embedded in products of others")
	}
	return strings.Join(parts, "; ")
}

func (p *printer) identifies(v *Vendor) {
	rules := slices.Clone(v.Rules)
	rules = slices.DeleteFunc(rules, func(r Rule) bool { return r.Disabled })
	if len(rules) == 0 {
		return
	}
	p.heading("What identifies the vendor's software", '-')
	p.line("")
	p.text(0, "A fact marked * was not checked against its source. It never decides by itself.")
	for _, s := range []struct {
		strength Strength
		says     string
	}{
		{Decisive, "Each of these decides alone:"},
		{Strong, "Two of these from different sources decide together; one alone is for review:"},
		{Corroborating, "These only support others:"},
		{Weak, "These prove nothing; they are shown on request:"},
	} {
		p.strength(rules, s.strength, s.says)
	}
}

func (p *printer) strength(rules []Rule, s Strength, says string) {
	first := true
	for i := range rules {
		r := &rules[i]
		if r.Strength != s {
			continue
		}
		if first {
			p.line(says)
			first = false
		}
		mark := ""
		if !r.Verified {
			mark = "*"
		}
		text := fmt.Sprintf("%s%s: %s", r.Kind.Info().Label, mark, r.says())
		if r.Kind == sbom.EntityName && r.Match == Entity {
			text = fmt.Sprintf("the maker's name%s, in any field for it: %s; as verified signer it decides alone", mark, r.says())
		}
		if r.Identifies != Product && r.Identifies != Maker {
			text += " (" + string(r.Identifies) + ")"
		}
		p.wrap("  - ", "    ", text)
		for _, x := range r.Except {
			p.wrap("    ", "      ", fmt.Sprintf("not if %s is %s%s", x.Kind.Info().Label, strings.Join(x.Values, ", "), suffix(": ", x.Note)))
		}
	}
	if !first {
		p.line("")
	}
}

// says tells what a rule looks for.
func (r *Rule) says() string {
	var s string
	switch {
	case r.AtLeast != nil:
		s = fmt.Sprintf("at least %d of %s", r.AtLeast.Count, strings.Join(r.AtLeast.Of, ", "))
	case len(r.All) > 0:
		s = "all of " + strings.Join(r.All, " and ")
	default:
		s = strings.Join(r.Values, ", ")
	}
	if r.Min > 1 {
		s += fmt.Sprintf(" (at least %d)", r.Min)
	}
	if len(r.Requires.Formats) > 0 {
		s += ", if the file is " + strings.Join(r.Requires.Formats, " or ")
	}
	return s
}

func (p *printer) doesNot(v *Vendor) {
	if len(v.Rules) == 0 {
		return
	}
	p.heading("What does not identify it", '-')
	p.line("")
	for _, s := range []string{
		"The vendor's name in data, documents, tables of device makers, block lists or detection rules.",
		"A file that lies beside a file of the vendor: each is judged by itself.",
		"A signature that does not verify: it is a claim, and decides only with something independent.",
		"A program that only calls the vendor's library, a compiler that the vendor made, or a contribution to a free project.",
		"A package by others for the vendor's services, or one whose name or owner resembles the vendor's.",
	} {
		p.wrap("  - ", "    ", s)
	}
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Note != "" && !r.Disabled {
			p.wrap("  - ", "    ", fmt.Sprintf("On %s, %s: %s", r.Kind.Info().Label, firstValue(r), r.Note))
		}
	}
	p.line("")
}

func firstValue(r *Rule) string {
	switch {
	case len(r.Values) > 1:
		return r.Values[0] + " and the like"
	case len(r.Values) == 1:
		return r.Values[0]
	}
	return r.says()
}

func (p *printer) embedders(v *Vendor) {
	if len(v.Embedders) == 0 {
		return
	}
	p.heading("Products said to embed the vendor's code", '-')
	p.line("")
	for _, e := range v.Embedders {
		s := e.Product + suffix(": ", e.Status)
		if e.Source != "" {
			s += " [" + e.Source + "]"
		}
		if !e.Verified {
			s += " (not checked)"
		}
		p.wrap("  - ", "    ", s)
	}
	p.line("")
}

func suffix(sep, s string) string {
	if s == "" {
		return ""
	}
	return sep + s
}

func orNone(s string) string { return cmp.Or(s, "not stated") }
