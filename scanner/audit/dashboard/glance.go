package dashboard

import (
	"fmt"

	"github.com/interdict/interdict/scanner/audit/store"
)

// tile is one number of the first page.
type tile struct {
	Name, Class, URL string
	N                int64
}

// tiles are the counts by verdict, what matters most first.
func tiles(t store.Totals) []tile {
	return []tile{
		{"denied", "deny", "/images?verdict=deny", t.Deny},
		{"incomplete", "incomplete", "/images?verdict=incomplete", t.Incomplete},
		{"to review", "review", "/images?verdict=review", t.ToReview},
		{"failed", "failed", "/images?state=failed", t.Failed},
		{"waiting", "waiting", "/images?state=waiting", t.Waiting},
		{"passed", "pass", "/images?verdict=pass", t.Pass},
	}
}

// barPart is a part of a bar of 100 units.
type barPart struct{ Class, X, Width string }

// barParts shares a bar out to the verdicts. What is there at all is at least
// half a unit wide, so that one denied image of a hundred thousand is seen.
func barParts(t store.Totals) []barPart {
	const least = 0.5
	var sum float64
	widths := make([]float64, 0, 6)
	all := tiles(t)
	for _, one := range all {
		w := 100 * float64(one.N) / float64(max(t.Images, 1))
		if one.N > 0 {
			w = max(w, least)
		}
		widths = append(widths, w)
		sum += w
	}
	var out []barPart
	var x float64
	for i, w := range widths {
		if w == 0 {
			continue
		}
		w = w * 100 / sum
		out = append(out, barPart{all[i].Class, fmt.Sprintf("%.3f", x), fmt.Sprintf("%.3f", w)})
		x += w
	}
	return out
}
