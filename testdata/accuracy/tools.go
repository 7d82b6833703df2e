package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool runs a program in a folder.
func (b *bench) tool(dir, name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s %s: %w\n%s", name, strings.Join(args, " "), err, out.Bytes())
	}
	return nil
}

// sh runs a line of the shell in a folder.
func (b *bench) sh(dir, script string) error { return b.tool(dir, "bash", "-euc", script) }

// scratch is a folder for what is not to be scanned.
func (b *bench) scratch() (string, error) {
	dir := filepath.Join(b.dir, "scratch")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}

// write makes a file, and the folders above it.
func write(dir, name, contents string) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(contents), 0o644)
}

// builder writes a probe's files into an empty folder.
type builder = func(b *bench, dir string) error

// texts writes text files: name, contents, name, contents.
func texts(pairs ...string) builder {
	return func(_ *bench, dir string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if err := write(dir, pairs[i], pairs[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}

// both builds several things into one folder.
func both(builders ...builder) builder {
	return func(b *bench, dir string) error {
		for _, f := range builders {
			if err := f(b, dir); err != nil {
				return err
			}
		}
		return nil
	}
}

// shell runs a script in the folder, after other things are built there.
func shell(script string, before ...builder) builder {
	return func(b *bench, dir string) error {
		if err := both(before...)(b, dir); err != nil {
			return err
		}
		return b.sh(dir, script)
	}
}
