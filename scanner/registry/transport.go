package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/interdict/interdict/scanner/internal/retry"
)

const (
	// MaxManifest is the largest manifest or index that is read, in bytes. The
	// distribution specification (1.1, "Pushing Manifests") asks registries to
	// take 4 MiB; few take more.
	MaxManifest = 8 << 20
	// maxAnswer bounds any other answer that is not a blob: a page of tags from
	// a registry that knows no pages.
	maxAnswer = 64 << 20
)

var errTooLarge = errors.New("the answer is larger than its bound")

// blobKey marks the context of a request for a blob: its answer is streamed and
// has no bound here, because the reader knows the blob's size.
type blobKey struct{}

// gate lets a bounded number of requests through to each host, holds all of
// them back while the host asks to wait, and bounds answers that are no blobs.
type gate struct {
	inner    http.RoundTripper
	agent    string
	perHost  int
	patience time.Duration // for an answer that is no blob
	limit    func(ctx context.Context, host string) error
	onPause  func(host string, until time.Time)

	mu    sync.Mutex
	hosts map[string]*host
}

type host struct {
	slots chan struct{}
	mu    sync.Mutex
	until time.Time // no request before
}

func (g *gate) host(addr string) *host {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hosts[addr]
	if h == nil {
		h = &host{slots: make(chan struct{}, g.perHost)}
		g.hosts[addr] = h
	}
	return h
}

// pause holds back the host's next requests, unless they shall rather fail, and
// tells who wants to know.
func (g *gate) pause(addr string, d time.Duration, hold bool) {
	until := time.Now().Add(d)
	if g.onPause != nil {
		g.onPause(addr, until)
	}
	if !hold {
		return
	}
	h := g.host(addr)
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.until) {
		h.until = until
	}
}

func (h *host) wait(ctx context.Context) error {
	h.mu.Lock()
	d := time.Until(h.until)
	h.mu.Unlock()
	return retry.Sleep(ctx, d)
}

func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	h := g.host(req.URL.Host)
	if err := h.wait(ctx); err != nil {
		return nil, err
	}
	if g.limit != nil {
		if err := g.limit(ctx, req.URL.Host); err != nil {
			return nil, err
		}
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release := sync.OnceFunc(func() { <-h.slots })
	if ctx.Value(blobKey{}) != nil {
		return g.blob(req, release)
	}
	defer release()
	return g.answer(req)
}

// blob hands out a body that frees the host's slot when it ends.
func (g *gate) blob(req *http.Request, release func()) (*http.Response, error) {
	resp, err := g.inner.RoundTrip(g.signed(req.Clone(req.Context())))
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &slotBody{resp.Body, release}
	return resp, nil
}

func (g *gate) signed(req *http.Request) *http.Request {
	req.Header.Set("User-Agent", g.agent)
	return req
}

// answer reads an answer whole, within its bounds of size and time: so an
// answer that breaks off can be asked for again.
func (g *gate) answer(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), g.patience)
	defer cancel()
	limit := int64(maxAnswer)
	if req.Header.Get("Accept") != "" { // only manifests are asked for by type
		limit = MaxManifest
	}
	var body []byte
	resp, err := g.inner.RoundTrip(g.signed(req.Clone(ctx)))
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
		resp.Body.Close()
	}
	switch {
	case err != nil && ctx.Err() != nil && req.Context().Err() == nil:
		return nil, errStalled
	case err != nil:
		return nil, err
	case int64(len(body)) > limit:
		return nil, errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.Request = req
	return resp, nil
}

// slotBody frees the host's slot at its end.
type slotBody struct {
	io.ReadCloser
	release func()
}

func (b *slotBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

func (b *slotBody) Close() error {
	err := b.ReadCloser.Close()
	b.release()
	return err
}

// retrier tries requests again that a busy or broken server did not answer.
type retrier struct {
	inner    *gate
	attempts int
	backoff  time.Duration
	maxWait  time.Duration
}

// waitError tells that the host asks to wait longer than the user wants to.
type waitError struct {
	host string
	wait time.Duration
}

func (e *waitError) Error() string {
	return fmt.Sprintf("%s answers 429 Too Many Requests and asks to wait %s", e.host, e.wait.Round(time.Second))
}

// errBusy is an answer that asks to try again.
var errBusy = errors.New("the registry is busy or broken")

func (r *retrier) policy() retry.Policy {
	return retry.Policy{First: r.backoff, Max: 30 * time.Second, Attempts: r.attempts}
}

func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	var resp *http.Response
	var tooLong error
	err := r.policy().Do(req.Context(), func(try int) error {
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
			resp.Body.Close()
			resp = nil
		}
		attempt, err := rewound(req, try)
		if err != nil {
			return err
		}
		resp, err = r.inner.RoundTrip(attempt)
		if err == nil && again(req, resp, nil) {
			err = errBusy
		}
		return err
	}, func(err error) (time.Duration, bool) {
		if !errors.Is(err, errBusy) {
			return 0, again(req, nil, err)
		}
		var pause time.Duration
		pause, tooLong = r.asked(req, resp)
		return pause, tooLong == nil
	})
	switch {
	case tooLong != nil:
		resp.Body.Close()
		return nil, tooLong
	case errors.Is(err, errBusy) && req.Context().Err() != nil:
		resp.Body.Close()
		return nil, req.Context().Err()
	case errors.Is(err, errBusy):
		return resp, nil // the last answer says what is wrong
	}
	return resp, err
}

// asked is how long a response asks to wait. All requests to a host that is
// asked too often wait; a wait beyond maxWait is an error.
func (r *retrier) asked(req *http.Request, resp *http.Response) (time.Duration, error) {
	pause, ok := retryAfter(resp.Header, time.Now())
	if !ok {
		return 0, nil
	}
	tooLong := pause > r.maxWait
	if resp.StatusCode == http.StatusTooManyRequests {
		r.inner.pause(req.URL.Host, pause, !tooLong)
	}
	if tooLong {
		return 0, &waitError{req.URL.Host, pause}
	}
	return pause, nil
}

// rewound returns the request with its body from the start.
func rewound(req *http.Request, try int) (*http.Request, error) {
	if try == 1 || req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	c := req.Clone(req.Context())
	c.Body = body
	return c, nil
}

// again reports whether a request may and should be tried again.
func again(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil {
		return false
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	if err != nil {
		return (req.Method == http.MethodGet || req.Method == http.MethodHead) && dropped(err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusServiceUnavailable,
		http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return resp.StatusCode >= 500 && (req.Method == http.MethodGet || req.Method == http.MethodHead)
}

// dropped reports whether err is a connection that broke, not one that could
// not be made: a wrong name or port does not mend by waiting.
func dropped(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed, errStalled} {
		if errors.Is(err, e) {
			return true
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return true
	}
	// net/http does not export the types of its HTTP/2 errors.
	return strings.Contains(err.Error(), "http2: ") || strings.Contains(err.Error(), "stream error: ")
}

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds
// or a date, which is taken against the server's own clock if it tells it.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if v == "" {
		return 0, false
	}
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(s)*time.Second), true
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	return max(0, t.Sub(now)), true
}
