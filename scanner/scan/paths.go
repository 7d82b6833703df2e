package scan

import (
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// maxPathProofs bounds how many files of one product folder are written out as
// evidence; the others are counted.
const maxPathProofs = 16

// maxAliasProofs bounds the other paths of one file that are evidence.
const maxAliasProofs = 8

// tracePaths makes a component of every watched folder and file name that no
// detector made one of. A product folder is one component, however many files
// it has.
func (a *assembly) tracePaths(i int, rl *readLayer) {
	w := a.run.opt.Watch
	if w == nil || w.Match == nil || rl.index == nil {
		return
	}
	folders := map[string]*sbom.Component{}
	for _, t := range rl.traces.of(rl.index, w) {
		e := &rl.index.Entries[t.entry]
		place := placeOf{rl.desc.DiffID, e.Path}
		if _, ok := a.detected[place]; ok {
			continue
		}
		if !t.byPath {
			a.named(i, e, place)
			continue
		}
		root := watchedRoot(w, e.Path)
		c := folders[root]
		if c == nil {
			c = a.folder(root)
			folders[root] = c
		}
		a.intoFolder(c, i, e, e.Path, t.byName)
	}
	for _, c := range folders {
		a.add(*c)
	}
}

// traces are the entries of a layer whose path or name is watched. They depend
// on nothing but the layer and the Watch, and are found once.
type traces struct {
	once  sync.Once
	found []trace
}

type trace struct {
	entry          int
	byPath, byName bool
}

func (t *traces) of(ix *layer.Index, w *sbom.Watch) []trace {
	t.once.Do(func() {
		for j := range ix.Entries {
			e := &ix.Entries[j]
			if e.Type != scanner.Regular && e.Type != scanner.Symlink && e.Type != scanner.Hardlink {
				continue
			}
			byPath, byName := w.Matches(sbom.Path, e.Path), w.Matches(sbom.Filename, path.Base(e.Path))
			if byPath || byName {
				t.found = append(t.found, trace{j, byPath, byName})
			}
		}
	})
	return t.found
}

// named makes a component of one file of which only the name is watched.
func (a *assembly) named(i int, e *layer.Entry, at placeOf) {
	a.add(sbom.Component{
		Type: sbom.FileType, Name: path.Base(e.Path), FoundBy: pathDetector,
		Occurrences: []sbom.Occurrence{a.occurrence(i, e)},
		Evidence:    []sbom.Evidence{nameEvidence(e, at.layer)},
	})
}

func nameEvidence(e *layer.Entry, diffID string) sbom.Evidence {
	return sbom.Evidence{Kind: sbom.Filename, Value: path.Base(e.Path), Path: e.Path, Layer: diffID,
		Format: entryFormat(e), Detector: pathDetector}
}

const pathDetector = "paths@2"

func (a *assembly) folder(root string) *sbom.Component {
	return &sbom.Component{
		Type: sbom.Application, Name: path.Base(root), FoundBy: pathDetector,
		Properties: []sbom.Property{{Name: "interdict:folder", Value: root}},
	}
}

// intoFolder adds a file to a product folder. At is its path there, its own or
// one through links.
func (a *assembly) intoFolder(c *sbom.Component, i int, e *layer.Entry, at string, byName bool) {
	o := a.occurrence(i, e)
	if byName {
		c.Evidence = append(c.Evidence, nameEvidence(e, o.Layer))
	}
	if len(c.Evidence) >= maxPathProofs && !byName {
		// The last proof stands for the rest: one with the same visibility
		// would add nothing, but a visible file must not be lost among hidden.
		last := &c.Evidence[len(c.Evidence)-1]
		last.Count = max(last.Count, 1) + 1
		if slices.ContainsFunc(c.Occurrences, func(p sbom.Occurrence) bool { return p.Hidden == o.Hidden }) {
			return
		}
	}
	c.Occurrences = append(c.Occurrences, o)
	c.Evidence = append(c.Evidence, pathEvidence(e, at, o.Layer))
}

func pathEvidence(e *layer.Entry, at, diffID string) sbom.Evidence {
	return sbom.Evidence{Kind: sbom.Path, Value: at, Path: e.Path, Layer: diffID,
		Format: entryFormat(e), Detector: pathDetector}
}

// traceAliases is tracePaths for the paths that a container opens files by, where
// links to folders give them others than they have in their layers. A file that
// has a component of its own gets them as evidence, and others are a folder's.
func (a *assembly) traceAliases() {
	w := a.run.opt.Watch
	if w == nil || w.Match == nil || a.run.walker {
		return
	}
	folders := map[string]*sbom.Component{}
	more := map[placeOf]int{}
	all := a.tree.Aliases(func(n layer.Node, at string) {
		e := n.Entry
		if e == nil || e.Type == scanner.Dir || !w.Matches(sbom.Path, at) || w.Matches(sbom.Path, e.Path) {
			return
		}
		place := placeOf{a.inv.Layers[n.Layer].DiffID, e.Path}
		if c, ok := a.detected[place]; ok {
			if more[place]++; more[place] <= maxAliasProofs {
				a.inv.Components[c].Evidence = append(a.inv.Components[c].Evidence, pathEvidence(e, at, place.layer))
			}
			return
		}
		root := watchedRoot(w, at)
		if folders[root] == nil {
			folders[root] = a.folder(root)
		}
		a.intoFolder(folders[root], n.Layer, e, at, false)
	})
	for _, root := range slices.Sorted(maps.Keys(folders)) {
		a.add(*folders[root])
	}
	if !all {
		a.inv.Coverage.Gaps = append(a.inv.Coverage.Gaps, sbom.Gap{Reason: sbom.Limit,
			Detail: "links to folders give files so many other paths that not all were looked at"})
	}
}

// watchedRoot is the folder that a watched path belongs to.
func watchedRoot(w *sbom.Watch, p string) string {
	if w.Folder != nil {
		if root := w.Folder(p); root != "" {
			return strings.TrimSuffix(root, "/")
		}
	}
	return p
}

func entryFormat(e *layer.Entry) sbom.FileFormat {
	if e.Type == scanner.Symlink {
		return sbom.FormatSymlink
	}
	return sbom.FileFormat(e.Format.String())
}
