package listing

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// harborLister asks Harbor for its projects and their repositories (API v2.0,
// https://goharbor.io/docs/main/build-customize-contribute/configure-swagger/).
type harborLister struct {
	listers
	host string
	path string // starts with the project; empty for all
}

type harborNamed struct {
	Name string `json:"name"` // of a repository: "project/path"
}

func (h harborLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	base, err := h.url(ctx, h.host)
	if err != nil {
		return fails(err)
	}
	hint := "docker login " + h.host + ", or set HARBOR_URL, HARBOR_USERNAME and HARBOR_PASSWORD; a robot account needs to list repositories"
	a, err := h.api("Harbor", base, hint, h.auth(ctx))
	if err != nil {
		return fails(err)
	}
	if project, _, _ := strings.Cut(h.path, "/"); project != "" {
		return h.project(ctx, a, project)
	}
	return func(yield func(string, error) bool) {
		for page, err := range pages(ctx, a, "/api/v2.0/projects?page_size=100", harborNext) {
			if err != nil {
				yield("", err)
				return
			}
			for _, p := range page {
				for repo, err := range h.project(ctx, a, p.Name) {
					if !yield(repo, err) {
						return
					}
				}
			}
		}
	}
}

func (h harborLister) project(ctx context.Context, a *api, project string) iter.Seq2[string, error] {
	first := "/api/v2.0/projects/" + url.PathEscape(project) + "/repositories?page_size=100"
	return named(pages(ctx, a, first, harborNext), func(page []harborNamed) []string {
		var names []string
		for _, r := range page {
			names = append(names, h.host+"/"+r.Name)
		}
		return names
	})
}

func harborNext(h http.Header, _ []harborNamed) string { return nextLink(h) }

func (h harborLister) auth(ctx context.Context) func(*http.Request) {
	if user := h.o.Getenv("HARBOR_USERNAME"); user != "" && h.envHost("HARBOR_URL", "") == h.host {
		return basic(user, h.o.Getenv("HARBOR_PASSWORD"))
	}
	c := h.login(ctx, h.host)
	return basic(c.Username, c.Password)
}
