package layer_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// FuzzRead reads any bytes as a layer: no panic, no more than the bounds allow,
// nothing left over. What it makes of them survives encoding, and squashing it
// over itself keeps the view.
func FuzzRead(f *testing.F) {
	tarred := tarOf(f, "d /a\nf /a/b contents\nh /c /a/b\nl /d a\nf /d/e x\nf /a/.wh.b\nf /.wh..wh..opq\n")
	for _, seed := range [][]byte{tarred, gzipBytes(f, tarred), zstdBytes(f, tarred), tarred[:1000], nil} {
		f.Add(seed)
	}
	s := newStore(f, 1<<20)
	f.Fuzz(func(t *testing.T, blob []byte) {
		opt := layer.Options{Store: s, Wants: all, Digests: true, MaxBytes: 32 << 20, MaxFile: 1 << 20, MaxEntries: 1000, Jobs: 2}
		opt.Visit = func(_ context.Context, f *scanner.File) (bool, error) {
			_, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Size))
			return true, err
		}
		ix, err := layer.Read(t.Context(), blobLayer{blob: blob}, opt)
		if err != nil {
			if n := s.Used(); n != 0 {
				t.Errorf("%d bytes are left after %v", n, err)
			}
			return
		}
		checkView(t, ix)
		enc := encoded(t, ix)
		again, err := layer.Decode(bytes.NewReader(enc), int64(len(enc)), s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ix, again, sameIndex); diff != "" {
			t.Errorf("(-read +decoded):\n%s", diff)
		}
		ix.Close()
		if n := s.Used(); n != 0 {
			t.Errorf("%d bytes are left", n)
		}
	})
}

func checkView(t *testing.T, ix *layer.Index) {
	t.Helper()
	tree := layer.Squash([]*layer.Index{ix, ix})
	last := ""
	for n := range tree.All() {
		if n.Path <= last {
			t.Fatalf("%q is listed after %q", n.Path, last)
		}
		last = n.Path
		if at, ok := tree.Lstat(n.Path); !ok || at != n {
			t.Fatalf("%q is listed and not found", n.Path)
		}
		tree.Lookup(n.Path)
		if c, err := tree.Open(n); err == nil {
			c.Close()
		}
	}
}

// FuzzDecode decodes any bytes: no panic, and what decodes is in order.
func FuzzDecode(f *testing.F) {
	s := layer.NewStore(0, f.TempDir())
	defer s.Close()
	enc := encoded(f, readAll(f, s, tarOf(f, "d /a\nf /a/b contents\nh /c /a/b\nl /d a\n")))
	f.Add(enc)
	f.Add(layer.Seal([]byte("table")))
	f.Add(layer.Table(enc))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, enc := range [][]byte{b, layer.Seal(b)} {
			ix, err := layer.Decode(bytes.NewReader(enc), int64(len(enc)), s)
			if err != nil {
				continue
			}
			for i := range ix.Entries {
				if i > 0 && ix.Entries[i].Path <= ix.Entries[i-1].Path {
					t.Fatalf("entry %d is out of order", i)
				}
				if c, err := ix.Open(&ix.Entries[i]); err == nil {
					c.Close()
				}
			}
		}
	})
}
