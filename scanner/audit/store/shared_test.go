package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner/audit/store"
)

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{6})
	_, _ = r.Read(b)
	return b
}

// content reads a blob; "none" when there is none.
func content(t testing.TB, s *store.Store, name string) string {
	t.Helper()
	var b bytes.Buffer
	if !must(s.ReadBlob(context.Background(), name, &b))(t) {
		return "none"
	}
	return b.String()
}

func count(t testing.TB, s *store.Store, query string) (n int) {
	t.Helper()
	check(t, s.DB().QueryRow(query).Scan(&n))
	return n
}

func TestBlobs(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		s := open(func() time.Time { return now })
		equal(t, "a blob that nobody wrote", content(t, s, "a"), "none")
		for _, size := range []int{0, 1, 1 << 20, 3<<20 + 7} {
			want := noise(size)
			check(t, s.WriteBlob(ctx, "a", bytes.NewReader(want)))
			if content(t, s, "a") != string(want) {
				t.Errorf("%d bytes are not what was written", size)
			}
		}
		// A writer that breaks off leaves what was there.
		for _, cut := range []error{errors.New("cut"), io.ErrUnexpectedEOF} {
			err := s.WriteBlob(ctx, "a", io.MultiReader(bytes.NewReader(noise(2<<20)), iotest.ErrReader(cut)))
			if !errors.Is(err, cut) {
				t.Errorf("half a blob was taken: %v", err)
			}
		}
		equal(t, "bytes after half a blob", len(content(t, s, "a")), 3<<20+7)
		equal(t, "parts left", count(t, s, "SELECT count(*) FROM audit_blob_part"), 4)

		for _, name := range []string{"b", "c"} {
			now = now.Add(time.Hour)
			check(t, s.WriteBlob(ctx, name, bytes.NewReader(noise(100))))
		}
		now = now.Add(time.Hour)
		content(t, s, "a") // used
		_, err := s.DB().Exec("INSERT INTO audit_blob (name, whole, size, parts, used) VALUES ('dead', 0, 0, 0, 1)")
		check(t, err)
		check(t, s.PruneBlobs(ctx, 3<<20+7+150))
		left := []bool{content(t, s, "a") != "none", content(t, s, "b") != "none", content(t, s, "c") != "none"}
		equal(t, "what is left", left, []bool{true, false, true})
		equal(t, "remains of a dead writer", count(t, s, "SELECT count(*) FROM audit_blob WHERE name = 'dead'"), 0)
	})
}

// TestDamagedBlobs are noticed, and forgotten.
func TestDamagedBlobs(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx, s := context.Background(), open(nil)
		for damage, before := range map[string]int{
			"UPDATE audit_blob_part SET crc = crc + 1 WHERE n = 2": 2 << 20,
			"DELETE FROM audit_blob_part WHERE n = 1":              1 << 20,
			"DELETE FROM audit_blob_part WHERE n = 2":              2 << 20,
			"DELETE FROM audit_blob_part":                          0,
		} {
			check(t, s.WriteBlob(ctx, "a", bytes.NewReader(noise(3<<20))))
			_, err := s.DB().Exec(damage)
			check(t, err)
			var b bytes.Buffer
			if ok, err := s.ReadBlob(ctx, "a", &b); ok || !errors.Is(err, store.ErrCorrupt) || b.Len() != before {
				t.Errorf("%s: %v, %v, %d bytes", damage, ok, err, b.Len())
			}
			equal(t, "after damage", content(t, s, "a"), "none")
		}
	})
}

// TestBlobsBesideEachOther: who reads gets a whole blob, whoever writes it.
func TestBlobsBesideEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		stores := []*store.Store{open(nil), open(nil)}
		contents := [][]byte{bytes.Repeat([]byte("a"), 2<<20+1), bytes.Repeat([]byte("b"), 3<<20)}
		var g errgroup.Group
		for n := range 4 {
			s := stores[n%2]
			g.Go(func() error {
				for i := range 6 {
					if n < 2 {
						if err := s.WriteBlob(ctx, "x", bytes.NewReader(contents[(i+n)%2])); err != nil {
							return err
						}
						continue
					}
					var b bytes.Buffer
					ok, err := s.ReadBlob(ctx, "x", &b)
					if err != nil {
						return err
					}
					if ok && !bytes.Equal(b.Bytes(), contents[0]) && !bytes.Equal(b.Bytes(), contents[1]) {
						return fmt.Errorf("read %d bytes that nobody wrote", b.Len())
					}
				}
				return nil
			})
		}
		check(t, g.Wait())
	})
}

func TestHeartbeats(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		s := open(func() time.Time { return now })
		check(t, s.Heartbeat(ctx, "b"))
		check(t, s.Heartbeat(ctx, "a"))
		now = now.Add(time.Minute)
		check(t, s.Heartbeat(ctx, "c"))
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string{"a", "b"})
		check(t, s.Heartbeat(ctx, "a"))
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string{"b"})
		equal(t, "forgotten", []bool{must(s.Forget(ctx, "b"))(t), must(s.Forget(ctx, "b"))(t)}, []bool{true, false})
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string(nil))
		// By the database's own clock.
		other := open(nil)
		check(t, other.Heartbeat(ctx, "d"))
		equal(t, "stale at once", must(other.Stale(ctx, time.Hour))(t), []string{"a", "c"})
	})
}

func TestRates(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		s := open(func() time.Time { return now })
		take := func(perSecond float64, n int) time.Duration { return must(s.Take(ctx, "h", perSecond, n))(t) }
		equal(t, "no rate", take(0, 1000), 0)
		equal(t, "a full bucket", take(10, 10), 0)
		equal(t, "one more", take(10, 1), 100*time.Millisecond)
		equal(t, "five more", take(10, 5), 600*time.Millisecond)
		now = now.Add(time.Second)
		equal(t, "a second later", take(10, 4), 0)
		equal(t, "slow", must(s.Take(ctx, "slow", 0.5, 1))(t), 0)
		equal(t, "slow again", must(s.Take(ctx, "slow", 0.5, 1))(t), 2*time.Second)

		equal(t, "no pause", must(s.Paused(ctx, "h"))(t), time.Time{})
		check(t, s.Pause(ctx, "h", now.Add(time.Minute)))
		check(t, s.Pause(ctx, "h", now.Add(time.Second)))
		equal(t, "a pause", must(s.Paused(ctx, "h"))(t), now.Add(time.Minute))
		equal(t, "taking in a pause", take(10, 1), time.Minute)
		now = now.Add(time.Minute)
		equal(t, "after the pause", must(s.Paused(ctx, "h"))(t), time.Time{})
		equal(t, "taking after the pause", take(10, 1), 0)
	})
}

// TestRateIsShared: workers together never take more than the rate.
func TestRateIsShared(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		stores := []*store.Store{open(clock), open(clock)}
		var inTime atomic.Int64
		var g errgroup.Group
		for n := range 4 {
			g.Go(func() error {
				for range 25 {
					wait, err := stores[n%2].Take(ctx, "h", 20, 1)
					if err != nil {
						return err
					}
					if wait <= time.Second {
						inTime.Add(1)
					}
				}
				return nil
			})
		}
		check(t, g.Wait())
		equal(t, "taken in the first second: the full bucket and its refill", inTime.Load(), int64(40))
	})
}
