package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/scantest"
)

// served is a registry with an image of one layer.
func served() (addr string, stop func()) {
	srv, addr := scantest.Registry(true)
	img, err := scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{{Path: "etc/motd", Body: []byte("hi\n")}}}}}.Build()
	if err != nil {
		panic(err)
	}
	ref, err := name.ParseReference(addr + "/team/app:1")
	if err != nil {
		panic(err)
	}
	if err := remote.Write(ref, img); err != nil {
		panic(err)
	}
	return addr, srv.Close
}

// Example reads an image's manifest by its tag, and the first layer as it is
// stored. Digests are checked: a reader that ends in io.EOF gave the right bytes.
func Example() {
	addr, stop := served()
	defer stop()
	ctx := context.Background()

	client, err := registry.New(registry.Options{Version: "1.0"})
	if err != nil {
		fmt.Println(err) // a certificate file that cannot be read
		return
	}
	defer client.Close()
	ref, err := client.ParseReference(addr + "/team/app:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	desc, raw, err := client.Manifest(ctx, ref)
	if err != nil {
		fmt.Println(err) // a *registry.Error: its Kind says what went wrong, its Hint what to do
		return
	}
	fmt.Println(desc.MediaType, len(raw) == int(desc.Size))

	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		fmt.Println(err)
		return
	}
	layer, err := client.Blob(ctx, ref.Context(), m.Layers[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	defer layer.Close()
	n, err := io.Copy(io.Discard, layer)
	fmt.Println(n == m.Layers[0].Size, err)
	// Output:
	// application/vnd.docker.distribution.manifest.v2+json true
	// true <nil>
}
