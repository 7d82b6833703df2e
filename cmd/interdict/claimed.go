package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom/document"
)

// bomScheme begins a target that is a bill of materials.
const bomScheme = "sbom:"

// claimed judges a target that is a bill of materials, as check does, and
// reports whether it is one: what a document says is not a scan of the document.
func (s *scanning) claimed(r *report.Report, target string) (bool, error) {
	name, named := strings.CutPrefix(target, bomScheme)
	var doc *document.Document
	var err error
	if named {
		doc, err = openDocument(name, s.stdin)
	} else {
		doc, err = readIfBOM(strings.TrimPrefix(target, "file:"))
	}
	if doc == nil {
		return named || err != nil, err
	}
	if !s.quiet {
		fmt.Fprintf(s.errOut, "note: %s is a bill of materials: it is judged by what it says, as 'interdict check' does\n", printable(name))
	}
	noteUnverified(s.errOut, name, doc.Wrappings)
	s.judge.target(r, name, doc.Inventory)
	return true, nil
}

// readIfBOM reads a file that is a bill of materials. It returns nil for what is
// none: another file, a folder, a name in a registry.
func readIfBOM(name string) (*document.Document, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	buf := bufio.NewReaderSize(f, document.SniffLen)
	if !isBOM(buf) {
		return nil, nil
	}
	doc, err := document.Read(buf)
	switch {
	case errors.Is(err, document.ErrUnknown) && !errors.Is(err, document.ErrNotRead):
		return nil, nil // other JSON
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return doc, nil
}

// isBOM looks at what comes next, and takes nothing of it.
func isBOM(r *bufio.Reader) bool {
	head, _ := r.Peek(document.SniffLen)
	return document.Sniff(head)
}

// noteUnverified says that a document's signature was not verified.
func noteUnverified(w io.Writer, name string, in []document.Wrapping) {
	if i := slices.IndexFunc(in, document.Wrapping.Signed); i >= 0 {
		fmt.Fprintf(w, "note: the signatures of the %s %s are not verified here: 'interdict verify' does that\n", in[i], printable(name))
	}
}
