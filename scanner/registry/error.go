package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Kind says what went wrong with a registry.
type Kind string

// The kinds.
const (
	Unreachable    Kind = "unreachable"     // no such host, no connection, or it dropped for good
	Unauthorized   Kind = "unauthorized"    // 401 or 403
	NotFound       Kind = "not found"       // no such repository, tag, manifest or blob
	PlainHTTP      Kind = "plain http"      // the server does not speak TLS
	BadCertificate Kind = "bad certificate" // the server's certificate does not verify, or ours is not readable
	RateLimited    Kind = "rate limited"    // 429 until the attempts ran out, or a wait beyond MaxWait
	ServerError    Kind = "server error"    // 5xx until the attempts ran out
	BadDigest      Kind = "bad digest"      // the bytes are not those that were asked for
	TooLarge       Kind = "too large"       // an answer beyond its bound
	BadAnswer      Kind = "bad answer"      // not what a registry answers
	BadReference   Kind = "bad reference"   // the reference cannot be parsed
)

// Error is a failure of a registry. Error is one line, and Hint says what the
// user can do.
type Error struct {
	Ref  string // what was asked for
	Kind Kind
	Err  error
	hint string
}

func (e *Error) Error() string {
	if e.Ref == "" || strings.Contains(e.Err.Error(), e.Ref) {
		return clean(e.Err.Error())
	}
	return clean(e.Ref + ": " + e.Err.Error())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is one line that says what to do about it, or empty.
func (e *Error) Hint() string { return e.hint }

// clean makes one line, of bounded length, of what a foreign server said.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }), " ")
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "..."
	}
	return s
}

// fail turns err into an *Error with a hint. An error of the caller's own
// context stays what it is.
func (c *Client) fail(ref string, reg name.Registry, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	host := display(reg.RegistryStr())
	e := &Error{Ref: display(ref), Err: err}
	var limited *waitError
	var answer *transport.Error
	switch {
	case errors.As(err, &limited):
		e.Kind, e.hint = RateLimited, c.waitHint(host, limited.wait)
	case errors.As(err, &answer):
		c.failStatus(e, host, answer)
	case reg.Scheme() != "http" && (errors.Is(err, http.ErrSchemeMismatch) || isRecordError(err)):
		e.Kind = PlainHTTP
		e.Err = fmt.Errorf("%s does not speak TLS: it answers in plain HTTP", host)
		e.hint = "if that is meant so, pass --insecure-registry"
	case isCertificateError(err):
		e.Kind, e.hint = BadCertificate, "trust the registry's own CA with --registry-ca FILE, or pass --insecure-registry"
	case errors.Is(err, errTooLarge):
		e.Kind, e.hint = TooLarge, "a manifest, config or listing of that size is not an image's"
	case strings.Contains(err.Error(), "does not match requested digest"):
		// Untyped in remote's fetcher.
		e.Kind, e.hint = BadDigest, badDigestHint
	case isNetworkError(err):
		e.Kind, e.hint = Unreachable, c.unreachableHint(host, err)
	default:
		e.Kind, e.hint = BadAnswer, "check that "+host+" is a container registry"
	}
	return e
}

const badDigestHint = "the registry, a proxy or a cache on the way gave other bytes than were asked for: push the image again or ask another registry"

func (c *Client) failStatus(e *Error, host string, answer *transport.Error) {
	code := answer.StatusCode
	e.Err = fmt.Errorf("%s answers %s", host, strings.TrimSpace(fmt.Sprintf("%d %s%s", code, http.StatusText(code), said(answer))))
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind, e.hint = Unauthorized, c.keys.hint(host)
	case code == http.StatusNotFound:
		e.Kind, e.hint = NotFound, "check the name and the tag; some registries hide what needs a login: docker login "+host
	case code == http.StatusTooManyRequests:
		e.Kind, e.hint = RateLimited, c.waitHint(host, 0)
	case code >= 500:
		e.Kind, e.hint = ServerError, fmt.Sprintf("tried %d times; try again later", c.o.Attempts)
	default:
		e.Kind, e.hint = BadAnswer, "check that "+host+" is a container registry"
	}
}

// said is what the registry's own words add to the status.
func said(answer *transport.Error) string {
	var words []string
	for _, d := range answer.Errors {
		if w := strings.TrimSpace(d.Message); w != "" {
			words = append(words, w)
		} else if d.Code != "" {
			words = append(words, string(d.Code))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, "; ") + ")"
}

func (c *Client) waitHint(host string, wait time.Duration) string {
	h := "log in to have a higher limit (docker login " + host + "), or try again later"
	if wait > 0 {
		h = fmt.Sprintf("it asks to wait %s; ", wait.Round(time.Second)) + h
	}
	return h
}

func (c *Client) unreachableHint(host string, err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "check the host name " + host + ", the network and HTTPS_PROXY; for a local file, check its path"
	}
	return "check the network and HTTPS_PROXY, and that a registry listens on " + host
}

func isNetworkError(err error) bool {
	var op *net.OpError
	var ne net.Error
	return errors.As(err, &op) || errors.As(err, &ne) || dropped(err)
}

func isRecordError(err error) bool {
	var rec tls.RecordHeaderError
	return errors.As(err, &rec)
}

func isCertificateError(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		alert   tls.AlertError
	)
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &alert)
}

// display writes a reference or host as people know it.
func display(s string) string {
	if rest, ok := strings.CutPrefix(s, name.DefaultRegistry); ok {
		return "docker.io" + rest
	}
	return s
}
