package attach_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/sbom/attach"
	"github.com/interdict/interdict/scanner/scantest"
)

// TestPush attaches to an image and its index, in every sort of registry.
func TestPush(t *testing.T) {
	ctx := context.Background()
	for name, s := range map[string]*server{
		"in process, referrers API":  inProcess(t, true),
		"in process, fallback tag":   inProcess(t, false),
		"docker-registry":            debian(t, t.TempDir(), scantest.DockerOptions{Delete: true}),
		"docker-registry, no delete": debian(t, t.TempDir(), scantest.DockerOptions{}),
		"docker-registry, login":     debian(t, t.TempDir(), scantest.DockerOptions{Password: "hunter2", Delete: true}),
	} {
		t.Run(name, func(t *testing.T) {
			img, idx := s.image(t)
			push := func(text string, replace bool) *attach.Result {
				t.Helper()
				res, err := s.client(t).Push(ctx, targets(img, idx, text), attach.PushOptions{Replace: replace})
				if err != nil {
					t.Fatal(err)
				}
				return res
			}
			if n := news(push("first", false)); n != 6 {
				t.Errorf("%d of 6 manifests are new", n)
			}
			want := []string{`{"bomFormat":"CycloneDX","n":"first"}`, `{"statement":"first"}`, `{"verdict":"first"}`}
			for _, d := range []string{img.Digest.String(), idx.Digest.String()} {
				got, err := remote.Referrers(s.repo(t).Digest(d), s.remote()...)
				if err != nil {
					t.Fatal(err)
				}
				if m, err := got.IndexManifest(); err != nil || len(m.Manifests) != 3 {
					t.Errorf("go-containerregistry finds %v, %v", m, err)
				}
			}
			if diff := cmp.Diff(want, sorted(s.list(t, img))); diff != "" {
				t.Error(diff)
			}
			before := s.writes()
			if n := news(push("first", true)); n != 0 || s.writes() != before {
				t.Errorf("the same bytes were pushed again: %d manifests, %d writes", n, s.writes()-before)
			}
			foreign := artifact(artifactType, `{"bomFormat":"CycloneDX","by":"others"}`, img, "")
			foreign.Annotations = nil
			if _, err := s.client(t).Push(ctx, []attach.Target{{Subject: img, Artifacts: []attach.Artifact{foreign}}}, attach.PushOptions{Replace: true}); err != nil {
				t.Fatal(err)
			}
			push("second", false)
			if got := s.list(t, img); len(got) != 7 {
				t.Errorf("without replacing there are %d documents, want 7: %q", len(got), got)
			}
			if res := push("third", true); len(res.Removed) != 12 || len(res.Kept) != 0 {
				t.Errorf("replaced %d, kept %d, want 12 and 0", len(res.Removed), len(res.Kept))
			}
			want = []string{`{"bomFormat":"CycloneDX","by":"others"}`, `{"bomFormat":"CycloneDX","n":"third"}`, `{"statement":"third"}`, `{"verdict":"third"}`}
			if diff := cmp.Diff(want, sorted(s.list(t, img))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func news(r *attach.Result) (n int) {
	for _, p := range r.Pushed {
		if p.New {
			n++
		}
	}
	return n
}

func sorted(s []string) []string { slices.Sort(s); return s }

func (s *server) writes() int64 {
	if s.front == nil {
		return 0
	}
	return s.front.writes.Load()
}

// TestFailingPush fails a push at each of its writes. If only that one fails,
// everything is as before; if the registry is gone from then on, what can be
// found is whole, and nothing can be found that only the fallback tag lists.
func TestFailingPush(t *testing.T) {
	ctx := context.Background()
	for _, api := range []bool{true, false} {
		for _, down := range []bool{false, true} {
			t.Run(fmt.Sprintf("api %v, down %v", api, down), func(t *testing.T) {
				s := inProcess(t, api)
				img, idx := s.image(t)
				if _, err := s.client(t).Push(ctx, targets(img, idx, "old"), attach.PushOptions{}); err != nil {
					t.Fatal(err)
				}
				before := sorted(s.list(t, img))
				for k := int64(1); ; k++ {
					s.front.down.Store(down)
					s.front.fail.Store(s.front.writes.Load() + k)
					_, err := s.client(t).Push(ctx, targets(img, idx, fmt.Sprint("try ", k)), attach.PushOptions{Replace: true})
					s.front.fail.Store(0)
					if err == nil {
						if k < 10 {
							t.Fatalf("the push needed only %d writes", k)
						}
						return
					}
					for _, d := range []int{0, 1} {
						got := sorted(s.list(t, targets(img, idx, "")[d].Subject))
						left := strings.Count(strings.Join(got, ""), "try")
						switch {
						case !down && !cmp.Equal(before, got):
							t.Errorf("write %d failed, and this is left: %q", k, got)
						case !api && left != 0 && left != 3: // each image has all or nothing
							t.Errorf("write %d failed, and a part can be found: %q", k, got)
						}
					}
				}
			})
		}
	}
}

// TestRefused: what a registry does not allow is said with advice.
func TestRefused(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	open := debian(t, dir, scantest.DockerOptions{Password: "hunter2", Delete: true})
	img, idx := open.image(t)
	if _, err := open.client(t).Push(ctx, targets(img, idx, "x"), attach.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	frozen := debian(t, dir, scantest.DockerOptions{Password: "hunter2", ReadOnly: true})
	if got := frozen.list(t, img); len(got) != 3 {
		t.Errorf("a read-only registry lists %q", got)
	}
	_, err := frozen.client(t).Push(ctx, targets(img, idx, "y"), attach.PushOptions{})
	wantHint(t, err, "read-only")
	open.keys = login{"ann", "wrong"}
	_, err = open.client(t).Push(ctx, targets(img, idx, "y"), attach.PushOptions{})
	wantHint(t, err, "docker login")
	if strings.Contains(fmt.Sprint(err), "wrong") {
		t.Errorf("the message shows the password: %v", err)
	}
	open.keys = nil
	_, err = open.client(t).List(ctx, img.Digest.String(), "")
	wantHint(t, err, "docker login")
	if _, err := open.client(t).List(ctx, "latest", ""); err == nil {
		t.Error("a tag passed for a digest")
	}
}

func wantHint(t *testing.T, err error, hint string) {
	t.Helper()
	var e *attach.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), hint) {
		t.Errorf("got %v, want an error whose hint says %q", err, hint)
	}
}

// TestPages: a listing in pages is read to its end, also one that names itself.
func TestPages(t *testing.T) {
	s := inProcess(t, true)
	img, idx := s.image(t)
	ctx := context.Background()
	if _, err := s.client(t).Push(ctx, targets(img, idx, "x"), attach.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	inner := s.front.Handler
	s.front.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			inner.ServeHTTP(w, r)
			return
		}
		to := img.Digest.String()
		if r.URL.Query().Get("last") == "" { // an empty page first, then the real one
			w.Header().Set("Link", "<http://name.of.its.own"+r.URL.Path+`?last=1>; rel="next"`)
			to = "sha256:" + strings.Repeat("0", 64)
		} else if strings.Contains(r.URL.Path, idx.Digest.String()) {
			w.Header().Set("Link", "<"+r.URL.Path+"?last="+fmt.Sprint(len(r.URL.RawQuery))+strings.Repeat("1", len(r.URL.RawQuery))+`>; rel="next"`)
		}
		r = r.Clone(r.Context())
		r.URL.Path = r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1] + to
		inner.ServeHTTP(w, r)
	})
	if got := s.list(t, img); len(got) != 3 {
		t.Errorf("found %q", got)
	}
	if _, err := s.client(t).List(ctx, idx.Digest.String(), ""); err == nil {
		t.Error("an endless listing ended")
	}
}

// TestInterrupted stops a push in its middle: what it brought is taken away,
// though its context is done.
func TestInterrupted(t *testing.T) {
	for _, api := range []bool{true, false} {
		s := inProcess(t, api)
		img, idx := s.image(t)
		ctx, stop := context.WithCancel(context.Background())
		inner, puts := s.front.Handler, 0
		s.front.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
				if puts++; puts == 3 {
					stop()
				}
			}
			inner.ServeHTTP(w, r)
		})
		_, err := s.client(t).Push(ctx, targets(img, idx, "x"), attach.PushOptions{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := append(s.list(t, img), s.list(t, idx)...); len(got) != 0 {
			t.Errorf("api %v: this is left: %q", api, got)
		}
	}
}

