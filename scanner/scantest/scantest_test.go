package scantest

import (
	"archive/tar"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestParseBuildsAValidImage(t *testing.T) {
	im, err := Parse([]byte(`layer 1: RUN useradd app
env A=b
entrypoint /bin/x --serve
-- 0/etc/os-release --
ID=debian
-- 1/opt/link --
-> /etc/os-release
`))
	if err != nil {
		t.Fatal(err)
	}
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.History[1].CreatedBy; got != "RUN useradd app" {
		t.Errorf("created by %q", got)
	}
	if diff := cmp.Diff([]string{"/bin/x", "--serve"}, cfg.Config.Entrypoint); diff != "" {
		t.Error(diff)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	rc, err := layers[1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	h, err := tar.NewReader(rc).Next()
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if h.Typeflag != tar.TypeSymlink || h.Linkname != "/etc/os-release" {
		t.Errorf("got %c -> %s, want a link", h.Typeflag, h.Linkname)
	}
}
