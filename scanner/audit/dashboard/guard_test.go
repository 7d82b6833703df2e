package dashboard_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/audit/dashboard"
)

const token = "0123456789abcdef"

// ask sends a request to a server and returns its answer and body.
func ask(t *testing.T, server *httptest.Server, method, path, body string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(b)
}

func serve(t *testing.T, opt dashboard.Options) *httptest.Server {
	t.Helper()
	if opt.Now == nil {
		opt.Now = func() time.Time { return now }
	}
	server := httptest.NewServer(dashboard.New(opt))
	t.Cleanup(server.Close)
	return server
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func sign(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestChanging: nothing is changed without the token, however it is asked.
func TestChanging(t *testing.T) {
	f := newFleet(t)
	const body = `{"images":["registry.example/shop/app:1.0"]}`
	with := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	basic := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("quay", password) }
	}
	tests := []struct {
		name, token, method, path string
		change                    func(*http.Request)
		status                    int
	}{
		{"read-only", "", "POST", "/api/v1/audits", bearer(""), 403},
		{"read-only, any token", "", "POST", "/api/v1/audits", bearer(token), 403},
		{"read-only, notification", "", "POST", "/webhooks/distribution", bearer(token), 403},
		{"read-only, GitHub", "", "POST", "/webhooks/ghcr", with("X-Hub-Signature-256", sign(body, "")), 403},
		{"no token", token, "POST", "/api/v1/audits", nil, 401},
		{"wrong token", token, "POST", "/api/v1/audits", bearer(token + "0"), 401},
		{"beginning of the token", token, "POST", "/api/v1/audits", bearer(token[:8]), 401},
		{"token in the address", token, "POST", "/api/v1/audits?token=" + token, nil, 401},
		{"wrong signature", token, "POST", "/webhooks/ghcr", with("X-Hub-Signature-256", sign(body, "other")), 401},
		{"signature of another body", token, "POST", "/webhooks/ghcr", with("X-Hub-Signature-256", sign(body+" ", token)), 401},
		{"signature where none is taken", token, "POST", "/api/v1/audits", with("X-Hub-Signature-256", sign(body, token)), 401},
		{"page of another origin", token, "POST", "/api/v1/audits", func(r *http.Request) { basic(token)(r); r.Header.Set("Origin", "https://evil.example") }, 403},
		{"another method", token, "PUT", "/api/v1/audits", bearer(token), 405},
		{"delete", token, "DELETE", "/images", bearer(token), 405},
		{"token", token, "POST", "/api/v1/audits", bearer(token), 202},
		{"token as password", token, "POST", "/api/v1/audits", basic(token), 202},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := &queue{}
			server := serve(t, dashboard.Options{Store: f.Store, Queue: q, Token: test.token})
			answer, text := ask(t, server, test.method, test.path, body, test.change)
			if answer.StatusCode != test.status {
				t.Errorf("status %d: %s", answer.StatusCode, text)
			}
			if queued := len(q.refs) > 0; queued != (test.status == 202) {
				t.Errorf("queued: %v", q.refs)
			}
			if strings.Contains(text, token) {
				t.Errorf("the answer has the token: %s", text)
			}
		})
	}
	server := serve(t, dashboard.Options{Store: f.Store, Token: token})
	if answer, text := ask(t, server, "POST", "/api/v1/audits", body, bearer(token)); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a queue: %d %s", answer.StatusCode, text)
	}
}

