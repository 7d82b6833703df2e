package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"github.com/youmark/pkcs8"
)

// KeyOptions say how to get at a key.
type KeyOptions struct {
	// Password is asked for the password of an encrypted key, once, and only
	// for one. Its answer is wiped after use. Nil means that there is none.
	Password func() ([]byte, error)
	// Getenv stands for os.Getenv in tests.
	Getenv func(string) string
}

// maxKey bounds a key file, in bytes.
const maxKey = 64 << 10

// readKey reads the PEM of a key: of a file, or of "env://NAME".
func readKey(ref string, opt KeyOptions) ([]byte, error) {
	getenv := opt.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if strings.Contains(ref, "-----BEGIN") {
		return nil, refuse(BadKey, "put it into an environment variable and name that: env://NAME; this one was seen in the list of processes and by the shell", "reading the key: it was given itself, in place of its name")
	}
	if name, ok := strings.CutPrefix(ref, "env://"); ok {
		v := getenv(name)
		if v == "" {
			return nil, refuse(BadKey, "set it to the PEM of the key", "reading the key: the environment variable %s is not set", clip(name))
		}
		return []byte(v), nil
	}
	f, err := os.Open(ref)
	if err != nil {
		return nil, refuse(BadKey, "--key takes a file, env://NAME, or the URI of a key management service", "reading the key: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err != nil {
		return nil, refuse(BadKey, "", "reading the key: %w", err)
	}
	if len(data) > maxKey {
		return nil, refuse(BadKey, "a key is PEM (-----BEGIN ...)", "reading the key %s: it is larger than %d bytes", ref, maxKey)
	}
	return data, nil
}

// isKMS reports whether ref is "SCHEME://..." of a key management service.
func isKMS(ref string) bool {
	scheme, _, ok := strings.Cut(ref, "://")
	return ok && scheme != "env" && scheme != ""
}

// openKMS asks the program sigstore-kms-SCHEME for the key, by the plugin
// protocol of Sigstore (package kms/cliplugin). The clients of the clouds are
// not compiled in: they would double what interdict is built from.
func openKMS(ctx context.Context, ref string) (kms.SignerVerifier, error) {
	sv, err := kms.Get(ctx, ref, crypto.SHA256)
	if err != nil {
		scheme, _, _ := strings.Cut(ref, "://")
		var missing *kms.ProviderNotFoundError
		if errors.As(err, &missing) {
			return nil, refuse(BadKey, "install the plugin program sigstore-kms-"+scheme+" (Sigstore's KMS plugin protocol) in the PATH",
				"opening the key %s: there is no program sigstore-kms-%s", clip(ref), clip(scheme))
		}
		return nil, refuse(BadKey, "", "opening the key %s: %w", clip(ref), err)
	}
	return sv, nil
}

// parsePrivate reads a private key of any form that is in use.
func parsePrivate(data []byte, opt KeyOptions) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, refuse(BadKey, "a key is PEM (-----BEGIN ...)", "reading the key: it is not PEM")
	}
	der := block.Bytes
	var key any
	var err error
	switch block.Type {
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		key, err = withPassword(opt, func(password []byte) (any, error) {
			plain, err := encrypted.Decrypt(der, password)
			if err != nil {
				return nil, errPassword
			}
			defer clear(plain)
			return x509.ParsePKCS8PrivateKey(plain)
		})
	case "ENCRYPTED PRIVATE KEY": // PKCS #8
		key, err = withPassword(opt, func(password []byte) (any, error) {
			k, err := pkcs8.ParsePKCS8PrivateKey(der, password)
			if err != nil {
				return nil, errPassword
			}
			return k, nil
		})
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "PUBLIC KEY":
		return nil, refuse(BadKey, "signing takes the private key", "reading the key: it is a public key")
	default:
		return nil, refuse(BadKey, "make one with: cosign generate-key-pair, or openssl genpkey -algorithm ed25519", "reading the key: PEM of type %q is not a private key", clip(block.Type))
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		// The parser's own words are not passed on: they may quote the key.
		return nil, refuse(BadKey, "an encrypted PEM of the old form (DEK-Info) is not read: convert it with openssl pkcs8 -topk8", "reading the key: the %s does not parse", block.Type)
	}
	return signer, nil
}

var errPassword = &Error{Kind: BadPassword, Err: errors.New("opening the key: the password is wrong"),
	hint: "set COSIGN_PASSWORD to the key's password"}

// withPassword asks for the password and wipes it after use.
func withPassword(opt KeyOptions, parse func([]byte) (any, error)) (any, error) {
	if opt.Password == nil {
		return nil, refuse(BadPassword, "set COSIGN_PASSWORD to the key's password", "opening the key: it is encrypted and no password is given")
	}
	password, err := opt.Password()
	if err != nil {
		return nil, refuse(BadPassword, "set COSIGN_PASSWORD to the key's password", "asking for the key's password: %w", err)
	}
	defer clear(password)
	return parse(password)
}

// keyHint is how a bundle names the key that signed it, as cosign does: the
// SHA-256 of the public key (PKIX DER) in base64.
func keyHint(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// keypair is a key as sigstore-go signs with it. With a private key in hand
// signatures are repeatable: the same bytes give the same signature (ECDSA by
// RFC 6979, RSA by PKCS #1 v1.5, Ed25519).
type keypair struct {
	private crypto.Signer    // nil for a key that somebody else keeps
	remote  signature.Signer // of a key management service
	public  crypto.PublicKey //
	details signature.AlgorithmDetails
	hint    string
}

func newKeypair(pub crypto.PublicKey) (*keypair, error) {
	details, err := signature.GetDefaultAlgorithmDetails(pub)
	if err != nil {
		return nil, refuse(BadKey, "use ECDSA (P-256, P-384, P-521), Ed25519, or RSA of 2048, 3072 or 4096 bits", "using the key: %w", err)
	}
	hint, err := keyHint(pub)
	if err != nil {
		return nil, refuse(BadKey, "", "using the key: %w", err)
	}
	return &keypair{public: pub, details: details, hint: hint}, nil
}

func (k *keypair) GetHashAlgorithm() protocommon.HashAlgorithm { return k.details.GetProtoHashType() }
func (k *keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.details.GetSignatureAlgorithm()
}
func (k *keypair) GetHint() []byte                { return []byte(k.hint) }
func (k *keypair) GetPublicKey() crypto.PublicKey { return k.public }

func (k *keypair) GetKeyAlgorithm() string {
	switch k.public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case ed25519.PublicKey:
		return "ED25519"
	}
	return "ECDSA"
}

func (k *keypair) GetPublicKeyPem() (string, error) {
	b, err := cryptoutils.MarshalPublicKeyToPEM(k.public)
	return string(b), err
}

// SignData implements sign.Keypair.
func (k *keypair) SignData(ctx context.Context, data []byte) (sig, signed []byte, err error) {
	hash := k.details.GetHashType()
	signed = data
	if hash != 0 {
		h := hash.New()
		h.Write(data)
		signed = h.Sum(nil)
	}
	if k.remote != nil {
		sig, err = k.remote.SignMessage(bytes.NewReader(data), options.WithContext(ctx))
		return sig, signed, err
	}
	random := rand.Reader
	if _, ok := k.private.(*ecdsa.PrivateKey); ok {
		random = nil // RFC 6979
	}
	sig, err = k.private.Sign(random, signed, hash)
	return sig, signed, err
}
