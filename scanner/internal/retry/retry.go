// Package retry runs an operation again while its error may pass: the one place
// where this program waits between attempts.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy bounds the attempts at an operation. The zero value makes one attempt
// after another, without a pause and without an end.
type Policy struct {
	// First is the pause after the first attempt. Each later pause is twice as
	// long, up to Max; zero means no bound.
	First, Max time.Duration
	// Attempts is how many attempts there are at most; zero means no bound.
	Attempts int
	// Patience is how long after the first attempt began the last one may begin;
	// zero means no bound.
	Patience time.Duration
}

// Pause is the pause after an attempt, counted from 1: between half of what the
// policy says and all of it, so that many callers do not come back at once.
func (p Policy) Pause(attempt int) time.Duration {
	d := p.First << min(max(attempt-1, 0), 16)
	if p.Max > 0 {
		d = min(d, p.Max)
	}
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1)
}

// Do calls op until it succeeds. It returns the error of the last attempt when
// again says that another cannot help, when the policy allows no other attempt,
// or when ctx is done. again may ask for a longer pause than the policy's, as a
// server's Retry-After does; a zero pause asks for none.
func (p Policy) Do(ctx context.Context, op func(attempt int) error, again func(error) (pause time.Duration, ok bool)) error {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		err := op(attempt)
		if err == nil || ctx.Err() != nil {
			return err
		}
		pause, ok := again(err)
		pause = max(pause, p.Pause(attempt))
		switch {
		case !ok,
			p.Attempts > 0 && attempt >= p.Attempts,
			p.Patience > 0 && time.Since(start)+pause > p.Patience,
			Sleep(ctx, pause) != nil:
			return err
		}
	}
}

// If makes Do's again of a function that only says whether an error may pass.
func If(passes func(error) bool) func(error) (time.Duration, bool) {
	return func(err error) (time.Duration, bool) { return 0, passes(err) }
}

// Sleep returns after d, or with ctx's error once ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
