package dashboard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/dashboard"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/testdata/need"
)

// browserPackages are what the test drives Chromium with, and what it checks
// accessibility by.
var browserPackages = []string{"playwright-core@1.65.1", "axe-core@4.14.1"}

// TestBrowser reads the dashboard in real Chromium (packages chromium, nodejs
// and npm): accessibility of every page in light, dark and narrow, the filter
// by keyboard, reading without script, hostile names, a run's progress. With
// INTERDICT_SCREENSHOTS=DIR it leaves pictures to look at.
func TestBrowser(t *testing.T) {
	need.Network(t, "npm", "node", "chromium")
	f := standard(t)
	show := dashboard.New(dashboard.Options{Store: f.Store, Version: "1.0.0", Now: func() time.Time { return now }})
	asked := make(chan struct{}, 100) // how the page follows the run
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if show.ServeHTTP(w, r); r.URL.Path == "/api/v1/runs/4" {
			asked <- struct{}{}
		}
	}))
	t.Cleanup(server.Close)
	locked := httptest.NewServer(dashboard.New(dashboard.Options{Store: f.Store, ReadToken: "read-token"}))
	t.Cleanup(locked.Close)

	const web = "registry.example/shop/web"
	found := f.findingIDs(store.Filter{Repository: web, Level: denylist.Denied})
	evil := f.findingIDs(store.Filter{Digest: digest("hostile"), Level: denylist.Denied})
	image := "/images/" + web + "@" + digest("web")
	plan := map[string]any{
		"url": server.URL, "tokenURL": locked.URL, "token": "read-token", "pictures": os.Getenv("INTERDICT_SCREENSHOTS"),
		"paths": []string{
			"/", "/images", "/images?verdict=incomplete", "/findings", "/vendors", "/regimes", "/repositories", "/teams", "/runs", "/runs/3", "/method",
			image, image + "/findings/" + found[0], "/images/registry.example/data/etl@" + digest("etl"), "/images/registry.example/data/broken@" + digest("broken"), "/no/such/page",
		},
		"hostile": (&url.URL{Path: "/images/" + hostile + "@" + digest("hostile")}).EscapedPath(), "finding": "/findings/" + url.PathEscape(evil[0]),
		"live": "/runs/4",
	}
	var working sync.WaitGroup
	working.Go(func() { f.slowRun(asked) })
	defer working.Wait()
	defer close(asked)
	for _, said := range browse(t, plan) {
		t.Error(said)
	}
}

// findingIDs are the IDs of the findings that a filter selects; there must be one.
func (f *fleet) findingIDs(filter store.Filter) (ids []string) {
	f.t.Helper()
	page, _, err := f.Findings(f.t.Context(), filter)
	f.must(err)
	for _, one := range page {
		ids = append(ids, one.ID)
	}
	if len(ids) == 0 {
		f.t.Fatalf("no finding is of %+v", filter)
	}
	return ids
}

// slowRun is a run that gets on by a few images each time that it is asked for.
func (f *fleet) slowRun(asked <-chan struct{}) {
	content := []func(*sbom.Inventory){clean, locked, kesl}
	var all []seen
	for n := range 30 {
		name := fmt.Sprintf("job-%02d", n)
		all = append(all, at("registry.example/nightly/"+name, name, "1", "data", content[n%3]))
	}
	run := f.begin(0, all)
	for range asked {
		for _, i := range all[:min(5, len(all))] {
			f.look(run, i)
		}
		if all = all[min(5, len(all)):]; len(all) == 0 {
			break
		}
	}
	if _, err := f.FinishIfDone(f.t.Context(), run.ID); err != nil {
		f.t.Error(err)
	}
}

func browse(t *testing.T, plan any) (said []string) {
	t.Helper()
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir}, browserPackages...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install %v: %v\n%s", browserPackages, err, out)
	}
	args, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/browser.mjs", dir+"/node_modules", string(args))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("driving Chromium (packages nodejs, chromium): %v\n%s", err, stderr.Bytes())
	}
	for line := range strings.Lines(string(out)) {
		said = append(said, strings.TrimSpace(line))
	}
	return said
}
