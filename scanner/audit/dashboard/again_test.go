package dashboard

import (
	"strings"
	"testing"

	"github.com/interdict/interdict/scanner/audit/store"
)

// TestAgain: where counts by verdict and by state add up to more than all, the
// pages say why.
func TestAgain(t *testing.T) {
	for _, test := range []struct {
		totals store.Totals
		want   string
	}{
		{store.Totals{Images: 10, Deny: 1, Pass: 6, Failed: 2, Waiting: 1}, ""},
		{store.Totals{Images: 10, Deny: 1, Pass: 9, Failed: 1}, "1 of those that failed or wait has the verdict of an earlier look, and counts for both."},
		{store.Totals{Images: 10, Deny: 1, Pass: 8, Incomplete: 1, Failed: 1, Waiting: 2}, "3 of those that failed or wait have the verdict of an earlier look, and count for both."},
	} {
		var page strings.Builder
		if err := parsePages().sets["home"].ExecuteTemplate(&page, "counts", test.totals); err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(page.String(), "<p>"); strings.TrimSuffix(strings.TrimSpace(got), "</p>") != test.want {
			t.Errorf("of %+v: %q, want %q", test.totals, got, test.want)
		}
	}
}
