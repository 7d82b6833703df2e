package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestTriesAgain(t *testing.T) {
	reset := func(w http.ResponseWriter) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	for _, tt := range []struct {
		name string
		fail func(w http.ResponseWriter)
		wait time.Duration
	}{
		{"429 with seconds", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(429) }, time.Second},
		{"429 with a date", func(w http.ResponseWriter) {
			// The server's clock is a day ahead.
			now := time.Now().Add(24 * time.Hour)
			w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			w.Header().Set("Retry-After", now.Add(time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		}, time.Second},
		{"429", func(w http.ResponseWriter) { w.WriteHeader(429) }, 0},
		{"500", func(w http.ResponseWriter) { w.WriteHeader(500) }, 0},
		{"503", func(w http.ResponseWriter) { w.WriteHeader(503) }, 0},
		{"reset", reset, 0},
		{"half an answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"schema`)
			panic(http.ErrAbortHandler)
		}, 0},
		{"no answer", func(w http.ResponseWriter) {
			w.(http.Flusher).Flush()
			time.Sleep(500 * time.Millisecond)
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n, failures atomic.Int32
			addr := inProcess(t, func(inner http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1)%3 == 1 && failures.Add(1) > 0 && r.Method == http.MethodGet {
						tt.fail(w)
						return
					}
					inner.ServeHTTP(w, r)
				})
			})
			n.Store(-1 << 20)
			push(t, addr+"/app:1")
			n.Store(0)
			start := time.Now()
			if err := pull(t.Context(), client(t, Options{Stall: 50 * time.Millisecond}), addr+"/app:1"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took < tt.wait {
				t.Errorf("took %v: did not wait %v", took, tt.wait)
			}
		})
	}
}

// blobServer serves one blob and breaks off every connection after some bytes.
type blobServer struct {
	data     []byte
	cut      int
	noRange  bool
	stall    bool
	requests atomic.Int32
}

func (s *blobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/blobs/") {
		return
	}
	s.requests.Add(1)
	off := 0
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !s.noRange {
		off, _ = strconv.Atoi(strings.TrimSuffix(from, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, len(s.data)-1, len(s.data)))
		w.Header().Set("Content-Length", fmt.Sprint(len(s.data)-off))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(s.data)))
	}
	rest := s.data[off:]
	if s.cut == 0 || len(rest) <= s.cut {
		w.Write(rest)
		return
	}
	w.Write(rest[:s.cut])
	w.(http.Flusher).Flush()
	if s.noRange {
		s.cut += 100 << 10 // otherwise it never ends
	}
	if s.stall {
		<-r.Context().Done()
		return
	}
	panic(http.ErrAbortHandler)
}

func TestResumes(t *testing.T) {
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	sum := sha256.Sum256(data)
	d := v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, Size: int64(len(data))}
	for _, tt := range []struct {
		name     string
		srv      *blobServer
		desc     func(d *v1.Descriptor)
		kind     Kind // of the error, if one is expected
		requests int32
	}{
		{name: "whole", srv: &blobServer{data: data}, requests: 1},
		{name: "size not known", srv: &blobServer{data: data}, desc: func(d *v1.Descriptor) { d.Size = -1 }, requests: 1},
		{name: "dropped", srv: &blobServer{data: data, cut: 300 << 10}, requests: 4},
		{name: "dropped, no ranges", srv: &blobServer{data: data, cut: 300 << 10, noRange: true}, requests: 9},
		{name: "stalled", srv: &blobServer{data: data, cut: 600 << 10, stall: true}, requests: 2},
		{name: "a few bytes at a time", srv: &blobServer{data: data, cut: 10}, kind: Unreachable, requests: 3},
		{name: "other bytes", srv: &blobServer{data: bytes.ToUpper(data)}, kind: BadDigest, requests: 1},
		{name: "more bytes", srv: &blobServer{data: append(bytes.Clone(data), 0)}, kind: BadDigest, requests: 1},
		{name: "fewer bytes", srv: &blobServer{data: data[:1000]}, kind: BadDigest, requests: 2},
		{name: "fewer bytes, size not known", srv: &blobServer{data: data[:1000]}, desc: func(d *v1.Descriptor) { d.Size = -1 }, kind: BadDigest, requests: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := inProcess(t, func(http.Handler) http.Handler { return tt.srv })
			repo, _ := name.NewRepository(addr + "/app")
			c := client(t, Options{Attempts: 3, Stall: 100 * time.Millisecond})
			desc := d
			if tt.desc != nil {
				tt.desc(&desc)
			}
			r, err := c.Blob(t.Context(), repo, desc)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			switch {
			case tt.kind != "":
				wantKind(t, err, tt.kind)
			case tt.kind == "" && (err != nil || !bytes.Equal(got, data)):
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			if n := tt.srv.requests.Load(); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

// FuzzBlob breaks a blob at any offsets: it comes out whole or ends in an
// error, never in io.EOF with other bytes.
func FuzzBlob(f *testing.F) {
	f.Add([]byte("hello, blob"), []byte{3, 0, 255, 2}, int64(11))
	f.Add([]byte(""), []byte{}, int64(0))
	f.Add([]byte("abc"), []byte{1, 1, 1}, int64(-1))
	f.Add([]byte("abc"), []byte{128, 9}, int64(2))
	f.Fuzz(func(t *testing.T, data, cuts []byte, size int64) {
		sum := sha256.Sum256(data)
		b := &blob{
			want: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, size: size,
			hasher: sha256.New(), attempts: len(cuts) + 2,
			wait: func(int) error { return nil },
			fail: func(err error) error { return fmt.Errorf("failed: %w", err) },
			fetch: func(off int64) (io.ReadCloser, error) {
				if off > int64(len(data)) {
					return nil, errors.New("416")
				}
				rest := data[off:]
				if len(cuts) == 0 {
					return io.NopCloser(bytes.NewReader(rest)), nil
				}
				cut := int(cuts[0])
				cuts = cuts[1:]
				if cut >= 128 && len(rest) > 0 { // another byte
					rest = append([]byte{rest[0] + 1}, rest[1:]...)
				}
				return io.NopCloser(io.MultiReader(bytes.NewReader(rest[:min(cut%128, len(rest))]), broken{})), nil
			},
		}
		corrupt := bytes.ContainsFunc(cuts, func(r rune) bool { return r >= 128 })
		b.body, _ = b.fetch(0)
		got, err := io.ReadAll(b)
		if err == nil && !bytes.Equal(got, data) {
			t.Fatalf("got %q for %q without an error", got, data)
		}
		if err != nil && !corrupt && (size < 0 || size == int64(len(data))) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("error %v", err)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-5", "99999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "soon", ""} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		d, ok := retryAfter(http.Header{"Retry-After": {after}, "Date": {date}}, time.Now())
		if d < 0 || !ok && d != 0 {
			t.Fatalf("retryAfter(%q) = %v, %v", after, d, ok)
		}
	})
}

// BenchmarkBlob measures what digest, watch for stalls and HTTP cost a blob.
func BenchmarkBlob(b *testing.B) {
	addr := inProcess(b, nil)
	img, err := random.Image(16<<20, 1)
	if err != nil {
		b.Fatal(err)
	}
	ref, _ := name.ParseReference(addr + "/app:1")
	if err := remote.Write(ref, img); err != nil {
		b.Fatal(err)
	}
	m, _ := img.Manifest()
	c := client(b, Options{})
	b.SetBytes(m.Layers[0].Size)
	for b.Loop() {
		r, err := c.Blob(b.Context(), ref.Context(), m.Layers[0])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
