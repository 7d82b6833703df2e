package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/audit/store/storetest"
	"github.com/interdict/interdict/scanner/scantest"
)

// surroundings are the database of a test and the environment of its processes.
func surroundings(t *testing.T, database string) []string {
	t.Helper()
	dir := t.TempDir()
	return []string{"INTERDICT_DATABASE=" + database, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "HOME=" + dir,
		"TMPDIR=" + dir, "INTERDICT_WORKER_TIMEOUT=2s", "INTERDICT_RETRY=50ms,100ms,200ms,400ms"}
}

// TestFaults runs all of them at once: most of their time is waiting.
func TestFaults(t *testing.T) {
	shared := storetest.Postgres(t)
	for name, test := range map[string]func(t *testing.T, database string){
		"killed": killed, "interrupted": interrupted, "two audits": twoAuditsAtOnce} {
		t.Run(name+" on sqlite", func(t *testing.T) {
			t.Parallel()
			test(t, "sqlite://"+filepath.Join(t.TempDir(), "audit.db"))
		})
		t.Run(name+" on postgres", func(t *testing.T) {
			t.Parallel()
			test(t, shared.Database(t))
		})
	}
	t.Run("postgres restarts", func(t *testing.T) { t.Parallel(); postgresRestarts(t) })
	t.Run("disk full", func(t *testing.T) { t.Parallel(); diskFull(t) })
	t.Run("registry", func(t *testing.T) { t.Parallel(); registryTrouble(t) })
}

