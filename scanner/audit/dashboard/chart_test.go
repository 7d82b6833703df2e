package dashboard

import (
	"slices"
	"testing"

	"github.com/interdict/interdict/scanner/audit/store"
)

// TestComparable: only counts of the same scope are laid beside each other.
func TestComparable(t *testing.T) {
	run := func(id int64, kind store.RunKind, scope ...string) store.Run {
		return store.Run{ID: id, Kind: kind, Scope: scope}
	}
	a, b := store.Auditing, store.Rejudging
	for _, test := range []struct {
		runs []store.Run
		want []int64
	}{
		{nil, []int64{}},
		{[]store.Run{run(1, a, "x"), run(2, b), run(3, store.Notified), run(4, a, "x")}, []int64{1, 2, 4}},
		{[]store.Run{run(1, a, "x"), run(2, a, "x"), run(3, b), run(4, a, "y")}, []int64{1, 2}},
		{[]store.Run{run(1, a, "x"), run(2, a, "y")}, []int64{2}},
	} {
		got := each(comparable(test.runs), func(r store.Run) int64 { return r.ID })
		if !slices.Equal(got, test.want) {
			t.Errorf("of %v: %v, want %v", test.runs, got, test.want)
		}
	}
}

// TestChart: every point is inside, names do not lie over each other, and one
// run is no trend.
func TestChart(t *testing.T) {
	if newChart([]store.Run{{}}) != nil {
		t.Error("one run makes a chart")
	}
	for _, most := range []int64{0, 1, 7, 100_000} {
		c := newChart([]store.Run{{Totals: store.Totals{Deny: most}}, {Totals: store.Totals{Incomplete: most, Failed: most / 2}}})
		if len(c.Ticks) < 2 || len(c.Ticks) > 6 {
			t.Errorf("up to %d there are %d ticks", most, len(c.Ticks))
		}
		var names []float64
		for _, l := range c.Lines {
			names = append(names, l.Y)
			for _, d := range l.Dots {
				if d.Y < chartTop || d.Y > chartBottom || d.X < chartLeft || d.X > chartRight {
					t.Errorf("up to %d a point is at %v", most, d)
				}
			}
		}
		slices.Sort(names)
		for i := 1; i < len(names); i++ {
			if names[i]-names[i-1] < chartApart {
				t.Errorf("up to %d names are at %v", most, names)
			}
		}
	}
}
