package registry

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

// TestKeepManifests: what was read by its digest is not asked for again; what
// a tag leads to is, and so is a digest in another repository.
func TestKeepManifests(t *testing.T) {
	var gets atomic.Int64
	host := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
				gets.Add(1)
			}
			inner.ServeHTTP(w, r)
		})
	})
	img := push(t, host+"/one:1")
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	want, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		keep int64
		ref  string
		gets int64 // of two readings
	}{
		{0, "/one@" + digest.String(), 2},
		{1 << 20, "/one@" + digest.String(), 1},
		{1 << 20, "/one:1", 2},
		{8, "/one@" + digest.String(), 2}, // no room
	} {
		c, err := New(Options{KeepManifests: test.keep})
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference(host + test.ref)
		if err != nil {
			t.Fatal(err)
		}
		gets.Store(0)
		for range 2 {
			d, raw, err := c.Manifest(t.Context(), ref)
			if err != nil || d.Digest != digest || !bytes.Equal(raw, want) {
				t.Errorf("%s: %v, %d bytes, %v", test.ref, d.Digest, len(raw), err)
			}
		}
		if gets.Load() != test.gets {
			t.Errorf("%s with %d bytes to keep: %d requests, want %d", test.ref, test.keep, gets.Load(), test.gets)
		}
		other, err := name.ParseReference(host + "/two@" + digest.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Manifest(t.Context(), other); err == nil {
			t.Error("a repository that does not have the manifest gave it")
		}
	}
}
