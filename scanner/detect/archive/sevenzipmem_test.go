package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/interdict/interdict/scanner"
	"github.com/ulikunitz/xz/lzma"
)

// TestSevenZipMemory: a header that asks for 4 GiB gets no more than what comes
// out needs, and what comes out is right.
func TestSevenZipMemory(t *testing.T) {
	const text = "some text, some text, some text"
	var packed bytes.Buffer
	w, err := lzma.Writer2Config{}.NewWriter2(&packed)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := lzma2Reader([]byte{40}, uint64(len(text)), []io.ReadCloser{io.NopCloser(&packed)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	runtime.ReadMemStats(&after)
	if string(got) != text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes were taken", n)
	}
	for name, open := range map[string]func() error{
		"lzma2": func() error { _, err := lzma2Reader([]byte{40}, 1<<40, []io.ReadCloser{nil}); return err },
		"lzma": func() error {
			_, err := lzmaReader([]byte{0x5d, 0xff, 0xff, 0xff, 0x7f}, 1<<40, []io.ReadCloser{nil})
			return err
		},
		"ppmd": func() error {
			_, err := ppmdReader(binary.LittleEndian.AppendUint32([]byte{6}, 1<<31), 100, []io.ReadCloser{nil})
			return err
		},
	} {
		if err := open(); !errors.Is(err, scanner.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
