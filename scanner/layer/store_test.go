package layer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

func TestHold(t *testing.T) {
	body := strings.Repeat("0123456789", 10_000)
	for name, budget := range map[string]int64{"in memory": 1 << 30, "from memory to disk": 512 << 10, "on disk": 1 << 10} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := layer.NewStore(budget, dir)
			defer s.Close()
			for _, size := range []int64{-1, int64(len(body)), 10, 2 * int64(len(body)), 0} {
				h, err := s.Hold(iotest.HalfReader(strings.NewReader(body)), size, int64(len(body)*2))
				if err != nil {
					t.Fatalf("size %d: %v", size, err)
				}
				if err := iotest.TestReader(io.NewSectionReader(h, 0, h.Size()), []byte(body)); err != nil {
					t.Errorf("size %d: %v", size, err)
				}
				if b := h.Bytes(); b != nil && string(b) != body {
					t.Errorf("size %d: other bytes", size)
				}
				if budget != 512<<10 && (h.Bytes() != nil) != (budget == 1<<30) {
					t.Errorf("size %d: in memory: %v", size, h.Bytes() != nil)
				}
				if runtime.GOOS != "windows" {
					checkEmpty(t, dir) // it is unlinked already: no crash leaves it
				}
				h.Retain().Release()
				h.Release()
				if _, err := h.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) || h.Bytes() != nil {
					t.Errorf("reading what was released: %v", err)
				}
			}
		})
	}
}

func TestHoldLimits(t *testing.T) {
	broken := errors.New("broken")
	for _, budget := range []int64{0, 1 << 10} {
		s := newStore(t, budget)
		for size := range int64(3) {
			if _, err := s.Hold(strings.NewReader("12345"), size*5-5, 4); !errors.Is(err, layer.ErrTooLarge) {
				t.Errorf("size %d: %v", size, err)
			}
		}
		for _, r := range []io.Reader{failing{broken}, io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{broken})} {
			if _, err := s.Hold(r, -1, -1); !errors.Is(err, broken) {
				t.Errorf("budget %d: %v", budget, err)
			}
		}
		if _, err := s.Hold(failing{nil}, -1, -1); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("a reader that gives nothing: %v", err)
		}
		h, err := s.Hold(strings.NewReader("1234"), 4, 4)
		if err != nil || h.Size() != 4 {
			t.Errorf("just the limit: %v", err)
		}
		if h, err = s.Hold(strings.NewReader(""), -1, 0); err != nil || h.Size() != 0 {
			t.Errorf("nothing: %v", err)
		}
	}
	if _, err := layer.NewStore(1<<10, "/nonexistent/folder").Hold(strings.NewReader("x"), 1000, -1); err == nil || !strings.Contains(err.Error(), "spilling contents to a temporary file in /nonexistent/folder") {
		t.Errorf("no place to spill: %v", err)
	}
}

// Many goroutines hold and release contents of all sizes at once. What each
// reads is what it wrote, and once all is released the space is used again.
func TestHoldAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := layer.NewStore(1<<20, dir)
	defer s.Close()
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(g, 2))
			var kept []*layer.Buffer
			var want [][]byte
			for range 200 {
				p := bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(100_000))
				size := int64(len(p))
				if rnd.IntN(2) == 0 {
					size = -1
				}
				h, err := s.Hold(bytes.NewReader(p), size, -1)
				if err != nil {
					t.Error(err)
					return
				}
				kept, want = append(kept, h), append(want, p)
				if len(kept) < 5 {
					continue
				}
				i := rnd.IntN(len(kept))
				got, err := io.ReadAll(io.NewSectionReader(kept[i], 0, kept[i].Size()))
				if err != nil || !bytes.Equal(got, want[i]) {
					t.Errorf("other contents: %v", err)
					return
				}
				kept[i].Release()
				kept[i], want[i] = kept[0], want[0]
				kept, want = kept[1:], want[1:]
			}
			for _, h := range kept {
				h.Release()
			}
		})
	}
	wg.Wait()
	if n := s.Used(); n != 0 {
		t.Errorf("%d bytes are used and nobody holds them", n)
	}
	checkEmpty(t, dir)
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
}

