package catalog

import (
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/scanner/layer"
)

// osTypes are syft's types of package that an operating system's package
// manager installed (internal/relationship/exclude_binaries_by_file_ownership_overlap.go).
var osTypes = []string{
	string(pkg.AlpmPkg), string(pkg.ApkPkg), string(pkg.DebPkg), string(pkg.NixPkg), string(pkg.PortagePkg), string(pkg.RpmPkg),
}

// owners tells who owns a file, by its path.
type owners map[string]owner

type owner struct {
	ref     string
	visible bool // the package is in the final filesystem
}

func newOwners(tree *layer.Tree, items []item) owners {
	installed := func(it *item) bool { return slices.Contains(osTypes, it.Type) && !it.Weak }
	n := 0
	for i := range items {
		if installed(&items[i]) {
			n += len(items[i].Files)
		}
	}
	o := make(owners, n)
	for i := range items {
		if installed(&items[i]) {
			o.add(tree, &items[i])
		}
	}
	return o
}

// add notes the files of a package: as it writes them, and where they really
// are. A package that is there goes before one that is gone.
func (o owners) add(tree *layer.Tree, it *item) {
	by := owner{ref: it.Component.Ref, visible: !hidden(&it.Component)}
	for _, f := range it.Files {
		o.set(f, by)
		if n, ok := tree.Lstat(f); ok && n.Path != f && !n.IsDir() {
			o.set(n.Path, by)
		}
	}
}

func (o owners) set(path string, by owner) {
	if old, ok := o[path]; ok && (old.visible || !by.visible) {
		return
	}
	o[path] = by
}

func (o owners) find(tree *layer.Tree, path string) (owner, bool) {
	path, _, _ = strings.Cut(path, "!/")
	if by, ok := o[path]; ok {
		return by, true
	}
	n, ok := tree.Lstat(path)
	if !ok || n.Path == path {
		return owner{}, false
	}
	by, ok := o[n.Path]
	return by, ok
}
