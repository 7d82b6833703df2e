package scan

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/catalog"
	"github.com/interdict/interdict/scanner/detect"
	"github.com/interdict/interdict/scanner/detect/wincatalog"
	"github.com/interdict/interdict/scanner/layer"
)

// placeOf is one path in one layer.
type placeOf struct{ layer, path string }

// assembly puts an inventory together.
type assembly struct {
	run      *run
	inv      *sbom.Inventory
	tree     *layer.Tree
	packages *catalog.Catalog
	detected map[placeOf]int // components of their own, by where the file is
	byPlace  map[placeOf]int // catalogued components by where they were found
	byRef    map[string]int  // catalogued components by their references
	inside   map[insidePackage]int
}

func (r *run) assemble(ctx context.Context) (*sbom.Inventory, error) {
	a := &assembly{run: r, detected: map[placeOf]int{}, byPlace: map[placeOf]int{}, byRef: map[string]int{}, inside: map[insidePackage]int{}}
	a.inv = &sbom.Inventory{Subject: r.src.Subject(), Tool: r.opt.Tool, Created: r.opt.Created}
	var err error
	if a.packages, a.tree, err = r.catalogue(ctx); err != nil {
		return nil, fmt.Errorf("cataloguing packages: %w", err)
	}
	for _, l := range r.layers {
		a.inv.Layers = append(a.inv.Layers, l.desc)
		a.inv.Coverage.Gaps = append(a.inv.Coverage.Gaps, l.gaps...)
	}
	r.checkChains(a.inv.Layers)
	a.packageGaps()
	for _, c := range a.packages.Components {
		n := a.add(c)
		a.byRef[c.Ref] = n
		for _, o := range c.Occurrences {
			a.byPlace[placeOf{o.Layer, o.Path}] = n
		}
	}
	for i, l := range r.layers {
		a.placeFindings(i, l)
		a.tracePaths(i, l)
		a.count(l)
		if r.opt.Files {
			a.addFiles(i, l)
		}
	}
	a.traceAliases()
	wincatalog.Join(a.inv.Components)
	a.inv.Normalize()
	return a.inv, nil
}

// packageGaps adds what catalogers failed on, unless why is known already: a
// file that could not be read was not kept for them either.
func (a *assembly) packageGaps() {
	known := map[placeOf]bool{}
	for _, g := range a.inv.Coverage.Gaps {
		known[placeOf{g.Layer, g.Path}] = true
	}
	for _, g := range a.packages.Gaps {
		if !known[placeOf{g.Layer, g.Path}] {
			a.inv.Coverage.Gaps = append(a.inv.Coverage.Gaps, g)
		}
	}
}

func (a *assembly) add(c sbom.Component) int {
	a.inv.Components = append(a.inv.Components, c)
	return len(a.inv.Components) - 1
}

func (a *assembly) occurrence(i int, e *layer.Entry) sbom.Occurrence {
	o := sbom.Occurrence{Path: e.Path, Layer: a.inv.Layers[i].DiffID, Hidden: !a.tree.Visible(i, e.Path)}
	if e.Digest != [32]byte{} {
		o.Digest = "sha256:" + hex.EncodeToString(e.Digest[:])
	}
	return o
}

// placeFindings adds what the detectors found in one layer.
func (a *assembly) placeFindings(i int, l *readLayer) {
	for _, fs := range l.Findings {
		a.inv.Coverage.Gaps = append(a.inv.Coverage.Gaps, fs.Gaps...)
		a.placeFile(i, l, fs)
	}
}

// placeFile adds the components of one file of a layer and of all inside it.
func (a *assembly) placeFile(i int, l *readLayer, fs detect.Findings) {
	at := make([]int, len(fs.Components)) // where each went in the inventory, or -1
	for j, c := range fs.Components {
		at[j] = -1
		if len(c.Occurrences) == 0 {
			continue
		}
		for k := range c.Occurrences {
			a.locate(i, l, &c, k)
		}
		place := placeOf{l.desc.DiffID, c.Occurrences[0].Path}
		if n, ok := a.packageAt(place, &c); ok {
			a.enrich(n, c)
			a.detected[place], at[j] = n, n
			continue
		}
		if !a.keeps(c) {
			continue
		}
		if c.Ref == "" {
			c.Ref = refOf(&c)
		} else { // of a catalog inside the file
			c.Ref += "@" + place.layer
		}
		at[j] = a.add(c)
		a.detected[place] = at[j]
		if c.PURL != "" && place.path != topPath(place.path) {
			a.inside[insidePackage{place, c.PURL}] = at[j]
		}
		if parent := parentOf(fs, at, j); parent >= 0 {
			a.contain(parent, at[j])
		} else if owner, ok := a.packages.Owned(topPath(place.path)); ok {
			a.containRef(owner, c.Ref)
		}
	}
}

