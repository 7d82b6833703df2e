package report_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
)

// deployed is what a scan of an image of n packages gives: of Debian, npm,
// Maven and PyPI, with the licences, addresses and facts that theirs have, ten
// of the list's own values among them. As JSON it takes 2.3 kB a component, as
// those of real images do.
func deployed(list *denylist.List, n int) *sbom.Inventory {
	inv := suspect(1, list, 10)
	inv.Tool.Detectors = []string{"elf@1", "java@1", "pe@1"}
	for i := range n - len(inv.Components) {
		name, layer := fmt.Sprintf("example%d", i), inv.Layers[i%2].DiffID
		c := sbom.Component{
			Type: sbom.Library, Name: name, Version: "1.2.3", CPEs: []string{"cpe:2.3:a:" + name + ":" + name + ":1.2.3:*:*:*:*:*:*:*"},
			Licenses: []sbom.License{{ID: "MIT", Declared: true}, {ID: "Apache-2.0", Declared: true}}, Description: "An example of a library, described in the words of its own package",
			Hashes:     []sbom.Hash{{Algorithm: "SHA-256", Value: fmt.Sprintf("%064x", i)}},
			References: []sbom.Reference{{Type: "vcs", URL: "https://git.example.org/team/" + name}, {Type: "website", URL: fmt.Sprintf("https://www%d.example.com/projects/%s/", i%60, name)}},
			Authors:    []string{fmt.Sprintf("Author %d <author%d@example.com>", i%90, i%90)}, Language: "any",
		}
		var kind sbom.Kind
		path := "/usr/share/" + name + "/package.json"
		switch i % 8 {
		case 0, 1, 2:
			c.PURL, c.FoundBy, c.Supplier, kind, path = "pkg:deb/debian/"+name+"@1.2.3?arch=amd64&distro=debian-13", "dpkg-db-cataloger", fmt.Sprintf("Debian Team %d", i%40), sbom.PackageName, "/var/lib/dpkg/status"
		case 3, 4, 5:
			c.PURL, c.FoundBy, kind = "pkg:npm/%40scope/"+name+"@1.2.3", "javascript-package-cataloger", sbom.NPMPackage
		case 6:
			c.PURL, c.FoundBy, kind, path = "pkg:maven/org.example."+name+"/"+name+"@1.2.3", "java-archive-cataloger", sbom.MavenGroup, "/usr/share/java/"+name+".jar"
		default:
			c.PURL, c.FoundBy, kind = "pkg:pypi/"+name+"@1.2.3", "python-package-cataloger", sbom.PythonPackage
		}
		c.Occurrences = []sbom.Occurrence{{Path: path, Layer: layer, Digest: fmt.Sprintf("sha256:%064x", i)}}
		detector := "syft/" + c.FoundBy + "@1.54.1"
		fact := func(k sbom.Kind, value, where string) {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: where, Detector: detector, Path: path, Layer: layer})
		}
		fact(kind, name, "name")
		fact(sbom.EntityName, c.Authors[0], "author")
		fact(sbom.HomepageHost, fmt.Sprintf("www%d.example.com", i%60), "homepage")
		fact(sbom.RepoHost, "git.example.org", "repository")
		if i%8 == 6 {
			fact(sbom.JavaTitle, "Example "+name, "Implementation-Title")
			fact(sbom.JavaVendor, "The Example Foundation", "Implementation-Vendor")
			fact(sbom.JavaVendor, "The Example Foundation", "manifest Bundle-Vendor")
			fact(sbom.JavaPackage, "org/example/"+name+"/", "253 classes")
		}
		inv.Components = append(inv.Components, c)
	}
	inv.Normalize()
	return inv
}

// foreign is a document of another tool, with n components that have a name, a
// version, a purl and a licence.
func foreign(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"tools":{"components":[{"type":"application","name":"other","version":"1"}]},"component":{"type":"container","name":"app"}},"components":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"bom-ref":"pkg:npm/example%d@1.%d.0","type":"library","name":"example%d","version":"1.%d.0","purl":"pkg:npm/example%d@1.%d.0","licenses":[{"license":{"id":"MIT"}}]}`, i, i, i, i, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// BenchmarkCheck is "interdict check" of one of many stored documents of 500
// components: reading and judging, in at most 25 ms of one core.
// In a fleet, components are those of earlier documents; among strangers, no
// component was ever seen.
func BenchmarkCheck(b *testing.B) {
	list := builtin.List()
	inv := deployed(list, 500)
	docs := map[string][]byte{"foreign": foreign(500)}
	for name, pretty := range map[string]bool{"compact": false, "pretty": true} {
		var doc bytes.Buffer
		if err := cyclonedx.Encode(&doc, inv, cyclonedx.Options{Pretty: pretty}); err != nil {
			b.Fatal(err)
		}
		docs[name] = doc.Bytes()
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		for _, of := range []string{"fleet", "strangers"} {
			b.Run(name+"/"+of, func(b *testing.B) {
				text := docs[name]
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				var used time.Duration
				for n := 0; b.Loop(); n++ {
					b.StopTimer()
					if of == "strangers" {
						text = bytes.ReplaceAll(docs[name], []byte("example"), fmt.Appendf(nil, "x%06d", n))
					}
					b.StartTimer()
					start := processor()
					inv, _, err := document.Decode(bytes.NewReader(text))
					if err != nil {
						b.Fatal(err)
					}
					list.Judge(inv, denylist.Policy{})
					used += processor() - start
				}
				b.ReportMetric(float64(used)/1e6/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// processor is the time on the processor so far: on a machine that is shared,
// it is what can be compared.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
