package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/denylist"
)

// The junit types are the common part of what continuous-integration systems
// read as "JUnit XML"; there is no standard.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitDetail `xml:"failure,omitempty"`
	Error   *junitDetail `xml:"error,omitempty"`
	Skipped *junitDetail `xml:"skipped,omitempty"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit makes a suite of each target and a case of each regime: the regime
// passes, fails with what it bans or with what must be reviewed, or is skipped
// with what is waived. One more case, "coverage", is an error when not all could be examined.
func writeJUnit(w io.Writer, r *Report, _ Options) error {
	all := junitSuites{Name: "interdict"}
	for i := range r.Targets {
		s := junitTarget(r, &r.Targets[i])
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitTarget(r *Report, t *Target) junitSuite {
	name := visible(t.Target)
	if t.Platform != "" {
		name += " " + visible(t.Platform)
	}
	s := junitSuite{Name: name, Timestamp: strings.TrimSuffix(stamp(r.Created), "Z")}
	for _, p := range []junitProperty{
		{"digest", visible(t.Digest)}, {"verdict", string(t.Outcome())}, {"list", visible(r.List.Name + " " + r.List.Version)}, {"asOf", r.AsOf.String()},
	} {
		if p.Value != "" {
			s.Properties = append(s.Properties, p)
		}
	}
	for _, id := range t.Verdict.Regimes {
		s.Cases = append(s.Cases, junitRegime(r, t, name, id))
	}
	s.Cases = append(s.Cases, junitCoverage(t, name))
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

func junitRegime(r *Report, t *Target, class, id string) junitCase {
	c := junitCase{Class: class, Name: visible(id)}
	if g := r.regime(id); g != nil && g.Name != "" {
		c.Name += ": " + visible(g.Name)
	}
	var denied, review, off []string
	for i := range t.Verdict.Findings {
		f := &t.Verdict.Findings[i]
		for _, ruling := range f.Rulings {
			switch {
			case ruling.Regime != id:
			case ruling.Waiver != nil:
				off = append(off, title(f)+": "+waived(ruling.Waiver))
			case f.Level == denylist.Denied && ruling.Verdict == denylist.RulingDenied:
				denied = append(denied, sentence(t, f))
			case ruling.Verdict == denylist.RulingReview || f.Level == denylist.Review && ruling.Verdict == denylist.RulingDenied:
				review = append(review, sentence(t, f))
			}
		}
	}
	switch {
	case denied != nil:
		c.Failure = &junitDetail{Message: count(len(denied), "finding") + " denied", Type: "denied", Text: strings.Join(append(denied, review...), "\n")}
	case review != nil:
		c.Failure = &junitDetail{Message: count(len(review), "finding") + " to review", Type: "review", Text: strings.Join(append(review, off...), "\n")}
	case off != nil:
		c.Skipped = &junitDetail{Message: count(len(off), "finding") + " waived: " + strings.Join(off, " ")}
	}
	return c
}

func junitCoverage(t *Target, class string) junitCase {
	c := junitCase{Class: class, Name: "coverage: all could be examined"}
	weigh, _ := t.weighty()
	if t.Error != "" {
		c.Error = &junitDetail{Message: visible(t.Error), Type: "error"}
	} else if len(weigh) > 0 {
		var lines []string
		for _, g := range weigh {
			lines = append(lines, fmt.Sprintf("%s: %s", visible(string(g.Reason)), cmp.Or(gapLine(t, g), "(subject)")))
		}
		c.Error = &junitDetail{Message: "not examined: " + count(len(weigh), "thing"), Type: "incomplete", Text: strings.Join(lines, "\n")}
	}
	return c
}
