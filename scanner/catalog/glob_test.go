package catalog

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// pieces are what random patterns and paths are made of: few, so that they meet.
var (
	patternPieces = []string{"**", "*", "lib", "*.jar", "a*", "rpm", "{var/lib,usr}", "{a,b.jar}", "?b", "php*", "status.d", "[ab]", "x.{so,ko}", "*-info"}
	pathPieces    = []string{"lib", "x.jar", "a", "ab", "rpm", "var", "usr", "b.jar", "php8", "status.d", "x.so", "x.ko", "q-info", "", ".jar"}
)

func randomJoin(r *rand.Rand, from []string, lead bool) string {
	parts := make([]string, 1+r.IntN(4))
	for i := range parts {
		parts[i] = from[r.IntN(len(from))]
	}
	s := strings.Join(parts, "/")
	if lead {
		s = "/" + s
	}
	return s
}

// TestGlobIsDoublestar: the shortcuts never change what a pattern means.
func TestGlobIsDoublestar(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		pattern, path := randomJoin(r, patternPieces, r.IntN(2) == 0), randomJoin(r, pathPieces, true)
		checkGlob(t, pattern, path)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("**/{var/lib,usr/share}/rpm/{Packages,Packages.db}", "/var/lib/rpm/Packages")
	f.Add("/opt/bitnami/**/.spdx-*.spdx", "/opt/bitnami/a/.spdx-b.spdx")
	f.Add("**/lib/dpkg/status.d/*", "/var/lib/dpkg/status.d/base")
	f.Add("/*\xe0", "/\xe8")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if !doublestar.ValidatePattern(pattern) || !strings.HasPrefix(path, "/") || len(pattern) > 100 || len(path) > 100 {
			t.Skip()
		}
		checkGlob(t, pattern, path)
	})
}

func checkGlob(t *testing.T, pattern, path string) {
	t.Helper()
	want, err := doublestar.Match(pattern, path)
	if err != nil {
		t.Skip()
	}
	if got := matchAny(compileGlob(pattern), path); got != want {
		t.Fatalf("pattern %q, path %q: got %v, doublestar says %v", pattern, path, got, want)
	}
	if got := newGlobSet([]string{"/no/such", pattern}).matches(path); got != want {
		t.Fatalf("set of pattern %q, path %q: got %v, doublestar says %v", pattern, path, got, want)
	}
}
