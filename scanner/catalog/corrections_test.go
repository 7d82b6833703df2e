package catalog

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner/scantest"
)

// TestCorrections: no placeholder is a version, no classifier or platform is
// part of one, no launcher is a group, and a name is not taken for a package.
func TestCorrections(t *testing.T) {
	mf := func(lines string) scantest.File {
		return text("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n"+lines+"\r\n")
	}
	props := func(group, artifact, version string) scantest.File {
		return text("META-INF/maven/"+group+"/"+artifact+"/pom.properties", "groupId="+group+"\nartifactId="+artifact+"\nversion="+version+"\n")
	}
	class := text("A.class", "\xca\xfe\xba\xbe")
	for _, tt := range []struct {
		name string
		path string
		body []byte
		want []string // group, name, version, purl and how many hashes of SHA-256
	}{
		{"no manifest", "/opt/artemis-commons-2.31.0.jar", zipped(t, class), []string{"|artemis-commons|2.31.0||1"}},
		{"no manifest, a classifier", "/opt/a-b-1.0-SNAPSHOT-sources.jar", zipped(t, class), []string{"|a-b|1.0-SNAPSHOT||1"}},
		{"no manifest, no version", "/opt/classes.jar", zipped(t, class), nil},
		{"placeholder", "/opt/unres.jar", zipped(t, mf("Implementation-Title: unres\r\nImplementation-Version: ${project.version}\r\n")),
			[]string{"|unres||pkg:maven/unres/unres|1"}},
		{"classifier", "/opt/multi-release-1.0-SNAPSHOT-jar-with-dependencies.jar", zipped(t, mf("")),
			[]string{"|multi-release|1.0-SNAPSHOT|pkg:maven/multi-release/multi-release@1.0-SNAPSHOT|1"}},
		{"a version with a qualifier", "/opt/guava-32.1.3-jre.jar", zipped(t, mf("")),
			[]string{"|guava|32.1.3-jre|pkg:maven/guava/guava@32.1.3-jre|1"}},
		{"launcher", "/opt/boot.jar", zipped(t, mf("Main-Class: org.springframework.boot.loader.JarLauncher\r\nImplementation-Title: shop\r\nImplementation-Version: 3.2.1\r\n"),
			props("com.acme", "shop", "3.2.1")), []string{"com.acme|shop|3.2.1|pkg:maven/com.acme/shop@3.2.1|1"}},
		{"shaded", "/opt/shaded-all.jar", zipped(t, mf(""), props("com.acme", "one", "1.0"), props("com.acme", "two", "2.0")), []string{
			"com.acme|one|1.0|pkg:maven/com.acme/one@1.0|0", "com.acme|two|2.0|pkg:maven/com.acme/two@2.0|0", "|shaded-all||pkg:maven/shaded-all/shaded-all|1",
		}},
		{"conda", "/opt/conda/conda-meta/condap-1.0-0.json",
			[]byte(`{"name":"condap","version":"1.0","build":"0","channel":"https://conda.anaconda.org/conda-forge/linux-64","subdir":"linux-64","license":"MIT","files":[],"depends":[]}`),
			[]string{"|condap|1.0|pkg:conda/condap@1.0?build=0&channel=conda-forge&subdir=linux-64|0"}},
		{"gem", "/app/Gemfile.lock", []byte("GEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.16.0-x86_64-linux)\n    racc (1.7.3)\n"),
			[]string{"|nokogiri|1.16.0|pkg:gem/nokogiri@1.16.0?platform=x86_64-linux|0", "|racc|1.7.3|pkg:gem/racc@1.7.3|0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{{Path: tt.path, Body: tt.body}}}}}), Options{})
			var got []string
			for _, x := range c.Components {
				n := "0"
				for _, h := range x.Hashes {
					if h.Algorithm == "SHA-256" {
						n = "1"
					}
				}
				got = append(got, x.Group+"|"+x.Name+"|"+x.Version+"|"+x.PURL+"|"+n)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, g := range c.Gaps {
				t.Errorf("a gap: %+v", g)
			}
		})
	}
}
