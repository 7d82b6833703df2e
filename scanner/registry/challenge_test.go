package registry

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// tokenRegistry asks for bearer tokens, which its /token gives to those with the
// password; with openRoot, /v2/ answers without one, with basicRoot it asks for
// a password.
func tokenRegistry(t *testing.T, root string, password string) (addr string, exchanged *atomic.Int32) {
	exchanged = new(atomic.Int32)
	var open atomic.Bool
	open.Store(true)
	addr = inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, pass, _ := r.BasicAuth()
			switch {
			case open.Load():
			case r.URL.Path == "/token":
				if pass != password || r.FormValue("scope") != "repository:app:pull" || r.FormValue("service") != "x" {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				exchanged.Add(1)
				io.WriteString(w, `{"access_token":"tok"}`)
				return
			case r.URL.Path == "/v2/" && root == "open":
			case r.URL.Path == "/v2/" && root == "basic":
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			case r.Header.Get("Authorization") != "Bearer tok":
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x",scope="repository:app:pull"`, r.Host))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	push(t, addr+"/app:1")
	open.Store(false)
	return addr, exchanged
}

// TestChallenge: whatever /v2/ answers, a 401 starts the token flow that it names.
func TestChallenge(t *testing.T) {
	for _, root := range []string{"open", "basic", "bearer"} {
		t.Run(root, func(t *testing.T) {
			addr, exchanged := tokenRegistry(t, root, "s3cret")
			c := client(t, Options{Credentials: []Credential{{addr, "ann", "s3cret", ""}}})
			for range 2 {
				if err := pull(t.Context(), c, addr+"/app:1"); err != nil {
					t.Fatal(err)
				}
			}
			if n := exchanged.Load(); n != 1 {
				t.Errorf("%d tokens were asked for", n)
			}
			c = client(t, Options{Credentials: []Credential{{addr, "ann", "wrong", ""}}})
			wantKind(t, pull(t.Context(), c, addr+"/app:1"), Unauthorized)
		})
	}
}

// TestPageInPlace: a proxy's page in place of a blob or a manifest is said to be
// that, and not asked for again; a blob that a registry calls a page is read.
func TestPageInPlace(t *testing.T) {
	const page = "<html>log in here</html>"
	for _, tt := range []struct {
		name, path string
		body       bool // the blob itself, called text/html
		chunked    bool
	}{
		{name: "blob", path: "/blobs/"},
		{name: "blob, length not stated", path: "/blobs/", chunked: true},
		{name: "manifest", path: "/manifests/"},
		{name: "a blob called a page", path: "/blobs/", body: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			var on atomic.Bool
			addr := inProcess(t, func(inner http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !on.Load() || !strings.Contains(r.URL.Path, tt.path) || r.Method != http.MethodGet {
						inner.ServeHTTP(w, r)
						return
					}
					asked.Add(1)
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					if tt.body {
						inner.ServeHTTP(retyped{w}, r)
						return
					}
					if tt.chunked {
						w.(http.Flusher).Flush()
					}
					io.WriteString(w, page)
				})
			})
			push(t, addr+"/app:1")
			on.Store(true)
			err := pull(t.Context(), client(t, Options{}), addr+"/app:1")
			if tt.body {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantKind(t, err, BadAnswer)
			if n := asked.Load(); n != 1 || !strings.Contains(err.Error(), "page (text/html") || !strings.Contains(err.(*Error).Hint(), "proxy") {
				t.Errorf("asked %d times: %v", n, err)
			}
		})
	}
}

// retyped keeps the media type that was set already.
type retyped struct{ http.ResponseWriter }

func (r retyped) WriteHeader(code int) {
	r.Header().Set("Content-Type", "text/html")
	r.ResponseWriter.WriteHeader(code)
}
