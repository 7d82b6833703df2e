package pkcs7

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Attributes of RFC 5652 section 11.
var (
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
)

// Check verifies one signer of sd: that the digest of the content is the one
// in its signed attributes, that the signature verifies with the signer's
// certificate, and that the certificates inside chain up link by link.
// content is nil when the content is inside the message.
//
// An error of content is the Reason of the Check.
func (sd *SignedData) Check(s *Signer, content Digester) Check {
	c := Check{Leaf: sd.leaf(s)}
	if err := sd.checkSigner(s, c.Leaf, content); err != nil {
		c.Reason = err.Error()
	}
	if c.Leaf != nil {
		var why string
		if c.Chain, why = sd.chain(c.Leaf); c.Reason == "" {
			c.Reason = why
		}
	}
	c.Time, c.TimeSigner = sd.timestamp(s)
	return c
}

// leaf finds the certificate that the signer names.
func (sd *SignedData) leaf(s *Signer) *Certificate {
	for _, c := range sd.Certificates {
		if len(s.KeyID) > 0 {
			if bytes.Equal(s.KeyID, c.KeyID) {
				return c
			}
		} else if len(s.Serial) > 0 && bytes.Equal(s.Serial, c.Serial) && bytes.Equal(s.Issuer.Raw, c.Issuer.Raw) {
			return c
		}
	}
	return nil
}

// checkSigner checks digest and signature (RFC 5652 sections 5.4 and 5.6).
func (sd *SignedData) checkSigner(s *Signer, leaf *Certificate, content Digester) error {
	if leaf == nil {
		return errors.New("the signer's certificate is not inside")
	}
	if content == nil {
		if sd.Content == nil {
			return errors.New("the content is not inside")
		}
		content = Bytes(sd.Content)
	}
	if !s.Hash.Available() {
		return errors.New("the digest algorithm is not known")
	}
	digest, err := content(s.Hash)
	if err != nil {
		return fmt.Errorf("reading the content: %w", err)
	}
	sig := signature{alg: s.sigAlg, params: s.sigParams, hash: s.Hash, value: s.sig}
	if s.signedRaw == nil {
		return sig.verify(leaf.PublicKey, nil, digest)
	}
	if !bytes.Equal(digest, octets(s.Signed, oidMessageDigest)) {
		return errors.New("digest does not match: the content was changed after signing")
	}
	if t := Values(s.Signed, oidContentType); len(t) > 0 && sd.ContentType != nil {
		var oid asn1.ObjectIdentifier
		in := cryptobyte.String(t[0])
		if !in.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(sd.ContentType) {
			return errors.New("the signed content type is another")
		}
	}
	return sig.verify(leaf.PublicKey, s.signedRaw, nil)
}

// octets returns the contents of an attribute that is one OCTET STRING.
func octets(as []Attribute, oid asn1.ObjectIdentifier) []byte {
	vs := Values(as, oid)
	if len(vs) != 1 {
		return nil
	}
	in := cryptobyte.String(vs[0])
	var out cryptobyte.String
	if !in.ReadASN1(&out, casn1.OCTET_STRING) {
		return nil
	}
	return out
}

const (
	// maxChain is the longest chain that is followed; real ones have up to five.
	maxChain = 8
	// maxIssuers is how many certificates of one name and key are tried.
	maxIssuers = 4
)

// chain follows the issuers of leaf among the certificates inside. It returns
// the certificates whose links verify, leaf first, and why that is not enough,
// or nothing when it is.
func (sd *SignedData) chain(leaf *Certificate) (chain []*Certificate, why string) {
	chain = []*Certificate{leaf}
	if leaf.SelfIssued() && leaf.signedBy(leaf) == nil {
		return chain, "self-signed"
	}
	for top := leaf; len(chain) < maxChain; {
		next, err := sd.issuer(top, chain)
		if err != nil {
			return chain, fmt.Sprintf("chain is broken above %s: %v", top.Subject, err)
		}
		if next == nil {
			break
		}
		chain, top = append(chain, next), next
		if top.SelfIssued() {
			break
		}
	}
	if len(chain) == 1 {
		return chain, "the issuer's certificate is not inside"
	}
	return chain, ""
}

// issuer finds the authority inside that signed c. It returns nil without an
// error when none has the issuer's name, and an error when those that have
// it did not sign.
func (sd *SignedData) issuer(c *Certificate, chain []*Certificate) (*Certificate, error) {
	var err error
	tried := 0
	for _, x := range sd.Certificates {
		if tried >= maxIssuers {
			break
		}
		if !bytes.Equal(x.Subject.Raw, c.Issuer.Raw) || inChain(chain, x) {
			continue
		}
		if len(c.AuthorityKeyID) > 0 && len(x.KeyID) > 0 && !bytes.Equal(c.AuthorityKeyID, x.KeyID) {
			continue // another key of the same name
		}
		tried++
		e := c.signedBy(x)
		if e == nil && !x.CA {
			e = errors.New("the issuer is no certificate authority")
		}
		if e == nil {
			return x, nil
		}
		err = e
	}
	if c.SelfIssued() {
		return nil, nil
	}
	return nil, err
}

func inChain(chain []*Certificate, x *Certificate) bool {
	for _, c := range chain {
		if bytes.Equal(c.Raw, x.Raw) {
			return true
		}
	}
	return false
}

// Verified reports whether the message is consistent in itself up to a
// certificate authority whose certificate is inside and which is not the
// leaf. It does not say that anyone trusts that authority. Expiry does not
// count: old files stay signed.
func (c Check) Verified() bool { return c.Reason == "" }

// Where tells how far the chain went, for Evidence.Where: "chain of 3, top:
// DigiCert Trusted Root G4, signed 2023-01-31", or the Reason.
func (c Check) Where() string {
	var b strings.Builder
	if c.Verified() {
		fmt.Fprintf(&b, "chain of %d, top: %s", len(c.Chain), c.Chain[len(c.Chain)-1].Subject)
	} else {
		b.WriteString(c.Reason)
	}
	if !c.Time.IsZero() {
		fmt.Fprintf(&b, ", signed %s", c.Time.Format("2006-01-02"))
		if c.Leaf != nil && (c.Time.Before(c.Leaf.NotBefore) || c.Time.After(c.Leaf.NotAfter)) {
			b.WriteString(" outside the certificate's validity")
		}
	}
	return b.String()
}
