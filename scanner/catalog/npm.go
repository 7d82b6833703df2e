package catalog

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"
)

// maxManifest is how much of a package.json is read, in bytes.
const maxManifest = 1 << 20

// nodeRequires returns the names of the packages that an installed npm package
// says it needs to run (https://docs.npmjs.com/cli/configuring-npm/package-json).
// syft reads them only from lock files, which images seldom have.
func (b *builder) nodeRequires() []string {
	if path.Base(b.primary.Path) != "package.json" {
		return nil
	}
	for _, l := range b.p.Locations.ToSlice() {
		if l.RealPath != b.primary.Path {
			continue
		}
		c, err := b.r.view.open(l)
		if err != nil {
			return nil
		}
		defer c.Close()
		var m struct{ Dependencies, OptionalDependencies, PeerDependencies map[string]json.RawMessage }
		if json.NewDecoder(io.LimitReader(c, maxManifest)).Decode(&m) != nil {
			return nil // the cataloger has read what can be read
		}
		names := slices.Collect(maps.Keys(m.Dependencies))
		names = slices.AppendSeq(names, maps.Keys(m.OptionalDependencies))
		names = slices.AppendSeq(names, maps.Keys(m.PeerDependencies))
		slices.Sort(names)
		return slices.Compact(names)
	}
	return nil
}

// resolveNode fills DependsOn of installed npm packages: what Node would load
// for each name, that of the nearest node_modules upwards
// (https://nodejs.org/api/modules.html, "Loading from node_modules folders").
func resolveNode(items []item) {
	at := map[string]string{} // folder to reference
	for i := range items {
		if it := &items[i]; it.Type == string(pkg.NpmPkg) {
			for _, o := range it.Component.Occurrences {
				if dir, file := path.Split(o.Path); file == "package.json" && !o.Hidden {
					at[dir] = it.Component.Ref
				}
			}
		}
	}
	for i := range items {
		it := &items[i]
		if it.Type != string(pkg.NpmPkg) || len(it.Requires) == 0 {
			continue
		}
		refs := map[string]bool{}
		for _, o := range it.Component.Occurrences {
			if o.Hidden {
				continue
			}
			for _, name := range it.Requires {
				if ref := nearest(at, path.Dir(o.Path), name); ref != "" {
					refs[ref] = true
				}
			}
		}
		delete(refs, it.Component.Ref)
		it.Component.DependsOn = append(it.Component.DependsOn, sortedKeys(refs)...)
	}
}

func nearest(at map[string]string, dir, name string) string {
	for ; ; dir = path.Dir(dir) {
		if path.Base(dir) != "node_modules" {
			if ref := at[strings.TrimSuffix(dir, "/")+"/node_modules/"+name+"/"]; ref != "" {
				return ref
			}
		}
		if dir == "/" || dir == "." {
			break
		}
	}
	// where Debian's Node looks last
	return cmp.Or(at["/usr/share/nodejs/"+name+"/"], at["/usr/lib/nodejs/"+name+"/"])
}
