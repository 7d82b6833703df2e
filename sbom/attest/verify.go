package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// Verifier checks bundles against one signer that is trusted: a key or an
// identity. It may be used from many goroutines.
type Verifier struct {
	material root.TrustedMaterial
	hint     string // of the key; empty for an identity
	identity *verify.CertificateIdentity
	needLog  bool
}

// Expect says what a statement must be about, and what it must say. Empty
// fields expect nothing.
type Expect struct {
	Subject       string // digest "sha256:..." of the bytes in hand
	PredicateType string
}

// Verified is a statement whose signature, subject and type were checked.
type Verified struct {
	*Statement
	// Signer says who vouches for it, for people.
	Signer string
	// Time is when it was signed by the log or the timestamp authority; zero
	// for a key, which states no time.
	Time time.Time
}

// NewKeyVerifier trusts the key that ref names, in the forms of
// [NewKeySigner]; a public key (PEM, PKIX), a certificate's or a private one.
func NewKeyVerifier(ctx context.Context, ref string, opt KeyOptions) (*Verifier, error) {
	if isKMS(ref) {
		sv, err := openKMS(ctx, ref)
		if err != nil {
			return nil, err
		}
		pub, err := sv.PublicKey()
		if err != nil {
			return nil, refuse(BadKey, "", "asking %s for the public key: %w", clip(ref), err)
		}
		return newKeyVerifier(pub)
	}
	data, err := readKey(ref, opt)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, refuse(BadKey, "a key is PEM (-----BEGIN ...)", "reading the key %s: it is not PEM", ref)
	}
	switch block.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		pub, err := cryptoutils.UnmarshalPEMToPublicKey(data)
		if err != nil {
			return nil, refuse(BadKey, "", "reading the key %s: it does not parse", ref)
		}
		return newKeyVerifier(pub)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, refuse(BadKey, "", "reading the key %s: the certificate does not parse", ref)
		}
		return newKeyVerifier(cert.PublicKey)
	}
	private, err := parsePrivate(data, opt)
	clear(data)
	if err != nil {
		return nil, err
	}
	return newKeyVerifier(private.Public())
}

func newKeyVerifier(pub crypto.PublicKey) (*Verifier, error) {
	anyOf, err := verifiersOf(pub)
	if err != nil {
		return nil, refuse(BadKey, "use ECDSA (P-256, P-384, P-521), Ed25519 or RSA", "using the key: %w", err)
	}
	hint, err := keyHint(pub)
	if err != nil {
		return nil, refuse(BadKey, "", "using the key: %w", err)
	}
	forever := root.NewExpiringKey(anyOf, time.Time{}, time.Time{})
	return &Verifier{hint: hint, material: root.NewTrustedPublicKeyMaterial(
		func(string) (root.TimeConstrainedVerifier, error) { return forever, nil })}, nil
}

// verifiersOf returns the ways in which a key may have signed: its usual one,
// and those of older tools.
func verifiersOf(pub crypto.PublicKey) (anyVerifier, error) {
	type way struct {
		hash crypto.Hash
		opts []signature.LoadOption
	}
	var ways []way
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P384():
			ways = []way{{crypto.SHA384, nil}, {crypto.SHA256, nil}}
		case elliptic.P521():
			ways = []way{{crypto.SHA512, nil}, {crypto.SHA256, nil}}
		default:
			ways = []way{{crypto.SHA256, nil}}
		}
	case *rsa.PublicKey:
		ways = []way{{crypto.SHA256, nil}}
	case ed25519.PublicKey:
		ways = []way{{0, nil}, {crypto.SHA512, []signature.LoadOption{options.WithED25519ph()}}}
	default:
		return nil, errors.New("unsupported type of key")
	}
	var all anyVerifier
	for _, w := range ways {
		opts := append([]signature.LoadOption{options.WithHash(w.hash)}, w.opts...)
		v, err := signature.LoadVerifierWithOpts(pub, opts...)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// anyVerifier accepts what any of several verifiers of one key accepts.
type anyVerifier []signature.Verifier

func (a anyVerifier) PublicKey(opts ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return a[0].PublicKey(opts...)
}

func (a anyVerifier) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	s, err := io.ReadAll(sig)
	if err != nil {
		return err
	}
	m, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	for _, v := range a {
		if err = v.VerifySignature(bytes.NewReader(s), bytes.NewReader(m), opts...); err == nil {
			return nil
		}
	}
	return err
}

