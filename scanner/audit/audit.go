// Package audit looks at whole registries: it lists their images (Plan), looks
// inside each manifest once on as many machines as share the database (Work),
// and judges again what is stored when the law changes (Rejudge). Jobs are those
// of River (https://riverqueue.com), in the same database as the results.
package audit

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/scan"
)

// Options of Open. Only Database must be set.
type Options struct {
	// Database is "sqlite://FILE", or "postgres://..." for many machines.
	Database string
	Registry registry.Options
	// CacheDir is the folder for results of layers; empty means the user's cache
	// folder. On PostgreSQL it stands in front of those that all workers share.
	CacheDir string
	// TempDir is for contents beyond Memory; empty means os.TempDir.
	TempDir string
	// Memory is the budget for contents in memory of all scans that run at once,
	// in bytes; zero means [scan.DefaultMemory].
	Memory int64
	Tool   sbom.Tool
	// Law is by what Enqueue judges; one without a list means that of the newest
	// audit, as of today.
	Ruleset store.Ruleset
	Now     func() time.Time // the clock; nil means time.Now
	Times   Times
}

// Times say how long things take. The zero value is what most want.
type Times struct {
	Heartbeat time.Duration // between signs of life of a worker; 5 s if zero
	// HeartbeatTimeout is how long a worker may give no sign of life until its jobs are
	// others'; 30 s if zero.
	HeartbeatTimeout time.Duration
	// Retry are the waits before an image is tried again, after its first
	// failure, its second and so on; 1, 4, 16 and 60 s if empty. It is tried once
	// more than there are waits.
	Retry []time.Duration
	Poll  time.Duration // between looks for jobs and at how far a run is; 1 s if zero
}

func (t Times) withDefaults() Times {
	if t.Heartbeat <= 0 {
		t.Heartbeat = 5 * time.Second
	}
	if t.HeartbeatTimeout <= 0 {
		t.HeartbeatTimeout = 30 * time.Second
	}
	if len(t.Retry) == 0 {
		t.Retry = []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, time.Minute}
	}
	if t.Poll <= 0 {
		t.Poll = time.Second
	}
	return t
}

// Audit plans and does audits in one database. It may be used by many
// goroutines, and many processes may have the database open at once.
type Audit struct {
	opt        Options
	store      *store.Store
	client     *registry.Client
	cache      *scan.Cache
	dir        string // of the cache
	limits     *limits
	rulesets   *rulesets
	layerLocks *layerLocks
	driver     driver
	insert     queue // to insert jobs only
}

// Open opens the database, and makes what it lacks. The caller closes the Audit.
func Open(ctx context.Context, opt Options) (*Audit, error) {
	opt.Times = opt.Times.withDefaults()
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Memory <= 0 {
		opt.Memory = scan.DefaultMemory
	}
	s, err := store.Open(ctx, opt.Database)
	if err != nil {
		return nil, err
	}
	a := &Audit{opt: opt, store: s, limits: newLimits(s), layerLocks: newLayerLocks(s.Pool()),
		rulesets: &rulesets{store: s, tool: opt.Tool, byRun: map[int64]*judge{}, byID: map[int64]*judge{}, known: map[string]*judge{}}}
	if err := a.open(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Audit) open(ctx context.Context) (err error) {
	if a.dir = a.opt.CacheDir; a.dir == "" {
		if a.dir, err = scan.DefaultCacheDir(); err != nil {
			return err
		}
	}
	cache, err := scan.OpenCache(a.dir, 0)
	if err != nil {
		return err
	}
	a.cache = cache.WithMemory(a.opt.Memory / sharedPart)
	if a.shares() {
		a.cache = a.cache.WithRemote(a.store)
	}
	ro := a.opt.Registry
	ro.Limit, ro.OnPause = a.limits.wait, a.limits.paused
	ro.KeepManifests = keptManifests
	if a.client, err = registry.New(ro); err != nil {
		return err
	}
	a.driver = newDriver(a.store)
	if err := a.driver.migrate(ctx); err != nil {
		return fmt.Errorf("making the queue: %w", err)
	}
	a.insert, err = a.driver.client(insertOnly())
	return err
}

// sharedPart is which part of the memory is for results of layers that many
// images have: a quarter. The scans share the rest.
const sharedPart = 4

// keptManifests is for what was read to plan a run and is asked for again to
// work on it, in bytes: some ten thousand manifests.
const keptManifests = 16 << 20

// Close ends the use of the database. No Work may run any more.
func (a *Audit) Close() error {
	a.layerLocks.close()
	if a.client != nil {
		a.client.Close()
	}
	return a.store.Close()
}

// shares reports whether results of layers are in the database too: many
// machines have it between them. One machine has its folder.
func (a *Audit) shares() bool { return a.store.Dialect() == store.PostgreSQL }

// Store is the database, for reading results.
func (a *Audit) Store() *store.Store { return a.store }

// workerName names a worker among all that share a database.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%.60s/%d/%x", host, os.Getpid(), time.Now().UnixNano())
}

func processors() int { return runtime.GOMAXPROCS(0) }
