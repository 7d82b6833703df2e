package registry

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// challenged answers a registry that asks for a token although the root of its
// API asked for none, or for a password: any 401 starts the flow that it names
// (distribution specification, "Token Authentication"). It lies below the
// transport that the root's answer led to, whose tokens it leaves alone.
type challenged struct {
	inner http.RoundTripper
	base  http.RoundTripper // without authentication and without a cache
	reg   name.Registry
	auth  authn.Authenticator
	scope string // where the challenge names none

	mu     sync.Mutex
	bearer http.RoundTripper // nil until a challenge was answered
}

func (c *challenged) RoundTrip(req *http.Request) (*http.Response, error) {
	if !c.concerns(req) {
		return c.inner.RoundTrip(req)
	}
	c.mu.Lock()
	bearer := c.bearer
	c.mu.Unlock()
	if bearer != nil {
		return bearer.RoundTrip(req.Clone(req.Context()))
	}
	resp, err := c.inner.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	bearer, err = c.login(req, resp)
	if bearer == nil || err != nil {
		return resp, nil // the registry's own answer says most
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	resp.Body.Close()
	return bearer.RoundTrip(req.Clone(req.Context()))
}

// concerns reports whether a request reads from the registry itself, without a
// token.
func (c *challenged) concerns(req *http.Request) bool {
	return req.URL.Host == c.reg.RegistryStr() && strings.HasPrefix(req.URL.Path, "/v2/") && req.URL.Path != "/v2/" &&
		(req.Method == http.MethodGet || req.Method == http.MethodHead) && !strings.HasPrefix(req.Header.Get("Authorization"), "Bearer ")
}

// login gets a token as a response asks; nil if it asks for none.
func (c *challenged) login(req *http.Request, resp *http.Response) (http.RoundTripper, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bearer != nil {
		return c.bearer, nil // another request was first
	}
	ctx := req.Context()
	ch, err := transport.Ping(ctx, c.reg, answered{resp, req.URL.Scheme})
	if err != nil || !strings.EqualFold(ch.Scheme, "bearer") {
		return nil, err
	}
	cfg, err := authn.Authorization(ctx, c.auth)
	if err != nil || cfg.RegistryToken != "" {
		return nil, err
	}
	tok, err := transport.Exchange(ctx, c.reg, c.auth, c.base, []string{cmp.Or(ch.Parameters["scope"], c.scope)}, ch)
	if err != nil {
		return nil, err
	}
	tok.Token = cmp.Or(tok.AccessToken, tok.Token)
	c.bearer, err = transport.FromToken(c.reg, c.auth, c.base, ch, tok)
	return c.bearer, err
}

// answered gives a response that is there already: transport.Ping reads the
// challenge from it.
type answered struct {
	resp   *http.Response
	scheme string
}

func (a answered) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != a.scheme {
		return nil, http.ErrSchemeMismatch
	}
	return &http.Response{StatusCode: a.resp.StatusCode, Header: a.resp.Header, Body: http.NoBody, Request: req}, nil
}
