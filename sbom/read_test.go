package sbom

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadDocument: what is read is what there is, from readers that tell their
// size and from others, up to the limit and no byte more.
func TestReadDocument(t *testing.T) {
	const limit = 5000
	for _, size := range []int{0, 1, 511, 512, 513, limit - 1, limit, limit + 1, 2 * limit} {
		text := bytes.Repeat([]byte("x"), size)
		path := filepath.Join(t.TempDir(), "doc")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for name, r := range map[string]io.Reader{
			"reader": bytes.NewReader(text), "stream": iotest.HalfReader(bytes.NewReader(text)), "file": f,
			"with its last bytes": iotest.DataErrReader(bytes.NewReader(text)),
		} {
			got, err := ReadDocument(r, limit)
			if size > limit {
				if err == nil || !strings.Contains(err.Error(), "larger than 5000 bytes") {
					t.Errorf("%d bytes, %s: %v", size, name, err)
				}
			} else if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes, %s: %d bytes, %v", size, name, len(got), err)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := ReadDocument(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), limit); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
	text := bytes.Repeat([]byte("x"), limit)
	if n := testing.AllocsPerRun(20, func() { ReadDocument(bytes.NewReader(text), limit) }); n > 3 {
		t.Errorf("%v allocations for one document", n)
	}
}
