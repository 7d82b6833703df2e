// Command demo writes a small container image with a story: a product of a
// banned vendor was installed in one layer and removed in a later one, so that
// nobody sees it in the running container, and everybody ships it.
//
// Usage: go run ./testdata/demo [FILE]   (default: demo.tar, as "docker save" writes it)
//
// No byte of the vendor's is in it: the files have the product's documented
// names and places, and contents of our own.
package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/interdict/interdict/scanner/scantest"
)

//go:embed image.txtar
var story []byte

func main() {
	out := "demo.tar"
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if err := write(out); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "wrote", out)
}

func write(out string) error {
	im, err := scantest.Parse(story)
	if err != nil {
		return err
	}
	img, err := im.Build()
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := scantest.WriteDockerArchive(f, "demo.example/shop:1.0", img); err != nil {
		f.Close()
		os.Remove(out)
		return err
	}
	return f.Close()
}
