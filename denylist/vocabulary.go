package denylist

import "github.com/interdict/interdict/sbom"

// The words that a file may use.
var (
	effects       = []Effect{UseBan, ProcurementBan, SaleBan, ExportControl, AssetFreeze, Warning, Authorization, FundingBan}
	identifiables = []Identifies{Product, Engine, Driver, OpenSource, Maker, Residue, Data}
	answers       = []Answer{Covered, Excluded, Open}
	strengths     = []Strength{Decisive, Strong, Corroborating, Weak}
	matches       = []Operator{Exact, ExactFold, Prefix, PrefixFold, Suffix, Glob, Regex, Entity, Elements, Host, Image, Subject}
)

// ruleKinds returns the kinds that a rule may name: all that sbom knows.
func ruleKinds() []string {
	var names []string
	for _, k := range sbom.Kinds() {
		names = append(names, string(k.Kind))
	}
	return names
}

func words[T ~string](ts []T) []string {
	s := make([]string, len(ts))
	for i, t := range ts {
		s[i] = string(t)
	}
	return s
}

// nearest returns the word that is at most two edits away from s, or "".
func nearest(s string, of []string) string {
	best, at := "", 3
	for _, w := range of {
		if d := distance(s, w); d < at && d < len(s) {
			best, at = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
