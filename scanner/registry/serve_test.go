package registry

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

// inProcess serves go-containerregistry's registry behind a handler that may
// answer in its place.
func inProcess(t testing.TB, front func(inner http.Handler) http.Handler) string {
	t.Helper()
	h := served.New(served.Logger(log.New(io.Discard, "", 0)))
	if front != nil {
		h = front(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// dockerRegistry starts Debian's docker-registry. With a password, it asks user
// "ann" for it.
func dockerRegistry(t *testing.T, password string) string {
	t.Helper()
	need.Tool(t, "docker-registry")
	addr, stop, err := scantest.DockerRegistry(t.TempDir(), scantest.DockerOptions{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return addr
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// push pushes a random image of two layers.
func push(t testing.TB, ref string, opts ...remote.Option) v1.Image {
	t.Helper()
	img, err := random.Image(256<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img, opts...); err != nil {
		t.Fatal(err)
	}
	return img
}

func basic(password string) remote.Option {
	return remote.WithAuth(&authn.Basic{Username: "ann", Password: password})
}

// client returns a Client that sees no credentials of the machine and does not
// wait long.
func client(t testing.TB, o Options) *Client {
	t.Helper()
	if o.Getenv == nil {
		home := t.TempDir()
		o.Getenv = func(k string) string { return map[string]string{"HOME": home}[k] }
	}
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
