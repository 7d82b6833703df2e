// Package detect holds the explicit list of the detectors, and runs them on a
// file of a layer and on everything that is nested in it.
package detect

import (
	"fmt"
	"io"
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Unit is what a Detector and an Expander have in common. Each Unit of a Set is
// one of them, or both.
type Unit interface {
	Name() string
	Version() int
	Wants(*scanner.File) bool
}

// Set is a list of detectors and expanders. It is not changed once it is made
// and may be used by many goroutines.
type Set struct {
	watch *sbom.Watch
	units []unit
}

// unit is a Unit and the ways to use it; one of detect and expand may be nil.
type unit struct {
	Unit
	id     string // "name@version"
	detect scanner.Detector
	expand scanner.Expander
}

// New makes a Set of some units; see [All] for all of ours. It panics when one
// is neither a Detector nor an Expander, or two have one name: the list is
// written by hand.
func New(w *sbom.Watch, units ...Unit) *Set {
	s := &Set{watch: w}
	names := map[string]bool{}
	for _, u := range units {
		n := unit{Unit: u, id: fmt.Sprintf("%s@%d", u.Name(), u.Version())}
		n.detect, _ = u.(scanner.Detector)
		n.expand, _ = u.(scanner.Expander)
		if n.detect == nil && n.expand == nil {
			panic("detect: " + n.id + " neither detects nor expands")
		}
		if names[u.Name()] {
			panic("detect: two units are named " + u.Name())
		}
		names[u.Name()] = true
		s.units = append(s.units, n)
	}
	return s
}

// Names returns the units as "name@version", sorted: what Tool.Detectors holds,
// and what results are cached by.
func (s *Set) Names() []string {
	names := make([]string, len(s.units))
	for i, u := range s.units {
		names[i] = u.id
	}
	slices.Sort(names)
	return names
}

// Wants reports whether Run would read the contents of f. It looks only at
// Path, Size, Mode and Head, and never fails.
func (s *Set) Wants(f *scanner.File) bool {
	for i := range s.units {
		if wants(&s.units[i], f) {
			return true
		}
	}
	return false
}

// wants asks a unit. One that panics does want the file: running it then tells
// what is wrong.
func wants(u *unit, f *scanner.File) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return u.Wants(f)
}

// Holder keeps the contents of a member so that they can be read at any
// offset. scanner/layer has one that keeps to a memory budget and spills.
type Holder interface {
	// Hold reads r to its end. Size is how long it is, or -1 when that is not
	// known; an r of more than limit bytes is an error. An error of r is
	// returned, wrapped or not.
	Hold(r io.Reader, size, limit int64) (Held, error)
}

// Held is what a Holder keeps until Release.
type Held interface {
	io.ReaderAt
	Size() int64
	Release()
}

// Findings is what Run found in one file and in all that is inside it.
type Findings struct {
	Components []sbom.Component
	// Parents has for each of Components the index of the one it is inside, or -1.
	Parents []int
	Gaps    []sbom.Gap
	// Seen counts the members of containers at all depths, Examined those of
	// them that a unit read. The file itself is not counted.
	Seen, Examined int64
}

// Place fills in the layer of a file that was read before its layer's diffID
// was known. A layer that is already stated stays.
func (fs *Findings) Place(diffID string) {
	fill := func(layer *string) {
		if *layer == "" {
			*layer = diffID
		}
	}
	for i := range fs.Components {
		c := &fs.Components[i]
		for j := range c.Occurrences {
			fill(&c.Occurrences[j].Layer)
		}
		for j := range c.Evidence {
			fill(&c.Evidence[j].Layer)
		}
	}
	for i := range fs.Gaps {
		fill(&fs.Gaps[i].Layer)
	}
}

// Contain writes Parents into Contains, for which every component must have its
// Ref.
func (fs *Findings) Contain() {
	for i, parent := range fs.Parents {
		if parent >= 0 {
			p := &fs.Components[parent]
			p.Contains = append(p.Contains, fs.Components[i].Ref)
		}
	}
}
