package dashboard_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/scanner/audit/store"
)

// now is the day of all tests; the runs are of the weeks before it.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// hostile is a repository as a hostile registry may list it.
const hostile = `registry.example/evil/"><img src=x onerror=alert(1)><script>alert(2)</script>`

// fleet is a real store with a small fleet in it, judged by the built-in list.
type fleet struct {
	*store.Store
	t    *testing.T
	list *denylist.List
	law  store.Ruleset
	todo []string // digests that the last run has no result for
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	ctx := t.Context()
	s, err := store.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f := &fleet{Store: s, t: t, list: builtin.List()}
	var text bytes.Buffer
	if err := f.list.Encode(&text); err != nil {
		t.Fatal(err)
	}
	policy := denylist.Policy{AsOf: denylist.DateOf(now)}
	regimes, _ := f.list.Select(policy)
	f.law = store.Ruleset{List: f.list.ID(), AsOf: policy.AsOf, Text: text.Bytes(), Policy: policy}
	for _, r := range regimes {
		f.law.Regimes = append(f.law.Regimes, r.ID)
	}
	return f
}

// must fails the test at the first error.
func (f *fleet) must(errs ...error) {
	f.t.Helper()
	for _, err := range errs {
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// seen is an image and what looking at it will find.
type seen struct {
	store.Observation
	content func(*sbom.Inventory) // nil: it fails
}

func at(repository, name, tags, team string, content func(*sbom.Inventory)) seen {
	return seen{store.Observation{Repository: repository, Digest: digest(name), Platform: "linux/amd64", Tags: strings.Fields(tags), Team: team}, content}
}

// begin plans a run.
func (f *fleet) begin(day int, images []seen, problems ...store.Problem) store.Run {
	f.t.Helper()
	ctx := f.t.Context()
	scope := "registry.example"
	if strings.HasPrefix(images[0].Repository, scope+"/nightly/") {
		scope += "/nightly/*"
	}
	run, err := f.BeginRun(ctx, store.Run{
		Kind: store.Auditing, State: store.Planning, Scope: []string{scope}, Started: now.AddDate(0, 0, day), Ruleset: f.law,
		Method: "All repositories and tags of registry.example were listed by its catalogue.",
	})
	f.must(err)
	var observations []store.Observation
	repositories := map[string]bool{"registry.example/old/legacy": true}
	for _, i := range images {
		observations = append(observations, i.Observation)
		repositories[i.Repository] = true
	}
	f.todo, err = f.RecordImages(ctx, run.ID, "key", observations)
	f.must(err)
	var names []string
	for r := range repositories {
		names = append(names, r)
	}
	f.must(f.MarkMissing(ctx, run.ID, names), f.SetRun(ctx, run.ID, store.Working, problems, ""))
	return run
}

// look saves the result of an image.
func (f *fleet) look(run store.Run, i seen) {
	f.t.Helper()
	ctx := f.t.Context()
	if i.content == nil {
		f.must(f.SaveFailure(ctx, run.ID, i.Digest, "reading layer 3 of 5: the registry answered 500 Internal Server Error four times", 5, true))
		return
	}
	inv := &sbom.Inventory{
		Subject: sbom.Subject{Kind: sbom.Image, Name: i.Repository, Digest: i.Digest, ImageID: digest("config of " + i.Digest), Platform: i.Platform},
		Tool:    sbom.Tool{Name: "interdict", Version: "1.0.0", Detectors: []string{"elf@1", "pe@2"}, Watched: f.list.Watch().Fingerprints},
		Created: now,
		Layers: []sbom.Layer{
			{DiffID: diffID(1), Digest: digest("blob 1"), Size: 31_400_000, CreatedBy: "ADD rootfs.tar / # buildkit"},
			{DiffID: diffID(2), Digest: digest("blob 2"), Size: 88_000_000, CreatedBy: "RUN dpkg -i kesl.deb"},
			{DiffID: diffID(3), Digest: digest("blob 3"), Size: 1_024, CreatedBy: "RUN rm -rf /opt/kaspersky"},
		},
		Coverage: sbom.Coverage{FilesSeen: 54_483, FilesExamined: 1_204, BytesSeen: 1_912_345_678},
	}
	i.content(inv)
	inv.Normalize()
	verdict := f.list.Judge(inv, f.law.Policy)
	var bom, rep bytes.Buffer
	f.must(cyclonedx.Encode(&bom, inv, cyclonedx.Options{}), report.Write(&rep, report.JSON, f.report(i, inv, verdict), report.Options{}))
	layers := []store.Layer{{DiffID: diffID(1), Size: 31_400_000}, {DiffID: digest("layer of " + i.Digest), Size: 40_000_000, Read: true}}
	f.must(f.SaveResult(ctx, store.Result{
		Run: run.ID, Digest: i.Digest, ImageID: inv.Subject.ImageID, Key: "key", Platform: i.Platform, Created: now.AddDate(0, -1, 0),
		Labels: map[string]string{"org.opencontainers.image.source": "https://git.example/shop"},
		Layers: layers, BOM: bom.Bytes(), Report: rep.Bytes(), Verdict: verdict, At: run.Started.Add(time.Minute),
	}))
}

func (f *fleet) report(i seen, inv *sbom.Inventory, v denylist.Verdict) *report.Report {
	r := &report.Report{
		Tool: inv.Tool, List: f.law.List, AsOf: f.law.AsOf, Created: now,
		Targets: []report.Target{{Target: i.Repository, Digest: i.Digest, Platform: i.Platform, Inventory: inv, Verdict: v}},
	}
	regimes, _ := f.list.Select(f.law.Policy)
	for _, g := range regimes {
		r.Regimes = append(r.Regimes, *g)
	}
	return r
}

// end looks at all images that have no result yet and ends the run.
func (f *fleet) end(run store.Run, images []seen) {
	f.t.Helper()
	for _, i := range images {
		if slices.Contains(f.todo, i.Digest) {
			f.look(run, i)
		}
	}
	done, err := f.FinishIfDone(f.t.Context(), run.ID)
	f.must(err)
	if !done {
		f.t.Fatalf("run %d does not end", run.ID)
	}
}

func diffID(n int) string { return digest(fmt.Sprint("diffID ", n)) }

func clean(*sbom.Inventory) {}

func evidence(kind sbom.Kind, value, path, layer, where string) sbom.Evidence {
	return sbom.Evidence{Kind: kind, Value: value, Path: path, Layer: layer, Where: where, Detector: "pe@2"}
}

// kesl is Kaspersky Endpoint Security, removed again by a later layer.
func kesl(inv *sbom.Inventory) {
	const path = "/opt/kaspersky/kesl/bin/kesl"
	inv.Components = append(inv.Components, sbom.Component{
		Type: sbom.Application, Name: "kesl", Version: "11.2.0", PURL: "pkg:deb/kesl@11.2.0",
		Occurrences: []sbom.Occurrence{{Path: path, Layer: diffID(2), Hidden: true, Digest: digest("kesl")}},
		Evidence: []sbom.Evidence{
			evidence(sbom.Path, path, path, diffID(2), ""),
			evidence(sbom.SignerO, "AO Kaspersky Lab", path, diffID(2), "certificate 1"),
			evidence(sbom.PECompanyName, "AO Kaspersky Lab", path, diffID(2), "VersionInfo 040904B0"),
		},
	})
}

// cameras is the network SDK of Hikvision, and a package of the vendor's name.
func cameras(inv *sbom.Inventory) {
	const path = "/srv/sdk/HCNetSDK.dll"
	inv.Components = append(inv.Components, sbom.Component{
		Type: sbom.Library, Name: "HCNetSDK.dll", Version: "5.2.3.3", Occurrences: []sbom.Occurrence{{Path: path, Layer: diffID(1)}},
		Evidence: []sbom.Evidence{evidence(sbom.PEExport, "NET_DVR_Init", path, diffID(1), "export directory"), evidence(sbom.Filename, "HCNetSDK.dll", path, diffID(1), "pe")},
	})
}

// hexaUI is an open-source package by Kaspersky: banned by some regimes only.
func hexaUI(inv *sbom.Inventory) {
	const path = "/app/node_modules/@kaspersky/hexa-ui/package.json"
	inv.Components = append(inv.Components, sbom.Component{
		Type: sbom.Library, Name: "@kaspersky/hexa-ui", Version: "1.0.0", PURL: "pkg:npm/%40kaspersky/hexa-ui@1.0.0", Occurrences: []sbom.Occurrence{{Path: path, Layer: diffID(3)}},
		Evidence: []sbom.Evidence{evidence(sbom.NPMPackage, "@kaspersky/hexa-ui", path, diffID(3), "name")},
	})
}

// locked is an archive that nobody could open.
func locked(inv *sbom.Inventory) {
	inv.Coverage.Gaps = append(inv.Coverage.Gaps,
		sbom.Gap{Path: "/opt/secret.zip", Layer: diffID(2), Reason: sbom.Encrypted, Detail: "3 members need a password", Detector: "zip@1"},
		sbom.Gap{Path: "/usr/share/doc/odd.exe", Layer: diffID(1), Reason: sbom.Malformed, Detail: "no PE header", Detector: "pe@2"})
}

// script is kesl with names that try to be markup.
func script(inv *sbom.Inventory) {
	kesl(inv)
	c := &inv.Components[0]
	c.Name, c.Version = `<script>alert(3)</script>`, "1\u202e\x1b[31m"
	c.Occurrences[0].Path = `/srv/<img src=x onerror=alert(4)>`
	inv.Coverage.Gaps = append(inv.Coverage.Gaps, sbom.Gap{Path: `/x" onmouseover="alert(5)`, Reason: sbom.Limit, Detail: `</code><script>alert(6)</script>`})
}

// images are the fleet of a week: the first is without what came later.
func images(week int) []seen {
	out := []seen{
		at("registry.example/shop/api", "api", "1.4.0 1.4 latest", "shop", clean),
		at("registry.example/shop/cameras", "cameras", "2.0", "shop", cameras),
		at("registry.example/data/etl", "etl", "nightly", "data", locked),
		at("registry.example/data/broken", "broken", "1", "data", nil),
		at("registry.example/web/portal", "portal", "7", "web", hexaUI),
	}
	for n := range 40 {
		name := fmt.Sprintf("svc-%02d", n)
		out = append(out, at("registry.example/base/"+name, name, "1.0", []string{"base", "shop", "web", ""}[n%4], clean))
	}
	if week == 1 {
		return append(out, at("registry.example/old/legacy", "legacy", "3", "", kesl))
	}
	return append(out,
		at("registry.example/shop/web", "web", "1.0 stable", "shop", kesl),
		at("registry.example/mirror/web", "web", "1.0", "", kesl),
		at(hostile, "hostile", "<b>bold</b>", "<script>alert(7)</script>", script))
}

// standard is a fleet after two runs: what was new in the second, what is gone,
// what failed and what could not be listed.
func standard(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t)
	f.end(f.begin(-14, images(1)), images(1))
	f.end(f.begin(-7, images(1)), images(1))
	f.end(f.begin(-1, images(2), store.Problem{What: "registry.example/private", Reason: "401 Unauthorized: the credentials may not list it"}), images(2))
	return f
}

// queue keeps what is queued.
type queue struct{ refs []string }

func (q *queue) Enqueue(_ context.Context, refs ...string) ([]string, error) {
	q.refs = append(q.refs, refs...)
	return nil, nil
}
