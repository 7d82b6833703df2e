package listing

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// gitlabLister asks GitLab for the container repositories of a group, a project
// or all projects (https://docs.gitlab.com/api/container_registry/).
type gitlabLister struct {
	listers
	base     string // of the API
	path     string // of a group or project; empty for all that the token may see
	registry string // host whose login may do for the API as well; may be empty
}

type gitlabRepository struct {
	Location string `json:"location"`
}

func (g gitlabLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	a, err := g.api("GitLab", g.base, "set GITLAB_TOKEN to a token with the scope read_api, and GITLAB_HOST to the host of your own GitLab", g.auth(ctx))
	if err != nil {
		return fails(err)
	}
	if g.path == "" {
		return g.all(ctx, a)
	}
	return func(yield func(string, error) bool) {
		inGroup := g.list(ctx, a, "groups", g.path)
		first := true
		for repo, err := range inGroup {
			if first && isStatus(err, http.StatusNotFound) {
				g.list(ctx, a, "projects", g.path)(yield)
				return
			}
			first = false
			if !yield(repo, err) {
				return
			}
		}
	}
}

func (g gitlabLister) list(ctx context.Context, a *api, kind, id string) iter.Seq2[string, error] {
	first := "/api/v4/" + kind + "/" + url.PathEscape(id) + "/registry/repositories?per_page=100"
	return named(pages(ctx, a, first, gitlabNext), func(page []gitlabRepository) []string {
		var names []string
		for _, r := range page {
			names = append(names, r.Location)
		}
		return names
	})
}

func gitlabNext(h http.Header, _ []gitlabRepository) string { return nextLink(h) }

// all goes over the projects: GitLab has no list of all repositories.
func (g gitlabLister) all(ctx context.Context, a *api) iter.Seq2[string, error] {
	type project struct {
		Path string `json:"path_with_namespace"`
	}
	return func(yield func(string, error) bool) {
		first := "/api/v4/projects?simple=true&per_page=100&pagination=keyset&order_by=id"
		for page, err := range pages(ctx, a, first, func(h http.Header, _ []project) string { return nextLink(h) }) {
			if err != nil {
				yield("", err)
				return
			}
			for _, p := range page {
				for repo, err := range g.list(ctx, a, "projects", p.Path) {
					// A project may have its registry switched off.
					if isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusForbidden) {
						continue
					}
					if !yield(repo, err) {
						return
					}
				}
			}
		}
	}
}

// auth uses the token of the environment for the host that it is for: a
// registry that says that its login is elsewhere does not get it.
func (g gitlabLister) auth(ctx context.Context) func(*http.Request) {
	u, err := url.Parse(g.base)
	if err != nil {
		return nil
	}
	if u.Host == g.envHost("GITLAB_HOST", gitlabHost) {
		if t := g.o.Getenv("GITLAB_TOKEN"); t != "" {
			return bearer(t)
		}
	}
	if g.registry != "" {
		return bearer(g.login(ctx, g.registry).Password)
	}
	return nil
}

// envHost is the host in a variable of the environment, with or without
// "https://".
func (l listers) envHost(variable, otherwise string) string {
	v := l.o.Getenv(variable)
	if v == "" {
		return otherwise
	}
	if u, err := url.Parse(v); err == nil && u.Host != "" {
		return u.Host
	}
	return v
}
