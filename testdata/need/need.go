// Package need says what a test needs from the machine. "go test ./..." needs
// nothing but Go: a test that needs a tool, root, a download or a lot of time
// says so by a function of this package, which skips it in one way. Under
// .ci/run, which installs everything, the same test fails instead: nothing is
// left out unseen.
//
// The environment decides. TEST_INTERDICT is empty (skip what is missing), "ci"
// (what is missing fails the test) or "long" (the same, and what takes long
// runs as well). A test that is skipped under "ci" adds its name and reason to
// the file that TEST_INTERDICT_LEFT_OUT names, which .ci/run prints at its end.
package need

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Mode is the value of TEST_INTERDICT.
type Mode string

// The modes.
const (
	Plain Mode = ""     // nothing but Go is there
	CI    Mode = "ci"   // all tools are there
	All   Mode = "long" // all tools and 90 minutes are there
)

// Current returns the mode of this run.
func Current() Mode { return Mode(os.Getenv("TEST_INTERDICT")) }

// Tool demands programs: names to look for in PATH, or absolute paths of files.
func Tool(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if !present(n) {
			Missing(t, n)
		}
	}
}

func present(name string) bool {
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return err == nil
	}
	_, err := exec.LookPath(name)
	return err == nil
}

// Network demands that packages can be downloaded, by the clients named
// ("npm", "apt-get", "go"). It is not tried: without .ci/run no test downloads.
func Network(t testing.TB, clients ...string) {
	t.Helper()
	if Current() == Plain {
		t.Skip("needs a download by " + strings.Join(clients, " and ") + ": .ci/run runs it")
	}
	Tool(t, clients...)
}

// Root demands to be root, for what only root may do.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, to "+what)
	}
}

// Long demands a run that may take long: ".ci/run --long". A test that calls
// it samples, by a seed, what ".ci/run" alone has time for, or is run there
// only. What says what is left out.
func Long(t testing.TB, what string) {
	t.Helper()
	if Current() != All {
		leaveOut(t, what+" takes long: .ci/run --long runs it")
	}
}

// Minutes demands more than some seconds: "go test -short" leaves the test out.
func Minutes(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long for -short")
	}
}

// Missing tells that something that the test needs is not there: it fails under
// .ci/run and is skipped elsewhere. It does not return.
func Missing(t testing.TB, what string) {
	t.Helper()
	if Current() != Plain {
		t.Fatalf("needs %s, which .ci/run demands", what)
	}
	t.Skipf("needs %s: .ci/run installs it and runs this test", what)
}

// missingMark begins the line by which Script learns which tool is missing.
const missingMark = "interdict-test-needs: "

// Script runs a script of bash in dir, with additions to the environment, and
// returns what it prints. A tool that the script calls and that is not there is
// [Missing]; any other failure fails the test. "ln", "cat" and other tools of
// coreutils are taken for granted.
func Script(t testing.TB, dir, script string, env ...string) []byte {
	t.Helper()
	Tool(t, "bash")
	cmd := exec.Command("bash", "-euo", "pipefail", "-c",
		`command_not_found_handle() { echo "`+missingMark+`$1" >&2; return 127; }`+"\n"+script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		return out
	}
	if _, rest, ok := strings.Cut(said.String(), missingMark); ok {
		tool, _, _ := strings.Cut(rest, "\n")
		Missing(t, tool)
	}
	t.Fatalf("%s\n%v\n%s%s", script, err, out, said.String())
	return nil
}

// leaveOut skips the test and, under .ci/run, notes it for the last line.
func leaveOut(t testing.TB, why string) {
	t.Helper()
	if name := os.Getenv("TEST_INTERDICT_LEFT_OUT"); name != "" && Current() != Plain {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatalf("noting what is left out: %v", err)
		}
		_, err = fmt.Fprintf(f, "%s: %s\n", t.Name(), why)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatalf("noting what is left out: %v", err)
		}
	}
	t.Skip(why)
}