// TestTwoAtOnce has one push write the fallback tag between the reading and the
// writing of another: neither is lost.
func TestTwoAtOnce(t *testing.T) {
	ctx := context.Background()
	s := inProcess(t, false)
	img, _ := s.image(t)
	push := func(text string) error {
		_, err := s.client(t).Push(ctx, []attach.Target{{Subject: img, Artifacts: []attach.Artifact{artifact(artifactType, text, img, "")}}}, attach.PushOptions{})
		return err
	}
	second, written := make(chan error, 1), make(chan struct{})
	var tags atomic.Int64
	s.front.before = func(r *http.Request) {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, attach.Fallback(img.Digest.String())) {
			return
		}
		switch tags.Add(1) {
		case 1: // of the first push, which has read the tag: let the second go before
			go func() { second <- push(`"second"`) }()
			<-written
		case 2:
			time.AfterFunc(50*time.Millisecond, func() { close(written) })
		}
	}
	if err := errors.Join(push(`"first"`), <-second); err != nil {
		t.Fatal(err)
	}
	if got := s.list(t, img); len(got) != 2 {
		t.Errorf("attached are %v", got)
	}
}

// TestLies has manifests that promise less than there is, and that are larger
// than any needs to be: an error of that document, not of the listing.
func TestLies(t *testing.T) {
	ctx := context.Background()
	s := inProcess(t, true)
	img, _ := s.image(t)
	big := artifact(artifactType, `"big"`, img, "")
	big.Annotations["x"] = strings.Repeat("x", 2<<20)
	if _, err := s.client(t).Push(ctx, []attach.Target{{Subject: img, Artifacts: []attach.Artifact{big, artifact(artifactType, `"small"`, img, "")}}}, attach.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	docs, err := s.client(t).List(ctx, img.Digest.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	var refused, read int
	for _, d := range docs {
		if d.Err != nil {
			refused++
			continue
		}
		if _, err := s.client(t).Fetch(ctx, d); err == nil {
			read++
		}
		d.Size--
		if _, err := s.client(t).Fetch(ctx, d); err == nil {
			t.Error("a document is larger than its manifest says, and is read")
		}
	}
	if refused != 1 || read != 1 {
		t.Errorf("%d are refused and %d are read: %+v", refused, read, docs)
	}
}
