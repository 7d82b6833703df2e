package catalog

import (
	"context"
	"io"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// imageLayer is a layer of an image of go-containerregistry.
type imageLayer struct{ v1.Layer }

func (l imageLayer) Describe() sbom.Layer {
	id, err := l.DiffID()
	if err != nil {
		return sbom.Layer{}
	}
	return sbom.Layer{DiffID: id.String()}
}

func (l imageLayer) Open(context.Context) (io.ReadCloser, error) { return l.Uncompressed() }

// indexes reads all layers of an image as a scan does.
func indexes(t testing.TB, img v1.Image) []*layer.Index {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	store := layer.NewStore(0, t.TempDir())
	t.Cleanup(func() { store.Close() })
	var all []*layer.Index
	for _, l := range layers {
		ix, err := layer.Read(t.Context(), imageLayer{l}, layer.Options{
			Store: store, Wants: Wants, Digests: true,
			Visit: func(_ context.Context, f *scanner.File) (bool, error) { return Keep(f), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ix.Close() })
		all = append(all, ix)
	}
	return all
}
