package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scantest"
)

// said is what an image of one layer says: packages, with "?" where they were
// not seen installed, and gaps by reason. The operating system is left out.
func said(t *testing.T, files ...scantest.File) []string {
	t.Helper()
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: files}}}), Options{})
	var out []string
	for i := range c.Components {
		x := &c.Components[i]
		if x.Type == sbom.OperatingSystem {
			continue
		}
		s := strings.TrimPrefix(x.PURL, "pkg:")
		if x.Scope == sbom.Excluded {
			s += " ?"
		}
		out = append(out, s)
	}
	for _, g := range c.Gaps {
		out = append(out, fmt.Sprintf("gap %s %s", g.Reason, g.Path))
	}
	slices.Sort(out)
	return out
}

// TestSecondReader: what a package manager reads is known, whatever syft makes
// of the file; what may name a package and cannot be read is a gap that counts;
// and what is nothing is none.
func TestSecondReader(t *testing.T) {
	modules := "/app/node_modules/x/package.json"
	for _, tt := range []struct {
		name  string
		files []scantest.File
		want  []string
	}{
		{"byte-order mark", []scantest.File{text(modules, "\xef\xbb\xbf"+`{"name":"@acme/x","version":"1.0.0"}`)}, []string{"npm/%40acme/x@1.0.0"}},
		{"odd author", []scantest.File{text(modules, `{"name":"@acme/x","version":"1.0.0","author":["a"]}`)}, []string{"npm/%40acme/x@1.0.0"}},
		{"numeric version", []scantest.File{text(modules, `{"name":"@acme/x","version":1.0}`)}, []string{"npm/%40acme/x@1.0"}},
		{"cut short", []scantest.File{text(modules, `{"name":"@acme/x","version":"1.0.0","files":[`)}, []string{"npm/%40acme/x@1.0.0"}},
		{"names in other cases", []scantest.File{text(modules, `{"name":"@acme/x","version":"1.0.0","Name":"other"}`)}, []string{"npm/%40acme/x@1.0.0", "npm/other@1.0.0"}},
		{"nothing in it", []scantest.File{text(modules, "{")}, []string{"gap malformed " + modules}},
		{"no package", []scantest.File{text(modules, `{"type":"module"}`)}, nil},
		{"folder of a scope", []scantest.File{text("/app/node_modules/@acme/x/lib/index.js", "x"), text("/app/node_modules/plain/index.js", "x")},
			[]string{"npm/%40acme/x ?"}},
		{"npm's record", []scantest.File{
			text("/app/node_modules/.package-lock.json", `{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/gone":{"version":"2.0.0"}}}`),
			text("/app/node_modules/a/package.json", `{"name":"a","version":"1.0.0"}`),
		}, []string{"npm/a@1.0.0", "npm/gone@2.0.0 ?"}},
		{"lock file of what is installed", []scantest.File{
			text("/app/package-lock.json", `{"name":"app","lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/dev":{"version":"2.0.0","dev":true},"node_modules/l":{"resolved":"w","link":true}}}`),
			text("/app/node_modules/a/package.json", `{"name":"a","version":"1.0.0"}`),
		}, []string{"npm/a@1.0.0", "npm/dev@2.0.0 ?"}},
		{"conflict", []scantest.File{text("/app/yarn.lock", "<<<<<<< HEAD\n\"@acme/ui@^1\":\n  version \"1.0.0\"\n=======\n>>>>>>> b\n")}, []string{"npm/%40acme/ui@1.0.0 ?"}},
		{"one broken line", []scantest.File{text("/app/poetry.lock", "[[package]]\nname = \"acmeoapi\"\nversion = \"1.0\"\nfoo = \n")},
			[]string{"gap unparsed /app/poetry.lock", "pypi/acmeoapi@1.0 ?"}},
		{"requirements", []scantest.File{text("/app/requirements.txt", "\xef\xbb\xbfone==1.0\r\ntwo\r\nthree>=3 ; python_version<'3'\r\n")},
			[]string{"pypi/one@1.0 ?", "pypi/three ?", "pypi/two ?"}},
		{"mix.lock", []scantest.File{text("/app/mix.lock", "%{\n  \"mixp\": {:hex, :mixp, \"1.0.0\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n}\n")}, []string{"hex/mixp@1.0.0 ?"}},
		{"pylock.toml", []scantest.File{text("/app/pylock.toml", "[[packages]]\nname = \"p\"\nversion = \"1\"\n")}, []string{"pypi/p@1 ?"}},
		{"snap", []scantest.File{text("/snap/snapp/x1/meta/snap.yaml", "name: snapp\nversion: \"1.0\"\n")}, []string{"snap/snapp@1.0"}},
		{"wish list that is no XML", []scantest.File{text("/src/a.csproj", "<Project><ItemGroup><"), text("/src/b.csproj", "<Project/>")}, []string{"gap malformed /src/a.csproj"}},
		{"distroless", []scantest.File{
			text("/etc/os-release", release), text("/var/lib/dpkg/status.d/dlp", "package: dlp\nversion: 1.0\narchitecture: amd64\nmaintainer: A <a@b.c>\ndescription: x\n"),
			text("/var/lib/dpkg/status.d/dlp.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/x\n"), text("/usr/bin/x", ""),
		}, []string{"deb/debian/dlp@1.0?arch=amd64&distro=debian-12"}},
		{"dpkg's database as dpkg reads it", []scantest.File{
			text("/etc/os-release", release),
			text("/var/lib/dpkg/status", "package : low\r\nstatus: install ok installed\r\nVERSION: 1\r\narchitecture: all\r\n\r\n"+
				"Package: leaving\nStatus: deinstall ok installed\nVersion: 2\nArchitecture: all\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 3\nArchitecture: all\n\n"),
		}, []string{"deb/debian/leaving@2?arch=all&distro=debian-12", "deb/debian/low@1?arch=all&distro=debian-12"}},
		{"pacman without mtree", []scantest.File{
			text("/etc/os-release", "ID=arch\n"),
			text("/var/lib/pacman/local/pacp-1.0-1/desc", "%NAME%\npacp\n\n%VERSION%\n1.0-1\n\n%ARCH%\nx86_64\n\n"),
		}, []string{"alpm/arch/pacp@1.0-1?arch=x86_64&distro=arch"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := said(t, tt.files...)
			if len(got) == 0 && len(tt.want) == 0 {
				return
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
