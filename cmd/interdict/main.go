// Command interdict tells whether software of a banned vendor is inside an
// image, a filesystem or a binary, and under which law it is banned.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(_ context.Context, _ []string, _ *os.File, _, stderr *os.File) int {
	fmt.Fprintln(stderr, "error: not built yet")
	return 1
}
