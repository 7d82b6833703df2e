package storetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestRestartKeepsDatabases(t *testing.T) {
	s := Postgres(t)
	url := s.Database(t)
	if other := s.Database(t); other == url {
		t.Fatalf("two databases are both %s", url)
	}
	ctx := context.Background()
	run := func(query string) {
		t.Helper()
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(ctx) }()
		if _, err := c.Exec(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE TABLE kept (x INT)")
	s.Restart(t)
	run("SELECT * FROM kept")
}