// Whatever ends a Read early, no goroutine and no contents stay.
func TestReadEndsEarly(t *testing.T) {
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, "f /f%d %s\n", i, strings.Repeat("x", 10_000))
	}
	tarred := gzipBytes(t, tarOf(t, lines.String()))
	stop := errors.New("stop")
	for name, c := range map[string]struct {
		blob func(cancel func()) io.Reader
		opt  layer.Options
		want error
	}{
		"a visitor fails": {
			opt:  layer.Options{Visit: func(_ context.Context, f *scanner.File) (bool, error) { return true, fail(f, "/f50", stop) }},
			want: stop,
		},
		"the reader fails": {
			blob: func(func()) io.Reader { return io.MultiReader(bytes.NewReader(tarred[:len(tarred)/2]), failing{stop}) },
			want: stop,
		},
		"cancelled while visiting": {
			opt: layer.Options{Visit: func(ctx context.Context, _ *scanner.File) (bool, error) {
				<-ctx.Done()
				return false, ctx.Err()
			}},
			blob: func(cancel func()) io.Reader {
				time.AfterFunc(50*time.Millisecond, cancel)
				return bytes.NewReader(tarred)
			},
			want: context.Canceled,
		},
		"cancelled while the reader is stuck": {
			blob: func(cancel func()) io.Reader {
				r, w := io.Pipe()
				go func() {
					w.Write(tarred[:len(tarred)/2])
					cancel()
				}()
				return r
			},
			want: context.Canceled,
		},
	} {
		for _, budget := range []int64{0, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d", name, budget), func(t *testing.T) {
				noLeaks(t)
				dir := t.TempDir()
				s := layer.NewStore(budget, dir)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := io.Reader(bytes.NewReader(tarred))
				if c.blob != nil {
					r = c.blob(cancel)
				}
				c.opt.Store, c.opt.Wants = s, all
				start := time.Now()
				ix, err := layer.Read(ctx, closerLayer{r}, c.opt)
				if err == nil {
					err = ix.Damage
					ix.Close()
				}
				if !errors.Is(err, c.want) {
					t.Errorf("got %v", err)
				}
				if d := time.Since(start); d > 10*time.Second {
					t.Errorf("it took %v", d)
				}
				if n := s.Used(); n != 0 {
					t.Errorf("%d bytes are used and nobody holds them", n)
				}
				s.Close()
				checkEmpty(t, dir)
			})
		}
	}
}

func fail(f *scanner.File, path string, err error) error {
	if f.Path == path {
		return err
	}
	return nil
}

// closerLayer is a layer of a reader which Close unblocks.
type closerLayer struct{ r io.Reader }

func (l closerLayer) Describe() (d sbom.Layer) { return d }

func (l closerLayer) Open(context.Context) (io.ReadCloser, error) {
	if c, ok := l.r.(io.ReadCloser); ok {
		return c, nil
	}
	return io.NopCloser(l.r), nil
}

// Visitors hold more than all memory, and hold members of their own: the reader
// goes on.
func TestReadNeverDeadlocks(t *testing.T) {
	var lines strings.Builder
	for i := range 200 {
		fmt.Fprintf(&lines, "f /f%d %s\n", i, strings.Repeat("x", 20_000))
	}
	tarred := tarOf(t, lines.String())
	s := newStore(t, 256<<10)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			ix, err := layer.Read(t.Context(), blobLayer{blob: tarred}, layer.Options{
				Store: s, Jobs: 4, Wants: all,
				Visit: func(_ context.Context, f *scanner.File) (bool, error) {
					h, err := s.Hold(io.NewSectionReader(f, 0, f.Size), -1, -1)
					if err != nil {
						return false, err
					}
					defer h.Release()
					return true, nil
				},
			})
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range ix.Entries {
				if got := contents(ix, e.Path); len(got) != 20_000 {
					t.Errorf("%s: %.100s", e.Path, got)
				}
			}
			ix.Close()
		})
	}
	wg.Wait()
	if n := s.Used(); n != 0 {
		t.Errorf("%d bytes are used and nobody holds them", n)
	}
}
