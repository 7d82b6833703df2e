package listing

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Bounds of a list.
const (
	maxEntries = 1 << 20
	maxLine    = 4096 // bytes
)

var errEntries = fmt.Errorf("it names more than %d images", maxEntries)

// parseList reads a list of scopes, one a line, or what kubectl wrote as JSON.
func parseList(r io.Reader) ([]entry, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		c, _, err := br.ReadRune()
		if errors.Is(err, io.EOF) {
			return nil, problem("write one registry, repository or image a line", "it is empty")
		}
		if err != nil {
			return nil, err
		}
		if unicode.IsSpace(c) || c == '\ufeff' {
			continue
		}
		br.UnreadRune()
		if c == '{' || c == '[' {
			return parseKube(br)
		}
		return parseLines(br)
	}
}

func parseLines(r io.Reader) ([]entry, error) {
	var entries []entry
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "apiVersion:") {
			return nil, problem("run kubectl with -o json", "it is YAML")
		}
		e, err := parseEntry(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(entries) >= maxEntries {
			return nil, errEntries
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, problem("write one registry, repository or image a line", "line %d: %w", n+1, err)
	}
	if len(entries) == 0 {
		return nil, problem("write one registry, repository or image a line", "it names nothing")
	}
	return entries, nil
}
