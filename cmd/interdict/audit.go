package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/scanner/audit/store"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look inside all images of registries, and keep what is found",
		Long: `audit lists the images of registries, looks inside each once, and keeps its bill
of materials and its verdict in a database: one SQLite file, or PostgreSQL for
many machines. Asking again costs what changed; a newer list or law is applied
to the stored bills of materials, without pulling anything.

The database is --database or INTERDICT_DATABASE: sqlite://FILE or
postgres://USER@HOST/NAME; by default interdict/audit.db in the user's data
folder ($XDG_DATA_HOME, or ~/.local/share).`,
		Example: `  interdict audit start registry.example                     # all of it
  interdict audit start registry.example/shop --newest 5 --team 'registry.example/shop/*=shop'
  kubectl get pods -A -o json | interdict audit start -      # what runs
  interdict audit results --verdict deny
  interdict audit report -o html=audit.html`,
	}
	cmd.AddCommand(newAuditStart(), newAuditWork(), newAuditStatus(), newAuditResults(),
		newAuditExport(), newAuditReport(), newAuditRejudge(), newAuditBOM())
	return cmd
}

// databaseFlags are the flags of everything that opens an audit's database.
type databaseFlags struct{ database string }

func (f *databaseFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.database, "database", "", "sqlite://FILE or postgres://USER@HOST/NAME (default: interdict/audit.db in the user's data folder)")
}

// url is the database's address, that of the default one included.
func (f *databaseFlags) url() (string, error) {
	if f.database == "" {
		return defaultDatabase()
	}
	scheme, file, ok := strings.Cut(f.database, "://")
	switch {
	case !ok && strings.ContainsAny(f.database, "@?"):
	case !ok:
		return "sqlite://" + f.database, nil
	case scheme == "sqlite" && file != "", scheme == "postgres", scheme == "postgresql":
		return f.database, nil
	}
	return "", usage("write --database sqlite://audit.db or --database postgres://USER@HOST/NAME", "--database is neither SQLite nor PostgreSQL")
}

// defaultDatabase is a file in the user's data folder, which is made.
func defaultDatabase() (string, error) {
	dir := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(dir) { // the specification says to ignore what is not
		home, err := os.UserHomeDir()
		if err != nil {
			return "", hinted{fmt.Errorf("finding the user's data folder: %w", err), "name a database: --database sqlite://audit.db", exitError}
		}
		dir = filepath.Join(home, ".local", "share")
	}
	dir = filepath.Join(dir, "interdict")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", hinted{fmt.Errorf("making the folder of the database: %w", err), "name a database: --database sqlite://audit.db", exitError}
	}
	return "sqlite://" + filepath.Join(dir, "audit.db"), nil
}

// open opens the store for a command that reads. The caller closes it.
func (f *databaseFlags) open(ctx context.Context) (*store.Store, error) {
	u, err := f.url()
	if err != nil {
		return nil, err
	}
	if err := reach(ctx, u); err != nil {
		return nil, f.explain(fmt.Errorf("opening %s: %w", shownURL(u), err))
	}
	s, err := store.Open(ctx, u)
	if err != nil {
		return nil, f.explain(fmt.Errorf("opening %s: %w", shownURL(u), err))
	}
	return s, nil
}

// reach connects to PostgreSQL once. Workers wait for a database that starts
// anew; a person who mistyped its address should not.
func reach(ctx context.Context, u string) error {
	if strings.HasPrefix(u, "sqlite://") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, u)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// shownURL is a database's address without what must not be shown.
func shownURL(raw string) string {
	if file, ok := strings.CutPrefix(raw, "sqlite://"); ok {
		return "sqlite://" + file
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "the database"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		shown.User = url.User(u.User.Username())
	}
	return shown.String()
}

// secrets are the words of a database's address that no message may have.
func secrets(raw string) (words []string) {
	u, err := url.Parse(raw)
	if err != nil {
		return []string{raw}
	}
	if p, ok := u.User.Password(); ok && p != "" {
		words = append(words, p, url.QueryEscape(p), url.PathEscape(p))
	}
	for _, key := range []string{"password", "sslpassword"} {
		if p := u.Query().Get(key); p != "" {
			words = append(words, p, url.QueryEscape(p))
		}
	}
	return words
}

// explain adds what to do to errors of a database, and takes its password out
// of their words.
func (f *databaseFlags) explain(err error) error {
	if err == nil || errors.As(err, new(exitCode)) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return hinted{errors.New("interrupted"), "start it again: what was finished is kept", exitError}
	}
	h := hinted{error: err, hint: databaseHint(err), code: codeOf(err)}
	if said := (interface{ Hint() string })(nil); h.hint == "" || errors.As(err, &said) && said.Hint() != "" {
		h.hint = hintOf(err)
	}
	text := err.Error()
	for _, s := range secrets(f.database) {
		if s == "" {
			continue
		}
		text = strings.ReplaceAll(text, s, "xxxxx")
	}
	if text != err.Error() {
		h.error = errors.New(text) // without what is behind it: that has the password
	}
	return h
}

func codeOf(err error) int {
	if h := (hinted{}); errors.As(err, &h) {
		return h.code
	}
	return 0
}

// databaseHint knows what databases say when they cannot be used.
func databaseHint(err error) string {
	var pg *pgconn.PgError
	var dns *net.DNSError
	text := err.Error()
	switch {
	case errors.Is(err, store.ErrNewer):
		return "a newer interdict has used the database: use that one, or another --database"
	case errors.As(err, &pg) && (pg.Code == "28P01" || pg.Code == "28000"):
		return "check the user and the password of --database; PGPASSWORD and ~/.pgpass are read too"
	case errors.As(err, &pg) && pg.Code == "3D000":
		return "make the database first: createdb NAME"
	case errors.As(err, &pg) && pg.Code == "42501":
		return "the user of --database must own the database, or be allowed to create tables in it"
	case errors.As(err, &pg) && pg.Code == "53300":
		return "the database has no connection left: use fewer workers, or raise its max_connections"
	case errors.As(err, &pg) && pg.Code == "53100":
		return "the database's disk is full: free space there, then start again: what was finished is kept"
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.As(err, new(*pgconn.ConnectError)):
		return "the database cannot be reached: check the host and the port of --database, and that PostgreSQL runs there"
	case strings.Contains(text, "SQLITE_FULL"), strings.Contains(text, "database or disk is full"), errors.Is(err, syscall.ENOSPC):
		return "the disk is full: free space or move the file of --database, then start again: what was finished is kept"
	case strings.Contains(text, "SQLITE_BUSY"), strings.Contains(text, "database is locked"):
		return "another process holds the file: use one at a time, or PostgreSQL for many workers"
	case strings.Contains(text, "SQLITE_NOTADB"), strings.Contains(text, "file is not a database"):
		return "the file is something else: name another with --database"
	case strings.Contains(text, "SQLITE_CANTOPEN"), strings.Contains(text, "unable to open database file"):
		return "check that the folder of --database exists and may be written to"
	case strings.Contains(text, "SQLITE_READONLY"), strings.Contains(text, "readonly database"):
		return "the file of --database and its folder must be writable"
	}
	return ""
}
