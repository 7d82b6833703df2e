package listing

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// quayLister asks Quay for the repositories of an organization or user
// (https://docs.quay.io/api/swagger/). Without a token it sees the public ones.
type quayLister struct {
	listers
	host string
	org  string
}

type quayPage struct {
	Repositories []struct{ Namespace, Name, Kind string }
	NextPage     string `json:"next_page"`
}

func (q quayLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	org, _, _ := strings.Cut(q.org, "/")
	base, err := q.url(ctx, q.host)
	if err != nil {
		return fails(err)
	}
	token := ""
	if q.envHost("QUAY_HOST", quayHost) == q.host {
		token = q.o.Getenv("QUAY_TOKEN")
	}
	a, err := q.api("Quay", base, "set QUAY_TOKEN to an OAuth token that may view repositories, and QUAY_HOST to the host of your own Quay", bearer(token))
	if err != nil {
		return fails(err)
	}
	first := "/api/v1/repository?" + url.Values{"namespace": {org}, "public": {"true"}}.Encode()
	next := func(_ http.Header, p quayPage) string {
		if p.NextPage == "" {
			return ""
		}
		return first + "&" + url.Values{"next_page": {p.NextPage}}.Encode()
	}
	return named(pages(ctx, a, first, next), func(p quayPage) []string {
		var names []string
		for _, r := range p.Repositories {
			if r.Kind == "" || r.Kind == "image" {
				names = append(names, q.host+"/"+r.Namespace+"/"+r.Name)
			}
		}
		return names
	})
}
