package catalog

import (
	"testing"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/catalog/manifest"
	"github.com/interdict/interdict/scanner/scantest"
)

// TestFormats: the list is what a scan does. Whatever the second reader knows is
// in it as read or recognized; what is recognized and not read is named in the
// coverage, without making a verdict incomplete.
func TestFormats(t *testing.T) {
	listed := map[string]ListedFormat{}
	for _, f := range Formats() {
		if _, twice := listed[f.Name]; twice {
			t.Errorf("%s is listed twice", f.Name)
		}
		listed[f.Name] = f
	}
	for _, f := range manifest.Formats() {
		if l := listed[f.Name]; (l.Reading == Read) != f.Reads() || l.Declares != (f.Role == manifest.Declared) {
			t.Errorf("%s is listed as %+v", f.Name, l)
		}
	}
	for name, r := range requestsOf(both) {
		if l, ok := listed[name]; !ok || len(l.Patterns) != len(r.Globs) {
			t.Errorf("%s is listed as %+v", name, l)
		}
	}
	if l := listed["bun.lockb"]; l.Reading != Recognized {
		t.Errorf("bun.lockb is listed as %+v", l)
	}
	c := components(t, built(t, scantest.Image{Layers: []scantest.Layer{{Files: []scantest.File{text("/app/bun.lockb", "#!/usr/bin/env bun\nbun-lockfile-format-v0\n")}}}}), Options{})
	if len(c.Gaps) != 1 || c.Gaps[0].Path != "/app/bun.lockb" || c.Gaps[0].Reason != sbom.Malformed {
		t.Errorf("gaps: %+v", c.Gaps)
	}
}
