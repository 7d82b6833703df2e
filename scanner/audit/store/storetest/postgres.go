// Package storetest runs a private PostgreSQL for tests, and fills stores with
// made-up audits.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/interdict/interdict/testdata/need"
)

// Server is a PostgreSQL server of a test's own: in a temporary folder, on a
// Unix socket, without TCP, and without care for the machine losing power.
type Server struct {
	dir string
	uid *syscall.Credential // of whom it runs as; nil for us

	mu        sync.Mutex
	stdin     io.Closer // the server ends when it is closed, also by our death
	ended     chan struct{}
	log       bytes.Buffer
	databases int
}

// Postgres starts a server that ends with the test. It needs the programs of
// PostgreSQL (Debian: postgresql): without them it is need.Missing.
func Postgres(t testing.TB) *Server {
	t.Helper()
	program(t, "initdb")
	base := os.TempDir()
	if len(base) > 60 { // a socket's path has at most 107 bytes
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "interdict-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{dir: dir}
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if os.Geteuid() == 0 { // PostgreSQL does not run as root
		s.uid = nobody(t)
		if err := os.Chown(dir, int(s.uid.Uid), int(s.uid.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	init := s.command(program(t, "initdb"), "--pgdata", s.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Start(t)
	return s
}

// nobody finds a user to run as.
func nobody(t testing.TB) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
	return nil
}

// HavePostgres reports whether the programs of PostgreSQL are installed.
func HavePostgres() bool { return find("initdb") != "" }

// find returns the path of a program of PostgreSQL, which Debian keeps out of
// PATH, or "".
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err == nil && len(paths) > 0 {
		return paths[len(paths)-1]
	}
	return ""
}

func program(t testing.TB, name string) string {
	t.Helper()
	path := find(name)
	if path == "" {
		need.Missing(t, "PostgreSQL's "+name)
	}
	return path
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.uid} // Ctrl-C is ours
	return cmd
}

// guard starts a program and interrupts it when its own input ends.
const guard = `"$@" & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid`

// Start starts a server that was stopped, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Reset()
	cmd := s.command("sh", "-c", guard, "sh", program(t, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off")
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // an interrupted server has no say
		close(ended)
	}()
	s.stdin, s.ended = stdin, ended
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			_ = c.Close(ctx)
			return
		}
		select {
		case <-ended:
			t.Fatalf("PostgreSQL ended:\n%s", s.log.String())
		case <-ctx.Done():
			t.Fatalf("PostgreSQL does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server; connections to it break. Its databases stay.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin == nil {
		return
	}
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		t.Error("PostgreSQL does not end")
	}
	s.stdin = nil
}

// Restart stops the server and starts it again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

// Database makes an empty database and returns its address, for libpq and
// [github.com/interdict/interdict/scanner/audit/store.Open].
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.databases++
	name := fmt.Sprintf("audit%d", s.databases)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

func (s *Server) url(database string) string {
	return "postgres:///" + database + "?user=postgres&host=" + strings.ReplaceAll(s.dir, " ", "%20")
}
