package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pull reads an image whole, as a scan does.
func pull(ctx context.Context, c *Client, ref string) error {
	r, err := c.ParseReference(ref)
	if err != nil {
		return err
	}
	_, raw, err := c.Manifest(ctx, r)
	if err != nil {
		return err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if _, err := c.SmallBlob(ctx, r.Context(), m.Config, 1<<20); err != nil {
		return err
	}
	for _, l := range m.Layers {
		b, err := c.Blob(ctx, r.Context(), l)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, b)
		b.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func TestReadsFromRealRegistries(t *testing.T) {
	login := []Credential{{Username: "ann", Password: "s3cret"}}
	for _, tt := range []struct {
		name  string
		addr  string
		creds []Credential
	}{
		{"in process", inProcess(t, nil), nil},
		{"docker-registry", dockerRegistry(t, ""), nil},
		{"docker-registry with login", dockerRegistry(t, "s3cret"), login},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			img := push(t, tt.addr+"/team/app:1", basic("s3cret"))
			push(t, tt.addr+"/team/app:2", basic("s3cret"))
			push(t, tt.addr+"/other:1", basic("s3cret"))
			c := client(t, Options{Credentials: tt.creds})

			ref, err := c.ParseReference(tt.addr + "/team/app:1")
			if err != nil {
				t.Fatal(err)
			}
			want, _ := img.Digest()
			d, err := c.Resolve(ctx, ref)
			if err != nil || d.Digest != want {
				t.Fatalf("Resolve = %v, %v, want %v", d.Digest, err, want)
			}
			if err := pull(ctx, c, tt.addr+"/team/app@"+want.String()); err != nil {
				t.Fatal(err)
			}
			tags, err := c.Tags(ctx, tt.addr+"/team/app")
			if slices.Sort(tags); err != nil || !slices.Equal(tags, []string{"1", "2"}) {
				t.Errorf("Tags = %q, %v", tags, err)
			}
			repos, err := c.Catalog(ctx, tt.addr)
			if slices.Sort(repos); err != nil || !slices.Equal(repos, []string{"other", "team/app"}) {
				t.Errorf("Catalog = %q, %v", repos, err)
			}
			_, err = c.Resolve(ctx, ref.Context().Tag("absent"))
			wantKind(t, err, NotFound)
		})
	}
	t.Run("without login", func(t *testing.T) {
		addr := dockerRegistry(t, "s3cret")
		wantKind(t, pull(t.Context(), client(t, Options{}), addr+"/app"), Unauthorized)
		bad := []Credential{{Username: "ann", Password: "wrong"}}
		wantKind(t, pull(t.Context(), client(t, Options{Credentials: bad}), addr+"/app"), Unauthorized)
	})
}

func wantKind(t *testing.T, err error, kind Kind) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want one of kind %q", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("error %q is of kind %q, want %q", e, e.Kind, kind)
	}
	if e.Hint() == "" {
		t.Errorf("error %q has no hint", e)
	}
	if strings.ContainsAny(e.Error()+e.Hint(), "\n\r") {
		t.Errorf("error %q, hint %q: not one line each", e, e.Hint())
	}
}

func TestPages(t *testing.T) {
	const pages = 7
	front := func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/tags/list") && !strings.HasSuffix(r.URL.Path, "/_catalog") {
				inner.ServeHTTP(w, r)
				return
			}
			page := 0
			fmt.Sscan(r.URL.Query().Get("last"), &page)
			next := page + 1
			if strings.Contains(r.URL.Path, "endless") {
				next = 1
			}
			if page < pages {
				w.Header().Set("Link", fmt.Sprintf("<%s?n=2&last=%d>; rel=\"next\"", r.URL.Path, next))
			}
			item := fmt.Sprintf("%d", page)
			json.NewEncoder(w).Encode(map[string]any{"name": "x", "tags": []string{item}, "repositories": []string{item}})
		})
	}
	addr := inProcess(t, front)
	c := client(t, Options{})
	for _, list := range []func() ([]string, error){
		func() ([]string, error) { return c.Tags(t.Context(), addr+"/app") },
		func() ([]string, error) { return c.Catalog(t.Context(), addr) },
	} {
		got, err := list()
		if err != nil || len(got) != pages+1 {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := c.Tags(t.Context(), addr+"/endless"); !errors.Is(err, errPages) {
		t.Errorf("endless listing: %v", err)
	}
}

// TestBearer goes the way of most public registries: a challenge, a token for
// the repository, and a new one when it expires.
func TestBearer(t *testing.T) {
	var tokens atomic.Int32
	var addr string
	addr = inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				user, pass, _ := r.BasicAuth()
				if user != "ann" || pass != "s3cret" || r.URL.Query().Get("scope") != "repository:team/app:pull" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				fmt.Fprintf(w, `{"token": "t%d"}`, tokens.Add(1))
				return
			}
			if got := r.Header.Get("User-Agent"); got != "interdict/9.9" {
				t.Errorf("User-Agent = %q", got)
			}
			// The first token expires at once.
			if tok := r.Header.Get("Authorization"); tok == "" || tok == "Bearer t1" {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x",scope="repository:team/app:pull"`, addr))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	img, err := remote.Image(mustRef(t, inProcessImage(t)))
	if err != nil {
		t.Fatal(err)
	}
	tokens.Store(5)
	c := client(t, Options{Version: "9.9", Credentials: []Credential{{Authority: addr, Username: "ann", Password: "s3cret"}}})
	if err := remote.Write(mustRef(t, addr+"/team/app:1"), img, append(c.Remote(), remote.WithRetryBackoff(remote.Backoff{Steps: 1}))...); err == nil {
		t.Fatal("a push with a token for pulling went through")
	}
	tokens.Store(0)
	if err := pull(t.Context(), c, addr+"/team/app:1"); err == nil || tokens.Load() < 2 {
		t.Fatalf("error %v after %d tokens: want not found with the second", err, tokens.Load())
	} else {
		wantKind(t, err, NotFound)
	}
	other := client(t, Options{Version: "9.9", Credentials: []Credential{{Authority: "elsewhere.example", Username: "ann", Password: "s3cret"}}})
	wantKind(t, pull(t.Context(), other, addr+"/team/app:1"), Unauthorized)
}

func inProcessImage(t *testing.T) string {
	ref := inProcess(t, nil) + "/seed:1"
	push(t, ref)
	return ref
}

func mustRef(t *testing.T, s string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(served.New(served.Logger(log.New(io.Discard, "", 0))))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	// A name that is not loopback, so that plain HTTP is not tried unasked.
	const host = "example.com" // httptest's certificate is for it
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))

	trusting := client(t, Options{CAFile: ca, dial: dial})
	push(t, host+"/app:1", trusting.Remote()...)
	if err := pull(t.Context(), trusting, host+"/app:1"); err != nil {
		t.Errorf("with the CA: %v", err)
	}
	if err := pull(t.Context(), client(t, Options{Insecure: true, dial: dial}), host+"/app:1"); err != nil {
		t.Errorf("insecure: %v", err)
	}
	wantKind(t, pull(t.Context(), client(t, Options{dial: dial}), host+"/app:1"), BadCertificate)
	// Loopback is asked in plain HTTP as well, which must not hide the reason.
	wantKind(t, pull(t.Context(), client(t, Options{}), srv.Listener.Addr().String()+"/app:1"), BadCertificate)

	plain := inProcess(t, nil)
	push(t, plain+"/app:1")
	toPlain := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", plain)
	}
	err := pull(t.Context(), client(t, Options{dial: toPlain}), host+"/app:1")
	wantKind(t, err, PlainHTTP)
	var e *Error
	if errors.As(err, &e); !strings.Contains(e.Hint(), "--insecure-registry") {
		t.Errorf("hint = %q", e.Hint())
	}
	if err := pull(t.Context(), client(t, Options{Insecure: true, dial: toPlain}), host+"/app:1"); err != nil {
		t.Errorf("plain HTTP with Insecure: %v", err)
	}

	if _, err := New(Options{CAFile: os.DevNull}); err == nil {
		t.Error("an empty CA file is accepted")
	}
}

