// Command fields scans images with interdict and with a peer, and prints how
// much of each field of a CycloneDX component the two fill, as a Markdown
// table. Only packages count: components that have a package URL and are no
// files. Components with the same package URL count as one that has the fields
// of all, since tools differ in whether they repeat one for each place. What
// says nothing does not fill a field: a licence that is the digest of a text,
// an external reference without an address.
//
// Usage: go run ./testdata/compare/fields -peer SYFT [-ours INTERDICT] IMAGE...
//
// IMAGE is a file as "docker save" writes it. The peer is a syft executable.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	ours := flag.String("ours", "interdict", "interdict's executable")
	peer := flag.String("peer", "syft", "syft's executable")
	keep := flag.String("keep", "", "folder to keep the documents in (default: they are removed)")
	flag.Parse()
	if err := run(os.Stdout, *ours, *peer, *keep, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, ours, peer, dir string, images []string) error {
	if len(images) == 0 {
		return fmt.Errorf("no images: see the usage in the source")
	}
	if dir == "" {
		tmp, err := os.MkdirTemp("", "fields-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	var columns []column
	for _, image := range images {
		name := strings.TrimSuffix(filepath.Base(image), ".tar")
		mine, theirs := filepath.Join(dir, name+".interdict.json"), filepath.Join(dir, name+".syft.json")
		err := execute(ours, "scan", "-q", "--no-cache", "--fail-on", "never", "-o", "cyclonedx-json="+mine, image)
		if err != nil {
			return fmt.Errorf("scanning %s with interdict: %w", image, err)
		}
		if err := execute(peer, "scan", "-q", "docker-archive:"+image, "-o", "cyclonedx-json="+theirs); err != nil {
			return fmt.Errorf("scanning %s with syft: %w", image, err)
		}
		for _, d := range []struct{ tool, file string }{{"interdict", mine}, {"syft", theirs}} {
			c, err := read(d.file)
			if err != nil {
				return err
			}
			c.title = name + ", " + d.tool
			columns = append(columns, c)
		}
	}
	return table(out, columns)
}

func execute(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		// an incomplete verdict is no failure here
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 4 {
			return nil
		}
		return err
	}
	return nil
}

// table writes one row a field and one column a document.
func table(w io.Writer, columns []column) error {
	var b strings.Builder
	b.WriteString("| |")
	for _, c := range columns {
		b.WriteString(" " + c.title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(columns)) + "\n| packages |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %d |", c.packages)
	}
	for _, f := range fields {
		b.WriteString("\n| " + f.name + " |")
		for _, c := range columns {
			fmt.Fprintf(&b, " %.1f %% |", 100*float64(c.filled[f.name])/float64(max(c.packages, 1)))
		}
	}
	for _, t := range totals {
		b.WriteString("\n| " + t + " |")
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.totals[t])
		}
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}
