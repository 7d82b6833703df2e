package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/anchore/packageurl-go"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/catalog/manifest"
	"github.com/interdict/interdict/scanner/layer"
)

// manifestReader is the finder of what the second reader found.
const (
	manifestReader   = "manifest-reader"
	manifestDetector = manifestReader + "@1"
)

// manifestFile is a manifest that a layer brought.
type manifestFile struct {
	node   layer.Node
	format *manifest.Format
}

// readManifests is the second reader: it adds what the catalogers of a layer did
// not find in its manifests, and decides what becomes of their failures there.
func (s *target) readManifests(ctx context.Context, v *view, res *layerResult) error {
	found, failed := namesByPath(res.Items), map[string]bool{}
	for _, g := range res.Gaps {
		failed[g.Path] = true
	}
	for _, m := range v.manifests {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := m.node.Path
		if v.databases[p] != nil && !failed[p] || !m.format.Sole && !m.format.Beside && !failed[p] && len(found[p]) > 0 {
			continue
		}
		r, ok := v.readManifest(m, res)
		if !ok {
			continue
		}
		for _, one := range r.Packages {
			names := found[p]
			// where a cataloger was content, what it names is not named again
			if names[nameKey(one.Namespace, one.Name)] && (!failed[p] || names[nameKey(one.Namespace, one.Name)+"@"+one.Version]) {
				continue
			}
			res.Items = append(res.Items, s.manifestItem(v, m, one))
		}
		if failed[p] || m.format.Sole {
			res.judgeGaps(m, v.at(m.node, p).FileSystemID, r)
		}
	}
	for _, dir := range sortedKeys(v.scoped) {
		if _, ok := v.tree.Lookup(dir + "/package.json"); !ok {
			res.Items = append(res.Items, s.bareItem(v, dir, v.scoped[dir]))
		}
	}
	return nil
}

// namesByPath lists what was found in each file: names, and names with versions.
func namesByPath(items []item) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for i := range items {
		c := &items[i].Component
		namespace, name := c.Group, c.Name
		if u, err := packageurl.FromString(c.PURL); err == nil {
			namespace, name = u.Namespace, u.Name
		}
		key := nameKey(namespace, name)
		for _, o := range c.Occurrences {
			if all[o.Path] == nil {
				all[o.Path] = map[string]bool{}
			}
			all[o.Path][key], all[o.Path][key+"@"+c.Version] = true, true
		}
	}
	return all
}

// nameKey is equal for names that a registry takes for one: PyPI's differ in
// case and punctuation (https://packaging.python.org/specifications/name-normalization).
func nameKey(namespace, name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '.' {
			return '-'
		}
		return c
	}, strings.ToLower(strings.TrimPrefix(namespace+"/"+name, "/")))
}

// readManifest reads a file that was kept; what was not is missing.
func (v *view) readManifest(m manifestFile, res *layerResult) (manifest.Result, bool) {
	c, err := v.tree.Open(m.node)
	if err == nil {
		defer c.Close()
		if c.Size() > manifest.MaxSize {
			res.Gaps = append(res.Gaps, v.manifestGap(m, sbom.Limit, fmt.Sprintf("a manifest of %d bytes", c.Size())))
			return manifest.Result{}, false
		}
		b := make([]byte, c.Size())
		if _, err = c.ReadAt(b, 0); err == nil || err == io.EOF {
			return m.format.Read(m.format.Normalize(b)), true
		}
	}
	if errors.Is(err, layer.ErrNotKept) {
		v.miss(m.node.Layer, m.node.Entry.Path)
	} else {
		res.Gaps = append(res.Gaps, v.manifestGap(m, sbom.Unreadable, detail(err)))
	}
	return manifest.Result{}, false
}

func (v *view) manifestGap(m manifestFile, reason sbom.Reason, text string) sbom.Gap {
	return sbom.Gap{Path: m.node.Path, Layer: v.at(m.node, m.node.Path).FileSystemID, Reason: reason, Detail: text, Detector: manifestDetector}
}

