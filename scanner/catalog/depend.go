package catalog

import (
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"
)

// resolve fills DependsOn of the operating system's packages. syft resolves
// these within one database; here a package and what it needs may come from
// different layers. What is hidden is left out: it has no place in the graph of
// the final filesystem.
//
// As in syft, all alternatives of a dependency that are installed count, and
// versions are not compared: the package manager did that.
func resolve(items []item) {
	type resource struct{ typ, name string }
	providers := map[resource][]int{}
	for i := range items {
		it := &items[i]
		if !managed(it) {
			continue
		}
		names := provided(it)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			r := resource{it.Type, name}
			providers[r] = append(providers[r], i)
		}
	}
	for i := range items {
		it := &items[i]
		if !managed(it) {
			continue
		}
		refs := map[string]bool{}
		for _, need := range required(it) {
			for _, p := range providers[resource{it.Type, need}] {
				refs[items[p].Component.Ref] = true
			}
		}
		delete(refs, it.Component.Ref)
		it.Component.DependsOn = sortedKeys(refs)
	}
}

func managed(it *item) bool {
	switch it.Type {
	case string(pkg.DebPkg), string(pkg.ApkPkg), string(pkg.RpmPkg), string(pkg.AlpmPkg):
		return len(it.Provides) > 0 && !hidden(&it.Component)
	}
	return false
}

func provided(it *item) []string {
	var names []string
	for _, p := range it.Provides {
		if p = resourceName(it.Type, p); p != "" {
			names = append(names, p)
		}
	}
	if it.Type == string(pkg.RpmPkg) {
		names = append(names, it.Files...) // rpm packages may need a file
	}
	return names
}

func required(it *item) []string {
	var names []string
	for _, r := range it.Requires {
		alternatives := []string{r}
		if it.Type == string(pkg.DebPkg) {
			alternatives = strings.Split(r, "|")
		}
		for _, a := range alternatives {
			if a = resourceName(it.Type, a); a != "" {
				names = append(names, a)
			}
		}
	}
	return names
}

// resourceName strips the version, and what else is not a name. The syntaxes
// are those of deb-control(5) and deb-src-control(5), apk-package(5), PKGBUILD(5);
// an rpm's boolean dependency, in parentheses, is not resolved.
func resourceName(typ, s string) string {
	s = strings.TrimSpace(s)
	cut := "<>=~"
	switch typ {
	case string(pkg.DebPkg):
		cut = "[(<>=:"
	case string(pkg.ApkPkg):
		if strings.HasPrefix(s, "!") {
			return "" // a conflict
		}
	case string(pkg.RpmPkg):
		if strings.HasPrefix(s, "(") {
			return ""
		}
		return s
	}
	if i := strings.IndexAny(s, cut); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}
