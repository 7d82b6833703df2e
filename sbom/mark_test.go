package sbom

import (
	"bytes"
	"testing"
)

// TestMark: equal texts have equal marks of one marker, whatever is behind
// them; others have others.
func TestMark(t *testing.T) {
	m, other := NewMarker(), NewMarker()
	seen := map[Mark]string{}
	for n := range 300 {
		text := bytes.Repeat([]byte{'a'}, n)
		for i := -1; i < n; i++ {
			was := string(text)
			if i >= 0 {
				text[i] ^= 1
				was = string(text)
			}
			mark := m.Mark(text)
			if before, ok := seen[mark]; ok {
				t.Fatalf("%q and %q have one mark", before, was)
			}
			seen[mark] = was
			if roomy := append(make([]byte, 0, n+100), was...); m.Mark(roomy) != mark || string(roomy) != was || string(text) != was {
				t.Fatalf("%q has another mark the second time, or is changed", was)
			}
			if other.Mark(text) == mark {
				t.Fatal("two markers agree")
			}
			if i >= 0 {
				text[i] ^= 1
			}
		}
	}
	text := make([]byte, 1000, 1016)
	if n := testing.AllocsPerRun(50, func() { m.Mark(text) }); n > 0 {
		t.Errorf("%v allocations for a mark", n)
	}
}
