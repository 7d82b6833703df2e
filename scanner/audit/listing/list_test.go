package listing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

// counted is a registry in this process that counts what it is asked.
type counted struct {
	addr string
	mu   sync.Mutex
	n    map[string]int
}

// kindOfRequest is "HEAD", "GET", "tags", "catalog", "blob" or "ping".
func kindOfRequest(r *http.Request) string {
	switch p := r.URL.Path; {
	case p == "/v2/":
		return "ping"
	case strings.HasSuffix(p, "/tags/list"):
		return "tags"
	case strings.HasSuffix(p, "/_catalog"):
		return "catalog"
	case strings.Contains(p, "/blobs/"):
		return "blob"
	}
	return r.Method
}

func (c *counted) reset() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.n, "ping")
	var out []string
	for _, k := range slices.Sorted(maps.Keys(c.n)) {
		out = append(out, fmt.Sprintf("%d %s", c.n[k], k))
	}
	clear(c.n)
	return strings.Join(out, ", ")
}

// inProcess serves a registry behind a handler that may answer in its place.
func inProcess(t testing.TB, front func(w http.ResponseWriter, r *http.Request, inner http.Handler)) *counted {
	t.Helper()
	c := &counted{n: map[string]int{}}
	inner := served.New(served.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.n[kindOfRequest(r)]++
		c.mu.Unlock()
		if front != nil {
			front(w, r, inner)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	c.addr = strings.TrimPrefix(srv.URL, "http://")
	return c
}

func client(t testing.TB, o registry.Options) *registry.Client {
	t.Helper()
	home := t.TempDir()
	o.Getenv = func(k string) string { return map[string]string{"HOME": home}[k] }
	o.Backoff, o.Attempts = time.Millisecond, 2
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// imageFor makes an image for a platform, made on a day of January 2026; on day
// 0 it does not tell when.
func imageFor(platform string, day int) v1.Image {
	img := must(random.Image(64, 1))
	cfg := must(img.ConfigFile()).DeepCopy()
	p := must(v1.ParsePlatform(platform))
	cfg.OS, cfg.Architecture, cfg.Variant = p.OS, p.Architecture, p.Variant
	if cfg.Created = (v1.Time{}); day > 0 {
		cfg.Created = v1.Time{Time: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)}
	}
	return must(mutate.ConfigFile(img, cfg))
}

// indexOf makes an index as buildx does, with an attestation for each image.
func indexOf(imgs ...v1.Image) v1.ImageIndex {
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, img := range imgs {
		att := must(mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(must(img.Digest()).String()), "application/vnd.in-toto+json")))
		idx = mutate.AppendManifests(idx,
			mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: must(img.ConfigFile()).Platform()}},
			mutate.IndexAddendum{Add: att, Descriptor: v1.Descriptor{
				Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
				Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}})
	}
	return idx
}

// signature makes what cosign puts beside an image.
func signature() v1.Image {
	return must(mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		static.NewLayer([]byte("{}"), "application/vnd.dev.cosign.simplesigning.v1+json")))
}

func push(t testing.TB, ref string, what remote.Taggable) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	switch w := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(r, w)
	case v1.Image:
		err = remote.Write(r, w)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// listed runs List and writes what it found, a line an image, with names for
