// Package registry is a client of OCI and Docker registries: names to
// manifests, manifests to blobs. It stands on go-containerregistry and adds
// what reading thousands of images for days needs: it waits as it is told
// (429, Retry-After), takes up blobs where a connection dropped, checks every
// digest, bounds every answer, and says in its errors what to do.
package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/net/http/httpproxy"

	"github.com/interdict/interdict/scanner/internal/lru"
)

// Options say how to reach registries. The zero value is what most want: the
// user's credentials, verified TLS, proxies by the environment (HTTPS_PROXY,
// HTTP_PROXY, NO_PROXY).
type Options struct {
	// Version of interdict, for the user agent.
	Version string
	// Credentials are tried before those of the environment
	// (INTERDICT_REGISTRY_AUTH_*, see [EnvCredentials]) and of files: the file
	// that REGISTRY_AUTH_FILE names, Docker's config.json with its credential
	// helpers, and Podman's auth.json. The first that has any for a registry
	// wins; without any, requests are anonymous.
	Credentials []Credential
	// Named reports whether the operator named a host ("host[:port]", "docker.io"
	// for Docker Hub), as a target or in the scope of an audit. Credentials that
	// name no registry go to no other host. Nil means that all are named: the
	// caller reads only what its user asks for.
	Named func(host string) bool
	// Warn, if set, is told in one line of what the user should know although the
	// client goes on: a credential helper that cannot run.
	Warn func(message string)
	// Insecure allows plain HTTP and certificates that do not verify. Loopback
	// and private (RFC 1918) addresses may always answer in plain HTTP.
	Insecure bool
	// CAFile holds PEM certificates to trust beside the system's.
	CAFile string
	// CertFile and KeyFile hold a client certificate, PEM.
	CertFile, KeyFile string
	// PerHost bounds the requests in flight to one host, 16 if zero. A blob
	// that is being read is one of them until it is closed or read to its end.
	PerHost int
	// Attempts is how often a request is tried, and how often in a row a blob
	// is taken up again without getting on; 5 if zero.
	Attempts int
	// Backoff is the first wait between attempts, 1 s if zero. It doubles.
	Backoff time.Duration
	// MaxWait is the longest wait that a registry may ask for (Retry-After);
	// one that asks for more ends in an error. 2 min if zero.
	MaxWait time.Duration
	// Stall is how long a connection may give next to nothing of a blob before it
	// counts as dropped, and a quarter of the time that any other answer may take;
	// 30 s if zero.
	Stall time.Duration
	// KeepManifests is how much of manifests that are read by digest is kept, in
	// bytes, to be read again without a request; nothing if zero.
	KeepManifests int64
	// Limit, if set, is asked before every request to a host ("host:port"), and
	// lets it wait; its error ends the request. OnPause, if set, is told that a
	// host asks for no requests before a time. By these, clients on many
	// machines can share the limits of one registry.
	Limit   func(ctx context.Context, host string) error
	OnPause func(host string, until time.Time)
	// Getenv stands for os.Getenv in tests.
	Getenv func(string) string

	dial func(ctx context.Context, network, addr string) (net.Conn, error) // tests
}

func (o Options) withDefaults() Options {
	if o.PerHost <= 0 {
		o.PerHost = 16
	}
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Backoff <= 0 {
		o.Backoff = time.Second
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 2 * time.Minute
	}
	if o.Stall <= 0 {
		o.Stall = 30 * time.Second
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return o
}

// Client reads from registries. It authenticates once for each repository and
// may be used from many goroutines.
type Client struct {
	o         Options
	keys      *keychain
	base      *http.Transport
	trip      http.RoundTripper // base with limits and retries, without authentication
	pings     http.RoundTripper // trip that asks each host once how to log in
	tries     retrier
	manifests manifestCache

	mu       sync.Mutex // of finding or making a session
	sessions *lru.Cache[string, *session]
}

// session is an authenticated way to one repository or to a registry's catalog.
type session struct {
	mu     sync.Mutex // held while authenticating
	client *http.Client
	puller *remote.Puller
}

// New returns a client. It reads the certificate files, and nothing else.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	cfg, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	dial := o.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	base := &http.Transport{
		Proxy:                 func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext:           dial,
		TLSClientConfig:       cfg,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   o.PerHost,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
	}
	tries := retrier{attempts: o.Attempts, backoff: o.Backoff, maxWait: o.MaxWait}
	tries.inner = &gate{inner: base, limit: o.Limit, onPause: o.OnPause, agent: "interdict/" + o.Version, perHost: o.PerHost, patience: 4 * o.Stall, hosts: map[string]*host{}}
	return &Client{
		o: o, base: base, trip: &tries, pings: newPingCache(&tries), tries: tries,
		keys:      newKeychain(o),
		manifests: newManifestCache(o.KeepManifests),
		sessions:  lru.New[string, *session](maxSessions),
	}, nil
}

// Close ends idle connections. The client may be used again.
func (c *Client) Close() { c.base.CloseIdleConnections() }

func tlsConfig(o Options) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure}
	if o.CAFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the registry's CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, &Error{Kind: BadCertificate, Err: fmt.Errorf("no certificate in %s", o.CAFile),
				hint: "it must hold one or more certificates in PEM (-----BEGIN CERTIFICATE-----)"}
		}
		cfg.RootCAs = pool
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

