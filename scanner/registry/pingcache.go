package registry

import (
	"net/http"
	"time"

	"github.com/interdict/interdict/scanner/internal/lru"
)

// pingCache caches the answers of hosts to an unauthenticated request for their
// API's root, which precedes each login (distribution specification 1.1,
// "Determining Support"). Without it, listing a whole registry would ask the
// same host once for each repository, with a failing TLS handshake each time
// where the host speaks plain HTTP.
type pingCache struct {
	inner http.RoundTripper
	known *lru.Cache[string, pingAnswer] // by "scheme://host"
}

// pingAnswer is an answer, or the error of a scheme that the host does not speak.
type pingAnswer struct {
	at     time.Time
	status int
	header http.Header
	err    error
}

// maxPingAge is how long an answer is used: long enough for the listing of a
// registry, short enough for a program that runs for days to see it move.
const maxPingAge = time.Minute

func newPingCache(inner http.RoundTripper) *pingCache {
	return &pingCache{inner: inner, known: lru.New[string, pingAnswer](maxSessions)}
}

func (c *pingCache) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.URL.Path != "/v2/" || req.URL.RawQuery != "" || req.Header.Get("Authorization") != "" {
		return c.inner.RoundTrip(req)
	}
	if known, ok := c.lookUp(req.URL.Scheme, req.URL.Host); ok {
		if known.err != nil {
			return nil, known.err
		}
		return &http.Response{Status: http.StatusText(known.status), StatusCode: known.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: known.header.Clone(), Body: http.NoBody, Request: req}, nil
	}
	resp, err := c.inner.RoundTrip(req)
	c.add(req, resp, err)
	return resp, err
}

// lookUp returns the cached answer for a scheme. A failed TLS handshake is used
// only once the host has answered in plain HTTP; until then it is tried again.
func (c *pingCache) lookUp(scheme, host string) (pingAnswer, bool) {
	known, ok := c.known.Get(scheme + "://" + host)
	if ok && known.err != nil {
		plain, answered := c.known.Get("http://" + host)
		ok = answered && plain.err == nil && time.Since(plain.at) < maxPingAge
	}
	return known, ok && time.Since(known.at) < maxPingAge
}

// add caches an answer that says how to log in, or an error.
func (c *pingCache) add(req *http.Request, resp *http.Response, err error) {
	known := pingAnswer{at: time.Now(), err: err}
	if err == nil {
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
			return
		}
		known.status, known.header = resp.StatusCode, resp.Header.Clone()
	} else if req.Context().Err() != nil || req.URL.Scheme != "https" {
		return
	}
	c.known.Put(req.URL.Scheme+"://"+req.URL.Host, known, 1)
}
