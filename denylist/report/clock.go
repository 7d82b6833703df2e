package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
)

// clock tells a deadline and how it stands on a day. A period begins with the
// day on which the article is identified: that is the report's day, when it
// found one.
func clock(d denylist.Deadline, day time.Time, found bool) string {
	if !d.Date.IsZero() {
		s := d.Date.String() + ": " + d.What
		if day.IsZero() {
			return s
		}
		switch n := int(d.Date.Sub(day).Hours() / 24); {
		case n < 0:
			return s + " (passed)"
		case n == 0:
			return s + " (today)"
		default:
			return s + " (in " + count(n, "day") + ")"
		}
	}
	words, due, ok := period(d.Period, day)
	if !ok {
		return strings.TrimPrefix(d.Period+": "+d.What, ": ")
	}
	s := "within " + words + ": " + d.What
	if found && !day.IsZero() {
		s += fmt.Sprintf(" (by %s, if it was identified on %s", due.Format(time.DateOnly), day.Format(time.DateOnly))
		if strings.HasSuffix(d.Period, "BD") {
			s += "; public holidays are not counted out"
		}
		s += ")"
	}
	return s
}

// period reads an ISO 8601 period of one unit, and "P3BD" for business days.
func period(p string, from time.Time) (words string, due time.Time, ok bool) {
	rest, ok := strings.CutPrefix(p, "P")
	digits := strings.TrimRight(rest, "BDWMY")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > 10_000 {
		return "", time.Time{}, false
	}
	switch rest[len(digits):] {
	case "BD":
		for due = from; n > 0; n-- {
			due = due.AddDate(0, 0, 1)
			for due.Weekday() == time.Saturday || due.Weekday() == time.Sunday {
				due = due.AddDate(0, 0, 1)
			}
		}
		n, _ = strconv.Atoi(digits)
		return count(n, "business day"), due, true
	case "D":
		return count(n, "calendar day"), from.AddDate(0, 0, n), true
	case "W":
		return count(n, "week"), from.AddDate(0, 0, 7*n), true
	case "M":
		return count(n, "month"), from.AddDate(0, n, 0), true
	case "Y":
		return count(n, "year"), from.AddDate(n, 0, 0), true
	}
	return "", time.Time{}, false
}
