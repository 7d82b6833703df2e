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

func TestBlobs(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(func() time.Time) *store.Store) {
		ctx := context.Background()
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		s := open(func() time.Time { return now })
		content := func(name string) string {
			var b bytes.Buffer
			if !must(s.ReadBlob(ctx, name, &b))(t) {
				return "none"
			}
			return b.String()
		}
		equal(t, "a blob that nobody wrote", content("a"), "none")
		for _, size := range []int{0, 1, 1 << 20, 3<<20 + 7} {
			want := noise(size)
			check(t, s.WriteBlob(ctx, "a", bytes.NewReader(want)))
			if content("a") != string(want) {
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
		if len(content("a")) != 3<<20+7 {
			t.Error("half a blob replaced a whole one")
		}
		var parts int
		check(t, s.DB().QueryRow("SELECT count(*) FROM audit_blob_part").Scan(&parts))
		equal(t, "parts left", parts, 4)

		now = now.Add(time.Hour)
		check(t, s.WriteBlob(ctx, "b", bytes.NewReader(noise(100))))
		now = now.Add(time.Hour)
		check(t, s.WriteBlob(ctx, "c", bytes.NewReader(noise(100))))
		now = now.Add(time.Hour)
		content("a") // used
		check(t, s.PruneBlobs(ctx, 3<<20+7+150))
		equal(t, "what is left", []bool{content("a") != "none", content("b") != "none", content("c") != "none"}, []bool{true, false, true})

		// Damage is noticed, and then forgotten.
		exec := func(query string) {
			t.Helper()
			_, err := s.DB().Exec(query)
			check(t, err)
		}
		exec("UPDATE audit_blob_part SET crc = crc + 1 WHERE n = 2")
		var b bytes.Buffer
		if ok, err := s.ReadBlob(ctx, "a", &b); ok || !errors.Is(err, store.ErrCorrupt) || b.Len() != 2<<20 {
			t.Errorf("a damaged blob: %v, %v, %d bytes", ok, err, b.Len())
		}
		equal(t, "after damage", content("a"), "none")
		check(t, s.WriteBlob(ctx, "d", bytes.NewReader(noise(3<<20))))
		exec("DELETE FROM audit_blob_part WHERE n = 2")
		if ok, err := s.ReadBlob(ctx, "d", io.Discard); ok || !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("a blob with a part lost: %v, %v", ok, err)
		}
		// A writer that died.
		exec("INSERT INTO audit_blob (name, whole, size, parts, used) VALUES ('dead', 0, 0, 0, 1)")
		check(t, s.PruneBlobs(ctx, 1<<40))
		var dead int
		check(t, s.DB().QueryRow("SELECT count(*) FROM audit_blob WHERE name = 'dead'").Scan(&dead))
		equal(t, "remains of a dead writer", dead, 0)
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
		check(t, s.Beat(ctx, "b"))
		check(t, s.Beat(ctx, "a"))
		now = now.Add(time.Minute)
		check(t, s.Beat(ctx, "c"))
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string{"a", "b"})
		check(t, s.Beat(ctx, "a"))
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string{"b"})
		equal(t, "forgotten", []bool{must(s.Forget(ctx, "b"))(t), must(s.Forget(ctx, "b"))(t)}, []bool{true, false})
		equal(t, "stale", must(s.Stale(ctx, 30*time.Second))(t), []string(nil))
		// By the database's own clock.
		other := open(nil)
		check(t, other.Beat(ctx, "d"))
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
