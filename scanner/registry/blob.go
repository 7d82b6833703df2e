package registry

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/interdict/interdict/scanner/internal/retry"
)

// Blob opens a blob of a repository for reading, from its start. Only d's
// Digest and Size are used; a negative Size is not known. A connection that
// drops or stalls is taken up again where it broke. Bytes that do not have the
// digest and size end in an error of kind BadDigest in place of io.EOF. ctx
// bounds the reading too. The caller closes it, soon: until then, or the end,
// it holds one of the host's places (Options.PerHost).
func (c *Client) Blob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error) {
	ref := repo.Name() + "@" + d.Digest.String()
	hasher, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return nil, &Error{Ref: display(ref), Kind: BadAnswer, Err: fmt.Errorf("digest of unknown algorithm %q", clean(d.Digest.Algorithm))}
	}
	s, err := c.session(ctx, repo)
	if err != nil {
		return nil, c.fail(ref, repo.Registry, err)
	}
	u := url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/blobs/" + d.Digest.String()}
	b := &blob{
		want: d.Digest, size: d.Size, hasher: hasher, ref: display(ref), ended: -1,
		attempts: c.o.Attempts,
		fetch: func(off int64) (io.ReadCloser, error) {
			return fetch(ctx, s.client, u.String(), off, d.Size, c.o.Stall)
		},
		wait: func(try int) error { return retry.Sleep(ctx, c.tries.policy().Pause(try)) },
		fail: func(err error) error {
			if cause := ctx.Err(); cause != nil {
				return cause
			}
			err = c.fail(ref, repo.Registry, err)
			var e *Error
			if errors.As(err, &e) && e.Kind == NotFound {
				e.hint = "the registry does not have a blob that the manifest names: push the image again"
			}
			return err
		},
	}
	if b.body, err = b.fetch(0); err != nil {
		return nil, b.fail(err)
	}
	return b, nil
}

// SmallBlob reads a blob of at most limit bytes and checks it.
func (c *Client) SmallBlob(ctx context.Context, repo name.Repository, d v1.Descriptor, limit int64) ([]byte, error) {
	ref := display(repo.Name() + "@" + d.Digest.String())
	if d.Size > limit {
		return nil, &Error{Ref: ref, Kind: TooLarge, Err: fmt.Errorf("%d bytes where at most %d are read", d.Size, limit)}
	}
	r, err := c.Blob(ctx, repo, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, &Error{Ref: ref, Kind: TooLarge, Err: fmt.Errorf("more than %d bytes", limit)}
	}
	return buf.Bytes(), nil
}

// blob reads a blob over as many connections as it takes.
type blob struct {
	fetch    func(off int64) (io.ReadCloser, error)
	wait     func(try int) error
	fail     func(error) error
	ref      string
	want     v1.Hash
	size     int64 // negative if not known
	attempts int

	body   io.ReadCloser
	hasher hash.Hash
	off    int64 // bytes handed out
	broke  int64 // off at the last break that counted as progress
	breaks int   // breaks since then
	ended  int64 // off at the last end that the server called regular; -1 at first
	err    error
}

// minProgress is how far a connection must get for a blob's attempts to count
// anew: a server that gives a few bytes at a time does not hold us for ever.
const minProgress = 64 << 10

func (b *blob) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	for {
		n, err := b.body.Read(p)
		b.hasher.Write(p[:n])
		b.off += int64(n)
		switch {
		case b.size >= 0 && b.off > b.size:
			b.err = &Error{Ref: b.ref, Kind: BadDigest, hint: badDigestHint,
				Err: fmt.Errorf("it is larger than the %d bytes that its descriptor says", b.size)}
		case err == nil:
		case errors.Is(err, io.EOF) && (b.size < 0 || b.off == b.size):
			b.err = b.verify()
		default:
			b.err = b.resume(err)
		}
		if n > 0 || b.err != nil {
			return n, b.err
		}
	}
}

