package report

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/interdict/interdict/denylist"
)

func TestClock(t *testing.T) {
	day := func(s string) time.Time {
		d, err := denylist.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d.Time
	}
	monday, friday := day("2026-11-23"), day("2026-11-27")
	for _, test := range []struct {
		deadline denylist.Deadline
		day      time.Time
		found    bool
		want     string
	}{
		{denylist.Deadline{Date: denylist.Date{Time: monday}, What: "x"}, monday, false, "2026-11-23: x (today)"},
		{denylist.Deadline{Date: denylist.Date{Time: monday}, What: "x"}, friday, false, "2026-11-23: x (passed)"},
		{denylist.Deadline{Date: denylist.Date{Time: friday}, What: "x"}, monday, false, "2026-11-27: x (in 4 days)"},
		{denylist.Deadline{Date: denylist.Date{Time: friday}, What: "x"}, time.Time{}, true, "2026-11-27: x"},
		{denylist.Deadline{Period: "P3BD", What: "x"}, monday, false, "within 3 business days: x"},
		{denylist.Deadline{Period: "P1BD", What: "x"}, friday, true, "within 1 business day: x (by 2026-11-30, if it was identified on 2026-11-27; public holidays are not counted out)"},
		{denylist.Deadline{Period: "P10BD", What: "x"}, monday, true, "within 10 business days: x (by 2026-12-07, if it was identified on 2026-11-23; public holidays are not counted out)"},
		{denylist.Deadline{Period: "P60D", What: "x"}, monday, true, "within 60 calendar days: x (by 2027-01-22, if it was identified on 2026-11-23)"},
		{denylist.Deadline{Period: "P3M", What: "x"}, monday, true, "within 3 months: x (by 2027-02-23, if it was identified on 2026-11-23)"},
		{denylist.Deadline{Period: "soon", What: "x"}, monday, true, "soon: x"},
		{denylist.Deadline{Period: "P99999999D", What: "x"}, monday, true, "P99999999D: x"},
		{denylist.Deadline{What: "x"}, monday, true, "x"},
	} {
		if got := clock(test.deadline, test.day, test.found); got != test.want {
			t.Errorf("clock(%v, %s) = %q, want %q", test.deadline, test.day.Format(time.DateOnly), got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{1: "1 byte", 999: "999 bytes", 1000: "1 kB", 999_499: "999 kB", 999_500: "1 MB", 1_912_345_678: "1.91 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestWrap: no line is too wide, and no character but white space is lost.
func TestWrap(t *testing.T) {
	squash := func(s string) string { return strings.Join(strings.Fields(s), "") }
	law := func(s string, width uint8) bool {
		s = visible(s)
		w := max(int(width), 8)
		lines := wrap(s, int(width))
		for _, l := range lines {
			if runewidth.StringWidth(l) > w {
				return false
			}
		}
		return squash(strings.Join(lines, " ")) == squash(s)
	}
	if err := quick.Check(law, nil); err != nil {
		t.Error(err)
	}
	// Plain text has a way of its own, to the same lines.
	plain := func(lengths []uint8, width uint8) bool {
		var words []string
		for _, n := range lengths {
			words = append(words, strings.Repeat("w", int(n%40)+1))
		}
		return slices.Equal(wrap(strings.Join(words, " "), int(width%80)), wrap(strings.Join(words, "  "), int(width%80)))
	}
	if err := quick.Check(plain, nil); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", strings.Repeat("x", 50), "漢字漢字漢字漢字漢字 漢字", "a  b\tc"} {
		if !law(s, 9) {
			t.Errorf("wrap(%q, 9) = %q", s, wrap(s, 9))
		}
	}
}
