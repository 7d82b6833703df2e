package denylist

import (
	"strings"
	"time"
)

// Issued is the day on which the list was issued, read from its version: year,
// month and day, "2026.11.23", and whatever follows another dot. Of a list that
// was merged of several it is that of the newest part which states one. It is
// the zero Date where the version is no such day.
func (l *List) Issued() Date {
	var newest Date
	for part := range strings.SplitSeq(l.Version, "+") {
		fields := strings.SplitN(part, ".", 4)
		if len(fields) < 3 {
			continue
		}
		t, err := time.Parse("2006.1.2", strings.Join(fields[:3], "."))
		if err == nil && t.After(newest.Time) {
			newest = Date{t}
		}
	}
	return newest
}
