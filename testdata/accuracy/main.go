// Command accuracy measures how well the built-in list and the detectors tell
// the vendors' products from everything else. It builds files as the vendors'
// look like, takes innocent ones from public packages and builds the traps,
// scans all of them as the command line would, and prints precision and recall
// by kind of file and by vendor, and each verdict that is wrong.
//
// Usage: go run ./testdata/accuracy [-v] [-keep DIR] [-only TEXT]
//
// It needs the Debian packages of .ci/tools and a network for apt and npm;
// what it fetches is kept in the user's cache folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	verbose := flag.Bool("v", false, "print every case with what was found in it")
	keep := flag.String("keep", "", "folder to build the files in, and to leave them there")
	only := flag.String("only", "", "only cases whose name or kind contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, *keep, *only, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// run builds, scans and prints. It reports whether all verdicts are right.
func run(ctx context.Context, dir, only string, verbose bool) (bool, error) {
	if dir == "" {
		temp, err := os.MkdirTemp("", "interdict-accuracy-")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	r, err := measure(ctx, dir, choose(allProbes(), only))
	if err != nil {
		return false, err
	}
	r.print(os.Stdout, verbose)
	return len(r.wrong()) == 0, nil
}