// Verify checks a bundle: its signature, who signed it, what it is about and
// what it says. Each refusal is an [*Error] of its own kind.
func (v *Verifier) Verify(data []byte, want Expect) (*Verified, error) {
	if want.Subject != "" && !digestForm.MatchString(want.Subject) {
		return nil, refuse(OtherSubject, "", "checking a statement: %q is not a digest", clip(want.Subject))
	}
	b, st, err := decode(data)
	if err != nil {
		return nil, err
	}
	result, err := v.signature(b)
	if err != nil {
		return nil, err
	}
	out := &Verified{Statement: st, Signer: "key " + v.hint}
	if v.identity != nil {
		if err := v.checkIdentity(result); err != nil {
			return nil, err
		}
		cert := result.Signature.Certificate
		out.Signer = clip(cert.SubjectAlternativeName) + " (" + clip(cert.Issuer) + ")"
	}
	for _, ts := range result.VerifiedTimestamps {
		if ts.Type != "CurrentTime" && (out.Time.IsZero() || ts.Timestamp.Before(out.Time)) {
			out.Time = ts.Timestamp.UTC()
		}
	}
	if want.Subject != "" && !st.About(want.Subject) {
		return nil, refuse(OtherSubject, "the statement belongs to another image or file, or this one was changed after it was signed",
			"the statement is about %s, not about %s", st.subjects(), want.Subject)
	}
	if want.PredicateType != "" && st.PredicateType != want.PredicateType {
		return nil, refuse(OtherType, "", "the statement is of type %s, not %s", clip(st.PredicateType), want.PredicateType)
	}
	return out, nil
}

// signature checks the signature, and for a certificate its chain and time.
func (v *Verifier) signature(b *bundle.Bundle) (*verify.VerificationResult, error) {
	content, err := b.VerificationContent()
	if err != nil {
		return nil, refuse(Malformed, "", "reading the bundle: %w", err)
	}
	opts, policy, err := v.policy(b, content)
	if err != nil {
		return nil, err
	}
	sev, err := verify.NewVerifier(v.material, append(opts, verify.WithoutStatementPredicate())...)
	if err != nil {
		return nil, refuse(Untrusted, "", "checking the signature: %w", err)
	}
	result, err := sev.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), policy))
	if err == nil {
		return result, nil
	}
	switch pk := content.PublicKey(); {
	case v.identity != nil:
		return nil, refuse(Untrusted, "", "the signature is not vouched for: %w", err)
	case pk != nil && pk.Hint() != "" && pk.Hint() != v.hint:
		return nil, refuse(OtherKey, "give the key of who signed it", "the statement was signed with another key (%s) than the one that is trusted (%s)", clip(pk.Hint()), v.hint)
	}
	return nil, refuse(BadSignature, "the bundle was changed after it was signed, or another key signed it", "the signature does not fit the statement and the key")
}

func (v *Verifier) policy(b *bundle.Bundle, content verify.VerificationContent) ([]verify.VerifierOption, verify.PolicyOption, error) {
	if v.identity == nil {
		if content.Certificate() != nil {
			return nil, nil, refuse(OtherKey, "trust the identity: --certificate-identity and --certificate-oidc-issuer", "the statement was signed by an identity, not with a key")
		}
		return []verify.VerifierOption{verify.WithNoObserverTimestamps()}, verify.WithKey(), nil
	}
	if content.Certificate() == nil {
		return nil, nil, refuse(OtherSigner, "trust the key: --key", "the statement was signed with a key, not by an identity")
	}
	var opts []verify.VerifierOption
	if len(v.material.CTLogs()) > 0 { // a private Fulcio may have none
		opts = append(opts, verify.WithSignedCertificateTimestamps(1))
	}
	entries, err := b.TlogEntries()
	if err != nil {
		return nil, nil, refuse(Malformed, "", "reading the bundle's log entries: %w", err)
	}
	if len(entries) > 0 || v.needLog {
		opts = append(opts, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	} else {
		opts = append(opts, verify.WithSignedTimestamps(1))
	}
	return opts, verify.WithoutIdentitiesUnsafe(), nil // checkIdentity enforces it
}

func (v *Verifier) checkIdentity(r *verify.VerificationResult) error {
	if r.Signature == nil || r.Signature.Certificate == nil {
		return refuse(OtherSigner, "", "the statement was not signed by an identity")
	}
	cert := r.Signature.Certificate
	if err := v.identity.Verify(*cert); err != nil {
		return refuse(OtherSigner, "give --certificate-identity and --certificate-oidc-issuer of who signed it",
			"the statement was signed by %q (issuer %q), who is not the one that is trusted", clip(cert.SubjectAlternativeName), clip(cert.Issuer))
	}
	return nil
}
