package denylist_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
)

func TestDiff(t *testing.T) {
	f := func(id, name, version string, level denylist.Level) denylist.Finding {
		return denylist.Finding{ID: id, Vendor: "acme", Level: level, Component: denylist.ComponentRef{Name: name, Version: version}}
	}
	a := denylist.Verdict{Findings: []denylist.Finding{
		f("1", "same", "1", denylist.Denied), f("2", "law", "1", denylist.Denied), f("3", "up", "1", denylist.Denied), f("4", "gone", "1", denylist.Review)}}
	b := denylist.Verdict{Findings: []denylist.Finding{
		f("1", "same", "1", denylist.Denied), f("2", "law", "1", denylist.Review), f("5", "up", "2", denylist.Denied), f("6", "new", "1", denylist.Review)}}
	want := denylist.Difference{
		Added: []denylist.Finding{b.Findings[3]}, Removed: []denylist.Finding{a.Findings[3]},
		Changed: []denylist.Change{{Before: a.Findings[1], After: b.Findings[1]}, {Before: a.Findings[2], After: b.Findings[2]}},
	}
	if diff := cmp.Diff(want, denylist.Diff(a, b)); diff != "" {
		t.Error(diff)
	}
	if !denylist.Diff(a, a).Empty() {
		t.Error("a verdict differs from itself")
	}
}
