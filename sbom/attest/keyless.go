package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/sign"
)

// The public instances of Sigstore (https://docs.sigstore.dev/).
const (
	PublicFulcio = "https://fulcio.sigstore.dev"
	PublicRekor  = "https://rekor.sigstore.dev"
	// audience is whom a token for Fulcio is made for.
	audience = "sigstore"
)

// LogOptions say where a signature is noted. The zero value notes it nowhere.
type LogOptions struct {
	// Rekor is the address of a transparency log: "" for none. It receives the
	// whole statement and publishes its digest, its signature and the public key
	// or certificate, for ever.
	Rekor string
	// Timestamp is the full address of a timestamp authority (RFC 3161), "" for
	// none. It receives the digest of the signature.
	Timestamp string
	// Transport stands for the default one; only for Fulcio and the timestamp
	// authority.
	Transport http.RoundTripper
}

func (l LogOptions) complete(_ context.Context, opt *sign.BundleOptions) error {
	if l.Rekor != "" {
		opt.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: l.Rekor, Timeout: time.Minute, Retries: 2})}
	}
	if l.Timestamp != "" {
		opt.TimestampAuthorities = []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
			URL: l.Timestamp, Timeout: 30 * time.Second, Retries: 2, Transport: l.Transport})}
	}
	return nil
}

// KeylessOptions say how to sign with an identity. The zero value takes the
// token of the environment and the public instance of Fulcio. A log or a
// timestamp authority must be named, since the certificate lives for ten
// minutes only.
type KeylessOptions struct {
	// Token is an OpenID Connect token for the audience "sigstore". Empty means
	// that of the environment: SIGSTORE_ID_TOKEN, or that of a GitHub Actions
	// job with the permission "id-token: write".
	Token  string
	Fulcio string // address; [PublicFulcio] if empty
	Log    LogOptions
	// Getenv stands for os.Getenv in tests.
	Getenv func(string) string
}

// NewKeylessSigner signs with the identity of a token: each signature has a key
// of its own, which is thrown away, and a certificate of Fulcio for it.
func NewKeylessSigner(ctx context.Context, opt KeylessOptions) (*Signer, error) {
	if opt.Getenv == nil {
		opt.Getenv = os.Getenv
	}
	if opt.Fulcio == "" {
		opt.Fulcio = PublicFulcio
	}
	if opt.Log.Rekor == "" && opt.Log.Timestamp == "" {
		return nil, refuse(Untrusted, "use --tlog-upload, or --timestamp-server-url", "signing without a key: the certificate lives for minutes, so a log or a timestamp must tell when it was used")
	}
	token := opt.Token
	if token == "" {
		var err error
		if token, err = environmentToken(ctx, opt); err != nil {
			return nil, err
		}
	}
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	complete := func(ctx context.Context, b *sign.BundleOptions) error {
		b.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{BaseURL: strings.TrimRight(opt.Fulcio, "/"),
			Timeout: 30 * time.Second, Retries: 2, Transport: opt.Log.Transport})
		b.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: token}
		return opt.Log.complete(ctx, b)
	}
	return &Signer{pair: pair, complete: complete}, nil
}

func environmentToken(ctx context.Context, opt KeylessOptions) (string, error) {
	if t := opt.Getenv("SIGSTORE_ID_TOKEN"); t != "" {
		return strings.TrimSpace(t), nil
	}
	address, bearer := opt.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), opt.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if address == "" || bearer == "" {
		return "", refuse(NoToken, "set SIGSTORE_ID_TOKEN, give a GitHub Actions job the permission id-token: write, or sign with --key", "signing without a key: there is no identity token")
	}
	return githubToken(ctx, opt, address, bearer)
}

// githubToken asks GitHub Actions for the job's token
// (https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments).
func githubToken(ctx context.Context, opt KeylessOptions, address, bearer string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", refuse(NoToken, "", "reading ACTIONS_ID_TOKEN_REQUEST_URL: not an address")
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", refuse(NoToken, "", "reading ACTIONS_ID_TOKEN_REQUEST_URL: not an address")
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	client := &http.Client{Transport: opt.Log.Transport, Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", refuse(NoToken, "", "asking GitHub for an identity token: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer)
	if resp.StatusCode != http.StatusOK || err != nil || answer.Value == "" {
		return "", refuse(NoToken, "the job needs the permission id-token: write", "asking GitHub for an identity token: it answers %d", resp.StatusCode)
	}
	return answer.Value, nil
}

func compact(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(raw))
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	return b.Bytes(), nil
}
