package pkcs7

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 old files are signed with it
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // links the algorithms of old signatures
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
)

var (
	errSignature    = errors.New("the signature does not verify")
	errUnknownAlg   = errors.New("the signature's algorithm is not known")
	oidPSS          = "1.2.840.113549.1.1.10"
	oidMD2WithRSA   = "1.2.840.113549.1.1.2"
	signatureHashes = map[string]crypto.Hash{ // RFC 8017, RFC 5758, RFC 3279; 1.3.14: OIW
		"1.2.840.113549.1.1.4":   crypto.MD5,
		"1.2.840.113549.1.1.5":   crypto.SHA1,
		"1.3.14.3.2.29":          crypto.SHA1,
		"1.3.14.3.2.27":          crypto.SHA1,
		"1.2.840.10040.4.3":      crypto.SHA1,
		"1.2.840.113549.1.1.14":  crypto.SHA224,
		"1.2.840.113549.1.1.11":  crypto.SHA256,
		"1.2.840.113549.1.1.12":  crypto.SHA384,
		"1.2.840.113549.1.1.13":  crypto.SHA512,
		"1.2.840.10045.4.1":      crypto.SHA1,
		"1.2.840.10045.4.3.1":    crypto.SHA224,
		"1.2.840.10045.4.3.2":    crypto.SHA256,
		"1.2.840.10045.4.3.3":    crypto.SHA384,
		"1.2.840.10045.4.3.4":    crypto.SHA512,
		"2.16.840.1.101.3.4.3.2": crypto.SHA256,
	}
)

// maxRSA is the longest RSA key in bytes: verifying takes its time.
const maxRSA = 1024

// signature is a signature by one key.
type signature struct {
	alg    asn1.ObjectIdentifier
	params []byte
	hash   crypto.Hash // where alg names none
	value  []byte
}

// verify checks it over the bytes, or over the digest of them when msg is nil.
func (s signature) verify(key crypto.PublicKey, msg []byte, digest []byte) error {
	h := s.hash
	if named, ok := signatureHashes[s.alg.String()]; ok {
		h = named
	}
	pss := s.alg.String() == oidPSS
	if pss {
		h = pssHash(s.params)
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		if msg == nil || !ed25519.Verify(k, msg, s.value) {
			return errSignature
		}
		return nil
	}
	if !h.Available() || s.alg.String() == oidMD2WithRSA {
		return errUnknownAlg
	}
	if msg != nil {
		w := h.New()
		w.Write(msg)
		digest = w.Sum(nil)
	}
	if len(digest) != h.Size() {
		return errSignature
	}
	return verifyDigest(key, pss, h, digest, s.value)
}

func verifyDigest(key crypto.PublicKey, pss bool, h crypto.Hash, digest, sig []byte) error {
	ok := false
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.Size() > maxRSA {
			return fmt.Errorf("an RSA key of %d bits is too long", k.N.BitLen())
		}
		if pss {
			ok = rsa.VerifyPSS(k, h, digest, sig, nil) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, h, digest, sig) == nil
		}
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(k, digest, sig)
	case *dsa.PublicKey:
		var rs struct{ R, S *big.Int }
		if rest, err := asn1.Unmarshal(sig, &rs); err == nil && len(rest) == 0 && k.P.BitLen() <= 4096 {
			ok = dsa.Verify(k, digest[:min(len(digest), (k.Q.BitLen()+7)/8)], rs.R, rs.S)
		}
	default:
		return errUnknownAlg
	}
	if !ok {
		return errSignature
	}
	return nil
}

// pssHash reads the hash of RSASSA-PSS-params (RFC 4055 section 3.1). SHA-1 is
// the default.
func pssHash(params []byte) crypto.Hash {
	in := cryptobyte.String(params)
	var explicit cryptobyte.String
	var has bool
	body, ok := sequence(&in)
	if !ok || !body.ReadOptionalASN1(&explicit, &has, context(0)) || !has {
		return crypto.SHA1
	}
	oid, _, _ := algorithm(&explicit)
	return HashOf(oid)
}

// signedBy reports whether c was signed with the key of issuer.
func (c *Certificate) signedBy(issuer *Certificate) error {
	if issuer.PublicKey == nil {
		return errUnknownAlg
	}
	s := signature{alg: c.sigAlg, params: c.sigParams, value: c.sig}
	return s.verify(issuer.PublicKey, c.tbs, nil)
}
