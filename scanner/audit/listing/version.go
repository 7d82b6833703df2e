package listing

import (
	"cmp"
	"slices"
	"strings"
)

// compareVersions orders tags as people read versions: numbers by their value,
// other parts by their letters, and what comes before a release before it
// ("2.0-rc1" before "2.0", "2.0" before "2.0-alpine"). A "v" in front is not
// looked at. It is a total order.
func compareVersions(a, b string) int {
	x, y := strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")
	for x != "" || y != "" {
		var p, q string
		p, x = cutPart(x)
		q, y = cutPart(y)
		if c := compareParts(p, q); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

// cutPart cuts off a run of digits or of others.
func cutPart(s string) (part, rest string) {
	if s == "" {
		return "", ""
	}
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func compareParts(a, b string) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 || a == "" {
		return c
	}
	if !isDigit(a[0]) || !isDigit(b[0]) {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// rank puts the words of what is no release yet before the end of a version,
// which is an empty part, and all others after it.
func rank(part string) int {
	if part == "" {
		return 1
	}
	word, _, _ := strings.Cut(strings.Trim(strings.ToLower(part), "-._"), "-")
	if slices.Contains([]string{"alpha", "beta", "rc", "pre", "preview", "snapshot", "dev", "nightly", "canary"}, strings.Trim(word, "-._")) {
		return 0
	}
	return 2
}
