package scantest

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// WriteDockerArchive writes the image as "docker save" does.
func WriteDockerArchive(w io.Writer, ref string, img v1.Image) error {
	tag, err := name.NewTag(ref)
	if err != nil {
		return fmt.Errorf("reading the reference %q: %w", ref, err)
	}
	return tarball.Write(tag, img, w)
}

// WriteLayout writes the images as an OCI layout folder.
func WriteLayout(dir string, imgs ...v1.Image) error {
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("writing the layout: %w", err)
	}
	for _, img := range imgs {
		if err := p.AppendImage(img); err != nil {
			return fmt.Errorf("adding an image: %w", err)
		}
	}
	return nil
}

// Index puts images for several platforms under one index.
func Index(imgs ...v1.Image) (v1.ImageIndex, error) {
	idx := v1.ImageIndex(empty.Index)
	for _, img := range imgs {
		cfg, err := img.ConfigFile()
		if err != nil {
			return nil, err
		}
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: cfg.Platform()},
		})
	}
	return idx, nil
}

// Registry serves go-containerregistry's in-process registry, with or without
// the referrers API. The caller closes the server. It returns the host:port.
func Registry(referrers bool) (*httptest.Server, string) {
	s := httptest.NewServer(registry.New(
		registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithReferrersSupport(referrers)))
	return s, strings.TrimPrefix(s.URL, "http://")
}
