package denylist

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSieve: what is a name, or begins with a prefix, in any case, passes; and
// of other words few do.
func TestSieve(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		b := make([]byte, 3+rnd.IntN(20))
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz0123456789-_./"[rnd.IntN(40)]
		}
		return string(b)
	}
	v := prefilter{folds: true}
	var names, prefixes []string
	for range 60 {
		names, prefixes = append(names, word()), append(prefixes, word())
	}
	names = append(names, "касперский", "kaspersky")
	for i, n := range names {
		v.addName(n)
		if i < len(prefixes) {
			v.addPrefix(prefixes[i])
		}
	}
	for i, n := range names {
		for _, s := range []string{n, strings.ToUpper(n), strings.Replace(n, "k", "\u212a", 1)} {
			if !v.may(s) {
				t.Errorf("%q does not pass", s)
			}
		}
		if i < len(prefixes) && !v.may(strings.ToUpper(prefixes[i])+word()) {
			t.Errorf("what begins with %q does not pass", prefixes[i])
		}
	}
	passed := 0
	for range 10_000 {
		if v.may(word()) {
			passed++
		}
	}
	if passed > 2_000 {
		t.Errorf("%d of 10000 other words pass", passed)
	}
}

// TestRequired: the texts that a regular expression cannot do without.
func TestRequired(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`(?is).*\bkesl(?:-gui)?[-_][0-9].*`, "kesl"},
		{`(?i)(?:copyright\s*)?AO Acme Lab\.?`, "ao acme lab"},
		{`.*[/](?:Alpha|Beta)(?:x|y).*`, "alpha beta"},
		{`(?:abc|d).*`, ""},
		{`(?:abcd)*|x+`, ""},
		{`(?:(abc)+z)`, "abc"},
		{`(?i)ünï.*`, ""},
		{`[`, ""},
	} {
		got := required(tt.expr)
		slices.Sort(got)
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.expr, s, tt.want)
		}
	}
	if !holdsAny("RUN rpm -i KESL-1.rpm", []string{"klnagent", "kesl"}) || holdsAny("RUN make", []string{"kesl"}) || !holdsAny("\u212aESL", []string{"kesl"}) {
		t.Error("holdsAny")
	}
}
