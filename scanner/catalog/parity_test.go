package catalog

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/anchore/syft/syft"
	"github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

func text(p, body string) scantest.File { return scantest.File{Path: p, Body: []byte(body)} }

func link(p, to string) scantest.File { return scantest.File{Path: p, Link: to} }

// syftPURLs is what syft itself finds in the image, through stereoscope.
func syftPURLs(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := scantest.WriteDockerArchive(f, "test.example/parity:1", img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := syft.GetSource(t.Context(), archive, syft.DefaultGetSourceConfig().WithSources("docker-archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	doc, err := syft.CreateSBOM(t.Context(), src, syft.DefaultCreateSBOMConfig().WithoutFiles())
	if err != nil {
		t.Fatal(err)
	}
	purls := map[string]string{}
	for p := range doc.Artifacts.Packages.Enumerate() {
		purls[p.PURL] = p.FoundBy + " " + p.Name
	}
	return purls
}

func built(t testing.TB, im scantest.Image) v1.Image {
	t.Helper()
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func components(t testing.TB, img v1.Image, opt Options) *Catalog {
	t.Helper()
	c, err := Components(t.Context(), indexes(t, img), opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkParity: every purl that syft finds is among our visible ones.
func checkParity(t *testing.T, img v1.Image, atLeast int) *Catalog {
	t.Helper()
	c := components(t, img, Options{})
	ours := map[string]bool{}
	for i := range c.Components {
		if !hidden(&c.Components[i]) {
			ours[c.Components[i].PURL] = true
		}
	}
	theirs := syftPURLs(t, img)
	if len(theirs) < atLeast {
		t.Errorf("syft finds %d packages, want at least %d: the image is not what the test is about", len(theirs), atLeast)
	}
	for p, what := range theirs {
		if !ours[p] {
			t.Errorf("syft finds %s, we do not (%s)", p, what)
		}
	}
	for _, g := range c.Gaps {
		if g.Reason != sbom.Malformed {
			t.Errorf("false gap: %+v", g)
		}
	}
	return c
}

// TestParityDebian compares with syft on an image with packages of all sorts
// over five layers: upgraded, removed, found by symlinks, and without a package.
func TestParityDebian(t *testing.T) {
	base := debs(t, "base-files", "bash", "libc6", "zlib1g", "openssl", "libssl3", "gzip", "perl-base", "curl", "redis-tools")
	base[0].files = append(base[0].files, link("/bin", "usr/bin"), link("/sbin", "usr/sbin"), link("/lib", "usr/lib"), link("/lib64", "usr/lib64"))
	python := debs(t, "python3.11-minimal", "libpython3.11-minimal", "python3-requests", "python3-urllib3", "python3-yaml", "python3-idna")
	java := debs(t, "libcommons-lang3-java", "libjackson2-core-java", "libjsr305-java")
	node := debs(t, "node-semver", "node-lru-cache", "node-yallist")

	upgraded := slices.Clone(base)
	for i := range upgraded {
		if upgraded[i].name == "zlib1g" {
			upgraded[i].stanza = strings.Replace(upgraded[i].stanza, "\nVersion: ", "\nVersion: 9:", 1)
		}
	}
	upgraded = slices.DeleteFunc(upgraded, func(d deb) bool { return d.name == "perl-base" })
	bash := bodyOf(t, base, "/usr/bin/bash")
	im := scantest.Image{Layers: []scantest.Layer{
		dpkgLayer(nil, base),
		dpkgLayer(base, python),
		dpkgLayer(slices.Concat(base, python), java),
		dpkgLayer(slices.Concat(base, python, java), node,
			text("/app/package.json", `{"name":"app","version":"1.0.0","dependencies":{"left-pad":"1"}}`),
			text("/app/node_modules/left-pad/package.json", `{"name":"left-pad","version":"1.3.0","license":"WTFPL","author":"azer"}`),
			text("/app/node_modules/@acme/ui/package.json", `{"name":"@acme/ui","version":"2.0.0"}`),
			text("/app/node_modules/@acme/ui/LICENSE", "Apache License\nVersion 2.0, January 2004\n")),
		dpkgLayer(slices.Concat(upgraded, python, java, node), nil,
			scantest.File{Path: "/usr/local/bin/tool", Body: goProgram(t), Mode: 0o755},
			scantest.File{Path: "/opt/shell/bash", Body: bash, Mode: 0o755},
			link("/usr/local/bin/redis-server", "/usr/bin/redis-check-rdb"),
			link("/opt/java", "/usr/share/java"),
			text("/opt/jdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\nIMAGE_TYPE=\"JDK\"\n"),
			text("/opt/jdk/bin/javac", "#!/bin/sh\n"),
			text("/app/node_modules/.wh.left-pad", "")),
	}}
	c := checkParity(t, built(t, im), 30)

	if left := find(t, c, "pkg:npm/left-pad@1.3.0"); !hidden(left) {
		t.Errorf("left-pad was removed, and is visible: %+v", left.Occurrences)
	}
	if perl := findName(t, c, "perl-base"); !hidden(perl) {
		t.Errorf("perl-base was removed, and is visible: %+v", perl.Occurrences)
	}
	for i := range c.Components {
		if z := &c.Components[i]; z.Name == "zlib1g" && hidden(z) == strings.HasPrefix(z.Version, "9:") {
			t.Errorf("zlib1g %s: hidden is %v", z.Version, hidden(z))
		}
	}
	checkOwned(t, c)
	checkEvidence(t, c)
}

func checkOwned(t *testing.T, c *Catalog) {
	t.Helper()
	for _, p := range []string{"/usr/bin/bash", "/bin/bash"} {
		if ref, ok := c.Owned(p); !ok || !strings.HasPrefix(ref, "pkg:deb/debian/bash@") {
			t.Errorf("%s is owned by %q", p, ref)
		}
	}
	if ref, ok := c.Owned("/opt/shell/bash"); ok {
		t.Errorf("/opt/shell/bash is owned by %q", ref)
	}
	// The program without a package is one component, the package's own is none.
	bash := findPrefix(t, c, "pkg:generic/bash@")
	if len(bash.Occurrences) != 1 || bash.Occurrences[0].Path != "/opt/shell/bash" {
		t.Errorf("bash by its contents is at %+v", bash.Occurrences)
	}
	requests := findName(t, c, "python3-requests")
	if !slices.ContainsFunc(requests.DependsOn, func(r string) bool { return strings.HasPrefix(r, "pkg:deb/debian/python3-urllib3@") }) {
		t.Errorf("python3-requests depends on %v", requests.DependsOn)
	}
	if openssl := findName(t, c, "openssl"); !slices.ContainsFunc(openssl.DependsOn, func(r string) bool { return strings.HasPrefix(r, "pkg:deb/debian/libc6@") }) {
		t.Errorf("openssl depends on %v", openssl.DependsOn)
	}
}

func checkEvidence(t *testing.T, c *Catalog) {
	t.Helper()
	for _, want := range []struct {
		purl  string
		kind  sbom.Kind
		value string
	}{
		{"pkg:deb/debian/curl@", sbom.PackageName, "curl"},
		{"pkg:deb/debian/curl@", sbom.PackageVendor, "Alessandro Ghedini <ghedo@debian.org>"},
		{"pkg:deb/debian/curl@", sbom.HomepageHost, "curl.se"},
		{"pkg:npm/left-pad@", sbom.EntityName, "azer"},
		{"pkg:npm/%40acme/ui@", sbom.NPMPackage, "@acme/ui"},
		{"pkg:pypi/requests@", sbom.PythonPackage, "requests"},
		{"pkg:pypi/requests@", sbom.HomepageHost, "requests.readthedocs.io"},
		{"pkg:golang/example.com/acme/tool", sbom.GoModule, "example.com/acme/tool"},
		{"pkg:maven/com.fasterxml.jackson.core/jackson-core@", sbom.MavenGroup, "com.fasterxml.jackson.core"},
		{"pkg:maven/org.apache.commons/commons-lang3@", sbom.JavaTitle, "Apache Commons Lang"},
	} {
		comp := findPrefix(t, c, want.purl)
		if !slices.ContainsFunc(comp.Evidence, func(e sbom.Evidence) bool { return e.Kind == want.kind && e.Value == want.value }) {
			t.Errorf("%s has no evidence %s %q: %+v", want.purl, want.kind, want.value, comp.Evidence)
		}
	}
	if os := findName(t, c, "debian"); os.Type != sbom.OperatingSystem || os.Version == "" || len(os.Occurrences) != 1 {
		t.Errorf("the operating system is %+v", os)
	}
	if ui := findPrefix(t, c, "pkg:npm/%40acme/ui@"); ui.Group != "@acme" || ui.Name != "ui" {
		t.Errorf("@acme/ui is %q %q", ui.Group, ui.Name)
	}
	if l := findName(t, c, "libc6").Licenses; !slices.Contains(l, sbom.License{Name: "LGPL-2.1"}) {
		t.Errorf("libc6's licenses are %+v", l)
	}
	if l := findPrefix(t, c, "pkg:npm/left-pad@").Licenses; len(l) != 1 || l[0].ID != "WTFPL" || !l[0].Declared {
		t.Errorf("left-pad's licenses are %+v", l)
	}
}

// TestParityAlpine: apk's database, rewritten in a second layer, and folders
// that are symlinks.
func TestParityAlpine(t *testing.T) {
	musl := "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:1\nI:1\nT:libc\nU:https://musl.libc.org/\nL:MIT\no:musl\nm:Timo <t@example.org>\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld-musl-x86_64.so.1\n\n"
	box := "C:Q1abd=\nP:busybox\nV:1.36.1-r15\nA:x86_64\nS:1\nI:1\nT:tools\nU:https://busybox.net/\nL:GPL-2.0-only\no:busybox\nm:S <s@example.org>\nD:so:libc.musl-x86_64.so.1\nF:bin\nR:busybox\n\n"
	im := scantest.Image{Layers: []scantest.Layer{
		{Files: []scantest.File{
			text("/etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.18.6\n"),
			text("/data/apk/db/installed", musl), link("/lib/apk", "/data/apk"),
			text("/lib/ld-musl-x86_64.so.1", "x"),
		}},
		{Files: []scantest.File{text("/data/apk/db/installed", musl+box), text("/bin/busybox", "BusyBox v1.36.1 (2023)")}},
		{Files: []scantest.File{text("/data/apk/db/installed", box)}},
	}}
	img := built(t, im)
	c := checkParity(t, img, 1)
	if m := findName(t, c, "musl"); !hidden(m) || m.Supplier != "Timo <t@example.org>" {
		t.Errorf("musl is %+v", m)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	second, err := layers[1].DiffID()
	if err != nil {
		t.Fatal(err)
	}
	if b := findPrefix(t, c, "pkg:apk/alpine/busybox"); len(b.Occurrences) != 1 || b.Occurrences[0].Layer != second.String() || b.Occurrences[0].Hidden {
		t.Errorf("busybox came with layer %s: %+v", second, b.Occurrences)
	}
}

// TestParityRPM: rpm's SQLite database, which is read whole in each layer.
func TestParityRPM(t *testing.T) {
	root := t.TempDir()
	first := installRPM(t, root, "acme-agent", "1.0")
	second := installRPM(t, root, "acme-tools", "2.0")
	im := scantest.Image{Layers: []scantest.Layer{
		{Files: []scantest.File{text("/etc/os-release", "ID=fedora\nVERSION_ID=40\n"), {Path: "/var/lib/rpm/rpmdb.sqlite", Body: first}, text("/opt/acme-agent/run", "x")}},
		{Files: []scantest.File{{Path: "/var/lib/rpm/rpmdb.sqlite", Body: second}, text("/opt/acme-tools/run", "x")}},
	}}
	c := checkParity(t, built(t, im), 2)
	agent := findName(t, c, "acme-agent")
	if hidden(agent) || len(agent.Occurrences) != 1 || agent.Supplier != "Acme Corp" {
		t.Errorf("acme-agent is %+v", agent)
	}
	if ref, ok := c.Owned("/opt/acme-tools/run"); !ok || !strings.HasPrefix(ref, "pkg:rpm/fedora/acme-tools@") {
		t.Errorf("/opt/acme-tools/run is owned by %q", ref)
	}
}

// installRPM builds a package, installs it under root, and returns the database.
func installRPM(t *testing.T, root, name, version string) []byte {
	t.Helper()
	dir := t.TempDir()
	spec := "Name: " + name + "\nVersion: " + version + "\nRelease: 1\nSummary: x\nLicense: MIT\nVendor: Acme Corp\nBuildArch: noarch\n%description\nx\n" +
		"%install\nmkdir -p %{buildroot}/opt/" + name + "\necho x > %{buildroot}/opt/" + name + "/run\n%files\n/opt/" + name + "/run\n"
	write(t, filepath.Join(dir, "a.spec"), spec)
	run(t, "rpmbuild", "-bb", "--define", "_topdir "+dir, filepath.Join(dir, "a.spec"))
	run(t, "rpm", "--root", root, "--define", "_db_backend sqlite", "--dbpath", "/var/lib/rpm", "-i", "--nodeps", "--noscripts", "--ignorearch",
		filepath.Join(dir, "RPMS", "noarch", name+"-"+version+"-1.noarch.rpm"))
	b, err := os.ReadFile(filepath.Join(root, "var/lib/rpm/rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	need.Tool(t, name)
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out.Bytes())
	}
}

func bodyOf(t *testing.T, debs []deb, p string) []byte {
	t.Helper()
	for _, d := range debs {
		for _, f := range d.files {
			if f.Path == p {
				return f.Body
			}
		}
	}
	t.Fatalf("no package has %s", p)
	return nil
}

func findName(t *testing.T, c *Catalog, name string) *sbom.Component {
	t.Helper()
	return findFunc(t, c, name, func(x *sbom.Component) bool { return x.Name == name && x.FoundBy != "binary-classifier-cataloger" })
}

func find(t *testing.T, c *Catalog, purl string) *sbom.Component {
	t.Helper()
	return findFunc(t, c, purl, func(x *sbom.Component) bool { return x.PURL == purl })
}

func findPrefix(t *testing.T, c *Catalog, purl string) *sbom.Component {
	t.Helper()
	return findFunc(t, c, purl, func(x *sbom.Component) bool { return strings.HasPrefix(x.PURL, purl) })
}

func findFunc(t *testing.T, c *Catalog, what string, ok func(*sbom.Component) bool) *sbom.Component {
	t.Helper()
	for i := range c.Components {
		if ok(&c.Components[i]) {
			return &c.Components[i]
		}
	}
	t.Errorf("no component %s", what)
	return &sbom.Component{}
}
