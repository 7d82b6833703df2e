// Package namespace counts the namespaces of Java classes, for class files and
// DEX files alike.
package namespace

import (
	"cmp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

const (
	// MaxDepth is how many names of a class's package are asked for.
	MaxDepth = 6
	// maxNamespaces bounds the distinct namespaces that are counted.
	maxNamespaces = 20_000
	// top is how many namespaces are noted though nobody watches them.
	top = 4
)

// Counter counts classes by the package they are in. The zero value is ready.
type Counter struct {
	packages map[string]int // "com/acme/app": classes in that package itself
	full     bool
}

// Add counts one class: "com/acme/app/Main".
func (c *Counter) Add(class string) {
	i := strings.LastIndexByte(class, '/')
	if i <= 0 {
		return
	}
	if c.packages == nil {
		c.packages = map[string]int{}
	}
	if _, ok := c.packages[class[:i]]; !ok && len(c.packages) >= maxNamespaces {
		c.full = true
		return
	}
	c.packages[class[:i]]++
}

// Full reports whether there were more packages than are counted.
func (c *Counter) Full() bool { return c.full }

// Evidence returns, sorted, one [sbom.JavaPackage] for each watched namespace
// of at least two names, and for the few that hold the most classes.
func (c *Counter) Evidence(w *sbom.Watch, where string) []sbom.Evidence {
	counts := map[string]int{}
	for pkg, n := range c.packages {
		depth := 0
		for i := 0; i <= len(pkg) && depth < MaxDepth; i++ {
			if i < len(pkg) && pkg[i] != '/' {
				continue
			}
			if depth++; depth >= 2 {
				counts[pkg[:i]+"/"] += n
			}
		}
	}
	main := mainNamespaces(counts)
	var es []sbom.Evidence
	for ns, n := range counts {
		if main[ns] || w.Matches(sbom.JavaPackage, ns) {
			es = append(es, sbom.Evidence{Kind: sbom.JavaPackage, Value: ns, Where: where, Count: n})
		}
	}
	slices.SortFunc(es, func(a, b sbom.Evidence) int { return cmp.Compare(a.Value, b.Value) })
	return es
}

// mainNamespaces are the namespaces of two names that hold the most classes.
func mainNamespaces(counts map[string]int) map[string]bool {
	var two []string
	for ns := range counts {
		if strings.Count(ns, "/") == 2 {
			two = append(two, ns)
		}
	}
	slices.SortFunc(two, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	main := map[string]bool{}
	for _, ns := range two[:min(top, len(two))] {
		main[ns] = true
	}
	return main
}
