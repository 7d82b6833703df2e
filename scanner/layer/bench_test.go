package layer_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// realistic is a tar of a piece of the machine's own /usr, as an image's layer
// has it: programs, libraries, scripts and many small files.
var realistic = sync.OnceValues(func() ([]byte, error) {
	const most = 256 << 20
	cmd := exec.Command("tar", "--format=pax", "-cf", "-", "-C", "/usr", "bin", "lib", "share")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var whole bytes.Buffer
	_, err = io.CopyN(&whole, out, most)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil && err != io.EOF {
		return nil, err
	}
	return cutTar(whole.Bytes())
})

// BenchmarkRead measures Read against what no reader can save: decompressing,
// and SHA-256 of both the blob and the tar, one after another in one goroutine.
// "ratio" is Read's time in units of that.
func BenchmarkRead(b *testing.B) {
	tarred, err := realistic()
	if err != nil {
		b.Fatal(err)
	}
	for name, blob := range map[string][]byte{"plain": tarred, "gzip": gzipBytes(b, tarred), "zstd": zstdBytes(b, tarred)} {
		b.Run(name+"/index", func(b *testing.B) { benchRead(b, name, blob, len(tarred), layer.Options{}) })
		b.Run(name+"/digests", func(b *testing.B) { benchRead(b, name, blob, len(tarred), layer.Options{Digests: true}) })
		b.Run(name+"/programs", func(b *testing.B) {
			benchRead(b, name, blob, len(tarred), layer.Options{
				Digests: true,
				Wants:   func(f *scanner.File) bool { return strings.HasPrefix(string(f.Head), "\x7fELF") },
				Visit:   func(context.Context, *scanner.File) (bool, error) { return false, nil },
			})
		})
		b.Run(name+"/all", func(b *testing.B) {
			benchRead(b, name, blob, len(tarred), layer.Options{
				Wants: func(f *scanner.File) bool { return true },
				Visit: func(context.Context, *scanner.File) (bool, error) { return false, nil },
			})
		})
	}
}

func benchRead(b *testing.B, name string, blob []byte, tarred int, opt layer.Options) {
	opt.Store = layer.NewStore(0, b.TempDir())
	defer opt.Store.Close()
	b.SetBytes(int64(tarred))
	b.ReportAllocs()
	var spent, limit time.Duration
	for b.Loop() {
		start := time.Now()
		ix, err := layer.Read(b.Context(), blobLayer{blob: blob}, opt)
		if err != nil {
			b.Fatal(err)
		}
		ix.Close()
		spent += time.Since(start)
		b.StopTimer()
		limit += plainLimit(b, name, blob)
		b.StartTimer()
	}
	b.ReportMetric(spent.Seconds()/limit.Seconds(), "ratio")
}

func plainLimit(b *testing.B, name string, blob []byte) time.Duration {
	start := time.Now()
	stored, plain := sha256.New(), sha256.New()
	src := io.TeeReader(bytes.NewReader(blob), stored)
	r := io.Reader(bytes.NewReader(blob))
	var err error
	switch name {
	case "gzip":
		r, err = gzip.NewReader(bufio.NewReaderSize(src, 64<<10))
	case "zstd":
		r, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{plain}, struct{ io.Reader }{r}, make([]byte, 256<<10)); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func gzipBytes(t testing.TB, p []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstdBytes(t testing.TB, p []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(p, nil)
}

// blobLayer is a layer in memory.
type blobLayer struct {
	blob   []byte
	stated sbom.Layer
}

func (l blobLayer) Describe() sbom.Layer { return l.stated }

func (l blobLayer) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.blob)), nil
}
