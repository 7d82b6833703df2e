package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/klauspost/compress/zstd"
	_ "modernc.org/sqlite" // the driver
)

// Store is an open store. It may be used by goroutines, and its database by
// several processes at once. Close it.
type Store struct {
	dialect Dialect
	writer  *sql.DB
	reader  *sql.DB // the writer, but for SQLite
	pool    *pgxpool.Pool
	now     func() time.Time
	clocked bool // now is not this machine's clock
	packer  *zstd.Encoder
	opener  *zstd.Decoder
}

// Options are how to open a store. The zero value is good.
type Options struct {
	// Now is the clock. When nil, it is this machine's, and for what machines
	// must agree on (heartbeats, rates) the database's.
	Now func() time.Time
	// Connections is how many connections to PostgreSQL, and how many readers
	// of SQLite, there are at most. Zero means pgx's default, or 4.
	Connections int
}

// Open opens the store at url, and makes it when there is none:
// "sqlite://FILE", with a path that is relative or absolute, or
// "postgres://...", "postgresql://..." as libpq reads it. The schema is brought
// up to date; one of a newer version is [ErrNewer].
func Open(ctx context.Context, url string) (*Store, error) {
	return OpenWith(ctx, url, Options{})
}

// OpenWith is Open with options.
func OpenWith(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{now: o.Now, clocked: o.Now != nil}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	// Both are safe for concurrent use by EncodeAll and DecodeAll.
	if s.packer, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault)); err != nil {
		return nil, err
	}
	if s.opener, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxDocument)); err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(url, "://")
	switch scheme {
	case "sqlite":
		err = s.openSQLite(rest, o)
	case "postgres", "postgresql":
		err = s.openPostgres(ctx, url, o)
	default:
		return nil, fmt.Errorf("opening the store: %q is neither sqlite://FILE nor a postgres:// address", redact(url))
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return s, nil
}

// openSQLite opens a file twice: to write by one connection, because SQLite has
// one writer at a time, and to read by several beside it (WAL).
func (s *Store) openSQLite(file string, o Options) error {
	s.dialect = SQLite
	if file == "" {
		return errors.New("sqlite:// names no file")
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	dsn := func(extra ...string) string {
		q := url.Values{"_pragma": append([]string{
			"busy_timeout(20000)", "foreign_keys(1)", "synchronous(NORMAL)",
			"cache_size(-65536)", "temp_store(MEMORY)",
		}, extra...)}
		return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String()
	}
	// auto_vacuum comes first: it only takes while the file is empty.
	w := dsn("auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "journal_size_limit(67108864)") + "&_txlock=immediate"
	if s.writer, err = sql.Open("sqlite", w); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if s.reader, err = sql.Open("sqlite", dsn("query_only(1)")); err != nil {
		return err
	}
	n := o.Connections
	if n == 0 {
		n = 4
	}
	s.reader.SetMaxOpenConns(n)
	s.reader.SetMaxIdleConns(n)
	return nil
}

func (s *Store) openPostgres(ctx context.Context, url string, o Options) error {
	s.dialect = PostgreSQL
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err // pgx leaves out the password
	}
	if o.Connections > 0 {
		c.MaxConns = int32(o.Connections)
	}
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "interdict"
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return err
	}
	s.writer = stdlib.OpenDBFromPool(s.pool)
	s.reader = s.writer
	return nil
}

// Close ends all connections.
func (s *Store) Close() error {
	var errs []error
	if s.reader != nil && s.reader != s.writer {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	s.opener.Close()
	return errors.Join(errs...)
}

// Dialect says which database the store is in.
func (s *Store) Dialect() Dialect { return s.dialect }

// DB is the store's own pool, to keep other tables in the same database. With
// SQLite it is one connection, which the store's own writing needs too: do not
// call the store while a transaction of it is open.
func (s *Store) DB() *sql.DB { return s.writer }

// Pool is what DB stands on; nil with SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// redact hides the password of a URL.
func redact(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "the address"
	}
	return u.Redacted()
}
