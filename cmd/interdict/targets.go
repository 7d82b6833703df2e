package main

import (
	"bufio"
	"fmt"
	"strings"
)

// readTargets replaces "-" by the targets on stdin: one a line, empty lines and
// lines that begin with "#" passed over. A bill of materials on stdin is one
// target.
func readTargets(args []string, in *bufio.Reader) ([]string, error) {
	var targets []string
	for _, a := range args {
		if a != "-" {
			targets = append(targets, a)
			continue
		}
		if isBOM(in) {
			targets = append(targets, bomScheme+"-")
			continue
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			if t := strings.TrimSpace(lines.Text()); t != "" && !strings.HasPrefix(t, "#") {
				targets = append(targets, t)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading targets from stdin: %w", err)
		}
	}
	if len(targets) == 0 {
		return nil, usage("name an image, a folder or a file: interdict scan TARGET...", "no target is given")
	}
	return targets, nil
}
