package export_test

import (
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

func date(t *testing.T, s string) denylist.Date {
	t.Helper()
	d, err := denylist.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLaws(t *testing.T) {
	list := &denylist.List{Regimes: []denylist.Regime{
		{ID: "bod", Name: "BOD 17-01", Effective: date(t, "2017-09-13"), Deadlines: []denylist.Deadline{
			{Date: date(t, "2017-11-12"), What: "plan"}, {Date: date(t, "2017-12-12"), What: "begin"},
		}},
		{ID: "far", Name: "FAR", Deadlines: []denylist.Deadline{{Period: "P3BD", What: "report"}, {Date: date(t, "2018-10-01"), What: "nothing is used"}}},
		{ID: "new", Name: "New", Effective: date(t, "2027-06-30"), Deadlines: []denylist.Deadline{{Date: date(t, "2027-06-30"), What: "no purchase"}}},
		{ID: "period", Deadlines: []denylist.Deadline{{Period: "P10BD", What: "report"}}},
	}}
	friday := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	counts := []store.Count{{Name: "far", Deny: 2, Findings: 3, FirstSeen: friday}, {Name: "bod", Review: 1}}
	on := time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)
	want := []struct{ answer, inForce, countdown, says string }{
		{"No covered article is certain; 1 image to review.", "in force since 2017-09-13", "was due 3,268 days ago: begin", "2017-11-12: plan (3,298 days ago)"},
		{"2 images with covered articles.", "", "due in 2 days: report", "2026-11-25: report (in 2 days; 3 business days from first identifying on 2026-11-20)"},
		{"No covered article found in what could be examined.", "in force from 2027-06-30, in 219 days", "due in 219 days: no purchase", "2027-06-30: no purchase (in 219 days)"},
		{"No covered article found in what could be examined.", "", "within 10 business days of identifying: report", "within 10 business days of identifying: report"},
	}
	laws := export.Laws(list, []string{"bod", "far", "new", "period"}, counts, false, on)
	for i, w := range want {
		l := laws[i]
		if l.Answer != w.answer || l.InForce != w.inForce || l.Countdown != w.countdown || l.Deadlines[0].Says != w.says {
			t.Errorf("%s: %q, %q, %q, %q\nwant %q", l.ID, l.Answer, l.InForce, l.Countdown, l.Deadlines[0].Says, w)
		}
	}
	if l := export.Laws(nil, []string{"bod"}, nil, true, on)[0]; l.Name != "bod" || l.Answer != "No covered article found." {
		t.Errorf("without a list: %+v", l)
	}
}
