package dashboard

import (
	"fmt"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// route is one address. Get routes answer HEAD too.
type route struct {
	pattern string
	handle  http.HandlerFunc
}

// routes is the whole of the addresses, behind all guards.
func (d *dashboard) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", d.alive)
	mux.HandleFunc("GET /readyz", d.ready)
	mux.HandleFunc("GET /assets/{name}", d.assets.serve)
	for _, r := range d.reads() {
		mux.HandleFunc("GET "+r.pattern, d.reading(r.handle))
	}
	mux.HandleFunc("POST /api/v1/audits", d.changing(d.apiEnqueue))
	mux.HandleFunc("POST /webhooks/ghcr", d.github)
	mux.HandleFunc("POST /webhooks/{registry}", d.changing(d.webhook))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			d.problem(w, r, http.StatusMethodNotAllowed, "This address does not take "+cut(r.Method, 20)+".", "")
			return
		}
		d.problem(w, r, http.StatusNotFound, "There is no such page.", "")
	})
	compressed, err := gzhttp.NewWrapper(gzhttp.MinSize(1024))
	if err != nil {
		panic(err) // its options are constants
	}
	return d.metrics.counted(compressed(d.guarded(mux)))
}

// reads are the addresses for which a read token is asked, if there is one.
func (d *dashboard) reads() []route {
	s := d.opt.Store
	out := []route{
		{"/{$}", d.home},
		{"/images", d.images},
		{"/images/{image...}", d.image},
		{"/findings", d.findings},
		{"/regimes", d.regimes},
		{"/runs", d.runs},
		{"/runs/{id}", d.run},
		{"/method", d.method},
		{"/metrics", d.metrics.serve},
		{"/api/v1/totals", d.apiTotals},
		{"/api/v1/images", d.apiImages},
		{"/api/v1/images/{image...}", d.apiImage},
		{"/api/v1/findings", d.apiFindings},
		{"/api/v1/runs", d.apiRuns},
		{"/api/v1/runs/{id}", d.apiRun},
		{"/api/v1/changes", d.apiChanges},
		{"/api/v1/report", d.apiReport},
		{"/api/v1/openapi.json", d.document("application/json", openAPI)},
		{"/api/v1/schema.json", d.document("application/schema+json", export.Schema())},
	}
	for plural, what := range groups() {
		if what != "regime" {
			out = append(out, route{"/" + plural, d.counts(plural, what)})
		}
		out = append(out, route{"/api/v1/" + plural, d.apiCounts(what)})
		for _, f := range []export.Format{export.CSV, export.JSON} {
			out = append(out, route{"/" + plural + "." + string(f), d.exportCounts(plural, what, f)})
		}
	}
	for _, f := range []export.Format{export.CSV, export.JSON} {
		out = append(out,
			route{"/images." + string(f), d.exportList("images", f, export.Images)},
			route{"/findings." + string(f), d.exportList("findings", f, export.Findings)},
			route{"/runs." + string(f), d.exportRuns(s, f)})
	}
	for ext, f := range map[string]export.Format{"txt": export.Text, "md": export.Markdown, "json": export.JSON, "html": export.HTML} {
		out = append(out, route{"/report." + ext, d.exportReport(ext, f)})
	}
	return out
}

// groups are what is counted by, by the plural that addresses have.
func groups() map[string]store.Group {
	return map[string]store.Group{"vendors": "vendor", "regimes": "regime", "repositories": "repository", "teams": "team"}
}

// alive tells that the process answers.
func (d *dashboard) alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte("ok\n"))
}

// ready tells whether the store answers, and whether everything that registries
// told of could be worked on.
func (d *dashboard) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := contextWithTimeout(r, 2*time.Second)
	defer cancel()
	if _, err := d.opt.Store.Runs(ctx, 1); err != nil {
		d.log.ErrorContext(ctx, "asking the store", "error", err)
		d.problem(w, r, http.StatusServiceUnavailable, "The store does not answer.", "")
		return
	}
	failed, err := d.opt.Store.FailedNotices(ctx)
	switch {
	case err != nil:
		d.log.ErrorContext(ctx, "asking the store", "error", err)
		d.problem(w, r, http.StatusServiceUnavailable, "The store does not answer.", "")
	case len(failed) > 0:
		d.problem(w, r, http.StatusServiceUnavailable,
			fmt.Sprintf("%d notices of pushed images could not be worked on.", len(failed)),
			fmt.Sprintf("%s: %s. An audit of its repository looks at it.", cut(failed[0].Ref, 200), cut(failed[0].Error, 500)))
	default:
		d.alive(w, r)
	}
}

// document answers a constant.
func (d *dashboard) document(mediaType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { d.body200(w, r, mediaType, body) }
}
