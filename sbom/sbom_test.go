package sbom

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestNormalizeIsCanonical: the order in which things were found, and doing it
// twice, change nothing.
func TestNormalizeIsCanonical(t *testing.T) {
	one := sample()
	one.Normalize()
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		two := sample()
		shuffle(r, two.Components)
		for i := range two.Components {
			c := &two.Components[i]
			shuffle(r, c.Evidence)
			shuffle(r, c.Occurrences)
			shuffle(r, c.CPEs)
		}
		shuffle(r, two.Coverage.Gaps)
		two.Normalize()
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("another order gives another inventory:\n%s", diff)
		}
		two.Normalize()
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("not idempotent:\n%s", diff)
		}
	}
	refs := map[string]bool{}
	for _, c := range one.Components {
		if c.Ref == "" || refs[c.Ref] {
			t.Errorf("component %s has the reference %q, which is empty or taken", c.Name, c.Ref)
		}
		refs[c.Ref] = true
	}
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func sample() *Inventory {
	evidence := func(path string) []Evidence {
		return []Evidence{{Kind: ELFSoname, Value: "liba.so", Path: path}, {Kind: Path, Value: path, Path: path},
			{Kind: Path, Value: path, Path: path}, {Kind: Symbol, Value: "x\x00y\n", Path: path}}
	}
	return &Inventory{
		Components: []Component{
			{Name: "a", PURL: "pkg:deb/debian/a@1", CPEs: []string{"2", "1", "2"}},
			{Name: "a", PURL: "pkg:deb/debian/a@1", Occurrences: []Occurrence{{Path: "/b"}, {Path: "/a", Hidden: true}, {Path: "/a"}}},
			{Name: "liba.so", Type: Library, Evidence: evidence("/usr/lib/liba.so"), Occurrences: []Occurrence{{Path: "/usr/lib/liba.so"}}},
			{Name: "liba.so", Type: Library, Evidence: evidence("/opt/liba.so"), Occurrences: []Occurrence{{Path: "/opt/liba.so"}}},
		},
		Coverage: Coverage{Gaps: []Gap{{Path: "/z", Reason: Encrypted}, {Path: "/a", Reason: Malformed}, {Path: "/z", Reason: Encrypted}}},
	}
}

func FuzzCleanValue(f *testing.F) {
	f.Add("AO Kaspersky Lab\x00")
	f.Add("\x1b[31mred\xff")
	f.Add(strings.Repeat("ж", MaxValue))
	f.Fuzz(func(t *testing.T, s string) {
		got := CleanValue(s)
		if !utf8.ValidString(got) || len(got) > MaxValue || CleanValue(got) != got {
			t.Fatalf("CleanValue(%q) = %q", s, got)
		}
		if slices.ContainsFunc([]rune(got), func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Fatalf("%q has control characters", got)
		}
	})
}

func TestComplete(t *testing.T) {
	if !(Coverage{Gaps: []Gap{{Reason: Malformed}}}).Complete() {
		t.Error("a malformed file alone makes a coverage incomplete")
	}
	if (Coverage{Gaps: []Gap{{Reason: Malformed}, {Reason: Encrypted}}}).Complete() {
		t.Error("an encrypted file does not make a coverage incomplete")
	}
}
