package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/interdict/interdict/scanner/scantest"
)

// ownLayers are the one or two layers that image i has over its base: an
// application, and in every other image its configuration.
func ownLayers(i int) ([]mutate.Addendum, error) {
	r := rand.New(rand.NewPCG(uint64(i), 20260101))
	app := scantest.Layer{CreatedBy: "COPY app /srv/app", Files: []scantest.File{
		{Path: "srv/app/package.json", Body: fmt.Appendf(nil, `{"name": "app-%d", "version": "1.%d.0", "license": "MIT"}`, i, i%7)},
		{Path: "srv/app/main.js", Body: text(r, 40_000)},
	}}
	for d := range 4 + i%5 {
		app.Files = append(app.Files, scantest.File{Path: fmt.Sprintf("srv/app/node_modules/part-%d/package.json", d),
			Body: fmt.Appendf(nil, `{"name": "part-%d", "version": "%d.%d.1", "license": "Apache-2.0"}`, d, i%11, d)},
			scantest.File{Path: fmt.Sprintf("srv/app/node_modules/part-%d/index.js", d), Body: text(r, 10_000)})
	}
	if i%19 == 7 {
		app.Files = append(app.Files, scantest.File{Path: "opt/kaspersky/kesl/bin/kesl-control", Body: text(r, 2_000), Mode: 0o755})
	}
	layers := []scantest.Layer{app}
	if i%2 == 1 {
		layers = append(layers, scantest.Layer{CreatedBy: "COPY settings /etc/app", Files: []scantest.File{
			{Path: "etc/app/settings.yaml", Body: text(r, 5_000)}}})
	}
	return addenda(layers)
}

func tinyImage(i int) (v1.Image, error) {
	return scantest.Image{Layers: []scantest.Layer{{CreatedBy: "COPY app /", Files: []scantest.File{
		{Path: "etc/os-release", Body: []byte("ID=debian\nVERSION_ID=\"12\"\n")},
		{Path: "srv/app/package.json", Body: fmt.Appendf(nil, `{"name": "tiny-%d", "version": "1.0.0"}`, i)},
	}}}}.Build()
}

func addenda(layers []scantest.Layer) ([]mutate.Addendum, error) {
	var out []mutate.Addendum
	for _, l := range layers {
		plain, err := l.Tar()
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(plain)), nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, mutate.Addendum{Layer: layer,
			History: v1.History{CreatedBy: l.CreatedBy, Created: v1.Time{Time: scantest.Epoch}}})
	}
	return out, nil
}

// text is n bytes of words that compress as source code does.
func text(r *rand.Rand, n int) []byte {
	words := []string{"function", "return", "const", "value", "the", "of", "request", "=>", "{", "}", "\n", "await"}
	var b bytes.Buffer
	for b.Len() < n {
		if r.IntN(3) == 0 {
			fmt.Fprintf(&b, "%x ", r.Uint32())
		} else {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
	}
	return b.Bytes()
}
