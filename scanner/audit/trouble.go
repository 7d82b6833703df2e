package audit

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/source"
)

// patience is how long a database that does not answer is waited for.
const patience = 2 * time.Minute

// persist does something with the database, again while it cannot be reached:
// it may be starting anew. What the database refuses is an error at once.
func (a *Audit) persist(ctx context.Context, fn func() error) error {
	start := time.Now()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := fn()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !unreachable(err) || time.Since(start) > patience || sleep(ctx, pause) != nil {
			if full(err) && !errors.Is(err, store.ErrFull) { // the queue's own words for it
				err = fmt.Errorf("%w: %w", store.ErrFull, err)
			}
			return &databaseError{err}
		}
	}
}

// databaseError is an error of the database: no image's own.
type databaseError struct{ error }

func (e *databaseError) Unwrap() error { return e.error }

// troubled reports whether the database could not be reached.
func troubled(err error) bool {
	var d *databaseError
	return errors.As(err, &d) && unreachable(err)
}

// coder is an error of SQLite.
type coder interface{ Code() int }

// stater is an error of PostgreSQL.
type stater interface{ SQLState() string }

// full reports whether there is no space for the database or for what is
// temporary: no image is to blame, and going on is in vain. SQLITE_FULL and
// SQLITE_IOERR are those of https://sqlite.org/rescode.html; class 53 is
// PostgreSQL's "insufficient resources".
func full(err error) bool {
	var c coder
	var s stater
	switch {
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return true
	case errors.As(err, &s):
		return s.SQLState() == "53100"
	case errors.As(err, &c):
		return c.Code()&0xff == 13 || c.Code()&0xff == 10
	}
	return false
}

// unreachable reports whether the database did not answer, or was too busy.
// SQLSTATE classes: 08 connection, 53 resources, 57 operator intervention, 40
// transaction rollback (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func unreachable(err error) bool {
	if full(err) || errors.Is(err, context.Canceled) {
		return false
	}
	var c coder
	var s stater
	switch {
	case errors.As(err, &s):
		class := fmt.Sprintf("%.2s", s.SQLState())
		return class == "08" || class == "53" || class == "57" || class == "40" || s.SQLState() == "55P03"
	case errors.As(err, &c):
		return c.Code()&0xff == 5 || c.Code()&0xff == 6 // SQLITE_BUSY, SQLITE_LOCKED
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sqldriver.ErrBadConn) ||
		strings.Contains(err.Error(), "conn closed")
}

// fate is what becomes of a job whose look failed.
type fate int

const (
	again fate = iota // it may go better later
	once              // it may have been the way; once more
	never             // it will be the same
)

// fateOf tells by an error whether trying again can help.
func fateOf(err error) fate {
	var re *registry.Error
	if errors.As(err, &re) {
		switch re.Kind {
		case registry.NotFound, registry.Unauthorized, registry.BadReference, registry.TooLarge,
			registry.PlainHTTP, registry.BadCertificate:
			return never
		case registry.BadDigest:
			return once
		}
		return again
	}
	var se *source.Error
	switch {
	case errors.Is(err, layer.ErrTooLarge), errors.Is(err, layer.ErrUnsupported), errors.Is(err, errDeadly):
		return never
	case errors.Is(err, layer.ErrCorrupt), errors.Is(err, errPanic):
		return once // a byte that changed on its way looks the same
	case errors.As(err, &se):
		return never
	}
	return again
}

// limited reports whether a registry was asked too often.
func limited(err error) bool {
	var re *registry.Error
	return errors.As(err, &re) && re.Kind == registry.RateLimited
}
