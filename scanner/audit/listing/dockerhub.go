package listing

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// hubLister asks Docker Hub for the repositories of a namespace
// (https://docs.docker.com/reference/api/hub/latest/). Without a login it sees
// the public ones.
type hubLister struct {
	listers
	namespace string
}

type hubPage struct {
	Next    string
	Results []struct{ Namespace, Name string }
}

func (d hubLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	namespace, _, _ := strings.Cut(d.namespace, "/")
	a, err := d.api("Docker Hub", d.o.hub, "docker login with a personal access token", nil)
	if err != nil {
		return fails(err)
	}
	if c := d.login(ctx, dockerHub); c.Username != "" && c.Password != "" {
		if err := logIn(ctx, a, c.Username, c.Password); err != nil {
			return fails(err)
		}
	}
	first := "/v2/namespaces/" + url.PathEscape(namespace) + "/repositories?page_size=100"
	return named(pages(ctx, a, first, func(_ http.Header, p hubPage) string { return p.Next }), func(p hubPage) []string {
		var names []string
		for _, r := range p.Results {
			names = append(names, dockerHub+"/"+cmp.Or(r.Namespace, namespace)+"/"+r.Name)
		}
		return names
	})
}

func logIn(ctx context.Context, a *api, user, password string) error {
	body, err := json.Marshal(map[string]string{"identifier": user, "secret": password})
	if err != nil {
		return err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := a.post(ctx, "/v2/auth/token", "application/json", body, &answer); err != nil {
		return err
	}
	a.auth = bearer(answer.Token)
	return nil
}
