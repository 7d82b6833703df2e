package listing

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// acrLister asks an Azure container registry
// (https://learn.microsoft.com/rest/api/containerregistry/).
type acrLister struct {
	listers
	host string
}

type acrPage struct{ Repositories []string }

func (r acrLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	base, err := r.url(ctx, r.host)
	if err != nil {
		return fails(err)
	}
	hint := "az acr login, docker login " + r.host + ", or set AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; the login needs the role Reader or AcrPull"
	a, err := r.api("Azure Container Registry", base, hint, nil)
	if err != nil {
		return fails(err)
	}
	if err := r.exchange(ctx, a); err != nil {
		return fails(err)
	}
	next := func(h http.Header, _ acrPage) string { return nextLink(h) }
	return named(pages(ctx, a, "/acr/v1/_catalog?n=1000", next), func(p acrPage) []string {
		var names []string
		for _, n := range p.Repositories {
			names = append(names, r.host+"/"+n)
		}
		return names
	})
}

// exchange gets an access token for the catalog: with the refresh token that
// "az acr login" leaves, or by name and password
// (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md).
func (r acrLister) exchange(ctx context.Context, a *api) error {
	c := r.login(ctx, r.host)
	if c.RegistryToken != "" {
		a.auth = bearer(c.RegistryToken)
		return nil
	}
	if c.Username == "" && c.IdentityToken == "" && acrHost.MatchString(r.host) {
		c.Username, c.Password = r.o.Getenv("AZURE_CLIENT_ID"), r.o.Getenv("AZURE_CLIENT_SECRET")
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	form := url.Values{"service": {r.host}, "scope": {"registry:catalog:*"}}
	switch {
	case c.IdentityToken != "":
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", c.IdentityToken)
		if err := a.post(ctx, "/oauth2/token", "application/x-www-form-urlencoded", []byte(form.Encode()), &answer); err != nil {
			return err
		}
	case c.Username != "" && c.Password != "":
		a.auth = basic(c.Username, c.Password)
		if _, err := a.get(ctx, "/oauth2/token?"+form.Encode(), &answer); err != nil {
			return err
		}
	}
	a.auth = bearer(answer.Token)
	return nil
}
