package registry

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestIsIndexAndCheckManifest(t *testing.T) {
	for _, tt := range []struct {
		mt    types.MediaType
		raw   string
		index bool
		err   error
	}{
		{types.OCIImageIndex, `{"manifests":[]}`, true, nil},
		{types.OCIManifestSchema1, `{"manifests":[]}`, false, nil},
		{"", `{"manifests":[]}`, true, nil},
		{"application/json", `{"mediaType":"application/vnd.oci.image.index.v1+json"}`, true, nil},
		{"", `{"layers":[],"config":{}}`, false, nil},
		{types.OCIImageIndex, `{"manifests":[],"layers":[]}`, true, ErrAmbiguous},
		{types.DockerManifestSchema2, `{"Manifests":[],"config":{}}`, false, ErrAmbiguous},
	} {
		if got := IsIndex(tt.mt, []byte(tt.raw)); got != tt.index {
			t.Errorf("IsIndex(%q, %s) = %t", tt.mt, tt.raw, got)
		}
		if err := CheckManifest([]byte(tt.raw)); !errors.Is(err, tt.err) {
			t.Errorf("CheckManifest(%s) = %v, want %v", tt.raw, err, tt.err)
		}
	}
	if CheckManifest([]byte("[")) == nil {
		t.Error("bytes that are no JSON pass")
	}
}

func TestMatchPlatform(t *testing.T) {
	var have []v1.Platform
	for _, s := range []string{"linux/amd64", "linux/arm/v6", "linux/arm/7", "linux/arm64/v8", "Windows/x86_64"} {
		p, err := ParsePlatform(s)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, p)
	}
	for want, fit := range map[string][]int{
		"linux/x86-64": {0}, "linux/arm": {2}, "linux/arm/v6": {1}, "linux/aarch64": {3}, "windows/amd64": {4}, "linux/s390x": nil,
	} {
		p, err := ParsePlatform(want)
		if got := MatchPlatform(p, have); err != nil || !slices.Equal(got, fit) {
			t.Errorf("MatchPlatform(%s) = %v, %v, want %v", want, got, err, fit)
		}
	}
	for _, bad := range []string{"linux", "a/b/c/d", "linux//v6", ""} {
		if _, err := ParsePlatform(bad); err == nil {
			t.Errorf("%q is a platform", bad)
		}
	}
}

func TestPing(t *testing.T) {
	addr := inProcess(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://harbor.example/service/token",service="harbor-registry"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	})
	c := client(t, Options{})
	g, err := c.Ping(t.Context(), addr)
	if want := (Greeting{"http://" + addr, "https://harbor.example/service/token", "harbor-registry"}); err != nil || g != want {
		t.Errorf("Ping = %+v, %v, want %+v", g, err, want)
	}
	g, err = c.Ping(t.Context(), inProcess(t, nil))
	if err != nil || g.Realm != "" || !strings.HasPrefix(g.URL, "http://") {
		t.Errorf("Ping of an open registry = %+v, %v", g, err)
	}
	_, err = c.Ping(t.Context(), "not a host")
	wantKind(t, err, BadReference)
}
