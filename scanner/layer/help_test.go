package layer_test

import (
	"archive/tar"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// tarOf makes a tar of lines "TYPE PATH [LINK or CONTENTS]", with types d(ir),
// f(ile), l(ink), h(ard link) and c(har device).
func tarOf(t testing.TB, lines string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for line := range strings.Lines(lines) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(f) < 2 {
			t.Fatalf("line %q: no path", line)
		}
		rest := ""
		if len(f) == 3 {
			rest = f[2]
		}
		h := &tar.Header{Name: strings.TrimPrefix(f[1], "/"), Mode: 0o644, ModTime: time.Unix(1e9, 0)}
		switch f[0] {
		case "d":
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		case "f":
			h.Typeflag, h.Size = tar.TypeReg, int64(len(rest))
		case "l":
			h.Typeflag, h.Linkname = tar.TypeSymlink, rest
		case "h":
			h.Typeflag, h.Linkname = tar.TypeLink, strings.TrimPrefix(rest, "/")
		case "c":
			h.Typeflag = tar.TypeChar
		default:
			t.Fatalf("line %q: no such type", line)
		}
		writeEntry(t, w, h, rest)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func writeEntry(t testing.TB, w *tar.Writer, h *tar.Header, contents string) {
	t.Helper()
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if h.Typeflag != tar.TypeReg {
		return
	}
	if _, err := io.WriteString(w, contents); err != nil {
		t.Fatal(err)
	}
}

func newStore(t testing.TB, budget int64) *layer.Spool {
	t.Helper()
	s := layer.NewStore(budget, t.TempDir())
	t.Cleanup(func() { s.Close() })
	return s
}

var all = func(*scanner.File) bool { return true }

// readAll reads a layer and keeps everything.
func readAll(t testing.TB, s *layer.Spool, blob []byte) *layer.Index {
	t.Helper()
	ix, err := layer.Read(t.Context(), blobLayer{blob: blob}, layer.Options{Store: s, Wants: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

// contents reads what was kept of a path, or says why not.
func contents(ix *layer.Index, path string) string {
	e, ok := ix.Lookup(path)
	if !ok {
		return "no entry"
	}
	c, err := ix.Open(e)
	if err != nil {
		return err.Error()
	}
	return readContent(c)
}

func readContent(c layer.Content) string {
	defer c.Close()
	p, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		return err.Error()
	}
	return string(p)
}

// noLeaks fails the test if it ends with more goroutines than it began.
func noLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 100 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		t.Errorf("goroutines leaked:\n%s", buf[:runtime.Stack(buf, true)])
	})
}

// cutTar ends a tar that was cut off after its last whole entry.
func cutTar(cut []byte) ([]byte, error) {
	r := bytes.NewReader(cut)
	tr := tar.NewReader(r)
	whole := 0
	for {
		_, err := tr.Next()
		if err == io.EOF {
			return cut, nil
		}
		if err != nil {
			break
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			break
		}
		whole = (len(cut) - r.Len() + 511) / 512 * 512
	}
	return append(cut[:whole:whole], make([]byte, 1024)...), nil
}
