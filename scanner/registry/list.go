package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
)

// Bounds of a listing: a registry whose pages never end is broken.
const (
	maxPages = 100_000
	maxNames = 4 << 20
)

var (
	errPages = errors.New("the listing does not end: a page leads back to itself")
	errNames = fmt.Errorf("the listing has more than %d names", maxNames)
)

// Tags lists a repository's tags, in the registry's order. repo is
// "host/repository".
func (c *Client) Tags(ctx context.Context, repo string) ([]string, error) {
	r, err := name.NewRepository(repo, c.nameOptions()...)
	if err != nil {
		return nil, &Error{Ref: repo, Kind: BadReference, Err: fmt.Errorf("%q is not a repository", clean(repo)), hint: "write it as HOST/REPOSITORY, without a tag"}
	}
	s, err := c.session(ctx, r)
	if err != nil {
		return nil, c.fail(r.Name(), r.Registry, err)
	}
	l, err := s.puller.Lister(ctx, r)
	if err != nil {
		return nil, c.fail(r.Name(), r.Registry, err)
	}
	var tags []string
	last := ""
	for pages := 0; l.HasNext(); pages++ {
		page, err := l.Next(ctx)
		if err == nil && (pages > maxPages || page.Next != "" && page.Next == last) {
			err = errPages
		}
		if err == nil && len(tags)+len(page.Tags) > maxNames {
			err = errNames
		}
		if err != nil {
			return nil, c.fail(r.Name(), r.Registry, err)
		}
		tags, last = append(tags, page.Tags...), page.Next
	}
	return tags, nil
}

// Catalog lists a registry's repositories, without its host. Many public
// registries do not allow it: the error's kind is then Unauthorized or NotFound.
func (c *Client) Catalog(ctx context.Context, registry string) ([]string, error) {
	reg, err := name.NewRegistry(registry, c.nameOptions()...)
	if err != nil {
		return nil, &Error{Ref: registry, Kind: BadReference, Err: fmt.Errorf("%q is not a registry", clean(registry)), hint: "write it as HOST or HOST:PORT"}
	}
	s, err := c.session(ctx, reg)
	if err != nil {
		return nil, c.fail(reg.Name(), reg, err)
	}
	l, err := s.puller.Catalogger(ctx, reg)
	if err != nil {
		return nil, c.fail(reg.Name(), reg, err)
	}
	var repos []string
	last := ""
	for pages := 0; l.HasNext(); pages++ {
		page, err := l.Next(ctx)
		if err == nil && (pages > maxPages || page.Next != "" && page.Next == last) {
			err = errPages
		}
		if err == nil && len(repos)+len(page.Repos) > maxNames {
			err = errNames
		}
		if err != nil {
			return nil, c.fail(reg.Name(), reg, err)
		}
		repos, last = append(repos, page.Repos...), page.Next
	}
	return repos, nil
}
