package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/interdict/interdict/scanner/audit/store"
)

// scrapeTime bounds what the store may take for one scrape.
const scrapeTime = 5 * time.Second

// metrics are told to Prometheus. The fleet's are read from the store at each
// scrape, so that several servers over one store tell the same.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refused  prometheus.Counter
}

func newMetrics(d *dashboard) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "interdict_http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "interdict_http_request_duration_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
	}
	m.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "interdict_notices_refused_total", Help: "Images of notices and requests that no audit's scope covers.",
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds, m.refused, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newFleetCollector(d))
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, DisableCompression: true})
	return m
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	m.handler.ServeHTTP(w, r)
}

// status remembers the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// counted counts requests. The route is the pattern that matched, never the
// address: names of images would make a series each, and so would what clients
// make up.
func (m *metrics) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &status{ResponseWriter: w}
		start := time.Now()
		defer func() {
			route, method := r.Pattern, r.Method
			if _, path, ok := strings.Cut(route, " "); ok {
				route = path
			}
			if route == "/" || route == "" {
				route = "other"
			}
			if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, method) {
				method = "other"
			}
			m.requests.WithLabelValues(route, method, strconv.Itoa(max(s.code, http.StatusOK))).Inc()
			m.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(s, r)
	})
}

// fleetCollector reads the store at each scrape.
type fleetCollector struct {
	d      *dashboard
	gauges map[string]*prometheus.Desc
}

func newFleetCollector(d *dashboard) *fleetCollector {
	c := &fleetCollector{d: d, gauges: make(map[string]*prometheus.Desc)}
	for _, g := range []struct {
		name, help string
		labels     []string
	}{
		{"up", "Whether the store answered this scrape.", nil},
		{"images", "Images (a manifest in a repository) by verdict; failed and waiting have none.", []string{"verdict"}},
		{"findings", "Findings by level.", []string{"level"}},
		{"vendor_images", "Images by vendor, denied or to review.", []string{"vendor", "level"}},
		{"vendor_findings", "Findings by vendor.", []string{"vendor"}},
		{"regime_images", "Images by regime, denied or to review.", []string{"regime", "level"}},
		{"regime_findings", "Findings by regime.", []string{"regime"}},
		{"queue_waiting", "Images that wait for a result.", nil},
		{"notices_failed", "Notices of pushed images that could not be worked on, until an audit lists their repository.", nil},
		{"run_info", "The newest run.", []string{"run", "kind", "state", "list_version"}},
		{"run_images", "Images of the newest run, by whether they have a result.", []string{"state"}},
		{"run_problems", "Parts of the newest run's scope that could not be listed.", nil},
		{"run_layers_read", "Layers that the newest run read.", nil},
		{"run_bytes_read", "Bytes of layers that the newest run read.", nil},
		{"run_started_timestamp_seconds", "When the newest run began.", nil},
		{"run_ended_timestamp_seconds", "When the newest run ended; 0 while it runs.", nil},
	} {
		c.gauges[g.name] = prometheus.NewDesc("interdict_"+g.name, g.help, g.labels, nil)
	}
	return c
}

func (c *fleetCollector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range c.gauges {
		to <- g
	}
}

func (c *fleetCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	var all []prometheus.Metric
	set := func(name string, value int64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(c.gauges[name], prometheus.GaugeValue, float64(value), clean(labels)...))
	}
	up := int64(1)
	if err := c.read(ctx, set); err != nil {
		c.d.log.ErrorContext(ctx, "reading metrics", "error", err)
		all, up = nil, 0
	}
	set("up", up)
	for _, m := range all {
		to <- m
	}
}

// clean makes labels that the format can hold.
func clean(labels []string) []string {
	return each(labels, func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") })
}

func (c *fleetCollector) read(ctx context.Context, set func(string, int64, ...string)) error {
	s := c.d.opt.Store
	t, err := s.Totals(ctx, store.Filter{})
	if err != nil {
		return err
	}
	for _, one := range tiles(t) {
		set("images", one.N, one.Class)
	}
	set("findings", t.Denied, "denied")
	set("findings", t.Review, "review")
	set("findings", t.Findings-t.Denied-t.Review, "other")
	set("queue_waiting", t.Waiting)
	failed, err := s.FailedNotices(ctx)
	if err != nil {
		return err
	}
	set("notices_failed", int64(len(failed)))
	for _, what := range []store.Group{"vendor", "regime"} {
		counts, err := s.By(ctx, what, store.Filter{})
		if err != nil {
			return err
		}
		for _, n := range counts {
			set(string(what)+"_images", n.Deny, n.Name, "denied")
			set(string(what)+"_images", n.Review, n.Name, "review")
			set(string(what)+"_findings", n.Findings, n.Name)
		}
	}
	return c.readRun(ctx, set)
}

func (c *fleetCollector) readRun(ctx context.Context, set func(string, int64, ...string)) error {
	runs, err := c.d.opt.Store.Runs(ctx, 1)
	if err != nil || len(runs) == 0 {
		return err
	}
	r := runs[0]
	set("run_info", 1, itoa(r.ID), string(r.Kind), string(r.State), r.Ruleset.List.Version)
	set("run_images", r.Totals.Images-r.Totals.Waiting-r.Totals.Failed, "result")
	set("run_images", r.Totals.Waiting, "waiting")
	set("run_images", r.Totals.Failed, "failed")
	set("run_problems", int64(len(r.Problems)))
	set("run_layers_read", r.Totals.LayersRead)
	set("run_bytes_read", r.Totals.Bytes)
	set("run_started_timestamp_seconds", r.Started.Unix())
	ended := int64(0)
	if !r.Ended.IsZero() {
		ended = r.Ended.Unix()
	}
	set("run_ended_timestamp_seconds", ended)
	return nil
}
