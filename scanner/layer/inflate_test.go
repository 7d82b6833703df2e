package layer

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"

	kgzip "github.com/klauspost/compress/gzip"
)

// inflate decodes all of b.
func inflate(r io.Reader) ([]byte, error) {
	z := &inflater{src: r}
	var out []byte
	for {
		z.slide()
		from := z.at
		err := z.run()
		out = append(out, z.win[from:z.at]...)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

// bodies are what compresses in different ways: far and near matches, runs, long
// codes, nothing at all.
func bodies(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300_000)
	skewed := make([]byte, 700_000) // frequencies that halve make the longest codes
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for i := range skewed {
		skewed[i] = byte(min(r.ExpFloat64()*9, 255))
	}
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"empty": {}, "byte": {7}, "zeros": make([]byte, 1<<20), "random": random, "skewed": skewed,
		"near":    bytes.Repeat([]byte("abc"), 200_000),
		"far":     bytes.Repeat(random[:history-1], 12),
		"program": program[:min(len(program), 4<<20)],
	}
}

func TestGunzip(t *testing.T) {
	for name, body := range bodies(t) {
		for level := kgzip.StatelessCompression; level <= gzip.BestCompression; level++ {
			var packed bytes.Buffer
			w, err := kgzip.NewWriterLevel(&packed, level)
			if err != nil {
				t.Fatal(err)
			}
			w.Name, w.Comment, w.Extra = "name", "comment", []byte("extra")
			w.Write(body)
			w.Close()
			w.Reset(&packed) // a second member
			w.Write(body[:len(body)/2])
			w.Close()
			want := append(bytes.Clone(body), body[:len(body)/2]...)
			for how, r := range map[string]io.Reader{"whole": bytes.NewReader(packed.Bytes()),
				"halves": iotest.HalfReader(bytes.NewReader(packed.Bytes())), "bytes": iotest.OneByteReader(bytes.NewReader(packed.Bytes()))} {
				z, err := newGunzip(r)
				if err != nil {
					t.Fatalf("%s, level %d, %s: %v", name, level, how, err)
				}
				if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, level %d, %s: %d bytes of %d, error %v", name, level, how, len(got), len(want), err)
				}
			}
		}
	}
}

// TestGunzipDamaged cuts a stream everywhere, and changes each of its bits.
func TestGunzipDamaged(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Name = "name"
	w.Write(bytes.Repeat([]byte("what is here comes again, and again: "), 9))
	w.Close()
	read := func(b []byte) ([]byte, error) {
		z, err := newGunzip(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
	for n := range packed.Len() {
		if _, err := read(packed.Bytes()[:n]); err == nil || n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("of %d bytes: error %v", n, err)
		}
	}
	if _, err := read(append(bytes.Clone(packed.Bytes()), 1)); err == nil {
		t.Error("a byte behind the stream is not seen")
	}
	want, _ := read(packed.Bytes())
	for bit := range packed.Len() * 8 {
		b := bytes.Clone(packed.Bytes())
		b[bit/8] ^= 1 << (bit % 8)
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		got, gerr := read(b)
		if (gerr == nil) != (err == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("with bit %d changed: error %v, compress/gzip says %v", bit, gerr, err)
		}
	}
}

// FuzzInflate compares with compress/flate: the same bytes, or an error of both.
func FuzzInflate(f *testing.F) {
	for _, body := range bodies(f) {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, level)
			w.Write(body[:min(len(body), 20_000)])
			w.Close()
			f.Add(b.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		const most = 4 << 20
		want, werr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), most))
		if len(want) == most {
			return
		}
		got, err := inflate(bytes.NewReader(packed))
		if (err == nil) != (werr == nil) {
			t.Fatalf("error %v; compress/flate says %v", err, werr)
		}
		if n := min(len(got), len(want)); err == nil && len(got) != len(want) || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("%d bytes; compress/flate gives %d others", len(got), len(want))
		}
	})
}

// BenchmarkGunzip compares with the fastest library.
func BenchmarkGunzip(b *testing.B) {
	body := bodies(b)["program"]
	var packed bytes.Buffer
	w := kgzip.NewWriter(&packed)
	w.Write(body)
	w.Close()
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"own":       func(r io.Reader) (io.Reader, error) { return newGunzip(r) },
		"klauspost": func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r, err := open(bytes.NewReader(packed.Bytes()))
				if err == nil {
					_, err = io.Copy(io.Discard, struct{ io.Reader }{r})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
