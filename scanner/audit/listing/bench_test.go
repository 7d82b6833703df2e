package listing

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/scanner/registry"
)

// A registry of 200 repositories with 10 tags, all of which are known: what a
// second audit asks for.
func BenchmarkListUnchanged(b *testing.B) {
	const repos, tags = 200, 10
	var catalog, list []string
	for i := range repos {
		catalog = append(catalog, fmt.Sprintf(`"team/r%d"`, i))
	}
	for i := range tags {
		list = append(list, fmt.Sprintf(`"%d"`, i))
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch kindOfRequest(r) {
		case "catalog":
			fmt.Fprintf(w, `{"repositories":[%s]}`, strings.Join(catalog, ","))
		case "tags":
			fmt.Fprintf(w, `{"tags":[%s]}`, strings.Join(list, ","))
		case "HEAD":
			w.Header().Set("Docker-Content-Digest", "sha256:"+hexSum([]byte(r.URL.Path)))
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			w.Header().Set("Content-Length", "1000")
		}
	}))
	defer srv.Close()
	s, err := Parse(strings.TrimPrefix(srv.URL, "http://"), nil)
	if err != nil {
		b.Fatal(err)
	}
	c := client(b, registry.Options{})
	o := Options{Known: func(digests []string) map[string][]Image {
		known := map[string][]Image{}
		for _, d := range digests {
			known[d] = []Image{{Digest: d}}
		}
		return known
	}}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		result, err := List(b.Context(), c, []Scope{s}, o, func(r Repository) error { n += len(r.Images); return nil })
		if err != nil || len(result.Problems) > 0 || n != repos*tags {
			b.Fatal(n, result.Problems, err)
		}
	}
	b.ReportMetric(float64(repos*tags*b.N)/b.Elapsed().Seconds(), "images/s")
}
