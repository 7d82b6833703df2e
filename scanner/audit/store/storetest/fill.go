package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/store"
)

// Fleet is a made-up registry that was audited. The zero value of a field
// means the number that its comment gives.
type Fleet struct {
	Repositories int    // 100
	Images       int    // in all; 50 a repository
	Findings     int    // of an image that has any; 15
	Host         string // "registry.example"
}

// Numbers of what is made up.
const (
	fleetVendors = 12
	fleetRegimes = 8
	fleetTeams   = 20
	fleetBases   = 5
)

func (f Fleet) defaults() Fleet {
	if f.Repositories == 0 {
		f.Repositories = 100
	}
	if f.Images == 0 {
		f.Images = 50 * f.Repositories
	}
	if f.Findings == 0 {
		f.Findings = 15
	}
	if f.Host == "" {
		f.Host = "registry.example"
	}
	return f
}

// Fill runs a made-up audit: it sees the fleet's images and saves a result for
// each. Two of five repositories have findings, in every second image, which is
// a fifth of the images. The same fleet gives the same digests and findings.
func Fill(ctx context.Context, s *store.Store, f Fleet) (store.Run, error) {
	f = f.defaults()
	ruleset := store.Ruleset{List: denylist.ListID{Name: "made up", Version: "1", Digest: sum("list")}, Text: []byte(f.list())}
	run, err := s.BeginRun(ctx, store.Run{Kind: store.Auditing, Scope: []string{f.Host}, Method: "made up for a test", Ruleset: ruleset})
	if err != nil {
		return run, err
	}
	if err := See(ctx, s, run.ID, f); err != nil {
		return run, err
	}
	if err := s.SetRun(ctx, run.ID, store.Working, nil, ""); err != nil {
		return run, err
	}
	var g errgroup.Group
	g.SetLimit(4)
	for n := range f.Images {
		g.Go(func() error { return s.SaveResult(ctx, f.Result(run.ID, n)) })
	}
	if err := g.Wait(); err != nil {
		return run, err
	}
	if _, err := s.FinishIfDone(ctx, run.ID); err != nil {
		return run, err
	}
	return s.Run(ctx, run.ID)
}

// See lists all images of a fleet in a run.
func See(ctx context.Context, s *store.Store, run int64, f Fleet) error {
	f = f.defaults()
	var seen []store.Observation
	for n := range f.Images {
		seen = append(seen, f.Observation(n))
		if len(seen) < 5000 && n < f.Images-1 {
			continue
		}
		if _, err := s.RecordImages(ctx, run, "key", seen); err != nil {
			return err
		}
		seen = nil
	}
	return nil
}

func sum(of ...any) string {
	h := sha256.Sum256([]byte(fmt.Sprintln(of...)))
	return "sha256:" + hex.EncodeToString(h[:])
}

// Digest is that of the nth image.
func (f Fleet) Digest(n int) string { return sum("image", f.Host, n) }

// Observation is what a listing says of the nth image.
func (f Fleet) Observation(n int) store.Observation {
	f = f.defaults()
	repository := n % f.Repositories
	return store.Observation{
		Repository: fmt.Sprintf("%s/team%02d/app%04d", f.Host, repository%fleetTeams, repository), Digest: f.Digest(n),
		Platform: []string{"linux/amd64", "linux/arm64"}[n/f.Repositories%2],
		Tags:     []string{fmt.Sprintf("v1.%d", n/f.Repositories), fmt.Sprintf("build-%d", n)}, Team: fmt.Sprintf("team%02d", repository%fleetTeams),
	}
}

// Result is what looking at the nth image gives.
func (f Fleet) Result(run int64, n int) store.Result {
	f = f.defaults()
	repository := n % f.Repositories
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	r := store.Result{
		Run: run, Digest: f.Digest(n), ImageID: sum("config", n), Key: "key", Platform: "linux/amd64", Created: at.AddDate(-1, 0, 0),
		Labels: map[string]string{"org.opencontainers.image.version": fmt.Sprint(n)}, At: at,
		BOM:    fmt.Appendf(nil, `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"name":%q}}}`, r0(n)),
		Report: fmt.Appendf(nil, `{"subject":%q}`, r0(n)),
		Verdict: denylist.Verdict{Outcome: denylist.Pass, List: denylist.ListID{Name: "made up", Version: "1", Digest: sum("list")},
			AsOf: denylist.DateOf(at)},
	}
	for l := range 8 {
		layer := store.Layer{DiffID: sum("base", repository%fleetBases, l), Size: 1 << 20}
		if l >= 5 {
			layer = store.Layer{DiffID: sum("own", n, l), Size: 1 << 20, Read: true}
		}
		r.Layers = append(r.Layers, layer)
	}
	switch {
	case repository%5 < 2 && n/f.Repositories%2 == 0:
		for k := range f.Findings {
			r.Verdict.Findings = append(r.Verdict.Findings, f.finding(repository, k))
		}
		r.Verdict.Outcome = denylist.Deny
	case n%10 == 3:
		r.Verdict.Outcome = denylist.Incomplete
	}
	return r
}

func r0(n int) string { return fmt.Sprint("image ", n) }

// finding makes the kth of a repository's images. The first is denied.
func (f Fleet) finding(repository, k int) denylist.Finding {
	v := (repository/5 + k/3) % fleetVendors
	levels := []denylist.Level{denylist.Denied, denylist.Review, denylist.Mention}
	level := levels[k%3]
	out := denylist.Finding{
		ID: sum("finding", repository, k)[7:23], Vendor: fmt.Sprintf("vendor%02d", v), VendorName: fmt.Sprintf("Vendor %d", v), Level: level, Identity: denylist.Denied,
		Component:   denylist.ComponentRef{Ref: fmt.Sprint("c", k), Type: "file", Name: fmt.Sprintf("component-%d-%d", v, k), Version: "1.2.3"},
		Occurrences: []sbom.Occurrence{{Path: fmt.Sprintf("/opt/vendor%02d/bin/component-%d", v, k)}},
	}
	for r := range 1 + (v+k)%4 {
		out.Rulings = append(out.Rulings, denylist.Ruling{Regime: fmt.Sprintf("regime%d", (v+r)%fleetRegimes), Verdict: denylist.RulingVerdict(level)})
	}
	return out
}

// list is a denylist that names the vendors and regimes.
func (f Fleet) list() string {
	var b strings.Builder
	b.WriteString("denylist: 1\nregimes:\n")
	for n := range fleetRegimes {
		fmt.Fprintf(&b, "- id: regime%d\n  name: Act %d\n  effects: [use-ban]\n", n, n)
	}
	b.WriteString("vendors:\n")
	for n := range fleetVendors {
		fmt.Fprintf(&b, "- id: vendor%02d\n  name: Vendor %d\n", n, n)
	}
	return b.String()
}