// judgeGaps replaces what catalogers failed on in a file by what is left now
// that the second reader has read it: nothing, when it made out all; a note,
// when there is nothing in it that could name a package.
func (res *layerResult) judgeGaps(m manifestFile, layerID string, r manifest.Result) {
	mine := func(g sbom.Gap) bool { return g.Path == m.node.Path && g.Layer == layerID }
	switch {
	case r.Unread > 0:
		res.Gaps = slices.DeleteFunc(res.Gaps, mine)
		g := sbom.Gap{Path: m.node.Path, Layer: layerID, Reason: sbom.Unparsed, Detector: manifestDetector,
			Detail: fmt.Sprintf("%s: parts that could not be read: %d, the first: %s", m.format.Name, r.Unread, r.First)}
		if m.format.Wish {
			g.Reason = sbom.Malformed
		}
		res.Gaps = append(res.Gaps, g)
	case len(r.Packages) > 0:
		res.Gaps = slices.DeleteFunc(res.Gaps, mine)
	default:
		for i := range res.Gaps {
			if mine(res.Gaps[i]) && res.Gaps[i].Reason != sbom.Failed {
				res.Gaps[i].Reason = sbom.Malformed
			}
		}
	}
}

// manifestItem makes an item of what the second reader found.
func (s *target) manifestItem(v *view, m manifestFile, p manifest.Package) item {
	if p.Type == "deb" || p.Type == "apk" || p.Type == "rpm" {
		if r := s.env.release; r != nil {
			p.Namespace = r.ID
		}
	}
	c := s.bare(v, m.node, p)
	if m.format.Role == manifest.Declared && (s.kind == Image || m.format.Sole && m.format.Type == "npm") {
		c.Scope = sbom.Excluded
	}
	return item{Component: c, Type: string(pkg.TypeFromPURL(c.PURL)), Declared: c.Scope == sbom.Excluded}
}

// bareItem is a package of npm that its folder alone names: the manifest is not
// there.
func (s *target) bareItem(v *view, dir string, n layer.Node) item {
	scope, name := path.Base(path.Dir(dir)), path.Base(dir)
	c := s.bare(v, n, manifest.Package{Type: "npm", Namespace: scope, Name: name})
	c.Scope = sbom.Excluded
	return item{Component: c, Type: string(pkg.NpmPkg), Declared: true}
}

// bare is the component of a package of which name and version are known.
func (s *target) bare(v *view, n layer.Node, p manifest.Package) sbom.Component {
	q := packageurl.QualifiersFromMap(p.Qualifiers)
	c := sbom.Component{
		Type: sbom.Library, Group: p.Namespace, Name: p.Name, Version: p.Version, FoundBy: manifestReader,
		PURL: packageurl.NewPackageURL(p.Type, p.Namespace, p.Name, p.Version, q, "").ToString(),
	}
	switch p.Type {
	case "golang", "swift":
		c.Group, c.Name = "", strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
	case "deb", "apk", "rpm":
		c.Group = ""
	}
	if l := pkg.LanguageFromPURL(c.PURL); l != pkg.UnknownLanguage {
		c.Language = string(l)
	}
	loc := v.at(n, n.Path)
	o := sbom.Occurrence{Path: loc.RealPath, Layer: loc.FileSystemID}
	if n.Entry != nil && n.Entry.Digest != [32]byte{} {
		o.Digest = "sha256:" + hex.EncodeToString(n.Entry.Digest[:])
	}
	c.Occurrences = []sbom.Occurrence{o}
	if kind, value := nameFact(p); kind != "" {
		c.Evidence = []sbom.Evidence{{Kind: kind, Value: sbom.CleanValue(value), Path: o.Path, Layer: o.Layer, Where: "name", Detector: manifestDetector}}
	}
	c.Ref = refOf(&c)
	return c
}

// nameFact is the evidence that a package's name is, by its type.
func nameFact(p manifest.Package) (sbom.Kind, string) {
	full := strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
	switch p.Type {
	case "npm":
		return sbom.NPMPackage, full
	case "pypi":
		return sbom.PythonPackage, p.Name
	case "maven":
		return sbom.MavenGroup, p.Namespace
	case "golang":
		return sbom.GoModule, full
	case "deb", "apk", "rpm", "opkg":
		return sbom.PackageName, p.Name
	}
	return "", ""
}

// plainText is a manifest as catalogers are to see it: an encoding, an end of
// line or a spelling that the package manager does not mind is the usual one.
func plainText(l file.Location, c io.ReadCloser) (io.ReadCloser, error) {
	f := manifest.Find(l.RealPath)
	if f == nil {
		return c, nil
	}
	in, ok := c.(contents)
	if !ok || in.Size() > manifest.MaxSize {
		return c, nil
	}
	head := make([]byte, min(in.Size(), 4096))
	if _, err := in.ReadAt(head, 0); err != nil && err != io.EOF {
		return c, nil // the cataloger meets the same error
	}
	if !f.Respells() && !manifest.Odd(head) {
		return c, nil
	}
	defer c.Close()
	b := make([]byte, in.Size())
	if _, err := in.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return openBytes(f.Normalize(b)), nil
}