func (b *blob) verify() error {
	if got := hex.EncodeToString(b.hasher.Sum(nil)); got != b.want.Hex {
		return &Error{Ref: b.ref, Kind: BadDigest, hint: badDigestHint,
			Err: fmt.Errorf("the %d bytes read have the digest %s:%s", b.off, b.want.Algorithm, got)}
	}
	return io.EOF
}

// resume opens the blob again at its offset, or says why it cannot. A server that
// ends the blob at the same byte twice has no more of it.
func (b *blob) resume(cause error) error {
	b.body.Close()
	if errors.Is(cause, io.EOF) {
		if b.ended == b.off {
			return b.short(b.off)
		}
		b.ended = b.off
	}
	if b.off-b.broke >= minProgress {
		b.broke, b.breaks = b.off, 0
	}
	for {
		b.breaks++
		if b.breaks >= b.attempts {
			return b.fail(fmt.Errorf("the connection broke %d times at byte %d: %w", b.breaks, b.off, unexpected(cause)))
		}
		if err := b.wait(b.breaks); err != nil {
			return err
		}
		body, err := b.fetch(b.off)
		if err == nil {
			b.body = body
			return nil
		}
		if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return b.short(b.off)
		}
		if !dropped(err) {
			return b.fail(err)
		}
		cause = err
	}
}

// short is the error of a blob of which the registry has less than its
// descriptor says.
func (b *blob) short(has int64) error {
	return &Error{Ref: b.ref, Kind: BadDigest, hint: badDigestHint,
		Err: fmt.Errorf("the registry has %d of the %d bytes that its descriptor says", has, b.size)}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF // Content-Length was right, the blob is longer
	}
	return err
}

// Close ends the reading. It may be called at any time.
func (b *blob) Close() error {
	if b.err == nil {
		b.err = errors.New("reading a closed blob")
	}
	return b.body.Close()
}

// fetch asks for a blob from an offset on, by a range (RFC 9110, section 14.2);
// where the server ignores it, what is known already is read and dropped.
func fetch(ctx context.Context, client *http.Client, u string, off, size int64, stall time.Duration) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, blobKey{}, true))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	// The digest is of the bytes as stored: no content coding on the way.
	req.Header.Set("Accept-Encoding", "identity")
	if off > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", off))
	}
	resp, err := client.Do(req)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	body := newIdleTimeout(resp.Body, stall, cancel)
	if err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		body.Close()
		return nil, err
	}
	if err := checkBody(resp, size); err != nil {
		body.Close()
		return nil, err
	}
	skip := off
	if resp.StatusCode == http.StatusPartialContent {
		var from int64
		if _, err := fmt.Sscanf(strings.ToLower(resp.Header.Get("Content-Range")), "bytes %d-", &from); err != nil || from > off {
			body.Close()
			return nil, fmt.Errorf("asked for bytes from %d on, got %q", off, resp.Header.Get("Content-Range"))
		}
		skip = off - from
	}
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		body.Close()
		return nil, unexpected(err)
	}
	return body, nil
}

// checkBody tells by the head of an answer that it is not the blob, but the page
// of a login or an error that a proxy gives with status 200. To ask again would
// bring the same.
func checkBody(resp *http.Response, size int64) error {
	mt, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || mt != "text/html" || size < 0 || resp.StatusCode != http.StatusOK || resp.ContentLength == size {
		return nil
	}
	if resp.ContentLength >= 0 {
		mt = fmt.Sprintf("%s of %d bytes", mt, resp.ContentLength)
	}
	return &Error{Kind: BadAnswer, hint: pageHint, Err: fmt.Errorf("%s answers with a page (%s) in place of a blob of %d bytes",
		display(resp.Request.URL.Host), mt, size)}
}

const pageHint = "a proxy or a login page answers in the registry's place: check HTTPS_PROXY and NO_PROXY, and log in to the network or the proxy"
