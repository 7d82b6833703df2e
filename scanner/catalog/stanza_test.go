package catalog

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const status = `Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash (5.2)
Version: 5.2-1
Description: a shell
 Package: not a field
`

func TestStanzas(t *testing.T) {
	kept, keys := dpkgStatus.fresh([]byte(status), map[string]bool{"base-files\x1f12.4\x1famd64": true})
	want := []string{"base-files\x1f12.4\x1famd64", "bash\x1f5.2-1\x1famd64"}
	slices.Sort(want)
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	if !bytes.HasPrefix(kept, []byte("Package: bash\n")) || bytes.Contains(kept, []byte("base-files")) {
		t.Errorf("kept %q", kept)
	}
}

// FuzzStanzas: nothing is lost or made up: the stanzas are the file, and what
// is fresh above any lower version is, with what that version has, all of it.
func FuzzStanzas(f *testing.F) {
	f.Add([]byte(status), 1)
	f.Add([]byte("P:musl\nV:1\nA:x86_64\n\nP:busybox\nV:2\n"), 0)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if got := bytes.Join(stanzas(b), nil); !bytes.Equal(got, b) {
			t.Fatalf("joined stanzas are %q, want %q", got, b)
		}
		for _, format := range []*stanzaFormat{dpkgStatus, apkInstalled} {
			all := stanzas(b)
			if cut < 0 || cut > len(all) {
				cut = 0
			}
			_, lowerKeys := format.fresh(bytes.Join(all[:cut], nil), nil)
			lower := map[string]bool{}
			for _, k := range lowerKeys {
				lower[k] = true
			}
			kept, keys := format.fresh(b, lower)
			_, keptKeys := format.fresh(kept, nil)
			for _, k := range keptKeys {
				if lower[k] {
					t.Fatalf("%q is kept and is in the lower version", k)
				}
			}
			union := slices.Concat(lowerKeys, keptKeys)
			slices.Sort(union)
			if union = slices.Compact(union); !slices.Equal(union, keys) {
				t.Fatalf("lower and fresh are %q, want %q", union, keys)
			}
		}
	})
}
