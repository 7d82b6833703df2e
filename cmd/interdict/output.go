package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// output is one "-o FORMAT[=FILE]".
type output struct {
	format string
	file   string // empty for stdout
}

// parseOutputs reads the values of -o. Without any, it is the table on stdout.
func parseOutputs(values, formats []string) ([]output, error) {
	if len(values) == 0 {
		values = []string{formats[0]}
	}
	var outs []output
	stdout := false
	files := map[string]string{}
	for _, v := range values {
		format, file, toFile := strings.Cut(v, "=")
		if !slices.Contains(formats, format) {
			return nil, usage("the formats are "+strings.Join(formats, ", "), "unknown output format %q", format)
		}
		if toFile && file == "" {
			return nil, usage("write -o "+format+"=FILE", "output %q has no file name", v)
		}
		if file == "-" {
			file = ""
		}
		if file == "" && stdout {
			return nil, usage("give all but one a file: -o "+format+"=FILE", "two outputs go to stdout")
		}
		stdout = stdout || file == ""
		if err := checkOutput(file, v, files); err != nil {
			return nil, err
		}
		outs = append(outs, output{format, file})
	}
	return outs, nil
}

// checkOutput refuses at once what would fail, or overwrite another output,
// after a long scan.
func checkOutput(file, v string, files map[string]string) error {
	if file == "" {
		return nil
	}
	fi, err := os.Stat(file)
	if err == nil && fi.IsDir() {
		return fmt.Errorf("writing %s: %w", file, errIsFolder)
	}
	if dir, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	} else if !dir.IsDir() {
		return fmt.Errorf("writing %s: %s is not a folder", file, filepath.Dir(file))
	}
	if err == nil && !fi.Mode().IsRegular() {
		return nil // a device takes everything
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if other, ok := files[abs]; ok {
		return usage("give each its own file", "-o %s and -o %s go to the same file", other, v)
	}
	files[abs] = v
	return nil
}

var errIsFolder = hinted{error: errors.New("it is a folder"), hint: "name a file in it"}

// writeOutputs renders every output completely before the first one is
// published: a failure leaves no file half-written, nor some new and some old.
func writeOutputs(outs []output, stdout io.Writer, render func(w io.Writer, format string) error) (err error) {
	var ready []*pending
	defer func() {
		for _, p := range ready {
			p.discard()
		}
	}()
	for _, o := range outs {
		p, err := prepare(o, stdout)
		if err != nil {
			return fmt.Errorf("writing %s: %w", o.file, err)
		}
		ready = append(ready, p)
		if err := render(p, o.format); err != nil {
			return fmt.Errorf("writing %s: %w", o.format, err)
		}
	}
	for _, p := range ready {
		if err := p.publish(); err != nil {
			return fmt.Errorf("writing %s: %w", p.name, err)
		}
	}
	return nil
}

// pending is an output that nobody can see yet. A regular file waits as a
// temporary one beside it; stdout, a device or a pipe cannot be replaced, so
// what goes there waits in memory.
type pending struct {
	io.Writer
	name string
	temp *os.File
	held bytes.Buffer
	dest io.Writer // nil: open name
}

func prepare(o output, stdout io.Writer) (*pending, error) {
	p := &pending{name: o.file}
	p.Writer = &p.held
	if o.file == "" {
		p.name, p.dest = "stdout", stdout
		return p, nil
	}
	if fi, err := os.Stat(o.file); err == nil && !fi.Mode().IsRegular() {
		if fi.IsDir() {
			return nil, errIsFolder
		}
		return p, nil
	}
	f, err := os.CreateTemp(filepath.Dir(o.file), "."+filepath.Base(o.file)+".*")
	if err != nil {
		return nil, err
	}
	p.temp, p.Writer = f, f
	return p, nil
}

func (p *pending) publish() error {
	if p.temp != nil {
		err := p.temp.Chmod(0o644)
		if cerr := p.temp.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Rename(p.temp.Name(), p.name)
		}
		if err == nil {
			p.temp = nil
		}
		return err
	}
	dest := p.dest
	if dest == nil {
		f, err := os.OpenFile(p.name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		dest = f
	}
	_, err := dest.Write(p.held.Bytes())
	if p.dest != nil && errors.Is(err, syscall.EPIPE) {
		return nil // who reads has seen enough ("| head"): the verdict stands
	}
	return err
}

func (p *pending) discard() {
	if p.temp != nil {
		p.temp.Close()
		os.Remove(p.temp.Name())
	}
}
