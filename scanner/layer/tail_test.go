package layer_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/scanner/source"
)

// endsIn makes size bytes that end in a mark.
func endsIn(size int, mark string) []byte {
	p := bytes.Repeat([]byte("0123456789abcdefg"), size/17+1)[:size]
	copy(p[size-len(mark):], mark)
	return p
}

// tailSizes are sizes around those of Head and Tail.
var tailSizes = []int{3, scanner.HeadSize, scanner.HeadSize + 1, scanner.TailSize - 1, scanner.TailSize,
	scanner.TailSize + 1, scanner.TailSize + scanner.HeadSize, 300_000, 3 << 20}

// TestTail: a file that nothing wants by its first bytes is visited if its last
// ones are wanted, in a tar and on disk, in memory and spilled; one that ends
// otherwise is not. Every visit has head and tail.
func TestTail(t *testing.T) {
	var lines strings.Builder
	files := map[string][]byte{}
	dir := t.TempDir()
	for _, n := range tailSizes {
		for _, mark := range []string{"END", "eND"} {
			name := fmt.Sprintf("/%d-%s", n, mark)
			files[name] = endsIn(n, mark)
			fmt.Fprintf(&lines, "f %s %s\n", name, files[name])
			if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder, err := source.Open(t.Context(), "dir:"+dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer folder[0].Close()
	tarred := blobLayer{blob: tarOf(t, lines.String())}
	for name, c := range map[string]struct {
		l      scanner.Layer
		budget int64
		reread bool // there is memory for none of the large files
	}{
		"tar":          {tarred, 0, false},
		"small memory": {tarred, 1 << 20, true},
		"folder":       {folder[0].Layers()[0], 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			visited, again := visitTails(t, c.l, c.budget, nil, files)
			if c.reread != (len(again) > 0) {
				t.Errorf("to be read again: %q", again)
			}
			// While it is read again another file may find no memory: what is
			// wanted grows until nothing is left.
			named := again
			for tries := 0; len(again) > 0; tries++ {
				if tries > len(files) {
					t.Fatalf("still to be read again: %q", again)
				}
				visited, again = visitTails(t, c.l, c.budget, named, files)
				named = append(named, again...)
			}
			for p := range files {
				if want := strings.HasSuffix(p, "END") && !strings.HasSuffix(p, "eND"); slices.Contains(visited, p) != want {
					t.Errorf("%s is visited: %v, want %v", p, !want, want)
				}
			}
		})
	}
}

// visitTails reads a layer, and wants what ends in "END" and what is named. It
// checks what visitors see.
func visitTails(t *testing.T, l scanner.Layer, budget int64, named []string, files map[string][]byte) (visited, again []string) {
	t.Helper()
	var mu sync.Mutex
	ix, err := layer.Read(t.Context(), l, layer.Options{
		Store: newStore(t, budget),
		Wants: func(f *scanner.File) bool {
			return slices.Contains(named, f.Path) || bytes.HasSuffix(f.Tail, []byte("END"))
		},
		Visit: func(_ context.Context, f *scanner.File) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			visited = append(visited, f.Path)
			p := files[f.Path]
			if want := p[max(0, len(p)-scanner.TailSize):]; !bytes.Equal(f.Tail, want) || !bytes.HasPrefix(p, f.Head) {
				t.Errorf("%s: head of %d and tail of %d bytes are not the file's", f.Path, len(f.Head), len(f.Tail))
			}
			return false, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	slices.Sort(visited)
	return visited, ix.Reread
}
