package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema/*.sql
var schemas embed.FS

// lockMigration is an arbitrary number that only migrations lock.
const lockMigration = 0x696e746572646963

// migrate brings the schema up to date, once even when several processes open
// the store at the same time. Each file of schema is one version, from 1, and
// is never changed once it was released.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(schemas, "schema/*.sql") // sorted
	if err != nil {
		return err
	}
	// Most databases are up to date, and then there is nothing to write.
	var have int
	if err := (tx{s.writer, s.dialect}).row(ctx, "SELECT max(version) FROM audit_schema", nil, &have); err == nil && have == len(files) {
		return nil
	}
	return s.migrateTo(ctx, files)
}

func (s *Store) migrateTo(ctx context.Context, files []string) error {
	return s.write(ctx, "bringing the schema up to date", func(t tx) error {
		if s.dialect == PostgreSQL {
			if err := t.exec(ctx, "SELECT pg_advisory_xact_lock(?)", int64(lockMigration)); err != nil {
				return err
			}
		}
		if err := t.exec(ctx, "CREATE TABLE IF NOT EXISTS audit_schema (version INTEGER PRIMARY KEY)"); err != nil {
			return err
		}
		var have int
		if err := t.row(ctx, "SELECT coalesce(max(version), 0) FROM audit_schema", nil, &have); err != nil {
			return err
		}
		if have > len(files) {
			return newer{have, len(files)}
		}
		for n := have; n < len(files); n++ {
			text, err := schemas.ReadFile(files[n])
			if err != nil {
				return err
			}
			if err := t.script(ctx, string(text)); err != nil {
				return fmt.Errorf("version %d: %w", n+1, err)
			}
			if n+1 == reviewVersion {
				if err := s.reviewOutcomes(ctx, t); err != nil {
					return fmt.Errorf("version %d: %w", n+1, err)
				}
			}
			if err := t.exec(ctx, "INSERT INTO audit_schema (version) VALUES (?)", n+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// script runs statements, each of which ends in ";" at the end of a line.
func (t tx) script(ctx context.Context, text string) error {
	for stmt := range strings.SplitSeq(t.dialect.words().Replace(text), ";\n") {
		if strings.TrimSpace(stmt) == "" {
			continue
		}
		if _, err := t.q.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// newer is a schema that this program does not know.
type newer struct{ have, know int }

func (e newer) Error() string {
	return fmt.Sprintf("%v: its schema has version %d, and this program knows version %d", ErrNewer, e.have, e.know)
}

func (e newer) Is(target error) bool { return target == ErrNewer }

// Hint says what to do about it.
func (e newer) Hint() string {
	return "use the interdict that last wrote it, or a later one; or name another database"
}