// ParseReference parses "[host/]repository[:tag][@digest]" as Docker does: the
// host is docker.io and the tag is latest where they are not given. A digest
// overrides a tag.
func (c *Client) ParseReference(s string) (name.Reference, error) {
	ref, err := name.ParseReference(s, c.nameOptions()...)
	// name takes "./x" for a repository of the host ".".
	if err != nil || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "/") {
		return nil, &Error{Ref: s, Kind: BadReference, Err: fmt.Errorf("%q is not an image reference", clean(s)),
			hint: "write it as HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:..., in lower case and without https://"}
	}
	return ref, nil
}

func (c *Client) nameOptions() []name.Option {
	if c.o.Insecure {
		return []name.Option{name.Insecure}
	}
	return nil
}

// Resolve asks for the descriptor that a reference stands for now, without
// reading the manifest where the registry allows it.
func (c *Client) Resolve(ctx context.Context, ref name.Reference) (v1.Descriptor, error) {
	s, err := c.session(ctx, ref.Context())
	if err != nil {
		return v1.Descriptor{}, c.fail(ref.Name(), ref.Context().Registry, err)
	}
	d, err := s.puller.Head(ctx, ref)
	if err == nil {
		return *d, nil
	}
	// Some registries answer HEAD wrongly or without the digest: GET decides.
	desc, _, err := c.Manifest(ctx, ref)
	return desc, err
}

// Manifest reads a manifest or an index, at most [MaxManifest] bytes, and its
// descriptor. Bytes that do not have the reference's digest are an error. The
// bytes are not to be changed.
func (c *Client) Manifest(ctx context.Context, ref name.Reference) (v1.Descriptor, []byte, error) {
	if m, ok := c.manifests.get(ref); ok {
		return m.desc, m.raw, nil
	}
	s, err := c.session(ctx, ref.Context())
	if err != nil {
		return v1.Descriptor{}, nil, c.fail(ref.Name(), ref.Context().Registry, err)
	}
	d, err := s.puller.Get(ctx, ref)
	if err == nil && strings.HasPrefix(string(d.MediaType), "text/html") {
		err = &Error{Ref: display(ref.Name()), Kind: BadAnswer, hint: pageHint,
			Err: fmt.Errorf("%s answers with a page (text/html) in place of a manifest", display(ref.Context().RegistryStr()))}
	}
	if err != nil {
		return v1.Descriptor{}, nil, c.fail(ref.Name(), ref.Context().Registry, err)
	}
	c.manifests.put(ref, manifest{d.Descriptor, d.Manifest})
	return d.Descriptor, d.Manifest, nil
}

// Remote returns options for go-containerregistry's remote package that make
// it use this client's credentials, limits and retries, to push as well.
func (c *Client) Remote() []remote.Option {
	return []remote.Option{
		remote.WithTransport(c.trip),
		remote.WithAuthFromKeychain(c.keys),
		remote.WithRetryStatusCodes(), // trip has tried already
	}
}

type resource interface {
	authn.Resource
	Scheme() string
	Scope(string) string
}

// session returns the session for a repository or registry. The first caller
// authenticates while others that need the same one wait for it.
func (c *Client) session(ctx context.Context, res resource) (*session, error) {
	key := res.Scheme() + "://" + res.String()
	c.mu.Lock()
	s, ok := c.sessions.Get(key)
	if !ok {
		s = &session{}
		c.sessions.Put(key, s, 1)
	}
	c.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s, nil
	}
	if err := c.authenticate(ctx, res, s); err != nil {
		return nil, err
	}
	return s, nil
}

// maxSessions bounds the sessions and the answers of hosts that are cached. A
// session that is evicted stays good for its user; the next one logs in again.
const maxSessions = 1024

func (c *Client) authenticate(ctx context.Context, res resource, s *session) error {
	auth, err := authn.Resolve(ctx, authn.RefreshingKeychain(c.keys, 30*time.Minute), res)
	if err != nil {
		return err
	}
	var reg name.Registry
	switch r := res.(type) {
	case name.Registry:
		reg = r
	case name.Repository:
		reg = r.Registry
	default:
		return fmt.Errorf("authenticating for %s: not a registry or repository", res)
	}
	scope := res.Scope(transport.PullScope)
	trip, err := transport.NewWithContext(ctx, reg, auth, &challenged{inner: c.pings, base: c.trip, reg: reg, auth: auth, scope: scope}, []string{scope})
	if err != nil {
		return c.untrusted(ctx, reg, err)
	}
	puller, err := remote.NewPuller(remote.WithTransport(trip))
	if err != nil {
		return err
	}
	s.puller = puller
	s.client = &http.Client{Transport: trip, CheckRedirect: checkRedirect}
	return nil
}

// untrusted finds the certificate behind an error of plain HTTP. Private hosts
// are asked again in plain HTTP when TLS does not work out, whatever the reason,
// and the answer of a server that wants TLS tells nothing of it.
func (c *Client) untrusted(ctx context.Context, reg name.Registry, err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest || answer.Request == nil || answer.Request.URL.Scheme != "http" {
		return err
	}
	req, rerr := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+reg.RegistryStr()+"/v2/", nil)
	if rerr != nil {
		return err
	}
	resp, terr := c.base.RoundTrip(req)
	if terr == nil {
		resp.Body.Close()
		return err
	}
	if isCertificateError(terr) {
		return terr
	}
	return err
}

// checkRedirect follows a registry to its blob store, but not to a link-local
// address: there are the metadata services of clouds, and no blobs.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if ip := net.ParseIP(req.URL.Hostname()); ip != nil && ip.IsLinkLocalUnicast() {
		return fmt.Errorf("redirect to the link-local address %s refused", ip)
	}
	return nil
}
