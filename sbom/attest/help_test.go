package attest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
	"github.com/youmark/pkcs8"

	"github.com/interdict/interdict/sbom/attest"
)

const (
	secret = "correct horse battery staple"
	image  = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	other  = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// TestMain lets the test binary be a key management service: see TestKMS.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "sigstore-kms-shed" {
		serveKMS()
		return
	}
	os.Exit(m.Run())
}

type shed struct {
	signature.SignerVerifier
}

func (shed) CreateKey(context.Context, string) (crypto.PublicKey, error) { return nil, nil }
func (shed) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return nil, nil, nil
}
func (shed) SupportedAlgorithms() []string { return nil }
func (shed) DefaultAlgorithm() string      { return "" }

func serveKMS() {
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(args.InitOptions.KeyResourceID)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	sv, err := signature.LoadECDSASignerVerifier(key, crypto.SHA256)
	if err != nil {
		panic(err)
	}
	var in bytes.Buffer
	if args.MethodName == common.SignMessageMethodName {
		_, _ = in.ReadFrom(os.Stdin)
	}
	if _, err := handler.Dispatch(os.Stdout, &in, args, shed{sv}); err != nil {
		panic(err)
	}
}

func statement(t testing.TB, predicateType, predicate string) *attest.Statement {
	t.Helper()
	return &attest.Statement{Subject: []attest.Subject{attest.NewSubject("example.test/app", image)},
		PredicateType: predicateType, Predicate: json.RawMessage(predicate)}
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func publicPEM(t testing.TB, key crypto.Signer) string {
	return write(t, "key.pub", block("PUBLIC KEY", must[[]byte](t)(x509.MarshalPKIXPublicKey(key.Public()))))
}

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	return must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(c, rand.Reader))
}

// keyForms are keys in all forms that are read. Those that are encrypted have
// the password secret.
func keyForms(t testing.TB) map[string]struct {
	key crypto.Signer
	pem []byte
} {
	der := func(k crypto.Signer) []byte { return must[[]byte](t)(x509.MarshalPKCS8PrivateKey(k)) }
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, p384, p521 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), ecKey(t, elliptic.P521())
	rsaKey := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	cosign := must[[]byte](t)(encrypted.Encrypt(der(p256), []byte(secret)))
	locked := must[[]byte](t)(pkcs8.MarshalPrivateKey(ed, []byte(secret), nil))
	return map[string]struct {
		key crypto.Signer
		pem []byte
	}{
		"P-256, PKCS 8":           {p256, block("PRIVATE KEY", der(p256))},
		"P-256, EC":               {p256, block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(p256)))},
		"P-256, sigstore":         {p256, block("ENCRYPTED SIGSTORE PRIVATE KEY", cosign)},
		"P-256, cosign":           {p256, block("ENCRYPTED COSIGN PRIVATE KEY", cosign)},
		"P-384":                   {p384, block("PRIVATE KEY", der(p384))},
		"P-521":                   {p521, block("PRIVATE KEY", der(p521))},
		"Ed25519":                 {ed, block("PRIVATE KEY", der(ed))},
		"Ed25519, PKCS 8, locked": {ed, block("ENCRYPTED PRIVATE KEY", locked)},
		"RSA":                     {rsaKey, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
	}
}

func password() ([]byte, error) { return []byte(secret), nil }

// hasSecret reports whether a text shows the password or a part of a key.
func hasSecret(text string, key []byte) bool {
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	for _, l := range lines[1 : len(lines)-1] {
		if strings.Contains(text, l) {
			return true
		}
	}
	return strings.Contains(text, secret)
}
