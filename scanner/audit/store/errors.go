package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/interdict/interdict/scanner/internal/retry"
)

// Errors to test for with errors.Is.
var (
	ErrNotFound = errors.New("not in the store")
	// ErrFull: the disk or the database is full. What was there stays whole.
	ErrFull = errors.New("no space is left for the store")
	// ErrNewer: a newer program has changed the database's schema.
	ErrNewer = errors.New("the store was made by a newer version")
	// ErrCorrupt: what was read is not what was written.
	ErrCorrupt = errors.New("damaged in the store")
)

// retryPolicy is for how long a database that is away or busy is asked again.
var retryPolicy = retry.Policy{First: 20 * time.Millisecond, Max: 2 * time.Second, Patience: 30 * time.Second}

// try runs f again while the database cannot be reached. Unless again is set,
// it does not run f again after a commit whose outcome is unknown.
func (s *Store) try(ctx context.Context, what string, again bool, f func() error) error {
	err := retryPolicy.Do(ctx, func(int) error { return f() }, retry.If(func(err error) bool {
		return IsUnavailable(err) && (again || !errors.As(err, &unsure{}))
	}))
	if err == nil {
		return nil
	}
	return s.explain(what, err)
}

// explain wraps an error in what was being done and what it means.
func (s *Store) explain(what string, err error) error {
	switch {
	case IsDiskFull(err):
		err = fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, sql.ErrNoRows):
		err = ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

// IsDiskFull reports whether an error means that no space is left, for the
// database or for files: trying again cannot help, and no image is to blame.
// SQLite reports a full disk as SQLITE_FULL, or as SQLITE_IOERR where it grows
// a file of its own (https://sqlite.org/rescode.html).
func IsDiskFull(err error) bool {
	if errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code()&0xff == sqlite3.SQLITE_FULL || e.Code()&0xff == sqlite3.SQLITE_IOERR
	}
	e := (*pgconn.PgError)(nil)
	return errors.As(err, &e) && e.Code == "53100" // disk_full
}

// IsUnavailable reports whether an error means that the database did not answer
// or was too busy, so that the same transaction may succeed later. The classes
// of PostgreSQL's codes are 08 connection, 40 transaction rollback, 53
// insufficient resources, 57 operator intervention; 55P03 is lock_not_available
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func IsUnavailable(err error) bool {
	if errors.Is(err, context.Canceled) || IsDiskFull(err) {
		return false
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED
	}
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		switch e.Code[:min(2, len(e.Code))] {
		case "08", "40", "53", "57":
			return true
		}
		return e.Code == "55P03"
	}
	if e := (*pgconn.ConnectError)(nil); errors.As(err, &e) {
		return true
	}
	if e := (net.Error)(nil); errors.As(err, &e) {
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "conn closed")
}
