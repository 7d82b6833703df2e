package attest

import (
	"context"
	"crypto"
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

// Signer signs statements. Make one with [NewKeySigner] or [NewKeylessSigner].
// It may be used from many goroutines.
type Signer struct {
	pair     sign.Keypair
	public   crypto.PublicKey // nil for keyless
	complete func(context.Context, *sign.BundleOptions) error
}

// NewKeySigner opens the private key that ref names: a PEM file (PKCS #8, also
// encrypted; EC; RSA; encrypted keys of cosign), "env://NAME" for such a PEM in
// an environment variable, or the URI of a key management service, which the
// program sigstore-kms-SCHEME in the PATH serves.
func NewKeySigner(ctx context.Context, ref string, opt KeyOptions, log LogOptions) (*Signer, error) {
	pair, err := openPair(ctx, ref, opt)
	if err != nil {
		return nil, err
	}
	return &Signer{pair: pair, public: pair.public, complete: log.complete}, nil
}

func openPair(ctx context.Context, ref string, opt KeyOptions) (*keypair, error) {
	if isKMS(ref) {
		sv, err := openKMS(ctx, ref)
		if err != nil {
			return nil, err
		}
		pub, err := sv.PublicKey()
		if err != nil {
			return nil, refuse(BadKey, "", "asking %s for the public key: %w", clip(ref), err)
		}
		pair, err := newKeypair(pub)
		if err == nil {
			pair.remote = sv
		}
		return pair, err
	}
	data, err := readKey(ref, opt)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	private, err := parsePrivate(data, opt)
	if err != nil {
		return nil, err
	}
	pair, err := newKeypair(private.Public())
	if err == nil {
		pair.private = private
	}
	return pair, err
}

// Sign returns the statement as a signed bundle in JSON.
func (s *Signer) Sign(ctx context.Context, st *Statement) ([]byte, error) {
	payload, err := st.Payload()
	if err != nil {
		return nil, err
	}
	opt := sign.BundleOptions{Context: ctx}
	if s.complete != nil {
		if err := s.complete(ctx, &opt); err != nil {
			return nil, err
		}
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: payload, PayloadType: PayloadType}, s.pair, opt)
	if err != nil {
		return nil, fmt.Errorf("signing the statement: %w", err)
	}
	return encodeBundle(b)
}

// Verifier returns one that trusts this signer's own key, or nil for a keyless
// signer.
func (s *Signer) Verifier() *Verifier {
	if s.public == nil {
		return nil
	}
	v, err := newKeyVerifier(s.public)
	if err != nil {
		return nil
	}
	return v
}

// encodeBundle writes a bundle so that equal bundles give equal bytes:
// protojson adds white space at random, to keep people from relying on it.
func encodeBundle(b *protobundle.Bundle) ([]byte, error) {
	raw, err := protojson.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	return compact(raw)
}
