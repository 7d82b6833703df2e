package attest_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/interdict/interdict/sbom/attest"
)

// TestKeys signs with every form of key, twice, and verifies with the public
// key and with the private one.
func TestKeys(t *testing.T) {
	ctx := context.Background()
	st := statement(t, attest.CycloneDX, `{"bomFormat": "CycloneDX", "n": "<&>"}`)
	for name, k := range keyForms(t) {
		t.Run(name, func(t *testing.T) {
			opt := attest.KeyOptions{Password: password}
			path := write(t, "key.pem", k.pem)
			s := must[*attest.Signer](t)(attest.NewKeySigner(ctx, path, opt, attest.LogOptions{}))
			first := must[[]byte](t)(s.Sign(ctx, st))
			again := must[[]byte](t)(s.Sign(ctx, st))
			if !bytes.Equal(first, again) {
				t.Error("the same statement was signed to different bytes")
			}
			for _, ref := range []string{path, publicPEM(t, k.key)} {
				v := must[*attest.Verifier](t)(attest.NewKeyVerifier(ctx, ref, opt))
				got := must[*attest.Verified](t)(v.Verify(first, attest.Expect{Subject: image, PredicateType: attest.CycloneDX}))
				if string(got.Predicate) != string(st.Predicate) {
					t.Errorf("the predicate came back as %s", got.Predicate)
				}
			}
			if _, err := s.Verifier().Verify(first, attest.Expect{Subject: image}); err != nil {
				t.Errorf("the signer does not trust itself: %v", err)
			}
			env := attest.KeyOptions{Password: password, Getenv: func(n string) string {
				return map[string]string{"RELEASE_KEY": string(k.pem)}[n]
			}}
			s = must[*attest.Signer](t)(attest.NewKeySigner(ctx, "env://RELEASE_KEY", env, attest.LogOptions{}))
			if b := must[[]byte](t)(s.Sign(ctx, st)); !bytes.Equal(first, b) {
				t.Error("the key of the environment signs otherwise")
			}
		})
	}
}

// TestKMS lets the test's own binary serve a key by Sigstore's plugin protocol.
func TestKMS(t *testing.T) {
	ctx := context.Background()
	bin := t.TempDir()
	if err := os.Symlink(must[string](t)(os.Executable()), filepath.Join(bin, "sigstore-kms-shed")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	key := ecKey(t, elliptic.P256())
	ref := "shed://" + write(t, "key.pem", block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(key))))
	s := must[*attest.Signer](t)(attest.NewKeySigner(ctx, ref, attest.KeyOptions{}, attest.LogOptions{}))
	signed := must[[]byte](t)(s.Sign(ctx, statement(t, attest.CycloneDX, `{}`)))
	for _, by := range []string{ref, publicPEM(t, key)} {
		v := must[*attest.Verifier](t)(attest.NewKeyVerifier(ctx, by, attest.KeyOptions{}))
		if _, err := v.Verify(signed, attest.Expect{Subject: image}); err != nil {
			t.Errorf("verifying by %s: %v", by, err)
		}
	}
	_, err := attest.NewKeySigner(ctx, "vault://key", attest.KeyOptions{}, attest.LogOptions{})
	wantKind(t, err, attest.BadKey)
}

// TestBadKeys refuses keys without telling what is in them.
func TestBadKeys(t *testing.T) {
	ctx := context.Background()
	forms := keyForms(t)
	wrong := func() ([]byte, error) { return []byte("wrong"), nil }
	locked, plain := forms["P-256, cosign"].pem, forms["P-256, PKCS 8"].pem
	damaged := bytes.Clone(plain)
	damaged[60]++
	tests := []struct {
		name     string
		pem      []byte
		password func() ([]byte, error)
		kind     attest.Kind
	}{
		{"wrong password", locked, wrong, attest.BadPassword},
		{"wrong password, PKCS 8", forms["Ed25519, PKCS 8, locked"].pem, wrong, attest.BadPassword},
		{"no password", locked, nil, attest.BadPassword},
		{"password cannot be had", locked, func() ([]byte, error) { return nil, errors.New("no terminal") }, attest.BadPassword},
		{"not PEM", []byte("-----BEGIN"), nil, attest.BadKey},
		{"damaged", damaged, nil, attest.BadKey},
		{"something else", block("CERTIFICATE REQUEST", []byte{1}), nil, attest.BadKey},
		{"too large", bytes.Repeat([]byte("x"), 65<<10), nil, attest.BadKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "key.pem", tt.pem)
			for _, try := range []func() error{
				func() error {
					_, err := attest.NewKeySigner(ctx, path, attest.KeyOptions{Password: tt.password}, attest.LogOptions{})
					return err
				},
				func() error {
					_, err := attest.NewKeyVerifier(ctx, path, attest.KeyOptions{Password: tt.password})
					return err
				},
			} {
				err := try()
				wantKind(t, err, tt.kind)
				if hasSecret(err.Error(), locked) || hasSecret(err.Error(), plain) {
					t.Errorf("the message shows a secret: %v", err)
				}
			}
		})
	}
	_, err := attest.NewKeySigner(ctx, publicPEM(t, forms["Ed25519"].key), attest.KeyOptions{}, attest.LogOptions{})
	wantKind(t, err, attest.BadKey)
	_, err = attest.NewKeySigner(ctx, "env://NOT_SET", attest.KeyOptions{Getenv: func(string) string { return "" }}, attest.LogOptions{})
	wantKind(t, err, attest.BadKey)
}

// TestKeyItself is given the key in place of its name, as "$(cat key.pem)" does:
// it is not said again.
func TestKeyItself(t *testing.T) {
	text := string(keyForms(t)["P-256, PKCS 8"].pem)
	for _, ref := range []string{text, "env://" + text} {
		_, err := attest.NewKeySigner(context.Background(), ref, attest.KeyOptions{}, attest.LogOptions{})
		wantKind(t, err, attest.BadKey)
		if hasSecret(err.Error(), []byte(text)) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func wantKind(t testing.TB, err error, kind attest.Kind) {
	t.Helper()
	var e *attest.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got error %v, want one of kind %s", err, kind)
	}
}
