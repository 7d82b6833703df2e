package layer_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// Each file of testdata/squash has layers, the view that they give, and some
// of: entries that must be hidden, look-ups, contents.
func TestSquash(t *testing.T) {
	files, err := filepath.Glob("testdata/squash/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newStore(t, 0)
			var layers []*layer.Index
			var tree *layer.Tree
			for _, f := range ar.Files {
				if f.Name == "layer" {
					layers = append(layers, readAll(t, s, tarOf(t, string(f.Data))))
					continue
				}
				if tree == nil {
					tree = layer.Squash(layers)
				}
				checkTree(t, tree, layers, f.Name, string(f.Data))
			}
		})
	}
}

func checkTree(t *testing.T, tree *layer.Tree, layers []*layer.Index, section, data string) {
	t.Helper()
	var got strings.Builder
	switch section {
	case "want":
		for n := range tree.All() {
			if n.Path != "/" {
				fmt.Fprintf(&got, "%d %s %s\n", n.Layer, letter(n), n.Path)
			}
		}
	case "hidden":
		for l, ix := range layers {
			for _, e := range ix.Entries {
				if e.Type != scanner.Whiteout && e.Type != scanner.Opaque && !tree.Visible(l, e.Path) {
					fmt.Fprintf(&got, "%d %s\n", l, e.Path)
				}
			}
		}
	case "lookup":
		for line := range strings.Lines(data) {
			p := strings.Fields(line)[0]
			if n, ok := tree.Lookup(p); ok {
				fmt.Fprintf(&got, "%s %d %s\n", p, n.Layer, n.Path)
			} else {
				fmt.Fprintf(&got, "%s none\n", p)
			}
		}
	case "contents":
		for line := range strings.Lines(data) {
			p := strings.Fields(line)[0]
			n, _ := tree.Lookup(p)
			if c, err := tree.Open(n); err == nil {
				fmt.Fprintf(&got, "%s %s\n", p, readContent(c))
			} else {
				fmt.Fprintf(&got, "%s none\n", p)
			}
		}
	default:
		t.Fatalf("section %q is not known", section)
	}
	if diff := cmp.Diff(data, got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", section, diff)
	}
}

func letter(n layer.Node) string {
	if n.Entry == nil {
		return "-"
	}
	return map[scanner.EntryType]string{
		scanner.Regular: "f", scanner.Dir: "d", scanner.Symlink: "l", scanner.Hardlink: "h", scanner.Other: "o",
	}[n.Entry.Type]
}

// Squash gives the view of a reference that applies one layer after another to
// a plain map, for any layers whose folders are no links.
func TestSquashIsWhatApplyingLayersGives(t *testing.T) {
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var layers []*layer.Index
		for range 1 + rnd.IntN(5) {
			layers = append(layers, randomLayer(rnd))
		}
		want := applied(layers)
		tree := layer.Squash(layers)
		got := map[string]string{}
		for n := range tree.All() {
			if n.Entry != nil {
				got[n.Path] = fmt.Sprint(n.Layer, n.Entry.Type)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, describeLayers(layers))
		}
		checkConsistent(t, tree, layers, got)
	}
}

// checkConsistent checks what must hold of every tree.
func checkConsistent(t *testing.T, tree *layer.Tree, layers []*layer.Index, view map[string]string) {
	t.Helper()
	visible := 0
	for l, ix := range layers {
		for _, e := range ix.Entries {
			if tree.Visible(l, e.Path) {
				visible++
			}
		}
	}
	if visible != len(view) {
		t.Fatalf("%d entries are visible, and %d are in the tree", visible, len(view))
	}
	listed := 0
	var list func(dir string)
	list = func(dir string) {
		for _, n := range tree.ReadDir(dir) {
			if n.Entry != nil {
				listed++
			}
			if path.Dir(n.Path) != dir {
				t.Fatalf("%s is listed in %s", n.Path, dir)
			}
			if n.IsDir() {
				list(n.Path)
			}
		}
	}
	list("/")
	if listed != len(view) {
		t.Fatalf("%d entries are listed, and %d are in the tree", listed, len(view))
	}
}

