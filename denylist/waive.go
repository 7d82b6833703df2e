package denylist

import (
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// WaiverState is what became of a waiver.
type WaiverState string

// The states, the stronger last.
const (
	WaiverUnused  WaiverState = "unused"  // it matched nothing that decides
	WaiverUsed    WaiverState = "used"    // it waived at least one ruling
	WaiverExpired WaiverState = "expired" // its last day is over, or the judgement has none
)

// WaiverUse is a waiver and what became of it.
type WaiverUse struct {
	Waiver
	State WaiverState
}

// Waive returns the verdict with the waivers applied, and what became of each.
// Digest is that of the subject. A ruling is waived by the first waiver in
// force that matches. The verdict's own day counts; one without a day has no
// waiver in force. The verdict given is not changed.
func Waive(v Verdict, digest string, ws []Waiver) (Verdict, []WaiverUse) {
	uses := make([]WaiverUse, len(ws))
	matchers := make([]func(*Finding) bool, len(ws))
	for i, w := range ws {
		uses[i] = WaiverUse{w, WaiverUnused}
		if v.AsOf.IsZero() || w.Expires.Before(v.AsOf.Time) {
			uses[i].State = WaiverExpired
			continue
		}
		matchers[i] = w.matcher(digest)
	}
	v.Findings = slices.Clone(v.Findings)
	for i := range v.Findings {
		f := &v.Findings[i]
		for n := range uses {
			if matchers[n] != nil && matchers[n](f) && f.waive(&uses[n].Waiver) {
				uses[n].State = WaiverUsed
			}
		}
	}
	v.Outcome = v.outcome()
	return v, uses
}

// outcome follows from gaps and findings; what is waived does not count.
func (v *Verdict) outcome() Outcome {
	has := func(l Level) bool {
		return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Standing() == l })
	}
	switch {
	case has(Denied):
		return Deny
	case !sbom.Coverage{Gaps: v.Gaps}.Complete():
		return Incomplete
	case has(Review):
		return NeedsReview
	}
	return Pass
}

// decides reports whether a ruling of this verdict can stop something.
func (v RulingVerdict) decides() bool { return v == RulingDenied || v == RulingReview }

// waive marks the rulings that w waives, and the finding when none is left
// that decides. It reports whether it waived one.
func (f *Finding) waive(w *Waiver) bool {
	waived, left := false, false
	rulings := slices.Clone(f.Rulings)
	for i := range rulings {
		r := &rulings[i]
		if !r.Verdict.decides() || r.Waiver != nil {
			continue
		}
		if w.Regime != "" && w.Regime != r.Regime {
			left = true
			continue
		}
		r.Waiver, waived = w, true
	}
	if waived {
		f.Rulings = rulings
		if !left {
			f.Waiver = w
		}
	}
	return waived
}

// Standing is the finding's level without the rulings that are waived: what
// decides the outcome.
func (f *Finding) Standing() Level {
	if !slices.ContainsFunc(f.Rulings, func(r Ruling) bool { return r.Waiver != nil }) {
		return f.Level
	}
	level := Mention
	for _, r := range f.Rulings {
		switch {
		case r.Waiver != nil:
		case r.Verdict == RulingDenied:
			return Denied
		case r.Verdict == RulingReview:
			level = Review
		}
	}
	return level
}

// matcher makes a test of a waiver's selectors, but for the regime.
func (w *Waiver) matcher(subject string) func(*Finding) bool {
	var tests []func(*Finding) bool
	if w.Finding != "" {
		tests = append(tests, func(f *Finding) bool { return f.ID == w.Finding })
	}
	if w.Vendor != "" {
		tests = append(tests, func(f *Finding) bool { return f.Vendor == w.Vendor })
	}
	if w.PURL != "" {
		glob := wildcard(w.PURL, ".*", ".")
		tests = append(tests, func(f *Finding) bool { return glob.MatchString(f.Component.PURL) })
	}
	if w.Path != "" {
		glob := wildcard(w.Path, "[^/]*", "[^/]")
		tests = append(tests, everyPlace(func(o sbom.Occurrence) bool { return glob.MatchString(o.Path) }))
	}
	if w.Digest != "" && w.Digest != subject {
		tests = append(tests, everyPlace(func(o sbom.Occurrence) bool { return o.Digest == w.Digest }))
	}
	return func(f *Finding) bool {
		for _, ok := range tests {
			if !ok(f) {
				return false
			}
		}
		return true
	}
}

// everyPlace holds for findings that are only where ok holds: what is also
// elsewhere is not waived.
func everyPlace(ok func(sbom.Occurrence) bool) func(*Finding) bool {
	return func(f *Finding) bool {
		for _, o := range f.Occurrences {
			if !ok(o) {
				return false
			}
		}
		return len(f.Occurrences) > 0
	}
}

// wildcard compiles a pattern in which "**" stands for any text, "*" and "?"
// for what is given, and all else for itself.
func wildcard(pattern, star, mark string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	text = strings.NewReplacer(`\*\*`, ".*", `\*`, star, `\?`, mark).Replace(text)
	return regexp.MustCompile("(?s)^" + text + "$")
}
