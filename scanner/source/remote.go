package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
)

// registryStore is one repository of a registry.
type registryStore struct {
	client *registry.Client
	repo   name.Repository
	first  v1.Hash // of raw, which is read already
	raw    []byte
}

func (o *opener) registry(ctx context.Context, rest string) ([]scanner.Source, error) {
	client, closer := o.opt.Client, io.Closer(nothing{})
	if client == nil {
		ro := o.opt.Registry
		if ro.Getenv == nil {
			ro.Getenv = o.opt.Getenv
		}
		c, err := registry.New(ro)
		if err != nil {
			return nil, err
		}
		client, closer = c, closeFunc(func() error { c.Close(); return nil })
	}
	images, err := o.remoteImages(ctx, client, strings.TrimPrefix(rest, "//"))
	if err != nil {
		closer.Close()
		return nil, err
	}
	share(images, closer)
	return sources(images), nil
}

func (o *opener) remoteImages(ctx context.Context, client *registry.Client, words string) ([]*image, error) {
	ref, err := client.ParseReference(words)
	if err != nil {
		return nil, err
	}
	d, raw, err := client.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	st := &registryStore{client: client, repo: ref.Context(), first: d.Digest, raw: raw}
	return o.resolve(ctx, st, d, remoteOrigin(words, ref))
}

func remoteOrigin(words string, ref name.Reference) origin {
	org := origin{name: words, repo: ref.Context().Name()}
	if rest, ok := strings.CutPrefix(org.repo, name.DefaultRegistry+"/"); ok {
		org.repo = "docker.io/" + rest
	}
	if t, ok := ref.(name.Tag); ok {
		org.tags = []string{t.TagStr()}
	}
	return org
}

func (s *registryStore) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if d.Digest == s.first {
		return s.raw, nil
	}
	_, raw, err := s.client.Manifest(ctx, s.repo.Digest(d.Digest.String()))
	return raw, err
}

// blob reads from the registry only: the URLs that a foreign layer names
// elsewhere are not asked.
func (s *registryStore) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	rc, err := s.client.Blob(ctx, s.repo, d)
	var e *registry.Error
	if !d.MediaType.IsDistributable() && errors.As(err, &e) && e.Kind == registry.NotFound {
		return nil, fmt.Errorf("foreign layer: %w", scanner.ErrAbsent)
	}
	return rc, err
}

type nothing struct{}

func (nothing) Close() error { return nil }

type closeFunc func() error

func (f closeFunc) Close() error { return f() }
