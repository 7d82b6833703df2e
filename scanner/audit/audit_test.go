package audit_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/audit/store/storetest"
	client "github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/scantest"
)

// acme is a list with one vendor, whose agent is in a folder of its own.
const acme = `denylist: 1
name: test
version: "1"
regimes:
- id: ban
  name: The ban
  effects: [use-ban]
  effective: 2024-10-01
  verified: true
  covers: {product: covered}
  vendors:
  - {id: acme, verified: true}
vendors:
- id: acme
  name: Acme
  rules:
  - id: acme-folder
    kind: path
    match: prefix
    values: [/opt/acme/]
    identifies: product
    strength: decisive
    verified: true
    sources: [https://example.com/acme]
`

func law(t *testing.T, text, day string) store.Ruleset {
	t.Helper()
	list, err := denylist.Parse(strings.NewReader(text), "acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asOf, err := denylist.ParseDate(day)
	if err != nil {
		t.Fatal(err)
	}
	l, err := audit.NewRuleset(list, denylist.Policy{AsOf: asOf}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fleet is a registry that counts what is asked of it.
type fleet struct {
	host string

	mu     sync.Mutex
	asked  map[string]int // by kind: manifest, config, layer, list
	blobs  map[string]int // GETs of layers, by digest
	config map[string]bool
	choose func(r *http.Request, n int) scantest.Fault

	breakManifests atomic.Bool // the server answers 500 to requests of team/bad
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{asked: map[string]int{}, blobs: map[string]int{}, config: map[string]bool{}}
	inner := scantest.Faulty(registry.New(registry.Logger(log.New(io.Discard, "", 0))), func(r *http.Request, n int) scantest.Fault {
		if f.choose == nil {
			return scantest.NoFault
		}
		return f.choose(r, n)
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.count(r)
		if f.breakManifests.Load() && strings.Contains(r.URL.Path, "/team/bad/manifests/") {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	f.host = strings.TrimPrefix(s.URL, "http://")
	return f
}

func (f *fleet) count(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return
	}
	digest, blob := scantest.IsBlob(r)
	switch {
	case blob && f.config[digest]:
		f.asked["config"]++
	case blob:
		f.asked["layer"]++
		f.blobs[digest]++
	case strings.Contains(r.URL.Path, "/manifests/"):
		f.asked["manifest"]++
	case strings.Contains(r.URL.Path, "/tags/") || strings.HasSuffix(r.URL.Path, "/_catalog"):
		f.asked["list"]++
	}
}

// counts returns what was asked since it was called last.
func (f *fleet) counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.asked
	f.asked = map[string]int{}
	return was
}

// push pushes an image of txtar layers.
func (f *fleet) push(t *testing.T, ref, text string) v1.Image {
	t.Helper()
	im, err := scantest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(f.host + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.config[id.String()] = true
	f.mu.Unlock()
	f.counts()
	return img
}

const base = `-- 0/etc/os-release --
ID=debian
VERSION_ID="12"
-- 0/var/lib/dpkg/status --
Package: base
Status: install ok installed
Architecture: amd64
Version: 1

`

// fill pushes n images on one base into as many repositories as there are
// digits; each third has Acme's agent.
func (f *fleet) fill(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		text := base + fmt.Sprintf("-- 1/srv/app%d/package.json --\n{\"name\": \"app-%d\", \"version\": \"1.0.%d\"}\n", i, i, i)
		if i%3 == 0 {
			text += fmt.Sprintf("-- 2/opt/acme/bin/agent --\n#!/bin/sh\necho %d\n", i)
		}
		f.push(t, fmt.Sprintf("team/app%d:v%d", i%4, i), text)
	}
}

func (f *fleet) scope(t *testing.T) []listing.Scope {
	t.Helper()
	s, err := listing.Parse(f.host, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return []listing.Scope{s}
}

func quick() audit.Times {
	return audit.Times{Heartbeat: 100 * time.Millisecond, HeartbeatTimeout: time.Second, Poll: 50 * time.Millisecond,
		Retry: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond}}
}

func open(t *testing.T, database, cache string, change ...func(*audit.Options)) *audit.Audit {
	t.Helper()
	home := t.TempDir()
	opt := audit.Options{
		Database: database, CacheDir: cache, Tool: sbom.Tool{Name: "interdict", Version: "test"}, Times: quick(),
		Registry: client.Options{Backoff: 10 * time.Millisecond, Stall: 300 * time.Millisecond, Attempts: 2,
			Getenv: func(k string) string { return map[string]string{"HOME": home}[k] }},
	}
	for _, c := range change {
		c(&opt)
	}
	a, err := audit.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// databases are those that every story is told on.
func databases(t *testing.T, story func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { story(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { story(t, storetest.Postgres(t).Database(t)) })
}

func sqlite(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "audit.db") }

func audited(t *testing.T, a *audit.Audit, f *fleet, l store.Ruleset) store.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := a.Plan(ctx, audit.PlanOptions{Scope: f.scope(t), Ruleset: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Work(ctx, audit.WorkOptions{Run: run.ID, Jobs: 2}); err != nil {
		t.Fatal(err)
	}
	if run, err = a.Store().Run(ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	return run
}

// TestAudit tells the whole story: a first audit reads each layer once, a second
// one only manifests, and a later ruleset is applied without asking anybody.
func TestAudit(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		f := newFleet(t)
		f.fill(t, 12)
		a := open(t, database, t.TempDir())

		run := audited(t, a, f, law(t, acme, "2024-12-01"))
		if run.State != store.Done || len(run.Problems) > 0 {
			t.Fatalf("run %+v", run)
		}
		if got := run.Totals; got.Images != 12 || got.Deny != 4 || got.Pass != 8 || got.Waiting+got.Failed+got.Incomplete != 0 {
			t.Errorf("totals %+v", got)
		}
		first := f.counts()
		if first["layer"] != 12+4+1 || first["config"] != 12 {
			t.Errorf("asked %v, %v for 12 images, 17 layers", first, f.blobs)
		}

		again := audited(t, a, f, law(t, acme, "2024-12-02"))
		if second := f.counts(); second["layer"]+second["config"] > 0 || second["manifest"] == 0 || second["manifest"] > 12*2 {
			t.Errorf("the second audit asked %v", second)
		}
		if again.Totals.Images != 12 || again.Totals.Deny != 4 || again.Totals.LayersRead != 0 {
			t.Errorf("totals %+v of the second audit", again.Totals)
		}

		// Before the ban nothing was denied: the list is the same, the day is not.
		early, err := a.Rejudge(t.Context(), audit.RejudgeOptions{Ruleset: law(t, acme, "2024-09-30")})
		if err != nil {
			t.Fatal(err)
		}
		if early.Totals.Deny != 0 || early.State != store.Done {
			t.Errorf("run %+v before the ban", early)
		}
		changes, err := a.Store().Changes(t.Context(), early.ID)
		if err != nil || len(changes) != 4 {
			t.Errorf("%d changes, %v", len(changes), err)
		}
		if asked := f.counts(); len(asked) > 0 {
			t.Errorf("judging again asked %v", asked)
		}

		// The next audit judges by its own ruleset what it knows.
		back := audited(t, a, f, law(t, acme, "2024-12-03"))
		if asked := f.counts(); back.Totals.Deny != 4 || asked["layer"]+asked["config"] > 0 {
			t.Errorf("totals %+v, asked %v", back.Totals, asked)
		}
	})
}
