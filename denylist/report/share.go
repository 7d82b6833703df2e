package report

import (
	"time"

	"github.com/interdict/interdict/denylist"
)

// Visible makes foreign text safe to show: one line, in which control
// characters, characters that turn the direction of writing and invisible ones
// are written as escapes. Markup in it is the caller's to escape.
func Visible(s string) string { return visible(s) }

// MarkdownText is Visible, with what Markdown and HTML read as markup escaped.
func MarkdownText(s string) string { return mdText(s) }

// Cells makes a row of foreign text safe for spreadsheets, in place: each cell
// as [Visible] gives it, and with an apostrophe in front when it would be read
// as a formula (https://owasp.org/www-community/attacks/CSV_Injection).
func Cells(row []string) []string { return cells(row) }

// Due is the last day of a deadline: its date, or the end of its period when
// that begins on the day from. It is false for a period that begins with an
// event that has not been (from is zero), or that is not of the form of
// [denylist.Deadline]. Public holidays are not counted out of business days.
func Due(d denylist.Deadline, from time.Time) (time.Time, bool) {
	if !d.Date.IsZero() {
		return d.Date.Time, true
	}
	if from.IsZero() {
		return time.Time{}, false
	}
	_, due, ok := period(d.Period, from.UTC().Truncate(24*time.Hour))
	return due, ok
}

// Within puts the period of a deadline in words: "3 business days". It is empty
// for one with a date.
func Within(d denylist.Deadline) string {
	words, _, _ := period(d.Period, time.Time{})
	return words
}

// Identified puts in words what a finding identifies: "the vendor's product".
func Identified(f *denylist.Finding) string { return identifies(f) }

// Weight says how much one proof counts: "decisive: it is enough alone".
func Weight(p denylist.Match) string { return strengthWords(p) }
