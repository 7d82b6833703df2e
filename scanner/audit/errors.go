package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/source"
)

// persistPolicy is for how long a database that does not answer is waited for.
var persistPolicy = retry.Policy{First: 50 * time.Millisecond, Max: 5 * time.Second, Patience: 2 * time.Minute}

// persist uses the database, again while it cannot be reached: it may be
// restarting. What the database refuses is an error at once.
func (a *Audit) persist(ctx context.Context, fn func() error) error {
	err := persistPolicy.Do(ctx, func(int) error { return fn() }, retry.If(store.IsUnavailable))
	if err == nil {
		return nil
	}
	if store.IsDiskFull(err) && !errors.Is(err, store.ErrFull) { // an error of the queue's own SQL
		err = fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return &databaseError{err}
}

// databaseError is an error of the database: no image's own.
type databaseError struct{ error }

func (e *databaseError) Unwrap() error { return e.error }

// isDatabaseAway reports whether the database could not be reached.
func isDatabaseAway(err error) bool {
	var d *databaseError
	return errors.As(err, &d) && store.IsUnavailable(err)
}

// retryClass says how often a scan that failed is tried again.
type retryClass int

const (
	retryLater retryClass = iota // as often as Times.Retry says
	retrySoon                    // twice: bytes may have changed on their way
	retryNever                   // never: the result would be the same
)

// retryClassOf tells by an error whether trying again can help.
func retryClassOf(err error) retryClass {
	var re *registry.Error
	if errors.As(err, &re) {
		switch re.Kind {
		case registry.NotFound, registry.Unauthorized, registry.BadReference, registry.TooLarge,
			registry.PlainHTTP, registry.BadCertificate:
			return retryNever
		case registry.BadDigest:
			return retrySoon
		}
		return retryLater
	}
	var se *source.Error
	switch {
	case source.IsNotImage(err), errors.Is(err, layer.ErrTooLarge), errors.Is(err, layer.ErrUnsupported), errors.Is(err, errCrashes):
		return retryNever
	case errors.Is(err, layer.ErrCorrupt), errors.Is(err, errPanic), errors.Is(err, errUnread):
		return retrySoon // a byte that changed on its way looks the same
	case errors.As(err, &se):
		return retryNever
	}
	return retryLater
}

// isRateLimited reports whether a registry was asked too often.
func isRateLimited(err error) bool {
	var re *registry.Error
	return errors.As(err, &re) && re.Kind == registry.RateLimited
}
