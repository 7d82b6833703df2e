package inflate

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interdict/interdict/testdata/need"
)

// TestInflate reads what the standard library compressed, and stored blocks
// without the complement of their length.
func TestInflate(t *testing.T) {
	want := []byte(strings.Repeat("the quick brown fox; ", 4000))
	for i := range want {
		if i%1000 > 900 {
			want[i] = byte(i * 7919 >> 3)
		}
	}
	for level := -2; level <= 9; level++ {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(want)
		w.Close()
		got, err := io.ReadAll(NewReader(bufio.NewReader(&b), NSIS))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("level %d: %d bytes, %v", level, len(got), err)
		}
	}
	old := append([]byte{1, 5, 0}, "acme!"...)
	if got, err := io.ReadAll(NewReader(bufio.NewReader(bytes.NewReader(old)), NSIS)); err != nil || string(got) != "acme!" {
		t.Errorf("stored: %q, %v", got, err)
	}
}

// FuzzInflate: what the standard library accepts comes out the same.
func FuzzInflate(f *testing.F) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	io.WriteString(w, "some text, some text, some text")
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		theirs, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), 1<<20))
		ours, ourErr := io.ReadAll(io.LimitReader(NewReader(bufio.NewReader(bytes.NewReader(b)), NSIS), 1<<20))
		if err == nil && (ourErr != nil || !bytes.Equal(theirs, ours)) {
			t.Errorf("%d bytes, %v; the standard library reads %d", len(ours), ourErr, len(theirs))
		}
	})
}

// TestDeflate64 reads what 7z compressed, with matches that are too long and too
// far for DEFLATE.
func TestDeflate64(t *testing.T) {
	var want []byte
	for i := range 60_000 {
		want = append(want, byte(i*i>>7), byte(i))
	}
	want = append(want, bytes.Repeat([]byte("a"), 70_000)...)
	want = append(want, want[:90_000]...)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	need.Tool(t, "7z")
	cmd := exec.Command("7z", "a", "-bd", "-mx=9", "-mm=Deflate64", "a.zip", "f")
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("7z: %v\n%s", err, msg)
	}
	b, err := os.ReadFile(filepath.Join(dir, "a.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if b[8] != 9 {
		t.Fatalf("7z used method %d", b[8])
	}
	body := b[30+int(b[26])+int(b[28]):]
	got, err := io.ReadAll(NewReader(bufio.NewReader(bytes.NewReader(body)), Deflate64))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}
