package denylist_test

import (
	"testing"

	"github.com/interdict/interdict/denylist"
)

func TestIssued(t *testing.T) {
	for version, want := range map[string]string{
		"2026.11.1":             "2026-11-01",
		"2026.11.23.2":          "2026-11-23",
		"2026.11.1+7":           "2026-11-01",
		"2026.11.1+2026.12.24":  "2026-12-24",
		"2026.12.24+2026.11.1":  "2026-12-24",
		"1":                     "",
		"":                      "",
		"2026.13.1":             "",
		"v2026.11.1":            "",
		"2026.11.1-rc1":         "",
		"2026.11+2026.02.29+xx": "",
	} {
		if got := (&denylist.List{Version: version}).Issued().String(); got != want {
			t.Errorf("version %q was issued on %q, want %q", version, got, want)
		}
	}
}
