package carve

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"
)

// FuzzFiles: whatever the bytes are, what is found lies in them, comes in order,
// is the same again, and costs neither much memory nor much time.
func FuzzFiles(f *testing.F) {
	for _, s := range Signatures() {
		f.Add([]byte("#!/bin/sh\n"+s.Magic+"\x00\x00\x03\x01\x00\x00rest of it"), uint16(3))
	}
	f.Add([]byte("x = 'H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=='\nbegin 644 a\nM"+string(bytes.Repeat([]byte("AAAA"), 15))+"\n \nend\n"), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, from uint16) {
		if len(b) > 1<<20 || int(from) > len(b) {
			t.Skip("too long")
		}
		c := New()
		find := func() (found []File) {
			marks, err := c.Marks(t.Context(), bytes.NewReader(b), int64(from), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Files(bytes.NewReader(b), marks, int64(from), int64(len(b)), func(in File) (int64, error) {
				found = append(found, in)
				if in.Encoding != "" {
					n, err := io.Copy(io.Discard, in.Reader(bytes.NewReader(b), int64(len(b))))
					if err != nil || n > int64(len(b)) {
						t.Errorf("%d bytes came out of text of %d: %v", n, len(b), err)
					}
				}
				return in.End, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		first := find()
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
			t.Errorf("it took %d bytes of memory", n)
		}
		until := int64(0)
		for _, in := range first {
			if in.At < int64(from) || in.At < until || in.At >= int64(len(b)) || in.End > int64(len(b)) || in.End >= 0 && in.End <= in.At {
				t.Errorf("%+v of %d bytes, after %d", in, len(b), until)
			}
			until = max(in.End, in.At+1)
		}
		if again := find(); len(again) != len(first) {
			t.Errorf("found %d, and then %d", len(first), len(again))
		}
	})
}
