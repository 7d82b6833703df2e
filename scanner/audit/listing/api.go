package listing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Bounds of a listing by a registry's own API.
const (
	maxPages   = 100_000
	maxMessage = 300 // bytes of what an API says of an error
)

var errEndless = errors.New("the listing does not end: a page leads back to itself")

// api asks one server. Requests go the registry client's way: its limits,
// retries, proxies, and its bound on the size of an answer.
type api struct {
	name string // of the service, for errors
	base *url.URL
	http *http.Client
	auth func(*http.Request) // adds the credentials; nil for none
	hint string              // what credentials it takes
}

func (l listers) api(name, base, hint string, auth func(*http.Request)) (*api, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, problem("", "%q is no address of %s", base, name)
	}
	return &api{name: name, base: u, hint: hint, auth: auth, http: &http.Client{
		Transport: l.client.Transport(),
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			// Credentials in headers and bodies are for this server alone.
			if req.URL.Host != u.Host || req.URL.Scheme != u.Scheme || len(via) >= 5 {
				return fmt.Errorf("redirect to %s refused", req.URL.Host)
			}
			return nil
		},
	}}, nil
}

// get asks for a path, or for the address of a next page on the same server,
// and decodes the JSON answer.
func (a *api) get(ctx context.Context, ref string, out any) (http.Header, error) {
	u, err := a.base.Parse(ref)
	if err != nil || u.Host != a.base.Host || u.Scheme != a.base.Scheme {
		return nil, problem("", "%s leads to another server: %q", a.name, ref)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return a.do(req, out)
}

// post sends a form or a JSON document.
func (a *api) post(ctx context.Context, path, contentType string, body []byte, out any) error {
	u, err := a.base.Parse(path)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	_, err = a.do(req, out)
	return err
}

func (a *api) do(req *http.Request, out any) (http.Header, error) {
	req.Header.Set("Accept", "application/json")
	if a.auth != nil {
		a.auth(req)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		if ctx := req.Context().Err(); ctx != nil {
			return nil, ctx
		}
		return nil, problem("check the network and HTTPS_PROXY, and the name of the host", "asking %s: %w", a.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", a.name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, a.refused(resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return nil, problem("check that "+a.base.Host+" is "+a.name, "%s answers what cannot be read: %w", a.base.Host, err)
	}
	return resp.Header, nil
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func (a *api) refused(status int, body []byte) error {
	text := strings.TrimSpace(fmt.Sprintf("%s (%s) answers %d %s", a.name, a.base.Host, status, http.StatusText(status)))
	if m := message(body); m != "" {
		text += " (" + m + ")"
	}
	hint := ""
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		hint = a.hint
	case status == http.StatusNotFound:
		hint = "check the name; what needs a login may be hidden without one: " + a.hint
	case status == http.StatusTooManyRequests || status >= 500:
		hint = "try again later"
	}
	return problem(hint, "%w", &statusError{status, text})
}

// message finds the words of an error in the usual shapes of JSON.
func message(body []byte) string {
	var doc struct {
		Message, Error, Detail any
		Errors                 []struct{ Message string }
	}
	json.Unmarshal(body, &doc)
	if len(doc.Errors) > 0 && doc.Errors[0].Message != "" {
		doc.Message = doc.Errors[0].Message
	}
	for _, v := range []any{doc.Message, doc.Detail, doc.Error} {
		if s, ok := v.(string); ok && s != "" {
			if s = oneLine(s); len(s) > maxMessage {
				s = strings.ToValidUTF8(s[:maxMessage], "") + "..."
			}
			return s
		}
	}
	return ""
}

func isStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// pages reads a listing page by page. next gives the address of the page after
// one, or nothing.
func pages[T any](ctx context.Context, a *api, first string, next func(http.Header, T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for ref, n := first, 0; ref != ""; n++ {
			var page T
			h, err := a.get(ctx, ref, &page)
			if err != nil {
				yield(page, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			after := next(h, page)
			if after != "" && (after == ref || n >= maxPages) {
				yield(page, problem("", "%s: %w", a.name, errEndless))
				return
			}
			ref = after
		}
	}
}

// nextLink reads the Link header (RFC 8288): the address of the next page.
func nextLink(h http.Header) string {
	for _, line := range h.Values("Link") {
		for link := range strings.SplitSeq(line, ",") {
			target, params, _ := strings.Cut(strings.TrimSpace(link), ">")
			for p := range strings.SplitSeq(params, ";") {
				k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
				if strings.EqualFold(k, "rel") && strings.EqualFold(strings.Trim(v, `"`), "next") {
					return strings.TrimPrefix(target, "<")
				}
			}
		}
	}
	return ""
}

// login returns the registry client's credentials for a host.
func (l listers) login(ctx context.Context, host string) authn.AuthConfig {
	reg, err := name.NewRegistry(host)
	if err != nil {
		return authn.AuthConfig{}
	}
	auth, err := authn.Resolve(ctx, l.client.Keychain(), reg)
	if err != nil {
		return authn.AuthConfig{}
	}
	cfg, err := authn.Authorization(ctx, auth)
	if err != nil {
		return authn.AuthConfig{}
	}
	return *cfg
}

func bearer(token string) func(*http.Request) {
	if token == "" {
		return nil
	}
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func basic(user, password string) func(*http.Request) {
	if user == "" && password == "" {
		return nil
	}
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// url is a host's address: over TLS, or as the client may speak to it.
func (l listers) url(ctx context.Context, host string) (string, error) {
	g, err := l.client.Ping(ctx, host)
	if err != nil {
		return "", err
	}
	return g.URL, nil
}

// fails is a listing that ends before it began.
func fails(err error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", err) }
}

// named yields the names of a listing's pages.
func named[T any](seq iter.Seq2[T, error], names func(T) []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for page, err := range seq {
			if err != nil {
				yield("", err)
				return
			}
			for _, n := range names(page) {
				if !yield(n, nil) {
					return
				}
			}
		}
	}
}
