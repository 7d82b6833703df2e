package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interdict/interdict/scanner/internal/retry"
)

var errBusy, errBad = errors.New("busy"), errors.New("bad")

func busy(err error) bool { return errors.Is(err, errBusy) }

func TestDo(t *testing.T) {
	for _, c := range []struct {
		name     string
		policy   retry.Policy
		errs     []error // of the attempts; the last one repeats
		want     error
		attempts int
		atMost   time.Duration
	}{
		{"succeeds", retry.Policy{First: time.Second}, []error{nil}, nil, 1, 0},
		{"passes", retry.Policy{First: time.Second}, []error{errBusy, errBusy, nil}, nil, 3, 3 * time.Second},
		{"cannot pass", retry.Policy{First: time.Second}, []error{errBusy, errBad}, errBad, 2, time.Second},
		{"attempts", retry.Policy{First: time.Second, Attempts: 4}, []error{errBusy}, errBusy, 4, 7 * time.Second},
		{"longest pause", retry.Policy{First: time.Second, Max: time.Second, Attempts: 4}, []error{errBusy}, errBusy, 4, 3 * time.Second},
		{"no pause", retry.Policy{Attempts: 9}, []error{errBusy}, errBusy, 9, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, n := time.Now(), 0
				err := c.policy.Do(t.Context(), func(attempt int) error {
					if n++; attempt != n {
						t.Errorf("attempt %d is called attempt %d", n, attempt)
					}
					return c.errs[min(n, len(c.errs))-1]
				}, retry.If(busy))
				if !errors.Is(err, c.want) || n != c.attempts {
					t.Errorf("%v after %d attempts, want %v after %d", err, n, c.want, c.attempts)
				}
				if took := time.Since(start); took > c.atMost || took < c.atMost/2 {
					t.Errorf("took %v, want between half of %v and all of it", took, c.atMost)
				}
			})
		})
	}
}

func TestDoPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := retry.Policy{First: time.Second, Max: 4 * time.Second, Patience: time.Minute}.
			Do(t.Context(), func(int) error { return errBusy }, retry.If(busy))
		if took := time.Since(start); !errors.Is(err, errBusy) || took > time.Minute || took < 50*time.Second {
			t.Errorf("%v after %v, want busy after about a minute", err, took)
		}
	})
}

// A server says how long to wait: no attempt comes sooner.
func TestDoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		_ = retry.Policy{First: time.Millisecond, Attempts: 3}.Do(t.Context(), func(int) error { n++; return errBusy },
			func(error) (time.Duration, bool) { return time.Minute, true })
		if took := time.Since(start); took != 2*time.Minute || n != 3 {
			t.Errorf("%d attempts in %v, want 3 in 2m", n, took)
		}
	})
}

// A caller that gives up gets the error of the operation, at once.
func TestDoInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := retry.Policy{First: time.Hour}.Do(ctx, func(int) error { return errBusy }, retry.If(busy))
		if took := time.Since(start); !errors.Is(err, errBusy) || took != time.Second {
			t.Errorf("%v after %v, want busy after 1s", err, took)
		}
	})
}
