// Package dashboard shows what an audit's store knows: pages for people, a JSON
// API, metrics for Prometheus, health endpoints, and the addresses that
// registries tell of pushed images. It only reads, unless it is given a token.
package dashboard

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/interdict/interdict/scanner/audit/store"
)

// Store is what the dashboard reads. *store.Store is one.
type Store interface {
	Fleet
	Catalogue
	Documents
	History
}

// Fleet counts.
type Fleet interface {
	Totals(ctx context.Context, f store.Filter) (store.Totals, error)
	By(ctx context.Context, what store.Group, f store.Filter) ([]store.Count, error)
}

// Catalogue gives images and findings.
type Catalogue interface {
	Images(ctx context.Context, f store.Filter) (page []store.Image, next string, err error)
	Image(ctx context.Context, repository, digest string) (store.Image, error)
	Findings(ctx context.Context, f store.Filter) (page []store.Finding, next string, err error)
}

// Documents gives what was kept of an image.
type Documents interface {
	BOM(ctx context.Context, digest string) ([]byte, error)
	Report(ctx context.Context, digest string) ([]byte, error)
}

// History gives runs.
type History interface {
	Run(ctx context.Context, id int64) (store.Run, error)
	Runs(ctx context.Context, limit int) ([]store.Run, error)
	Audits(ctx context.Context) ([]store.Run, error)
	Trend(ctx context.Context, limit int) ([]store.Run, error)
	Changes(ctx context.Context, run int64) ([]store.Change, error)
	FailedNotices(ctx context.Context) ([]store.FailedNotice, error)
}

// Queue takes images to look at, as "host/repository:tag" or
// "host/repository@digest". The audit's engine is one. It must return once they
// are kept, not once they are looked at. It returns those that it refuses,
// because no audit's scope covers them.
type Queue interface {
	Enqueue(ctx context.Context, refs ...string) (refused []string, err error)
}

// Options say what to show and who may do what. Store is required.
type Options struct {
	Store Store
	// Queue takes what registries and scripts tell of; nil for a server that
	// only shows.
	Queue Queue
	// Token is what whoever changes something must send. Without one nothing
	// can be changed. It is also the secret of GitHub's webhooks.
	Token string
	// ReadToken is what whoever reads must send; empty lets all read who reach
	// the server. Health is told to all.
	ReadToken string
	// Hosts are the names that the server is reached by, without port. Requests
	// by other names are refused. Empty means any name, but only loopback's own
	// over a connection from this machine.
	Hosts []string
	// Version of interdict, for the pages.
	Version string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Log gets errors that a client is not told; discarded when nil.
	Log *slog.Logger
}

type dashboard struct {
	opt     Options
	now     func() time.Time
	log     *slog.Logger
	origin  *http.CrossOriginProtection
	pages   *pages
	assets  *assets
	laws    *laws
	metrics *metrics
}

// New returns the whole dashboard, to be mounted at the root. It keeps nothing
// but a few parsed denylists. Serve it with [NewServer], or with timeouts of
// your own: it sets none.
func New(opt Options) http.Handler {
	d := &dashboard{
		opt: opt, now: opt.Now, log: cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		origin: http.NewCrossOriginProtection(), pages: parsePages(), assets: newAssets(), laws: &laws{},
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.metrics = newMetrics(d)
	return d.routes()
}

// NewServer returns a server for h with timeouts that hold off clients which
// read or write slowly. Writing may take ten minutes: an export of a large
// fleet is long.
func NewServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
}