// audited runs an audit to its end.
func audited(t *testing.T, env []string, want int, args ...string) *worker {
	t.Helper()
	w := begin(t, env, append([]string{"audit"}, args...)...)
	if code := w.code(t, time.Minute); code != want {
		t.Fatalf("%s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, w.out.String())
	}
	return w
}

// killed kills processes with SIGKILL at random times, while they list and while
// they look, again and again. Others take up what they held.
func killed(t *testing.T, database string) {
	f := newFleet(t, 40, 80*time.Millisecond)
	env := surroundings(t, database)
	r := rand.New(rand.NewPCG(6, 2026))
	for range 3 {
		w := begin(t, env, "audit", "start", f.host)
		time.Sleep(time.Duration(100+r.IntN(600)) * time.Millisecond)
		w.kill()
	}
	plan := audited(t, env, 0, "start", f.host, "--plan-only")
	run := regexp.MustCompile(`\d+`).FindString(plan.out.String())
	workers := 2
	if strings.HasPrefix(database, "sqlite") {
		workers = 1 // one process at a time is what a file is for
	}
	var at []*worker
	midst := 0
	for range 8 {
		for len(at) < workers {
			at = append(at, begin(t, env, "audit", "work", run, "--jobs", "3"))
		}
		time.Sleep(time.Duration(100+r.IntN(500)) * time.Millisecond)
		i := r.IntN(len(at))
		if at[i].running() {
			midst++
		}
		at[i].kill()
		at = append(at[:i], at[i+1:]...)
	}
	if midst < 4 {
		t.Errorf("only %d workers were at work when they were killed", midst)
	}
	last := begin(t, env, "audit", "work", run)
	if code := last.code(t, time.Minute); code != exitDenied {
		t.Fatalf("exit code %d\n%s", code, last.out.String())
	}
	for _, w := range at {
		w.code(t, 30*time.Second)
	}
	f.check(t, env)
	ended(t, env)
}

// ended waits until a worker has ended all runs: those whose processes were
// killed as well.
func ended(t *testing.T, env []string) {
	t.Helper()
	begin(t, env, "audit", "work")
	var open []string
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(500 * time.Millisecond) {
		w := audited(t, env, 0, "status", "--all")
		if open = regexp.MustCompile(`(?m)^.*\b(planning|working)\b.*$`).FindAllString(w.out.String(), -1); len(open) == 0 {
			return
		}
	}
	t.Errorf("runs that nobody ends:\n%s", strings.Join(open, "\n"))
}

// postgresRestarts: the database goes away in the middle, and comes back.
func postgresRestarts(t *testing.T) {
	server := storetest.Postgres(t)
	f := newFleet(t, 30, 150*time.Millisecond)
	env := surroundings(t, server.Database(t))
	audited(t, env, 0, "start", f.host, "--plan-only")
	one := begin(t, env, "audit", "work", "1", "--jobs", "2")
	two := begin(t, env, "audit", "work", "1", "--jobs", "2")
	for range 2 {
		time.Sleep(time.Second)
		server.Restart(t)
	}
	for _, w := range []*worker{one, two} {
		if code := w.code(t, time.Minute); code != exitDenied {
			t.Errorf("exit code %d\n%s", code, w.out.String())
		}
	}
	f.check(t, env)
}

// interrupted: Ctrl-C, and the same command again.
func interrupted(t *testing.T, database string) {
	f := newFleet(t, 30, 150*time.Millisecond)
	env := surroundings(t, database)
	for try := range 3 {
		w := begin(t, env, "audit", "start", f.host, "--jobs", "2")
		f.await(t, 5*(try+1))
		if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if code := w.code(t, 20*time.Second); code != exitError || !strings.Contains(w.out.String(), "what was finished is kept") {
			t.Fatalf("exit code %d\n%s", code, w.out.String())
		}
	}
	audited(t, env, exitDenied, "start", f.host)
	f.check(t, env)
	for digest, n := range f.reads {
		if n > 4 { // three interruptions may each cost one read
			t.Errorf("%s was read %d times", digest, n)
		}
	}
}

// twoAuditsAtOnce of the same registry share the work.
func twoAuditsAtOnce(t *testing.T, database string) {
	f := newFleet(t, 30, 50*time.Millisecond)
	env := surroundings(t, database)
	one := begin(t, env, "audit", "start", f.host)
	two := begin(t, env, "audit", "start", f.host)
	for _, w := range []*worker{one, two} {
		if code := w.code(t, time.Minute); code != exitDenied {
			t.Errorf("exit code %d\n%s", code, w.out.String())
		}
	}
	f.check(t, env)
}

// diskFull: the database's disk fills up, and is made larger.
func diskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=700k"); errors.Is(err, syscall.EPERM) {
		t.Skip("only root can mount a small disk; scanner/audit has a test of a database that may not grow")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	f := newFleet(t, 30, 0)
	env := surroundings(t, "sqlite://"+filepath.Join(dir, "audit.db"))
	w := begin(t, env, "audit", "start", f.host)
	if code := w.code(t, time.Minute); code != exitError || !strings.Contains(w.out.String(), "hint: the disk is full") {
		t.Fatalf("exit code %d\n%s", code, w.out.String())
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	audited(t, env, exitDenied, "start", f.host)
	f.check(t, env)
}

// registryTrouble: a registry that is busy, breaks off, lies and dawdles.
// What it gives in the end is looked at, and of the rest it is said why not.
func registryTrouble(t *testing.T) {
	f := newFleet(t, 30, 0)
	env := append(surroundings(t, "sqlite://"+filepath.Join(t.TempDir(), "audit.db")), "INTERDICT_REGISTRY_TIMEOUT=300ms")
	broken := map[string]scantest.Fault{f.own[1]: scantest.Corrupt, f.digest[2]: scantest.Corrupt, f.digest[3]: scantest.Denied, f.own[4]: scantest.Gone}
	asked, met := map[string]bool{}, map[scantest.Fault]bool{}
	passing := []scantest.Fault{scantest.TooMany, scantest.ServerError, scantest.NoFault, scantest.Truncated, scantest.Slow, scantest.Corrupt}
	f.mu.Lock()
	f.choose = func(r *http.Request, _ int) scantest.Fault {
		name := path.Base(r.URL.Path)
		if fault, ok := broken[name]; ok {
			return fault
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if asked[name] || !strings.HasPrefix(name, "sha256:") {
			return scantest.NoFault
		}
		asked[name] = true
		fault := passing[int(name[10])%len(passing)]
		if _, blob := scantest.IsBlob(r); !blob { // a manifest that is not whole is a problem of the listing
			fault = passing[int(name[10])%3]
		}
		met[fault] = true
		return fault
	}
	f.mu.Unlock()
	w := audited(t, env, exitDenied, "start", f.host, "--jobs", "8")
	if len(met) != len(passing) {
		t.Errorf("only the faults %v came up", met)
	}
	for i := 2; i <= 3; i++ { // whose manifests nobody can read
		delete(f.images, fmt.Sprintf("%s/team-%d/app@%s", f.host, i, f.digest[i]))
		if !regexp.MustCompile(fmt.Sprintf(`(?s)\nNot listed\n.*/team-%d/app:v%d: .+`, i, i)).MatchString(w.out.String()) {
			t.Errorf("nothing says why v%d is not listed:\n%s", i, w.out.String())
		}
	}
	f.check(t, env, f.digest[1], f.digest[4])
	if !strings.Contains(w.out.String(), "could not be examined whole") {
		t.Errorf("the summary does not count them:\n%s", w.out.String())
	}
	// When the registry has come to its senses, so has the audit.
	f.mu.Lock()
	f.choose = nil
	f.mu.Unlock()
	audited(t, env, exitDenied, "start", f.host)
	for i := 2; i <= 3; i++ {
		f.images[fmt.Sprintf("%s/team-%d/app@%s", f.host, i, f.digest[i])] = false
	}
	f.check(t, env)
}
