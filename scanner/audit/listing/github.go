package listing

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// ghcrLister asks GitHub for an owner's packages of type container
// (https://docs.github.com/rest/packages/packages).
type ghcrLister struct {
	listers
	base  string
	owner string
}

type githubPackage struct {
	Name string `json:"name"`
}

func (g ghcrLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	owner, _, _ := strings.Cut(g.owner, "/")
	token := cmp.Or(g.o.Getenv("GITHUB_TOKEN"), g.o.Getenv("GH_TOKEN"), g.login(ctx, ghcrHost).Password)
	a, err := g.api("GitHub", g.base, "set GITHUB_TOKEN to a token with the scope read:packages, or docker login ghcr.io with one", bearer(token))
	if err != nil {
		return fails(err)
	}
	return func(yield func(string, error) bool) {
		first := true
		for repo, err := range g.packages(ctx, a, "orgs", owner) {
			if first && isStatus(err, http.StatusNotFound) {
				g.packages(ctx, a, "users", owner)(yield)
				return
			}
			first = false
			if !yield(repo, err) {
				return
			}
		}
	}
}

func (g ghcrLister) packages(ctx context.Context, a *api, kind, owner string) iter.Seq2[string, error] {
	first := "/" + kind + "/" + url.PathEscape(owner) + "/packages?package_type=container&per_page=100"
	next := func(h http.Header, _ []githubPackage) string { return nextLink(h) }
	return named(pages(ctx, a, first, next), func(page []githubPackage) []string {
		var names []string
		for _, p := range page {
			names = append(names, ghcrHost+"/"+strings.ToLower(owner+"/"+p.Name))
		}
		return names
	})
}
