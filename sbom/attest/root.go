package attest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Identity is who is trusted to sign without a key: exactly one of the value
// and the regular expression of both the subject and the issuer must be set.
// Regular expressions are not anchored.
type Identity struct {
	Subject       string // "release@example.org", or a workflow's address
	SubjectRegexp string
	Issuer        string // "https://token.actions.githubusercontent.com"
	IssuerRegexp  string
}

// RootOptions say which authorities are trusted. The zero value asks for those
// of the public instance, over the network (TUF), and keeps them in CacheDir.
type RootOptions struct {
	File     string // a trusted_root.json; nothing is asked over the network
	Offline  bool   // never ask: File must be set
	CacheDir string // the user's cache folder if empty
	// NeedLog refuses signatures that are not in a transparency log, also where
	// a timestamp authority tells their time.
	NeedLog bool
}

// NewIdentityVerifier trusts an identity that an authority vouches for.
func NewIdentityVerifier(ctx context.Context, id Identity, opt RootOptions) (*Verifier, error) {
	ci, err := verify.NewShortCertificateIdentity(id.Issuer, id.IssuerRegexp, id.Subject, id.SubjectRegexp)
	if err != nil {
		return nil, refuse(OtherSigner, "give both --certificate-identity and --certificate-oidc-issuer", "reading the identity that is trusted: %w", err)
	}
	material, err := trustedRoot(ctx, opt)
	if err != nil {
		return nil, err
	}
	return &Verifier{material: material, identity: &ci, needLog: opt.NeedLog}, nil
}

func trustedRoot(ctx context.Context, opt RootOptions) (root.TrustedMaterial, error) {
	if opt.File != "" {
		tr, err := root.NewTrustedRootFromPath(opt.File)
		if err != nil {
			return nil, refuse(BadKey, "it is the trusted_root.json that 'cosign trusted-root create' or the TUF repository gives", "reading the trusted root %s: %w", opt.File, err)
		}
		return tr, nil
	}
	if opt.Offline {
		return nil, refuse(BadKey, "give --trusted-root FILE (a trusted_root.json), or verify with --key", "checking an identity offline needs the authorities' keys")
	}
	to := tuf.DefaultOptions().WithContext(ctx)
	if opt.CacheDir == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			opt.CacheDir = filepath.Join(dir, "interdict", "tuf")
		}
	}
	if opt.CacheDir == "" {
		to = to.WithDisableLocalCache()
	} else {
		to = to.WithCachePath(opt.CacheDir)
	}
	tr, err := root.FetchTrustedRootWithOptions(to)
	if err != nil {
		return nil, refuse(BadKey, "give --trusted-root FILE (a trusted_root.json) where there is no network", "asking for the authorities that are trusted: %w", err)
	}
	return tr, nil
}

// Unverified reads the statement in a bundle and checks nothing: what it says
// may be anyone's. It is for listings.
func Unverified(data []byte) (*Statement, error) {
	_, st, err := decode(data)
	return st, err
}

func decode(data []byte) (*bundle.Bundle, *Statement, error) {
	if len(data) > MaxBundle {
		return nil, nil, refuse(Malformed, "", "reading the bundle: it is larger than %d bytes", MaxBundle)
	}
	b := &bundle.Bundle{}
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, nil, refuse(Malformed, "it was damaged, or is something else than a Sigstore bundle", "reading the bundle: %w", err)
	}
	env := b.GetDsseEnvelope()
	if env == nil {
		return nil, nil, refuse(Malformed, "sign with: cosign attest, or interdict attach --sign", "reading the bundle: it signs bytes and holds no statement")
	}
	if env.PayloadType != PayloadType {
		return nil, nil, refuse(Malformed, "", "reading the bundle: it holds %q and no in-toto statement", clip(env.PayloadType))
	}
	st, err := ParseStatement(env.Payload)
	if err != nil {
		return nil, nil, refuse(Malformed, "it was damaged, or is something else than a statement", "%w", err)
	}
	return b, st, nil
}

// FromEnvelope makes a bundle of a bare DSSE envelope in JSON, as cosign puts
// it under the tag "sha256-....att". Only a key can verify it.
func FromEnvelope(data []byte) ([]byte, error) {
	var env struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   []byte `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(data, &env); err != nil {
		return nil, refuse(Malformed, "", "reading the envelope: %w", err)
	}
	if len(env.Signatures) == 0 {
		return nil, refuse(Malformed, "", "reading the envelope: it has no signature")
	}
	out := &protodsse.Envelope{Payload: env.Payload, PayloadType: env.PayloadType}
	for _, s := range env.Signatures {
		out.Signatures = append(out.Signatures, &protodsse.Signature{Keyid: s.KeyID, Sig: s.Sig})
	}
	raw, err := encodeBundle(&protobundle.Bundle{MediaType: BundleType,
		VerificationMaterial: &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{
			PublicKey: &protocommon.PublicKeyIdentifier{}}},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: out}})
	if err != nil {
		return nil, fmt.Errorf("wrapping the envelope: %w", err)
	}
	return raw, nil
}