func TestErrors(t *testing.T) {
	answer := func(status int, header, body string) string {
		return inProcess(t, func(inner http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					inner.ServeHTTP(w, r)
					return
				}
				if k, v, ok := strings.Cut(header, ": "); ok {
					w.Header().Set(k, v)
				}
				w.WriteHeader(status)
				io.WriteString(w, body)
			})
		})
	}
	html := "<html>\n<body>\x1b[31mnot a registry" + strings.Repeat("x", 5000)
	for _, tt := range []struct {
		name, addr string
		kind       Kind
	}{
		{"refused connection", "127.0.0.1:1", Unreachable},
		{"forbidden", answer(403, "", `{"errors":[{"code":"DENIED","message":"no\nway"}]}`), Unauthorized},
		{"rate limit", answer(429, "Retry-After: 0", ""), RateLimited},
		{"rate limit for an hour", answer(429, "Retry-After: 3600", ""), RateLimited},
		{"server error", answer(500, "", html), ServerError},
		{"teapot", answer(418, "", html), BadAnswer},
		{"huge manifest", answer(200, "", strings.Repeat(" ", MaxManifest+1)), TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantKind(t, pull(t.Context(), client(t, Options{Attempts: 2}), tt.addr+"/app:1"), tt.kind)
		})
	}
	for _, bad := range []string{"", "UPPER/case", "https://host/app", "a b", "host/app@sha256:12", "../x"} {
		ref, err := client(t, Options{}).ParseReference(bad)
		if err == nil {
			t.Errorf("%q is parsed as %s", bad, ref)
			continue
		}
		wantKind(t, err, BadReference)
	}
}

// TestProxy reads a registry that only the proxy of the environment can reach.
func TestProxy(t *testing.T) {
	addr := inProcess(t, nil)
	push(t, addr+"/app:1")
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "registry.invalid" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxied.Add(1)
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: addr})
		}}).ServeHTTP(w, r)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "")
	if err := pull(t.Context(), client(t, Options{Insecure: true}), "registry.invalid/app:1"); err != nil || proxied.Load() == 0 {
		t.Errorf("error %v, %d requests by the proxy", err, proxied.Load())
	}
}

func TestCancel(t *testing.T) {
	addr := inProcess(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := pull(ctx, client(t, Options{Backoff: time.Hour}), addr+"/app:1")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestPerHost(t *testing.T) {
	var now, most atomic.Int32
	addr := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(5 * time.Millisecond)
			inner.ServeHTTP(w, r)
			now.Add(-1)
		})
	})
	push(t, addr+"/app:1")
	most.Store(0)
	c := client(t, Options{PerHost: 3})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := pull(t.Context(), c, addr+"/app:1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > 3 || n < 2 {
		t.Errorf("%d requests at once, want at most 3", n)
	}
}

// Whoever goes over a registry of many repositories does not keep a login for
// each of them.
func TestSessionsAreBounded(t *testing.T) {
	addr := inProcess(t, nil)
	c := client(t, Options{})
	for i := range maxSessions + 100 {
		c.Tags(t.Context(), fmt.Sprintf("%s/r%d", addr, i))
	}
	if n := c.sessions.Size(); n != maxSessions {
		t.Errorf("%d sessions are kept", n)
	}
	push(t, addr+"/app:1")
	if err := pull(t.Context(), c, addr+"/app:1"); err != nil {
		t.Error(err)
	}
}
