// Command interdict tells whether software of a banned vendor is inside an
// image, a filesystem or a binary, and under which law it is banned.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// Scanning makes much garbage over little that stays: collecting it twice as
	// often takes a quarter off the peak and some percent of processor time.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	// A reader that goes away ("| head") is an error of writing, not the end of
	// the process before it has tidied up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
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
