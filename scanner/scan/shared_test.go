package scan_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scan"
)

// shelf is a remote in memory.
type shelf struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

func (s *shelf) ReadBlob(_ context.Context, name string, w io.Writer) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[name]
	if ok {
		_, err := w.Write(b)
		return true, err
	}
	return false, nil
}

func (s *shelf) WriteBlob(_ context.Context, name string, r io.Reader) error {
	b, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[name] = b
	return err
}

// counted scans, and tells how many layers it read and how many it had.
func counted(t *testing.T, target string, opt scan.Options) (inv *sbom.Inventory, read, had int) {
	t.Helper()
	var mu sync.Mutex
	opt.Watch, opt.LayersOnly = watch, true
	opt.Observe = func(e scan.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case scan.LayerDone:
			read++
		case scan.LayerCached:
			had++
		case scan.CacheTrouble:
			t.Errorf("trouble with the cache: %v", e.Err)
		}
	}
	inv, err := scan.Run(t.Context(), open(t, target), opt)
	if err != nil {
		t.Fatal(err)
	}
	return inv, read, had
}

func folder(t *testing.T) *scan.Cache {
	t.Helper()
	c, err := scan.OpenCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSharedResults: what one machine read, another has from the remote, checked;
// a damaged blob is read anew.
func TestSharedResults(t *testing.T) {
	target := archive(t, story)
	want, _, _ := counted(t, target, scan.Options{})
	remote := &shelf{blobs: map[string][]byte{}}
	if _, read, _ := counted(t, target, scan.Options{Cache: folder(t).WithRemote(remote)}); read != 3 {
		t.Errorf("the first machine read %d layers", read)
	}
	got, read, had := counted(t, target, scan.Options{Cache: folder(t).WithRemote(remote)})
	if diff := cmp.Diff(want, got); diff != "" || read != 0 || had != 3 {
		t.Errorf("the second machine read %d layers and had %d:\n%s", read, had, diff)
	}
	for name, b := range remote.blobs {
		remote.blobs[name] = append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]^1)
	}
	inv, err := scan.Run(t.Context(), open(t, target), scan.Options{Watch: watch, LayersOnly: true, Cache: folder(t).WithRemote(remote)})
	if err != nil || !cmp.Equal(want, inv) {
		t.Errorf("with damaged blobs: %v\n%s", err, cmp.Diff(want, inv))
	}
	if _, read, _ := counted(t, target, scan.Options{Cache: folder(t).WithRemote(remote)}); read != 0 {
		t.Errorf("the blobs were not replaced: %d layers read", read)
	}
}

// TestMemory: scans at once that share what is in memory find the same, however
// little may stay there.
func TestMemory(t *testing.T) {
	target := archive(t, story)
	want, _, _ := counted(t, target, scan.Options{})
	for _, max := range []int64{1, 4 << 10, 1 << 30} {
		cache := folder(t).WithMemory(max)
		counted(t, target, scan.Options{Cache: cache})
		var scans sync.WaitGroup
		for range 8 {
			scans.Go(func() {
				for range 4 {
					inv, err := scan.Run(t.Context(), open(t, target), scan.Options{Watch: watch, LayersOnly: true, Cache: cache})
					if err != nil || !cmp.Equal(want, inv) {
						t.Errorf("of %d bytes: %v\n%s", max, err, cmp.Diff(want, inv))
						return
					}
				}
			})
		}
		scans.Wait()
	}
}
