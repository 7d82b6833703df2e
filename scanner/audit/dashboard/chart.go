package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// trendRuns is how many runs the trend looks back.
const trendRuns = 30

// chart is a line chart of runs: images denied, incomplete and failed. Sizes
// are in units of its view box.
type chart struct {
	Runs  []store.Run // oldest first
	Lines []chartLine
	Ticks []chartTick
	Names []chartTick // of runs, below
	Desc  string
	Scope []string // of the runs
}

type chartLine struct {
	Name, Class string
	Points      string
	Dots        []chartDot
	X, Y        float64 // of the name, behind the last point
}

type chartDot struct{ X, Y float64 }

type chartTick struct {
	X, Y float64
	Text string
}

const (
	chartLeft, chartRight  = 48.0, 640.0
	chartTop, chartBottom  = 12.0, 180.0
	chartNames, chartApart = 200.0, 15.0
)

// newChart draws at least two runs; of fewer there is no trend, and it is nil.
func newChart(runs []store.Run) *chart {
	if len(runs) < 2 {
		return nil
	}
	c := &chart{Runs: runs, Scope: runs[len(runs)-1].Scope}
	series := []struct {
		name, class string
		of          func(store.Totals) int64
	}{
		{"denied", "deny", func(t store.Totals) int64 { return t.Deny }},
		{"incomplete", "incomplete", func(t store.Totals) int64 { return t.Incomplete }},
		{"failed", "failed", func(t store.Totals) int64 { return t.Failed }},
	}
	var most int64
	for _, r := range runs {
		for _, s := range series {
			most = max(most, s.of(r.Totals))
		}
	}
	step := niceStep(most)
	top := max((most+step-1)/step, 1) * step
	y := func(n int64) float64 { return chartBottom - (chartBottom-chartTop)*float64(n)/float64(top) }
	x := func(i int) float64 { return chartLeft + (chartRight-chartLeft)*float64(i)/float64(len(runs)-1) }
	for n := int64(0); n <= top; n += step {
		c.Ticks = append(c.Ticks, chartTick{chartLeft - 8, y(n), grouped(itoa(n))})
	}
	for i := range runs {
		if every := (len(runs) + 7) / 8; (len(runs)-1-i)%every == 0 {
			c.Names = append(c.Names, chartTick{x(i), chartNames, runs[i].Started.UTC().Format("01-02")})
		}
	}
	first, last := runs[0].Totals, runs[len(runs)-1].Totals
	var said []string
	for _, s := range series {
		line := chartLine{Name: fmt.Sprintf("%s %s", grouped(itoa(s.of(last))), s.name), Class: s.class, X: chartRight + 10}
		var points []string
		for i, r := range runs {
			dot := chartDot{x(i), y(s.of(r.Totals))}
			line.Dots = append(line.Dots, dot)
			line.Y = dot.Y
			points = append(points, fmt.Sprintf("%.1f,%.1f", dot.X, dot.Y))
		}
		line.Points = strings.Join(points, " ")
		c.Lines = append(c.Lines, line)
		said = append(said, fmt.Sprintf("%s from %d to %d", s.name, s.of(first), s.of(last)))
	}
	spread(c.Lines)
	c.Desc = fmt.Sprintf("Images over %d runs: %s.", len(runs), strings.Join(said, ", "))
	return c
}

// spread moves the names apart that would lie over each other, from the highest
// down.
func spread(lines []chartLine) {
	order := make([]*chartLine, len(lines))
	for i := range lines {
		order[i] = &lines[i]
	}
	slices.SortStableFunc(order, func(a, b *chartLine) int { return cmp.Compare(a.Y, b.Y) })
	for i := 1; i < len(order); i++ {
		order[i].Y = max(order[i].Y, order[i-1].Y+chartApart)
	}
}

// niceStep is 1, 2 or 5 times a power of ten, so that at most five steps reach n.
func niceStep(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, f := range []int64{1, 2, 5} {
			if f*power*5 >= n {
				return f * power
			}
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// plural writes a number and a noun: "1 image", "2,048 images".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(itoa(n)) + " " + noun + "s"
}

func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
