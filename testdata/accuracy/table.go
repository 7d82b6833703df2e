package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/interdict/interdict/denylist"
)

var rank = map[denylist.Level]int{denylist.Denied: 3, denylist.Review: 2, denylist.Mention: 1}

// identity is how certain the evidence is that the probe holds something by
// the vendor; empty when nothing says so.
func (r *result) identity(vendor string) denylist.Level {
	var best denylist.Level
	for _, f := range r.findings {
		if f.Vendor == vendor && rank[f.Identity] > rank[best] {
			best = f.Identity
		}
	}
	return best
}

// others are the vendors that the evidence names more firmly than it may: in an
// innocent probe any, in a vendor's all the others.
func (r *result) others() []string {
	allowed := denylist.Mention
	if r.vendor == "" {
		allowed = r.wanted()
	}
	var out []string
	for _, f := range r.findings {
		if f.Vendor != r.vendor && rank[f.Identity] > rank[allowed] && !slices.Contains(out, f.Vendor) {
			out = append(out, f.Vendor)
		}
	}
	return out
}

// missed reports whether the vendor's identity was not found as firmly as it
// must be.
func (r *result) missed() bool {
	return r.vendor != "" && rank[r.identity(r.vendor)] < rank[r.wanted()]
}

// falseDenied are the vendors that are wrongly held for certain.
func (r *result) falseDenied() (out []string) {
	for _, v := range r.others() {
		if r.identity(v) == denylist.Denied {
			out = append(out, v)
		}
	}
	return out
}

// wrong returns the results that are not as they must be.
func (rs results) wrong() []*result {
	var out []*result
	for i := range rs {
		if r := &rs[i]; r.missed() || len(r.others()) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// score counts verdicts.
type score struct{ positives, found, innocent, files, falsely, doubted int }

func (s *score) precision() string { return ratio(s.found, s.found+s.falsely) }
func (s *score) recall() string    { return ratio(s.found, s.positives) }

func ratio(a, b int) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(a)/float64(b))
}

func (s *score) add(r *result, vendor string) {
	switch {
	case vendor != "" && vendor == r.vendor || vendor == "" && r.vendor != "":
		s.positives++
		s.files += r.files
		if !r.missed() {
			s.found++
		}
	case vendor == "":
		s.innocent += r.files
	}
	for _, v := range r.others() {
		if vendor == "" || vendor == v {
			if slices.Contains(r.falseDenied(), v) {
				s.falsely++
			} else {
				s.doubted++
			}
		}
	}
}

// print writes the tables, and every verdict that is wrong.
func (rs results) print(w io.Writer, verbose bool) {
	kinds, vendors := map[string]*score{}, map[string]*score{}
	total := &score{}
	for i := range rs {
		r := &rs[i]
		total.add(r, "")
		if kinds[r.kind] == nil {
			kinds[r.kind] = &score{}
		}
		kinds[r.kind].add(r, "")
		if r.vendor != "" && vendors[r.vendor] == nil {
			vendors[r.vendor] = &score{}
		}
	}
	for v, s := range vendors {
		for i := range rs {
			s.add(&rs[i], v)
		}
	}
	table(w, "kind", kinds, total)
	table(w, "vendor", vendors, nil)
	if verbose {
		for i := range rs {
			rs[i].print(w)
		}
	}
	wrong := rs.wrong()
	fmt.Fprintf(w, "%d wrong\n", len(wrong))
	for _, r := range wrong {
		r.print(w)
	}
}

func table(w io.Writer, head string, rows map[string]*score, total *score) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%s\tcases\tfound\tinnocent files\tfalsely denied\tfalsely in doubt\tprecision\trecall\n", head)
	line := func(name string, s *score) {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", name, s.positives, s.found, s.innocent, s.falsely, s.doubted, s.precision(), s.recall())
	}
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		line(k, rows[k])
	}
	if total != nil {
		line("all", total)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func (r *result) print(w io.Writer) {
	state := "as it must be"
	switch {
	case r.missed():
		state = fmt.Sprintf("MISSED: %s, wanted %s", cmp.Or(string(r.identity(r.vendor)), "nothing"), r.wanted())
	case len(r.others()) > 0:
		state = "FALSE: " + strings.Join(r.others(), ", ")
	}
	fmt.Fprintf(w, "%s (%s, %s): %s\n", r.name, r.kind, cmp.Or(r.vendor, "innocent"), state)
	for _, f := range r.findings {
		var ps []string
		for _, p := range f.Matches {
			ps = append(ps, fmt.Sprintf("%s=%s [%s %s]", p.Kind, p.Value, p.Rule, p.Strength))
		}
		slices.Sort(ps)
		where := ""
		if len(f.Occurrences) > 0 {
			where = f.Occurrences[0].Path
		}
		fmt.Fprintf(w, "    %s %s (identity %s, %s) %s\n        %s\n", f.Vendor, f.Level, f.Identity, f.Identifies, where, strings.Join(ps[:min(6, len(ps))], "\n        "))
	}
}
