// Package java reads JAR files and their kin: WAR, EAR, modules. It says which
// namespaces their classes are in, what the manifest says of the maker, and
// who signed them. What is inside them is passed on by scanner/detect/archive.
package java

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/jarsign"
	"github.com/interdict/interdict/scanner/detect/internal/namespace"
	"github.com/interdict/interdict/scanner/detect/internal/zipdir"
)

const (
	name    = "java"
	version = 1
)

// maxPOMs is how many pom.properties of one JAR are read: of a shaded one
// there are many.
const maxPOMs = 500

// Detector reads JAR files.
type Detector struct{ watch *sbom.Watch }

// New makes a Detector that notes the namespaces which w watches, and the main
// ones; w may be nil.
func New(w *sbom.Watch) *Detector { return &Detector{watch: w} }

// Name is "java".
func (*Detector) Name() string { return name }

// Version is raised whenever the results for the same bytes may differ.
func (*Detector) Version() int { return version }

var extensions = map[string]bool{
	".jar": true, ".war": true, ".ear": true, ".sar": true, ".par": true, ".kar": true, ".nar": true,
	".hpi": true, ".jpi": true, ".jmod": true, ".aar": true, ".rar": true,
}

// Wants knows a JAR by its name, or by a manifest or class among its first
// members.
func (*Detector) Wants(f *scanner.File) bool {
	if !bytes.HasPrefix(f.Head, []byte("PK\x03\x04")) && !bytes.HasPrefix(f.Head, []byte("JM\x01\x00PK")) {
		return bytes.HasPrefix(f.Head, []byte("#!")) && strings.HasSuffix(f.Path, ".jar")
	}
	return extensions[strings.ToLower(path.Ext(f.Path))] ||
		bytes.Contains(f.Head, []byte("META-INF/")) || bytes.Contains(f.Head, []byte(".class"))
}

// jar is what was found in one.
type jar struct {
	classes  namespace.Counter
	manifest map[string]string
	poms     []*zip.File
	count    int
}

// Detect reads the directory, the manifest and the signatures.
func (d *Detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	z, err := zipdir.Open(f)
	if err != nil {
		return scanner.Result{}, ctx.Err() // scanner/detect/archive tells
	}
	j := scan(z)
	if j.count == 0 && j.manifest == nil {
		return scanner.Result{}, nil // only a zip
	}
	var res scanner.Result
	if j.classes.Full() {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Limit, Detail: "more namespaces than are counted"})
	}
	c := &sbom.Component{Type: sbom.Library, Language: "java"}
	c.Evidence = j.classes.Evidence(d.watch, fmt.Sprintf("%d classes", j.count))
	j.identity(c, f)
	c.Evidence = append(c.Evidence, jarsign.Evidence(z)...)
	if len(j.poms) == 1 {
		pom(c, j.poms[0])
	} else {
		res.Inside = parts(j.poms)
	}
	res.Component = c
	return res, nil
}

// scan reads the names of the members.
func scan(z *zip.Reader) *jar {
	j := &jar{}
	for _, f := range z.File {
		switch {
		case strings.HasSuffix(f.Name, ".class"):
			if class := className(f.Name); class != "" {
				j.count++
				j.classes.Add(class)
			}
		case j.manifest == nil && strings.EqualFold(f.Name, "META-INF/MANIFEST.MF"):
			if b, err := jarsign.Read(f); err == nil {
				j.manifest = jarsign.Attributes(b)
			}
		case strings.HasPrefix(f.Name, "META-INF/maven/") && path.Base(f.Name) == "pom.properties":
			if len(j.poms) < maxPOMs {
				j.poms = append(j.poms, f)
			}
		}
	}
	return j
}

// className is the class that a member is, without the folders that classes
// are put in: those of web applications, of Spring Boot, of modules, and of
// versions for newer releases.
func className(member string) string {
	class := strings.TrimSuffix(member, ".class")
	for _, folder := range []string{"WEB-INF/classes/", "BOOT-INF/classes/", "APP-INF/classes/", "classes/"} {
		class = strings.TrimPrefix(class, folder)
	}
	if rest, ok := strings.CutPrefix(class, "META-INF/versions/"); ok {
		_, class, _ = strings.Cut(rest, "/")
	}
	return class
}

// identity takes name, version and maker from the manifest.
func (j *jar) identity(c *sbom.Component, f *scanner.File) {
	m := j.manifest
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := m[strings.ToUpper(k)]; v != "" && !strings.Contains(v, "${") {
				return v
			}
		}
		return ""
	}
	bundle, _, _ := strings.Cut(first("Bundle-SymbolicName"), ";")
	title := first("Implementation-Title", "Specification-Title", "Bundle-Name")
	base := path.Base(f.Path)
	c.Name = strings.TrimSuffix(base, path.Ext(base))
	if bundle != "" {
		c.Name = strings.TrimSpace(bundle)
	}
	c.Version = first("Implementation-Version", "Bundle-Version", "Specification-Version")
	vendor := first("Implementation-Vendor", "Bundle-Vendor", "Specification-Vendor")
	c.Supplier = vendor
	for _, key := range []string{"Implementation-Vendor", "Bundle-Vendor", "Specification-Vendor"} {
		if v := first(key); v != "" {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.JavaVendor, Value: v, Where: "manifest " + key})
		}
	}
	if id := first("Implementation-Vendor-Id"); id != "" {
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.MavenGroup, Value: id, Where: "manifest Implementation-Vendor-Id"})
	}
	if title != "" {
		c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.JavaTitle, Value: title, Where: "manifest"})
	}
}

// parts are what a JAR is put together from, by the pom.properties that each
// part left in it: they say nothing of the maker of the whole.
func parts(poms []*zip.File) []sbom.Component {
	var cs []sbom.Component
	for _, f := range poms {
		c := sbom.Component{Type: sbom.Library, Language: "java"}
		if pom(&c, f); c.Name != "" {
			cs = append(cs, c)
		}
	}
	return cs
}

// pom takes the Maven coordinates of a pom.properties.
func pom(c *sbom.Component, f *zip.File) {
	b, err := jarsign.Read(f)
	if err != nil {
		return
	}
	p := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(k, "#") {
			p[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	if p["groupId"] == "" || p["artifactId"] == "" {
		return
	}
	c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.MavenGroup, Value: p["groupId"], Where: f.Name})
	c.Group, c.Name = p["groupId"], p["artifactId"]
	if p["version"] != "" {
		c.Version = p["version"]
	}
	c.PURL = "pkg:maven/" + url.PathEscape(c.Group) + "/" + url.PathEscape(c.Name)
	if c.Version != "" {
		c.PURL += "@" + url.PathEscape(c.Version)
	}
}
