package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/layer"
)

// Exit codes. They are part of the command line's contract.
const (
	exitPass       = 0
	exitError      = 1
	exitUsage      = 2
	exitDenied     = 3
	exitIncomplete = 4
	exitReview     = 5
)

// The values of --fail-on: what ends with an exit code of its own.
const (
	failOnReview = "review" // what is denied and what is to be reviewed
	failOnDenied = "denied" // what is denied
	failOnNever  = "never"  // neither
)

// exitOf is the exit code of targets together: the first of denied, error,
// incomplete, review and pass that any has, without those that failOn lets pass.
func exitOf(failOn string, failed bool, outcomes ...denylist.Outcome) int {
	switch {
	case failOn != failOnNever && slices.Contains(outcomes, denylist.Deny):
		return exitDenied
	case failed:
		return exitError
	case slices.Contains(outcomes, denylist.Incomplete):
		return exitIncomplete
	case failOn == failOnReview && slices.Contains(outcomes, denylist.NeedsReview):
		return exitReview
	}
	return exitPass
}

// worse is the exit code that counts more, by the order of exitOf.
func worse(a, b int) int {
	order := []int{exitDenied, exitError, exitIncomplete, exitReview, exitPass}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// asError is the error that sets an exit code.
func asError(code int) error {
	if code == exitPass {
		return nil
	}
	return exitCode(code)
}

// exitCode is an error that only sets the exit code: all has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// hinted is an error with advice for the person who reads it.
type hinted struct {
	error
	hint string
	code int
}

func (h hinted) Unwrap() error { return h.error }
func (h hinted) Hint() string  { return h.hint }

// usage is an error of the command line's words.
func usage(hint, format string, args ...any) error {
	return hinted{fmt.Errorf(format, args...), hint, exitUsage}
}

// fail prints err as "error:" and "hint:" lines and returns the exit code.
func fail(w io.Writer, err error) int {
	if err == nil {
		return exitPass
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	printError(w, err)
	if h := (hinted{}); errors.As(err, &h) && h.code != 0 {
		return h.code
	}
	return exitError
}

func printError(w io.Writer, err error) {
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "error: interrupted")
		fmt.Fprintln(w, "hint: nothing was written; with a cache, the next run goes on from the layers that were finished")
		return
	}
	if list := (*denylist.ParseError)(nil); errors.As(err, &list) {
		printProblems(w, list)
		return
	}
	fmt.Fprintln(w, "error:", printable(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(w, "hint:", printable(hint))
	}
}

// printProblems has a line for each thing that is wrong in a denylist file.
func printProblems(w io.Writer, list *denylist.ParseError) {
	for _, p := range list.Problems {
		where := list.Name
		if p.Line > 0 {
			where += ":" + strconv.Itoa(p.Line)
		}
		if p.Where != "" {
			where += ": " + p.Where
		}
		fmt.Fprintf(w, "error: %s: %s\n", printable(where), printable(p.Message))
		if p.Hint != "" {
			fmt.Fprintln(w, "hint:", printable(p.Hint))
		}
	}
}

// hintOf asks the error itself, then knows a few of the system's.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	switch {
	case errors.Is(err, layer.ErrCorrupt):
		return "the image is damaged: build, push or save it again"
	case errors.Is(err, layer.ErrTooLarge):
		return "no image has such a layer: it may be made to exhaust who reads it"
	case errors.Is(err, layer.ErrUnsupported):
		return "layers are tars, plain or compressed with gzip or zstd: build or push the image again"
	case errors.Is(err, syscall.ENOTDIR):
		return "check the path: a part of it is a file"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full: free space, or choose other folders with TMPDIR and --cache-dir"
	case errors.Is(err, syscall.EROFS):
		return "the filesystem is read-only: choose other folders with TMPDIR and --cache-dir, or use --no-cache"
	case errors.Is(err, fs.ErrPermission):
		return "run as a user who may read it, or change its permissions"
	case errors.Is(err, fs.ErrNotExist):
		return "check the path"
	}
	return ""
}

// printable keeps foreign control characters off the terminal, and an error
// on its own line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, s)
}
