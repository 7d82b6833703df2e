package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

func TestPlatforms(t *testing.T) {
	amd, arm6, arm7, arm64, win := imageFor(t, "linux/amd64", "a"), imageFor(t, "linux/arm/v6", "b"), imageFor(t, "linux/arm/v7", "c"), imageFor(t, "linux/arm64/v8", "d"), imageFor(t, "windows/amd64", "e")
	plain := func(img v1.Image) mutate.IndexAddendum { // the index does not say the platform
		return mutate.IndexAddendum{Add: img}
	}
	for1 := func(img v1.Image) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: must(img.ConfigFile()).Platform()}}
	}
	addr := serve(t)
	many := mutate.AppendManifests(empty.Index, for1(amd), attestation(amd), for1(arm6), plain(arm7), for1(arm64), for1(win))
	push(t, addr+"/many:1", many)
	push(t, addr+"/nested:1", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: mutate.AppendManifests(empty.Index, for1(arm6), attestation(arm6))}, for1(win)))
	push(t, addr+"/only:1", mutate.AppendManifests(empty.Index, for1(win), attestation(win)))
	push(t, addr+"/single:1", win)
	push(t, addr+"/attested:1", mutate.AppendManifests(empty.Index, attestation(win)))

	for _, tt := range []struct {
		repo string
		want []string // Options.Platforms
		got  string   // platforms, or what the error says
	}{
		{"many", []string{"linux/amd64"}, "linux/amd64"},
		{"many", []string{"linux/x86_64"}, "linux/amd64"},
		{"many", []string{"linux/arm64/v8"}, "linux/arm64"},
		{"many", []string{"linux/arm"}, "linux/arm/v7"},
		{"many", []string{"linux/arm/v6", "linux/amd64"}, "linux/amd64 linux/arm/v6"},
		{"many", []string{"all"}, "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64 windows/amd64"},
		{"many", []string{"linux/s390x"}, "not for linux/s390x; it is for linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64, windows/amd64"},
		{"nested", []string{"linux/arm"}, "linux/arm/v6"},
		{"nested", nil, "not for this machine's platform"},
		{"only", nil, "windows/amd64"},
		{"single", nil, "windows/amd64"},
		{"single", []string{"windows/amd64"}, "windows/amd64"},
		{"single", []string{"linux/amd64"}, "not for linux/amd64; it is for windows/amd64"},
		{"attested", nil, "it is for no platform at all"},
		{"many", []string{"linux"}, `"linux" is no platform`},
	} {
		t.Run(tt.repo+fmt.Sprint(tt.want), func(t *testing.T) {
			srcs, err := open(t, addr+"/"+tt.repo+":1", Options{Platforms: tt.want})
			if err != nil {
				if !strings.Contains(err.Error(), tt.got) {
					t.Errorf("error %q, want %q", err, tt.got)
				}
				wantHint(t, err)
				return
			}
			var got []string
			for _, s := range srcs {
				got = append(got, s.Subject().Platform)
				if tt.repo != "single" && s.Subject().IndexedBy == "" {
					t.Error("IndexedBy is empty")
				}
			}
			if g := strings.Join(got, " "); g != tt.got {
				t.Errorf("got %s, want %s", g, tt.got)
			}
		})
	}
}

func wantHint(t *testing.T, err error) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("error %q has no hint", err)
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("error %q is not one line", err)
	}
}

func TestSelectors(t *testing.T) {
	a, b := imageFor(t, "linux/amd64", "a"), imageFor(t, "linux/amd64", "b")
	dir := layoutDir(t, mutate.AppendManifests(empty.Index, named(a, "1.0"), named(b, "docker.io/library/b:2")))
	unnamed := layoutDir(t, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: a}, mutate.IndexAddendum{Add: b}))
	multi := put(t, "multi.tar", saved(t, map[string]v1.Image{"team/a:1": a, "b:2": b}))
	for _, tt := range []struct{ target, want string }{
		{"oci-dir:" + dir + ":1.0", "a"},
		{"oci-dir:" + dir + ":b:2", "b"},
		{"oci-dir:" + dir + "@" + must(b.Digest()).String(), "b"},
		{"oci-dir:" + dir, "several images"},
		{"oci-dir:" + dir + ":3", "there is no image :3 in it; there are: 1.0, docker.io/library/b:2"},
		{"oci-dir:" + unnamed, "several images"},
		{"oci-dir:" + unnamed + "@" + must(a.Digest()).String(), "a"},
		{"docker-archive:" + multi + ":team/a:1", "a"},
		{"docker-archive:" + multi + ":b:2", "b"},
		{"docker-archive:" + multi + "@" + must(b.ConfigName()).String(), "b"},
		{"docker-archive:" + multi, "several images"},
		{multi, "several images"},
		{"docker-archive:" + multi + ":c", "there is no image :c"},
		{"docker-archive:" + multi + ".absent:c", "there is no file"},
	} {
		srcs, err := open(t, tt.target, Options{})
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error %q, want %q", tt.target, err, tt.want)
			}
			wantHint(t, err)
			continue
		}
		img := map[string]v1.Image{"a": a, "b": b}[tt.want]
		if img == nil || len(srcs) != 1 || srcs[0].Subject().ImageID != must(img.ConfigName()).String() {
			t.Errorf("%s: not %s", tt.target, tt.want)
		}
	}
}