// TestReading: with a read token nothing but health and style is told without it.
func TestReading(t *testing.T) {
	f := newFleet(t)
	server := serve(t, dashboard.Options{Store: f.Store, ReadToken: "read", Token: token})
	for _, path := range []string{"/", "/images", "/images.csv", "/report.json", "/api/v1/totals", "/api/v1/openapi.json", "/metrics"} {
		if answer, _ := ask(t, server, "GET", path, "", nil); answer.StatusCode != 401 || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s without a token: %d", path, answer.StatusCode)
		}
		if path == "/report.json" {
			continue // there is no run yet
		}
		for _, right := range []string{"read", token} {
			if answer, text := ask(t, server, "GET", path, "", bearer(right)); answer.StatusCode != 200 {
				t.Errorf("%s with a token: %d %s", path, answer.StatusCode, text)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/assets/style.css"} {
		if answer, _ := ask(t, server, "GET", path, "", nil); answer.StatusCode != 200 {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	if answer, _ := ask(t, server, "POST", "/api/v1/audits", `{"images":["a.example/b:1"]}`, bearer("read")); answer.StatusCode == 202 {
		t.Error("the read token changes things")
	}
}

// TestHost: a name that is not ours, as after DNS rebinding, is refused.
func TestHost(t *testing.T) {
	f := newFleet(t)
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	local, named := serve(t, dashboard.Options{Store: f.Store}), serve(t, dashboard.Options{Store: f.Store, Hosts: []string{"audit.example"}})
	for _, test := range []struct {
		server *httptest.Server
		host   string
		ok     bool
	}{
		{local, "localhost:8080", true}, {local, "127.0.0.1", true}, {local, "[::1]:80", true}, {local, "LOCALHOST", true}, {local, "x.localhost", true},
		{local, "evil.example", false}, {local, "127.0.0.1.evil.example", false}, {local, "localhost.evil.example:80", false}, {local, "10.0.0.1", false},
		{named, "audit.example", true}, {named, "Audit.Example:443", true}, {named, "localhost", true}, {named, "evil.example", false}, {named, "audit.example.evil.example", false},
	} {
		answer, _ := ask(t, test.server, "GET", "/api/v1/totals", "", host(test.host))
		if ok := answer.StatusCode == 200; ok != test.ok || !ok && answer.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", test.host, answer.StatusCode)
		}
	}
	// Over the network any name is ours, unless names are given.
	h := dashboard.New(dashboard.Options{Store: f.Store})
	r := httptest.NewRequest("GET", "http://audit.corp.example/healthz", nil)
	w := httptest.NewRecorder()
	here := &net.TCPAddr{IP: net.ParseIP("10.1.2.3"), Port: 80}
	h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, here)))
	if w.Code != 200 {
		t.Errorf("over the network: %d", w.Code)
	}
}

// TestHeaders: every answer is safe to show and says how it may be kept.
func TestHeaders(t *testing.T) {
	f := standard(t)
	server := serve(t, dashboard.Options{Store: f.Store})
	for _, path := range []string{"/", "/images", "/api/v1/totals", "/no/such", "/api/v1/no/such", "/assets/style.css", "/images.csv", "/metrics", "/healthz", "/images?nonsense=1"} {
		answer, _ := ask(t, server, "GET", path, "", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
		h := answer.Header
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("Set-Cookie") != "" || h.Get("Content-Type") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
		if strings.HasPrefix(path, "/api") && answer.StatusCode != 200 && h.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", path, h.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/images", "/api/v1/images"} {
		first, body := ask(t, server, "GET", path, "", nil)
		again, none := ask(t, server, "GET", path, "", func(r *http.Request) { r.Header.Set("If-None-Match", first.Header.Get("ETag")) })
		if again.StatusCode != http.StatusNotModified || none != "" || body == "" {
			t.Errorf("%s again: %d with %d bytes", path, again.StatusCode, len(none))
		}
		head, none := ask(t, server, "HEAD", path, "", nil)
		if head.StatusCode != 200 || none != "" || head.Header.Get("ETag") != first.Header.Get("ETag") {
			t.Errorf("%s HEAD: %d, %s", path, head.StatusCode, head.Header.Get("ETag"))
		}
	}
}

// TestBounds: what a client may send has an end.
func TestBounds(t *testing.T) {
	f := newFleet(t)
	q := &queue{}
	server := serve(t, dashboard.Options{Store: f.Store, Queue: q, Token: token})
	many := `{"images":["` + strings.Join(slices.Repeat([]string{"r.example/a:1"}, 1000), `","`) + `"]}`
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/api/v1/audits", `{"images":["` + strings.Repeat("a", 2<<20) + `"]}`, 413},
		{"/webhooks/quay", strings.Repeat(" ", 2<<20), 413},
		{"/api/v1/audits", many, 202},
		{"/api/v1/audits", `{"images":["r.example/a:1 --flag"]}`, 422},
		{"/api/v1/audits", `{"images":["../../etc/passwd"]}`, 422},
		{"/api/v1/audits", `{"images":["r.example/a"]}`, 202},
		{"/api/v1/audits", `{}`, 422},
		{"/api/v1/audits", `nonsense`, 422},
		{"/webhooks/other", `{}`, 404},
	} {
		if answer, text := ask(t, server, "POST", test.path, test.body, bearer(token)); answer.StatusCode != test.status {
			t.Errorf("%s %s: %d %s", test.path, test.body[:min(60, len(test.body))], answer.StatusCode, text)
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "verdict=maybe", "since=yesterday", "nonsense=1", "team=a&team=b", "gone=perhaps", "q=" + strings.Repeat("a", 600)} {
		if answer, _ := ask(t, server, "GET", "/api/v1/images?"+query, "", nil); answer.StatusCode != 400 {
			t.Errorf("%s: %d", query, answer.StatusCode)
		}
	}
}
