package attach_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

const artifactType, bundleType = "application/vnd.cyclonedx+json", "application/vnd.dev.sigstore.bundle.v0.3+json"

// server is a registry under test.
type server struct {
	host  string
	api   bool // it has the referrers API
	keys  authn.Keychain
	front *front // nil for one that is a process of its own
}

// front counts the requests that change something and can fail them.
type front struct {
	http.Handler
	writes atomic.Int64
	fail   atomic.Int64 // the number of the write that fails; 0 for none
	down   atomic.Bool  // all after it fail as well
	before func(*http.Request)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.before != nil {
		f.before(r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		n, fail := f.writes.Add(1), f.fail.Load()
		if fail > 0 && (n == fail || n > fail && f.down.Load()) {
			http.Error(w, "the disk is full", http.StatusInsufficientStorage)
			return
		}
	}
	f.Handler.ServeHTTP(w, r)
}

func inProcess(t testing.TB, api bool) *server {
	f := &front{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(api))}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return &server{host: strings.TrimPrefix(srv.URL, "http://"), api: api, front: f}
}

// debian starts Debian's docker-registry, which has no referrers API.
func debian(t testing.TB, dir string, o scantest.DockerOptions) *server {
	t.Helper()
	need.Tool(t, "docker-registry")
	addr, stop, err := scantest.DockerRegistry(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	s := &server{host: addr}
	if o.Password != "" {
		s.keys = login{"ann", o.Password}
	}
	return s
}

type login struct{ user, password string }

func (l login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: l.user, Password: l.password}, nil
}

func (s *server) repo(t testing.TB) name.Repository {
	r, err := name.NewRepository(s.host + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *server) client(t testing.TB) *attach.Repository {
	return attach.New(s.repo(t), attach.Options{Keychain: s.keys})
}

func (s *server) remote() []remote.Option {
	if s.keys == nil {
		return nil
	}
	return []remote.Option{remote.WithAuthFromKeychain(s.keys)}
}

// image pushes an index of one image and returns the descriptors of both.
func (s *server) image(t testing.TB) (img, idx v1.Descriptor) {
	t.Helper()
	i, err := random.Image(1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: i})
	if err := remote.WriteIndex(s.repo(t).Tag("1"), x, s.remote()...); err != nil {
		t.Fatal(err)
	}
	a, err := partial.Descriptor(i)
	if err != nil {
		t.Fatal(err)
	}
	b, err := partial.Descriptor(x)
	if err != nil {
		t.Fatal(err)
	}
	return *a, *b
}

func artifact(kind, text string, image v1.Descriptor, predicate string) attach.Artifact {
	return attach.Artifact{Type: kind, Data: []byte(text), Name: "doc.json", Annotations: map[string]string{
		attach.AnnotationTool: "interdict v1", attach.AnnotationImage: image.Digest.String(),
		attach.AnnotationCreated: "2026-01-01T00:00:00Z", attach.AnnotationPredicate: predicate}}
}

func targets(img, idx v1.Descriptor, text string) []attach.Target {
	as := []attach.Artifact{
		artifact(artifactType, `{"bomFormat":"CycloneDX","n":"`+text+`"}`, img, ""),
		artifact(bundleType, `{"statement":"`+text+`"}`, img, "https://cyclonedx.org/bom"),
		artifact(bundleType, `{"verdict":"`+text+`"}`, img, "https://interdict.dev/attestation/verdict/v1"),
	}
	return []attach.Target{{Subject: img, Artifacts: as}, {Subject: idx, Artifacts: as}}
}

// list returns the documents of an image as text, sorted, each fetched.
func (s *server) list(t testing.TB, d v1.Descriptor) []string {
	t.Helper()
	ctx := context.Background()
	docs, err := s.client(t).List(ctx, d.Digest.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, doc := range docs {
		data, err := s.client(t).Fetch(ctx, doc)
		if err != nil {
			t.Errorf("%s is attached and cannot be read: %v", doc.Manifest, err)
		}
		out = append(out, string(data))
	}
	return out
}
