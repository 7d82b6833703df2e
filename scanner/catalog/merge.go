package catalog

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// merge joins the results of all layers: it tells what is hidden, removes what
// a package of the operating system says better, resolves dependencies across
// layers, and makes one component of what is the same.
func merge(s *target, tree *layer.Tree) *Catalog {
	c := &Catalog{tree: tree}
	m := &merger{tree: tree, layers: s.layers, results: s.results, final: map[string]map[string]bool{}, byDiffID: map[string][]int{}}
	for i, ix := range s.layers {
		if ix != nil {
			m.byDiffID[ix.DiffID] = append(m.byDiffID[ix.DiffID], i)
		}
	}
	var items []item
	for _, r := range s.results {
		for _, it := range r.Items {
			m.hide(&it)
			items = append(items, it)
		}
		c.Gaps = append(c.Gaps, r.Gaps...)
		c.Missing = append(c.Missing, r.missing...)
	}
	c.Missing = append(c.Missing, s.env.missing...)
	for _, x := range c.Missing {
		c.Gaps = append(c.Gaps, sbom.Gap{
			Path: x.Path, Layer: s.layers[x.Layer].DiffID, Reason: sbom.NotEvaluated, Detail: "contents were not kept",
		})
	}
	sortItems(items)
	c.owners = newOwners(tree, items)
	items = dropOwned(tree, items, c.owners)
	items = dropDeclared(items)
	resolve(items)
	resolveNode(items)
	c.Components = join(items)
	if os, ok := m.operatingSystem(s.env); ok {
		c.Components = append(c.Components, os)
	}
	return c
}

type merger struct {
	tree     *layer.Tree
	layers   []*layer.Index
	results  []*layerResult
	byDiffID map[string][]int
	final    map[string]map[string]bool // database -> keys that it lists in the final filesystem
}

// hide marks the occurrences that are not in the final filesystem. A package of
// a database is there as long as the final version of the database lists it.
func (m *merger) hide(it *item) {
	it.Component.Occurrences = slices.Clone(it.Component.Occurrences)
	for i := range it.Component.Occurrences {
		o := &it.Component.Occurrences[i]
		if it.Database != "" && o.Path == it.Database {
			o.Hidden = !m.finalKeys(it.Database)[it.Key]
			continue
		}
		o.Hidden = !m.visible(o)
	}
}

// visible reports whether the file of an occurrence, or a copy of it at the same
// path, is in the final filesystem.
func (m *merger) visible(o *sbom.Occurrence) bool {
	outer, _, _ := strings.Cut(o.Path, "!/")
	n, ok := m.tree.Lstat(outer)
	if !ok {
		return false
	}
	for _, l := range m.byDiffID[o.Layer] {
		if n.Layer == l || n.IsDir() {
			return true
		}
		if old, ok := m.layers[l].Lookup(outer); ok && n.Entry != nil && same(old, n.Entry) {
			return true
		}
	}
	return false
}

func (m *merger) finalKeys(db string) map[string]bool {
	if k, ok := m.final[db]; ok {
		return k
	}
	keys := map[string]bool{}
	if n, ok := m.tree.Lstat(db); ok {
		// A layer that holds an unchanged copy does not list it again; one
		// above may have brought its log.
		log, logged := m.tree.Lstat(db + walSuffix)
		for l := len(m.results) - 1; l >= 0; l-- {
			if l > n.Layer && !(logged && log.Layer == l) {
				continue
			}
			if list, ok := m.results[l].Databases[db]; ok {
				for _, k := range list {
					keys[k] = true
				}
				break
			}
		}
	}
	m.final[db] = keys
	return keys
}

// hidden reports whether none of a component's places is visible.
func hidden(c *sbom.Component) bool {
	return !slices.ContainsFunc(c.Occurrences, func(o sbom.Occurrence) bool { return !o.Hidden })
}