// digests and without the host.
func listed(t testing.TB, c *registry.Client, o Options, names map[string]string, words ...string) (lines []string, repos map[string]Repository, problems []Problem) {
	t.Helper()
	var scopes []Scope
	for _, w := range words {
		s, err := Parse(w, nil)
		if err != nil {
			t.Fatal(err)
		}
		scopes = append(scopes, s)
	}
	repos = map[string]Repository{}
	result, err := List(t.Context(), c, scopes, o, func(r Repository) error {
		_, path, _ := strings.Cut(r.Name, "/")
		if _, twice := repos[path]; twice {
			t.Errorf("%s was visited twice", r.Name)
		}
		repos[path] = r
		for _, im := range r.Images {
			if im.Repository != r.Name {
				t.Errorf("an image of %s in %s", im.Repository, r.Name)
			}
			line := path + " " + cmp.Or(names[im.Digest], im.Digest) + " " + cmp.Or(im.Platform, "-") + " " + strings.Join(im.Tags, ",")
			if im.Index != "" {
				line += " in " + names[im.Index]
			}
			if len(im.Workloads) > 0 {
				line += " for " + strings.Join(im.Workloads, ",")
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines, repos, result.Problems
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("listed\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// fleet fills a registry and returns names for its digests.
func fleet(t testing.TB, addr string) map[string]string {
	old, amd, arm, win := imageFor("linux/amd64", 1), imageFor("linux/amd64", 5), imageFor("linux/arm64", 5), imageFor("windows/amd64", 9)
	idx := indexOf(amd, arm)
	push(t, addr+"/team/app:1.0", old)
	push(t, addr+"/team/app:1.1", idx)
	push(t, addr+"/team/app:latest", idx)
	push(t, addr+"/team/app:sha256-0.sig", signature())
	push(t, addr+"/team/sub/tool:1", win)
	push(t, addr+"/other:1", old)
	names := map[string]string{must(idx.Digest()).String(): "idx"}
	for n, img := range map[string]v1.Image{"old": old, "amd": amd, "arm": arm, "win": win} {
		names[must(img.Digest()).String()] = n
	}
	return names
}

// memory remembers what a listing learned, as an audit's database does.
func memory(o Options) Options {
	var mu sync.Mutex
	m := map[string][]Image{}
	o.Known = func(digests []string) map[string][]Image {
		mu.Lock()
		defer mu.Unlock()
		known := maps.Clone(m)
		maps.DeleteFunc(known, func(d string, _ []Image) bool { return !slices.Contains(digests, d) })
		return known
	}
	o.Learned = func(d string, images []Image) {
		mu.Lock()
		defer mu.Unlock()
		m[d] = images
	}
	return o
}

func TestListRegistry(t *testing.T) {
	reg := inProcess(t, nil)
	names := fleet(t, reg.addr)
	c := client(t, registry.Options{})
	want := []string{
		"team/app old - 1.0",
		"team/app amd linux/amd64 1.1,latest in idx",
		"team/app arm linux/arm64 1.1,latest in idx",
		"team/sub/tool win - 1",
		"other old - 1",
	}
	reg.reset()
	got, repos, problems := listed(t, c, Options{}, names, reg.addr)
	if wantLines(t, got, want...); len(problems) > 0 {
		t.Error(problems)
	}
	if r := repos["team/app"]; !r.Complete || r.Narrowed {
		t.Errorf("team/app is complete %t, narrowed %t", r.Complete, r.Narrowed)
	}
	if n := reg.reset(); n != "6 GET, 1 blob, 1 catalog, 3 tags" { // the blob tells a signature from an image
		t.Errorf("it cost %s", n)
	}

	o := memory(Options{Jobs: 1})
	for _, cost := range []string{"4 GET, 6 HEAD, 1 blob, 1 catalog, 3 tags", "6 HEAD, 1 catalog, 3 tags"} {
		got, _, problems = listed(t, c, o, names, reg.addr)
		if wantLines(t, got, want...); len(problems) > 0 {
			t.Error(problems)
		}
		if n := reg.reset(); n != cost {
			t.Errorf("with a memory it cost %s, want %s", n, cost)
		}
	}
}

func TestListScopes(t *testing.T) {
	reg := inProcess(t, nil)
	names := fleet(t, reg.addr)
	c := client(t, registry.Options{})
	digest := func(of string) string {
		for d, n := range names {
			if n == of {
				return d
			}
		}
		return ""
	}
	a := reg.addr
	for _, tt := range []struct {
		name  string
		words []string
		f     Filter
		want  []string
	}{
		{"glob", []string{a + "/team/*"}, Filter{}, []string{"team/app old - 1.0", "team/app amd linux/amd64 1.1,latest in idx", "team/app arm linux/arm64 1.1,latest in idx"}},
		{"tag", []string{a + "/team/app:1.0"}, Filter{}, []string{"team/app old - 1.0"}},
		{"tags", []string{a + "/**:1.*"}, Filter{}, []string{"team/app old - 1.0", "team/app amd linux/amd64 1.1 in idx", "team/app arm linux/arm64 1.1 in idx"}},
		{"digest of an image in an index", []string{a + "/team/app@" + digest("arm")}, Filter{}, []string{"team/app arm - "}},
		{"digest of an index", []string{a + "/team/app@" + digest("idx")}, Filter{}, []string{"team/app amd linux/amd64  in idx", "team/app arm linux/arm64  in idx"}},
		{"tag and digest", []string{a + "/team/app:1.0@" + digest("old"), a + "/team/app:1.1@" + digest("old")}, Filter{}, []string{"team/app old - 1.0"}},
		{"scopes that overlap", []string{a + "/**:1", a, a + "/other:1", a + "/other"}, Filter{Include: []string{"other"}}, []string{"other old - 1"}},
		{"include and exclude", []string{a}, Filter{Include: []string{"team/"}, Exclude: []string{"*:latest", "tool"}}, []string{"team/app old - 1.0", "team/app amd linux/amd64 1.1 in idx", "team/app arm linux/arm64 1.1 in idx"}},
		{"platform", []string{a}, Filter{Platforms: []string{"linux/aarch64"}}, []string{"team/app arm linux/arm64 1.1,latest in idx"}},
		{"platforms", []string{a}, Filter{Platforms: []string{"windows/amd64,linux/arm64"}}, []string{"team/sub/tool win windows/amd64 1", "team/app arm linux/arm64 1.1,latest in idx"}},
		{"newest", []string{a}, Filter{Newest: 1}, []string{"team/app amd linux/amd64 latest in idx", "team/app arm linux/arm64 latest in idx", "team/sub/tool win windows/amd64 1", "other old linux/amd64 1"}},
		{"since", []string{a}, Filter{Since: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)}, []string{"team/sub/tool win windows/amd64 1"}},
		{"since spares what is named", []string{a + "/other:1"}, Filter{Since: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)}, []string{"other old - 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, repos, problems := listed(t, c, Options{Filter: tt.f}, names, tt.words...)
			if wantLines(t, got, tt.want...); len(problems) > 0 {
				t.Error(problems)
			}
			if r, ok := repos["team/app"]; ok && tt.name != "glob" && r.Complete && !r.Narrowed {
				t.Error("team/app is complete and not narrowed")
			}
			// What is remembered gives the same, at last without any GET.
			if tt.f.Newest > 0 || !tt.f.Since.IsZero() || len(tt.f.Platforms) > 0 {
				o := memory(Options{Filter: tt.f})
				listed(t, c, o, names, tt.words...)
				reg.reset()
				got, _, _ := listed(t, c, o, names, tt.words...)
				wantLines(t, got, tt.want...)
				if n := reg.reset(); strings.Contains(n, "GET") || strings.Contains(n, "blob") {
					t.Errorf("with a memory it cost %s", n)
				}
			}
		})
	}
}

func TestListWorkloads(t *testing.T) {
	reg := inProcess(t, nil)
	names := fleet(t, reg.addr)
	var idx string
	for d, n := range names {
		if n == "idx" {
			idx = d
		}
	}
	pod := func(name, image, id string) string {
		return fmt.Sprintf(`{"kind":"Pod","metadata":{"namespace":"prod","name":%q},"spec":{"containers":[{"name":"c","image":%q}]},"status":{"containerStatuses":[{"name":"c","imageID":%q}]}}`, name, image, id)
	}
	app := reg.addr + "/team/app"
	s, err := Parse("-", strings.NewReader(pod("web-1", app+":1.1", app+"@"+idx)+pod("web-2", app+":1.0", app+"@"+idx)+
		pod("lost", app+":1.0", app+"@"+digestA)+pod("odd", "NOT AN IMAGE", "")+pod("new", reg.addr+"/other:1", "")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	result, err := List(t.Context(), client(t, registry.Options{}), []Scope{s}, Options{}, func(r Repository) error {
		for _, im := range r.Images {
			got = append(got, fmt.Sprintf("%s %v %v", names[im.Digest], im.Tags, im.Workloads))
		}
		if r.Complete {
			t.Errorf("%s is complete", r.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{"amd [1.1] [prod/web-1/c prod/web-2/c]", "arm [1.1] [prod/web-1/c prod/web-2/c]", "old [1] [prod/new/c]"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if problems := result.Problems; len(problems) != 2 || !strings.Contains(problems[0].Reason, "is not in the registry") || problems[1].What != "prod/odd/c" {
		t.Errorf("problems %+v", problems)
	}
}

// A registry that does not tell digests of a HEAD, or answers it wrongly, is
// asked by GET.
func TestListWithoutDigestHeader(t *testing.T) {
	reg := inProcess(t, func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		if r.Method == http.MethodHead && strings.HasPrefix(r.UserAgent(), "interdict/") {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		inner.ServeHTTP(w, r)
	})
	names := fleet(t, reg.addr)
	o := memory(Options{})
	c := client(t, registry.Options{})
	for range 2 {
		got, _, problems := listed(t, c, o, names, reg.addr+"/other")
		if wantLines(t, got, "other old - 1"); len(problems) > 0 {
			t.Error(problems)
		}
	}
}

// What cannot be listed is a problem; the rest is listed.
func TestListProblems(t *testing.T) {
	reg := inProcess(t, func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/broken/tags"):
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasPrefix(r.URL.Path, "/v2/secret/"):
			w.WriteHeader(http.StatusForbidden)
		case strings.HasPrefix(r.URL.Path, "/v2/team/app/tags"):
			io.WriteString(w, `{"name":"team/app","tags":["1.0","absent","1.0"]}`)
		case r.URL.Path == "/v2/_catalog":
			io.WriteString(w, `{"repositories":["team/app","broken","secret","empty","Not A Name","team/app"]}`)
		default:
			inner.ServeHTTP(w, r)
		}
	})
	names := fleet(t, reg.addr)
	got, repos, problems := listed(t, client(t, registry.Options{}), Options{}, names, reg.addr, reg.addr+"/nothing/*", "127.0.0.1:1/app:1", reg.addr+"/absent")
	wantLines(t, got, "team/app old - 1.0")
	if r, ok := repos["empty"]; !ok || !r.Complete {
		t.Errorf("the repository without tags: %+v", r)
	}
	if !repos["team/app"].Complete {
		t.Error("a tag that is gone makes team/app incomplete")
	}
	var whats []string
	for _, p := range problems {
		whats = append(whats, strings.TrimPrefix(strings.TrimPrefix(p.What, reg.addr), "/"))
		if p.Hint == "" && !strings.Contains(p.Reason, "Not A Name") {
			t.Errorf("%s: %s: no hint", p.What, p.Reason)
		}
	}
	slices.Sort(whats)
	want := []string{"", "127.0.0.1:1/app:1", "absent", "broken", "nothing/*", "secret", "team/app:absent"}
	if !slices.Equal(whats, want) {
		t.Errorf("problems of %q, want %q: %+v", whats, want, problems)
	}
}

func TestListEnds(t *testing.T) {
	reg := inProcess(t, nil)
	fleet(t, reg.addr)
	s := []Scope{must(Parse(reg.addr, nil))}
	c := client(t, registry.Options{})
	stop := errors.New("stop")
	if _, err := List(t.Context(), c, s, Options{}, func(Repository) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of visit is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result, err := List(ctx, c, s, Options{Jobs: 1}, func(Repository) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || len(result.Problems) > 0 {
		t.Errorf("cancelled, it ends with %v and %v", err, result.Problems)
	}
	if _, err := List(t.Context(), c, s, Options{Filter: Filter{Include: []string{"["}}}, nil); hintOf(err) == "" {
		t.Errorf("a bad filter ends with %v", err)
	}
}

// A real registry, with more repositories than are listed at once, and one
// whose only tag was deleted.
func TestListDockerRegistry(t *testing.T) {
	need.Tool(t, "docker-registry")
	addr, stop, err := scantest.DockerRegistry(t.TempDir(), scantest.DockerOptions{Delete: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	names := map[string]string{}
	var want []string
	for i := range 20 {
		img := imageFor("linux/amd64", 1)
		push(t, fmt.Sprintf("%s/many/r%03d:1", addr, i), img)
		names[must(img.Digest()).String()] = fmt.Sprint(i)
		want = append(want, fmt.Sprintf("many/r%03d %d - 1", i, i))
	}
	idx := indexOf(imageFor("linux/amd64", 1), imageFor("linux/arm/v7", 1))
	push(t, addr+"/app:1", idx)
	gone := imageFor("linux/amd64", 1)
	push(t, addr+"/gone:1", gone)
	if err := remote.Delete(must(name.NewDigest(addr + "/gone@" + must(gone.Digest()).String()))); err != nil {
		t.Fatal(err)
	}
	o := memory(Options{})
	c := client(t, registry.Options{})
	for range 2 {
		got, repos, problems := listed(t, c, o, names, addr+"/many/*")
		if wantLines(t, got, want...); len(problems) > 0 {
			t.Error(problems)
		}
		if len(repos) != 20 {
			t.Errorf("%d repositories", len(repos))
		}
		_, repos, problems = listed(t, c, o, names, addr)
		if r := repos["gone"]; len(repos) != 22 || len(repos["app"].Images) != 2 || len(r.Images) != 0 || !r.Complete || len(problems) > 0 {
			t.Errorf("%d repositories, app %+v, gone %+v, %v", len(repos), repos["app"], r, problems)
		}
	}
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
