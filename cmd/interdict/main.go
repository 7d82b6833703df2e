// Command interdict tells whether software of a banned vendor is inside an
// image, a filesystem or a binary, and under which law it is banned.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	var ballast []byte
	if collectAt(garbagePercent) {
		ballast = make([]byte, ballastSize)
	}
	// A reader that goes away ("| head") is an error of writing, not the end of
	// the process before it has tidied up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	go interruptible(cancel)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(ballast)
	os.Exit(code)
}

// interruptible cancels when the user interrupts, and ends the process when
// the user does so again.
func interruptible(cancel func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	cancel()
	<-signals
	// privateTemp names the folder of this process in TMPDIR.
	if own := os.Getenv("TMPDIR"); strings.HasPrefix(filepath.Base(own), tempPrefix) {
		os.RemoveAll(own)
	}
	fmt.Fprintln(os.Stderr, "error: interrupted, at once")
	os.Exit(exitError)
}

// Garbage is collected when it is a quarter of what lives and of a ballast that
// is never touched, and so takes no memory: 20 MiB and a quarter. Little lives
// while layers are read, and a percentage of it alone would be collected all the
// time; one that suits them would double the peak, which comes later.
const (
	garbagePercent = 25
	ballastSize    = 80 << 20
)

// auditGarbage is the percentage for audits: they assemble image upon image of
// what they keep in memory, and a sixth of their time would go into collecting.
const auditGarbage = 40

// collectAt sets the percentage, unless the user has, and reports whether.
func collectAt(percent int) bool {
	if os.Getenv("GOGC") != "" {
		return false
	}
	debug.SetGCPercent(percent)
	return true
}

// run is main without the process around it: it returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	return fail(errOut, cmd.ExecuteContext(ctx))
}