// dropOwned removes what was recognized by a file's contents where a package of
// the operating system, a Java installation or a Bitnami package says that the
// file is its own. syft does this on the final filesystem
// (internal/relationship); here the owner may be of another layer.
func dropOwned(tree *layer.Tree, items []item, own owners) []item {
	jvms := owners{}
	for i := range items {
		if it := &items[i]; it.JVM || it.Type == string(pkg.BitnamiPkg) {
			jvms.add(tree, it)
		}
	}
	return slices.DeleteFunc(items, func(it item) bool {
		if !it.Weak && it.Type != string(pkg.BinaryPkg) {
			return false
		}
		c := &it.Component
		c.Occurrences = slices.DeleteFunc(c.Occurrences, func(o sbom.Occurrence) bool {
			by, ok := own.find(tree, o.Path)
			if !ok && !it.JVM {
				by, ok = jvms.find(tree, o.Path)
			}
			// a package that is gone from the final filesystem does not own
			// what is left there
			return ok && (by.visible || o.Hidden)
		})
		return len(c.Occurrences) == 0
	})
}

// dropDeclared removes what a lock file declares and what was found installed,
// in any layer: the installation says more.
func dropDeclared(items []item) []item {
	installed := map[string]bool{}
	for i := range items {
		if !items[i].Declared {
			installed[items[i].Component.Ref] = true
		}
	}
	return slices.DeleteFunc(items, func(it item) bool { return it.Declared && installed[it.Component.Ref] })
}

// join makes one component of the items with one reference.
func join(items []item) []sbom.Component {
	var out []sbom.Component
	at := map[string]int{}
	for i := range items {
		c := items[i].Component
		j, ok := at[c.Ref]
		if !ok {
			at[c.Ref] = len(out)
			out = append(out, c)
			continue
		}
		joinInto(&out[j], &c)
	}
	for i := range out {
		c := &out[i]
		c.DependsOn = slices.DeleteFunc(c.DependsOn, func(ref string) bool {
			_, ok := at[ref]
			return !ok || ref == c.Ref
		})
		slices.Sort(c.DependsOn)
		c.DependsOn = slices.Compact(c.DependsOn)
	}
	return out
}

func joinInto(c, more *sbom.Component) {
	if more.FoundBy != c.FoundBy {
		c.Properties = append(c.Properties, sbom.Property{Name: "interdict:also-found-by", Value: more.FoundBy})
	}
	if c.Group == "" {
		c.Group = more.Group
	}
	c.Fill(more)
	c.DependsOn = append(c.DependsOn, more.DependsOn...)
	c.Evidence = append(c.Evidence, more.Evidence...) // names its place: hardly ever equal
}

// operatingSystem is the distribution as a component.
func (m *merger) operatingSystem(env *environment) (sbom.Component, bool) {
	r := env.release
	if r == nil || r.ID == "" {
		return sbom.Component{}, false
	}
	version := r.VersionID
	if version == "" {
		version = r.BuildID
	}
	c := sbom.Component{
		Type: sbom.OperatingSystem, Name: r.ID, Version: version, Description: sbom.CleanValue(r.PrettyName),
		FoundBy: "os-release",
	}
	if strings.HasPrefix(r.CPEName, "cpe:") {
		c.CPEs = []string{r.CPEName}
	}
	for _, l := range []sbom.Reference{{Type: "website", URL: r.HomeURL}, {Type: "support", URL: r.SupportURL}, {Type: "issue-tracker", URL: r.BugReportURL}} {
		if strings.HasPrefix(l.URL, "http") {
			c.References = append(c.References, l)
		}
	}
	for _, p := range []sbom.Property{
		{Name: "interdict:distribution", Value: r.Name}, {Name: "interdict:codename", Value: r.VersionCodename},
		{Name: "interdict:like", Value: strings.Join(r.IDLike, " ")}, {Name: "interdict:variant", Value: r.Variant},
	} {
		if p.Value = sbom.CleanValue(p.Value); p.Value != "" {
			c.Properties = append(c.Properties, p)
		}
	}
	if n := env.where; n.Entry != nil {
		o := sbom.Occurrence{Path: n.Path, Layer: m.layers[n.Layer].DiffID}
		if n.Entry.Digest != [32]byte{} {
			o.Digest = "sha256:" + hex.EncodeToString(n.Entry.Digest[:])
		}
		c.Occurrences = []sbom.Occurrence{o}
		c.Evidence = []sbom.Evidence{{Kind: sbom.EntityName, Value: sbom.CleanValue(r.Name), Path: o.Path, Layer: o.Layer, Where: "NAME", Detector: detectorName("environment")}}
	}
	c.Ref = refOf(&c)
	return c, true
}
