package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/interdict/interdict/scanner/audit/store/storetest"
)

// postgresCommand is "postgres NAME": sets $NAME to the address of an empty
// database of a PostgreSQL that all scripts share. Without PostgreSQL the script
// is skipped, or fails under .ci/run.
func postgresCommand(t *testing.T) func(*testscript.TestScript, bool, []string) {
	server := sync.OnceValue(func() *storetest.Server { return storetest.Postgres(t) })
	return func(ts *testscript.TestScript, _ bool, args []string) {
		if !storetest.HavePostgres() {
			missing(ts, "PostgreSQL")
		}
		ts.Setenv(args[0], server().Database(t))
	}
}

// exported is what the tests read of an export.
type exported struct {
	Images []struct {
		Repository, Digest, State, Verdict, Error string
		Findings                                  []struct{ Vendor, Level string }
	}
}

// exported FILE N: an export has N images, each once, with a result.
func cmdExported(ts *testscript.TestScript, _ bool, args []string) {
	var e exported
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &e))
	if fmt.Sprint(len(e.Images)) != args[1] {
		ts.Fatalf("%d images, want %s", len(e.Images), args[1])
	}
	seen := map[string]bool{}
	for _, i := range e.Images {
		key := i.Repository + "@" + i.Digest
		if seen[key] || i.Verdict == "" {
			ts.Fatalf("%s: there before %v, verdict %q", key, seen[key], i.Verdict)
		}
		seen[key] = true
	}
}

// exportdigest FILE REPOSITORY NAME: sets $NAME to the digest of the first
// image of a repository.
func cmdExportDigest(ts *testscript.TestScript, _ bool, args []string) {
	var e exported
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &e))
	for _, i := range e.Images {
		if i.Repository == args[1] {
			ts.Setenv(args[2], i.Digest)
			return
		}
	}
	ts.Fatalf("%s has no image of %s", args[0], args[1])
}

// freeport NAME: sets $NAME to a port that nobody listens on.
func cmdFreePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// http STATUS METHOD URL [FILE]: sends a request, with the token that $TOKEN is,
// until a server listens; the body of the answer is there for stdout.
func cmdHTTP(ts *testscript.TestScript, _ bool, args []string) {
	var body string
	if len(args) > 3 {
		body = ts.ReadFile(args[3])
	}
	for try := 0; ; try++ {
		req, err := http.NewRequest(args[1], args[2], strings.NewReader(body))
		ts.Check(err)
		if token := ts.Getenv("TOKEN"); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil && try < 100 {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		ts.Check(err)
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(".answer"), text, 0o600))
		if fmt.Sprint(resp.StatusCode) != args[0] {
			ts.Fatalf("%s %s: %s, want %s\n%s", args[1], args[2], resp.Status, args[0], text)
		}
		ts.Check(ts.Exec("cat", ts.MkAbs(".answer")))
		return
	}
}

// until DURATION PATTERN COMMAND...: runs a command until a line of what it
// writes matches.
func cmdUntil(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	want := regexp.MustCompile("(?m)" + args[1])
	var out []byte
	for begun := time.Now(); time.Since(begun) < limit; time.Sleep(200 * time.Millisecond) {
		path, err := exec.LookPath(args[2])
		ts.Check(err)
		cmd := exec.Command(path, args[3:]...)
		cmd.Dir = ts.MkAbs(".")
		for _, v := range []string{"HOME", "PATH", "TMPDIR", "INTERDICT_DATABASE", "XDG_CACHE_HOME"} {
			cmd.Env = append(cmd.Env, v+"="+ts.Getenv(v))
		}
		if out, _ = cmd.CombinedOutput(); want.Match(out) {
			return
		}
	}
	ts.Fatalf("nothing matches %s within %s:\n%s", args[1], args[0], out)
}
