package denylist_test

import (
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// TestImageConfig: what the image's own configuration says.
func TestImageConfig(t *testing.T) {
	tests := []struct {
		kind  sbom.Kind
		value string
		want  denylist.Level
	}{
		{sbom.ImageEnv, "KRAS4D_FORCE=1", denylist.Denied},
		{sbom.ImageEnv, "KL_PLUGINS_PATH=/opt/x", denylist.Review},
		{sbom.ImageEnv, "NOTE=not KRAS4D_", ""},
		{sbom.ImageHistory, "ADD kesl-12.0.0-6672.x86_64.rpm / # buildkit", denylist.Denied},
		{sbom.ImageHistory, "RUN /bin/sh -c apt-get update && apt-get install -y curl kesl && rm -rf /var/lib/apt/lists/*", denylist.Denied},
		{sbom.ImageHistory, "RUN rpm -i /tmp/klnagent64", denylist.Denied},
		{sbom.ImageHistory, "RUN curl -O https://products.s.kaspersky-labs.com/x/kesl.tgz && rm kesl.tgz", denylist.Review},
		{sbom.ImageHistory, "RUN apt-get install -y apt-kesl-doc", ""},
		{sbom.ImageHistory, "COPY kestrel-1.0.deb /", ""},
		{sbom.ImageRef, "registry.example/mirror/kaspersky/scanengine_httpd:2.1", denylist.Denied},
		{sbom.ImageRef, "example.org/team/kcs-scanner-v2@sha256:00", denylist.Review},
		{sbom.ImageRef, "kaspersky", ""},
		{sbom.ImageLabel, "org.opencontainers.image.vendor=AO Kaspersky Lab", denylist.Review},
		{sbom.ImageLabel, "description=scans like AO Kaspersky Lab", ""},
	}
	for _, tt := range tests {
		inv := inventory()
		inv.Subject.Kind = sbom.Image
		inv.Subject.Evidence = []sbom.Evidence{{Kind: tt.kind, Value: tt.value, Where: "config"}}
		v := judge(t, inv, denylist.Policy{})
		if got := strictest(v, "kaspersky", identity); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.kind, tt.value, got, tt.want)
		}
		for _, f := range v.Findings {
			if f.Component.Type != "container" || f.Component.Name != "test" {
				t.Errorf("component %+v", f.Component)
			}
		}
	}
}

// TestInstallation: traces all over the file system are one finding, and
// together say more than each.
func TestInstallation(t *testing.T) {
	traces := []sbom.Component{
		file("/var/opt/kaspersky/a", ev{sbom.Path, "/var/opt/kaspersky/a", "data", 0}),
		file("/var/opt/kaspersky/b", ev{sbom.Path, "/var/opt/kaspersky/b", "data", 0}),
		file("/lib/systemd/system/kesl.service", ev{sbom.SystemdUnit, "kesl", "", 0}),
	}
	traces[1].Occurrences[0].Hidden = true
	if v := judge(t, inventory(traces[:2]...), denylist.Policy{}); len(v.Findings) != 1 || v.Findings[0].Identity != denylist.Review || v.Findings[0].Component.Name != "/var/opt/kaspersky" {
		t.Errorf("the folder alone: %+v", v.Findings)
	}
	v := judge(t, inventory(traces...), denylist.Policy{Mentions: true})
	if len(v.Findings) != 1 || v.Findings[0].Level != denylist.Denied || len(v.Findings[0].Occurrences) != 3 || v.Findings[0].Hidden() {
		t.Errorf("folder and unit: %+v", v.Findings)
	}
	windows := []sbom.Component{
		file("/Files/Windows/System32/config/SOFTWARE", ev{sbom.RegistryKey, `HKLM\SOFTWARE\WOW6432Node\KasperskyLab\AVP21.3`, "", 0}),
		file("/Files/ProgramData/Kaspersky Lab/AVP21.3/x.dat", ev{sbom.Path, "/Files/ProgramData/Kaspersky Lab/AVP21.3/x.dat", "data", 0}),
	}
	if v := judge(t, inventory(windows...), denylist.Policy{}); len(v.Findings) != 1 || v.Findings[0].Level != denylist.Denied {
		t.Errorf("registry and folder: %+v", v.Findings)
	}
	cron := file("/etc/cron.d/x", ev{sbom.CronCommand, "/opt/kaspersky/kesl/bin/kesl-control", "", 0})
	if v := judge(t, inventory(cron), denylist.Policy{Mentions: true}); len(v.Findings) != 1 || v.Findings[0].Identity != denylist.Mention {
		t.Errorf("a command that names the path: %+v", v.Findings)
	}
}

// TestIDIsStable: the ID does not change with layers, references or neighbours.
func TestIDIsStable(t *testing.T) {
	a := file("/x/klif.sys", named("pe", "klif.sys"))
	b := file("/x/klif.sys", named("pe", "klif.sys"))
	b.Occurrences[0].Layer, b.Evidence[0].Layer, b.Ref = "sha256:2", "sha256:2", "other"
	va, vb := judge(t, inventory(a), denylist.Policy{}), judge(t, inventory(b, pkg("pkg:deb/kesl@1", nil)), denylist.Policy{})
	ids := map[string]bool{}
	for _, f := range vb.Findings {
		ids[f.ID] = true
	}
	if !ids[va.Findings[0].ID] || len(ids) != 2 {
		t.Errorf("%s is not in %v", va.Findings[0].ID, ids)
	}
}
