package dashboard_test

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/interdict/interdict/scanner/audit/dashboard"
)

// TestMetrics: what Prometheus reads is what the store counts.
func TestMetrics(t *testing.T) {
	f := standard(t)
	server := serve(t, dashboard.Options{Store: f.Store})
	for _, path := range []string{"/", "/images/registry.example/shop/web@" + digest("web"), "/no/such", "/no/other"} {
		ask(t, server, "GET", path, "", nil)
	}
	_, text := ask(t, server, "GET", "/metrics", "", nil)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for name, family := range families {
		if !strings.HasPrefix(name, "interdict_") {
			continue
		}
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, m := range family.Metric {
			key := name
			for _, l := range m.Label {
				key += "," + l.GetName() + "=" + l.GetValue()
			}
			got[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	totals, err := f.Totals(t.Context(), mustFilter(t, ""))
	f.must(err)
	for key, want := range map[string]int64{
		"interdict_up":                                                               1,
		"interdict_images,verdict=deny":                                              totals.Deny,
		"interdict_images,verdict=pass":                                              totals.Pass,
		"interdict_images,verdict=incomplete":                                        totals.Incomplete,
		"interdict_images,verdict=failed":                                            1,
		"interdict_findings,level=denied":                                            totals.Denied,
		"interdict_queue_waiting":                                                    0,
		"interdict_run_problems":                                                     1,
		"interdict_run_images,state=failed":                                          1,
		"interdict_run_started_timestamp_seconds":                                    now.AddDate(0, 0, -1).Unix(),
		"interdict_vendor_images,level=denied,vendor=hikvision":                      1,
		"interdict_http_requests_total,code=200,method=GET,route=/{$}":               1,
		"interdict_http_requests_total,code=200,method=GET,route=/images/{image...}": 1,
		"interdict_http_requests_total,code=404,method=GET,route=other":              2,
	} {
		if v, ok := got[key]; !ok || v != float64(want) {
			t.Errorf("%s is %v (%v), want %d", key, v, ok, want)
		}
	}
	if totals.Deny == 0 || totals.Pass == 0 {
		t.Errorf("the fleet has nothing in it: %+v", totals)
	}
	f.Close()
	if _, text := ask(t, server, "GET", "/metrics", "", nil); !strings.Contains(text, "interdict_up 0\n") {
		t.Errorf("without a store: %.300s", text)
	}
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 503, "/": 500, "/api/v1/totals": 500} {
		if answer, body := ask(t, server, "GET", path, "", nil); answer.StatusCode != status || strings.Contains(body, "sql") {
			t.Errorf("%s without a store: %d %s", path, answer.StatusCode, body)
		}
	}
}