// packageAt returns the package that was found in the same place: by a catalog
// of the layer, or by one of the archive that the file is in, of which several
// packages may have one place.
func (a *assembly) packageAt(place placeOf, c *sbom.Component) (int, bool) {
	if n, ok := a.byPlace[place]; ok {
		return n, true
	}
	n, ok := a.inside[insidePackage{place, c.PURL}]
	return n, ok && c.PURL != ""
}

// insidePackage is one package in one place inside an archive.
type insidePackage struct {
	placeOf
	purl string
}

// parentOf is the nearest component around j that is in the inventory, or -1.
func parentOf(fs detect.Findings, at []int, j int) int {
	for p := fs.Parents[j]; p >= 0; p = fs.Parents[p] {
		if at[p] >= 0 {
			return at[p]
		}
	}
	return -1
}

// locate completes an occurrence: whether it is hidden, and its digest.
func (a *assembly) locate(i int, l *readLayer, c *sbom.Component, k int) {
	o := &c.Occurrences[k]
	top := topPath(o.Path)
	o.Hidden = !a.tree.Visible(i, top)
	if top != o.Path || o.Digest != "" {
		return
	}
	if e, ok := l.index.Lookup(top); ok && e.Digest != [32]byte{} {
		o.Digest = "sha256:" + hex.EncodeToString(e.Digest[:])
		if k == 0 {
			c.Hashes = append(c.Hashes, sbom.Hash{Algorithm: "SHA-256", Value: hex.EncodeToString(e.Digest[:])})
		}
	}
}

// topPath is the path of the file of the layer that a nested path is in.
func topPath(p string) string {
	top, _, _ := strings.Cut(p, "!/")
	return top
}

// keeps decides which files are components of their own. A program that an
// operating-system package owns is part of that package, which is one already:
// it is written out only when something in it is watched, or when it is itself
// a package or holds one. All else is: nobody
// else speaks for it.
func (a *assembly) keeps(c sbom.Component) bool {
	if a.run.opt.Files {
		return true
	}
	_, owned := a.packages.Owned(topPath(c.Occurrences[0].Path))
	return !owned || c.PURL != "" || a.watched(c)
}

func (a *assembly) watched(c sbom.Component) bool {
	for _, e := range c.Evidence {
		switch e.Kind {
		case sbom.Symbol, sbom.SymbolFamily, sbom.CXXNamespace, sbom.BinaryString:
			return true // detectors note them only when they are watched
		}
		if a.run.opt.Watch.Matches(e.Kind, e.Value) {
			return true
		}
	}
	return false
}

// enrich adds what a detector says of a file to the package that was found in
// the same place.
func (a *assembly) enrich(n int, c sbom.Component) {
	p := &a.inv.Components[n]
	p.Evidence = append(p.Evidence, c.Evidence...)
	p.Properties = append(p.Properties, c.Properties...)
	if p.Publisher == "" {
		p.Publisher = c.Publisher
	}
	if p.Copyright == "" {
		p.Copyright = c.Copyright
	}
}

func (a *assembly) contain(host, inner int) {
	h := &a.inv.Components[host]
	if h.Ref == "" {
		h.Ref = refOf(h)
	}
	h.Contains = append(h.Contains, a.inv.Components[inner].Ref)
}

func (a *assembly) containRef(host, inner string) {
	if n, ok := a.byRef[host]; ok {
		a.inv.Components[n].Contains = append(a.inv.Components[n].Contains, inner)
	}
}

// refOf names a file's component by its place: two files are two components.
func refOf(c *sbom.Component) string {
	o := c.Occurrences[0]
	return "file:" + sbom.Fingerprint(o.Layer, o.Path, c.Name, string(c.Type), "a") +
		sbom.Fingerprint(o.Layer, o.Path, c.Name, string(c.Type), "b")
}

// count adds up what was seen: the layer's files and the members of containers.
func (a *assembly) count(l *readLayer) {
	cov := &a.inv.Coverage
	cov.FilesSeen += l.Seen
	cov.FilesExamined += l.Visited + l.Examined
	if l.index == nil {
		return
	}
	for j := range l.index.Entries {
		if e := &l.index.Entries[j]; e.Type == scanner.Regular {
			cov.FilesSeen++
			cov.BytesSeen += e.Size
		}
	}
}

// addFiles adds a component for each regular file that has none.
func (a *assembly) addFiles(i int, l *readLayer) {
	if l.index == nil {
		return
	}
	for j := range l.index.Entries {
		e := &l.index.Entries[j]
		place := placeOf{l.desc.DiffID, e.Path}
		if _, ok := a.detected[place]; ok || e.Type != scanner.Regular {
			continue
		}
		o := a.occurrence(i, e)
		c := sbom.Component{Type: sbom.FileType, Name: e.Path, FoundBy: pathDetector, Occurrences: []sbom.Occurrence{o}}
		if o.Digest != "" {
			c.Hashes = []sbom.Hash{{Algorithm: "SHA-256", Value: strings.TrimPrefix(o.Digest, "sha256:")}}
		}
		a.add(c)
	}
}
