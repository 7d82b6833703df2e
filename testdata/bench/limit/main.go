// Command limit does the least that any scanner of an image must do, in one
// thread: decompress each layer of a "docker save" archive and take both
// digests, of the bytes as stored and of the bytes inside. It prints how many
// bytes that were. Nothing that reads the whole image can be faster in one
// thread with the same decompressor.
//
// Usage: go run ./testdata/bench/limit FILE
package main

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"
)

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "error: want one archive")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var stored, plain int64
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !strings.HasSuffix(h.Name, ".tar.gz") {
			continue
		}
		n, err := layer(tr)
		if err != nil {
			return fmt.Errorf("reading %s: %w", h.Name, err)
		}
		stored += h.Size
		plain += n
	}
	fmt.Printf("%d bytes stored, %d bytes inside\n", stored, plain)
	return nil
}

func layer(r io.Reader) (int64, error) {
	outer, inner := sha256.New(), sha256.New()
	zr, err := gzip.NewReader(io.TeeReader(r, outer))
	if err != nil {
		return 0, err
	}
	return io.CopyBuffer(inner, zr, make([]byte, 1<<20))
}
