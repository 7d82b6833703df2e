package registry

import (
	"net/http"
	"sync"
	"time"
)

// greeter keeps what hosts answer to a request without a login for their API's
// root, which is asked before each login (distribution specification 1.1,
// "Determining Support"): one for each repository would ask a whole registry
// the same thing over and over, with a TLS handshake in vain each time where it
// speaks plain HTTP.
type greeter struct {
	inner http.RoundTripper

	mu    sync.Mutex
	known map[string]greeted // by "scheme://host"
}

// greeted is an answer, or the error of a scheme that the host does not speak.
type greeted struct {
	at     time.Time
	status int
	header http.Header
	err    error
}

// greetingAge is for how long an answer counts: a listing of a registry has it,
// and a registry that moves is noticed by those that run for days.
const greetingAge = time.Minute

func newGreeter(inner http.RoundTripper) *greeter {
	return &greeter{inner: inner, known: map[string]greeted{}}
}

func (g *greeter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.URL.Path != "/v2/" || req.URL.RawQuery != "" || req.Header.Get("Authorization") != "" {
		return g.inner.RoundTrip(req)
	}
	if known, ok := g.recall(req.URL.Scheme, req.URL.Host); ok {
		if known.err != nil {
			return nil, known.err
		}
		return &http.Response{Status: http.StatusText(known.status), StatusCode: known.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: known.header.Clone(), Body: http.NoBody, Request: req}, nil
	}
	resp, err := g.inner.RoundTrip(req)
	g.keep(req, resp, err)
	return resp, err
}

// recall returns what is known of a scheme. That TLS did not work out counts
// only once the host has answered in plain HTTP: else it is tried again.
func (g *greeter) recall(scheme, host string) (greeted, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.known[scheme+"://"+host]
	if ok && known.err != nil {
		plain, answered := g.known["http://"+host]
		ok = answered && plain.err == nil && time.Since(plain.at) < greetingAge
	}
	return known, ok && time.Since(known.at) < greetingAge
}

// keep remembers an answer that tells how to log in, and an error.
func (g *greeter) keep(req *http.Request, resp *http.Response, err error) {
	known := greeted{at: time.Now(), err: err}
	if err == nil {
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
			return
		}
		known.status, known.header = resp.StatusCode, resp.Header.Clone()
	} else if req.Context().Err() != nil || req.URL.Scheme != "https" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxSessions {
		clear(g.known)
	}
	g.known[req.URL.Scheme+"://"+req.URL.Host] = known
}
