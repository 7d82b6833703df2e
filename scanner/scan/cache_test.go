package scan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/scantest"
)

func cached(t *testing.T, target string, cache *scan.Cache) (inv *sbom.Inventory, troubles int) {
	t.Helper()
	inv, err := scan.Run(t.Context(), open(t, target), scan.Options{Watch: watch, Cache: cache, Jobs: 1,
		Observe: func(e scan.Event) {
			if e.Kind == scan.CacheTrouble {
				troubles++
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return inv, troubles
}

// TestDamagedCache: whichever byte of a cache is lost or changed, a scan says
// so and says the same of the image.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	cache, err := scan.OpenCache(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	target := archive(t, story)
	want, _ := cached(t, target, cache)
	results, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(results) < 5 {
		t.Fatalf("the cache has %d results (%v)", len(results), err)
	}
	inventories, err := filepath.Glob(filepath.Join(dir, "inventories", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range results {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		damaged := map[string][]byte{"emptied": nil, "cut short": whole[:len(whole)-1]}
		for _, at := range []int{0, len(whole) / 4, len(whole) / 2, len(whole) * 3 / 4, len(whole) - 1} {
			b := bytes.Clone(whole)
			b[at] ^= 0x10
			damaged["changed at "+string(rune('0'+at*9/len(whole)))] = b
		}
		for what, b := range damaged {
			for _, inventory := range inventories {
				os.Remove(inventory) // else nothing below it is read
			}
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			got, troubles := cached(t, target, cache)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s %s: the scan differs:\n%s", filepath.Base(name), what, diff)
			}
			if troubles == 0 {
				t.Errorf("%s %s: nobody was told", filepath.Base(name), what)
			}
			if again, troubles := cached(t, target, cache); troubles > 0 || !cmp.Equal(want, again) {
				t.Errorf("%s %s: it was not made again", filepath.Base(name), what)
			}
		}
	}
}

// TestAbsentLayerIsNotRemembered: an image that lacked a layer is whole as soon
// as somebody has it.
func TestAbsentLayerIsNotRemembered(t *testing.T) {
	img := build(t, story)
	whole, lacking := t.TempDir(), t.TempDir()
	for _, dir := range []string{whole, lacking} {
		if err := scantest.WriteLayout(dir, img); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(lacking, "blobs", "sha256", digest.Hex)); err != nil {
		t.Fatal(err)
	}
	cache, err := scan.OpenCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if inv, _ := cached(t, lacking, cache); inv.Coverage.Complete() {
		t.Error("the absent layer is not told")
	}
	inv, _ := cached(t, whole, cache)
	if !inv.Coverage.Complete() {
		t.Errorf("gaps %+v of an image that is whole", inv.Coverage.Gaps)
	}
	find(t, inv, "left-pad")
}