// randomLayer has few names, so that layers meet.
func randomLayer(rnd *rand.Rand) *layer.Index {
	entries := map[string]layer.Entry{}
	for range rnd.IntN(8) {
		p := ""
		for range 1 + rnd.IntN(3) {
			p += "/" + string(rune('a'+rnd.IntN(3)))
		}
		e := layer.Entry{}
		e.Type = []scanner.EntryType{scanner.Regular, scanner.Dir, scanner.Dir, scanner.Other, scanner.Whiteout, scanner.Opaque}[rnd.IntN(6)]
		switch e.Type {
		case scanner.Whiteout:
			p = path.Dir(p) + "/.wh." + path.Base(p)
		case scanner.Opaque:
			p += "/.wh..wh..opq"
		}
		e.Path = path.Clean(p)
		entries[e.Path] = e
	}
	// One layer cannot have a file and something below it.
	ix := &layer.Index{}
	for p, e := range entries {
		for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
			if above, ok := entries[dir]; ok && above.Type != scanner.Dir {
				above.Type = scanner.Dir
				entries[dir] = above
			}
		}
		_ = e
	}
	for _, e := range entries {
		ix.Entries = append(ix.Entries, e)
	}
	slices.SortFunc(ix.Entries, func(a, b layer.Entry) int { return strings.Compare(a.Path, b.Path) })
	return ix
}

// applied is the reference: it is slow and plain.
func applied(layers []*layer.Index) map[string]string {
	view := map[string]string{}
	kind := map[string]scanner.EntryType{}
	removeBelow := func(dir string) {
		for p := range view {
			if strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/") {
				delete(view, p)
			}
		}
	}
	for l, ix := range layers {
		for _, e := range ix.Entries {
			if hidden, opaque := e.Hides(); opaque {
				if kind[hidden] == scanner.Dir || view[hidden] == "" {
					removeBelow(hidden)
				}
			} else if hidden != "" {
				removeBelow(hidden)
				delete(view, hidden)
			}
		}
		for _, e := range ix.Entries {
			if e.Type == scanner.Whiteout || e.Type == scanner.Opaque {
				continue
			}
			for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
				if view[dir] != "" && kind[dir] != scanner.Dir {
					delete(view, dir)
				}
			}
			if e.Type != scanner.Dir {
				removeBelow(e.Path)
			}
			view[e.Path], kind[e.Path] = fmt.Sprint(l, e.Type), e.Type
		}
	}
	return view
}

func describeLayers(layers []*layer.Index) string {
	var b strings.Builder
	for l, ix := range layers {
		for _, e := range ix.Entries {
			fmt.Fprintln(&b, l, e.Type, e.Path)
		}
	}
	return b.String()
}

func TestSquashTakesAbsentLayers(t *testing.T) {
	ix := &layer.Index{Entries: []layer.Entry{{Entry: scanner.Entry{Path: "/a"}}}}
	tree := layer.Squash([]*layer.Index{nil, ix, nil})
	if n, ok := tree.Lookup("/a"); !ok || n.Layer != 1 || tree.Visible(0, "/a") || !tree.Visible(1, "/a") {
		t.Errorf("got %+v", n)
	}
}

func BenchmarkSquash(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var layers []*layer.Index
	for range 10 {
		ix := &layer.Index{}
		for i := range 20_000 {
			e := layer.Entry{}
			e.Path = fmt.Sprintf("/usr/lib/python3/dist-packages/%03d/%02d/file%d.py", rnd.IntN(500), i%50, i)
			ix.Entries = append(ix.Entries, e)
		}
		slices.SortFunc(ix.Entries, func(a, b layer.Entry) int { return strings.Compare(a.Path, b.Path) })
		layers = append(layers, ix)
	}
	b.ReportAllocs()
	for b.Loop() {
		layer.Squash(layers)
	}
}
