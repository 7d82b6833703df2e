package layer_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

var sameIndex = cmp.Options{cmpopts.IgnoreUnexported(layer.Index{}, layer.Entry{}), cmpopts.EquateEmpty()}

func encoded(t testing.TB, ix *layer.Index) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := ix.Encode(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func exampleIndex(t testing.TB, s *layer.Spool) *layer.Index {
	t.Helper()
	blob := tarOf(t, `d /usr/bin
f /usr/bin/tool `+strings.Repeat("#!", 70_000)+`
h /usr/bin/twin /usr/bin/tool
l /usr/bin/link tool
f /usr/.wh.gone
f /usr/share/.wh..wh..opq
f /usr/share/empty
f /usr/share/skipped not kept
f /big `+strings.Repeat("x", 300_000)+`
c /dev/null
`)
	ix, err := layer.Read(t.Context(), blobLayer{blob: append(blob, "behind"...)}, layer.Options{
		Store: s, MaxFile: 200_000, Digests: true,
		Wants: func(f *scanner.File) bool { return !strings.HasSuffix(f.Path, "skipped") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

func TestEncodeDecode(t *testing.T) {
	s := newStore(t, 1<<20)
	ix := exampleIndex(t, s)
	first := encoded(t, ix)
	got, err := layer.Decode(bytes.NewReader(first), int64(len(first)), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ix, got, sameIndex); diff != "" {
		t.Errorf("(-encoded +decoded):\n%s", diff)
	}
	for i := range ix.Entries {
		e := &ix.Entries[i]
		if want, is := contents(ix, e.Path), contents(got, e.Path); want != is || e.Kept() != got.Entries[i].Kept() {
			t.Errorf("%s has %.50q, want %.50q", e.Path, is, want)
		}
	}
	if n := len(first); n > 145_000 {
		t.Errorf("contents of 140 kB make %d bytes: the twins are not shared", n)
	}
	if !bytes.Equal(first, encoded(t, got)) {
		t.Error("encoding what was decoded gives other bytes")
	}
}

// Whatever byte of an encoded index changes: an error, or contents that say so.
func TestDecodeRefusesDamage(t *testing.T) {
	s := newStore(t, 0)
	whole := encoded(t, exampleIndex(t, s))
	for i := range whole {
		if i > 100 && i < len(whole)-2000 && i%997 != 0 {
			continue
		}
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		ix, err := layer.Decode(bytes.NewReader(damaged), int64(len(damaged)), s)
		if err == nil {
			e, _ := ix.Lookup("/usr/bin/tool")
			_, err = ix.Open(e)
		}
		if !errors.Is(err, layer.ErrCorrupt) {
			t.Fatalf("changed at %d: %v", i, err)
		}
		if _, err := layer.Decode(bytes.NewReader(whole[:i]), int64(i), s); !errors.Is(err, layer.ErrCorrupt) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

// treeLayer is a tree on disk.
type treeLayer struct {
	blobLayer
	dir     string
	entries []scanner.Entry
}

func (l treeLayer) Walk(ctx context.Context, fn func(scanner.Entry, error) error) error {
	for _, e := range l.entries {
		if err := fn(e, nil); err != nil {
			return err
		}
	}
	return fn(scanner.Entry{Path: "/denied", Type: scanner.Dir}, os.ErrPermission)
}

func (l treeLayer) OpenFile(p string) (scanner.ReadAtCloser, error) {
	return os.Open(filepath.Join(l.dir, p))
}

func TestReadTreeOnDisk(t *testing.T) {
	noLeaks(t)
	l := treeLayer{dir: t.TempDir()}
	want := map[string]string{}
	for _, name := range []string{"/a", "/b", "/c", "/gone", "/short"} {
		body := strings.Repeat(name, 3000)
		want[name] = body
		l.entries = append(l.entries, scanner.Entry{Path: name, Size: int64(len(body)), Mode: 0o644})
		if name == "/gone" {
			continue
		}
		if name == "/short" {
			body = body[:5000]
		}
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(t, 1<<10)
	ix, err := layer.Read(t.Context(), l, layer.Options{Store: s, Digests: true, Wants: func(f *scanner.File) bool { return f.Path != "/b" }})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if s.Used() != 0 {
		t.Error("contents were copied")
	}
	wantGaps := []sbom.Gap{
		{Path: "/denied", Reason: sbom.Unreadable},
		{Path: "/gone", Reason: sbom.Unreadable},
		{Path: "/short", Reason: sbom.Unreadable},
	}
	if diff := cmp.Diff(wantGaps, ix.Gaps, cmpopts.IgnoreFields(sbom.Gap{}, "Detail")); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if got := contents(ix, "/a"); got != want["/a"] {
		t.Errorf("/a has %.40q", got)
	}
	if got := contents(ix, "/b"); got != want["/b"] { // nobody kept it, and it is there all the same
		t.Errorf("/b has %.40q", got)
	}
	for _, name := range []string{"/a", "/b"} {
		if e, _ := ix.Lookup(name); sum([]byte(want[name])) != "sha256:"+hex.EncodeToString(e.Digest[:]) {
			t.Errorf("%s has another digest", name)
		}
	}
}
