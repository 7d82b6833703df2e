// Command measure runs a command and writes one line of what it took, tab
// separated: label, wall seconds, CPU seconds, peak resident MiB, peak MiB of
// temporary files (under its own TMPDIR, those it unlinked included), exit code.
//
// Usage: go run ./testdata/bench/measure LABEL COMMAND ARG...   (Linux)
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "error: want a label and a command")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(label string, args []string) error {
	temp, err := os.MkdirTemp("", "measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.Stderr = os.Stderr
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var peak int64
	for tick := time.NewTicker(25 * time.Millisecond); ; {
		select {
		case err := <-done:
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				return err
			}
			print(label, time.Since(begun), cmd.ProcessState, peak)
			return nil
		case <-tick.C:
			peak = max(peak, named(temp)+unlinked(temp, cmd.Process.Pid))
		}
	}
}

func print(label string, wall time.Duration, st *os.ProcessState, disk int64) {
	rss := st.SysUsage().(*syscall.Rusage).Maxrss // KiB on Linux
	fmt.Printf("%s\t%.2f\t%.2f\t%d\t%d\t%d\n", label, wall.Seconds(),
		(st.UserTime() + st.SystemTime()).Seconds(), rss>>10, disk>>20, st.ExitCode())
}

// named is the space of the files that have a name.
func named(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if fi, err := d.Info(); err == nil {
			n += blocks(fi)
		}
		return nil
	})
	return n
}

// unlinked is the space of the files that only the process still has open.
func unlinked(dir string, pid int) (n int64) {
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err != nil || !strings.HasPrefix(to, dir) || !strings.HasSuffix(to, "(deleted)") {
			continue
		}
		if fi, err := os.Stat(fd); err == nil {
			n += blocks(fi)
		}
	}
	return n
}

func blocks(fi fs.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && fi.Mode().IsRegular() {
		return st.Blocks * 512
	}
	return 0
}
