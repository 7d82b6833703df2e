package pkcs7

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2} // RFC 5652 section 5.1
	errStructure  = errors.New("not a SignedData message")
)

// Parse reads one SignedData message, DER or BER, with or without bytes after
// it (a certificate table pads with zeros).
func Parse(msg []byte) (*SignedData, error) {
	if len(msg) > MaxSize {
		return nil, fmt.Errorf("reading a signature: %d bytes are too many", len(msg))
	}
	sd, err := parseDER(msg)
	if err == nil {
		return sd, nil
	}
	der, berErr := normalize(msg)
	if berErr != nil {
		return nil, fmt.Errorf("reading a signature: %w", err)
	}
	if sd, err = parseDER(der); err != nil {
		return nil, fmt.Errorf("reading a signature: %w", err)
	}
	return sd, nil
}

// parseDER reads ContentInfo and SignedData (RFC 5652 sections 3 and 5.1).
func parseDER(der []byte) (*SignedData, error) {
	in := cryptobyte.String(der)
	var oid asn1.ObjectIdentifier
	var explicit, version, digests, rest cryptobyte.String
	info, ok := sequence(&in)
	if !ok || !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) || !info.ReadASN1(&explicit, context(0)) {
		return nil, errStructure
	}
	body, ok := sequence(&explicit)
	if !ok || !body.ReadASN1(&version, casn1.INTEGER) || !body.ReadASN1(&digests, casn1.SET) {
		return nil, errStructure
	}
	sd := &SignedData{}
	if err := sd.readContent(&body); err != nil {
		return nil, err
	}
	var certs, crls, signers cryptobyte.String
	var has bool
	if !body.ReadOptionalASN1(&certs, &has, context(0)) || !body.ReadOptionalASN1(&crls, &has, context(1)) ||
		!body.ReadASN1(&signers, casn1.SET) {
		return nil, errStructure
	}
	for n := 0; !certs.Empty(); n++ {
		var tag casn1.Tag
		if n >= maxCerts {
			return nil, fmt.Errorf("more than %d certificates", maxCerts)
		}
		if !certs.ReadAnyASN1Element(&rest, &tag) {
			return nil, errStructure
		}
		// An attribute certificate has another tag; what is odd is left out.
		if c, err := ParseCertificate(rest); err == nil && tag == casn1.SEQUENCE {
			sd.Certificates = append(sd.Certificates, c)
		}
	}
	for n := 0; !signers.Empty(); n++ {
		if n >= maxSigners {
			return nil, fmt.Errorf("more than %d signers", maxSigners)
		}
		s, err := readSigner(&signers)
		if err != nil {
			return nil, err
		}
		sd.Signers = append(sd.Signers, s)
	}
	return sd, nil
}

// readContent reads EncapsulatedContentInfo. PKCS #7 allowed any type where
// CMS has an OCTET STRING, and Authenticode makes use of it.
func (sd *SignedData) readContent(body *cryptobyte.String) error {
	var explicit cryptobyte.String
	var has bool
	var tag casn1.Tag
	encap, ok := sequence(body)
	if !ok || !encap.ReadASN1ObjectIdentifier(&sd.ContentType) || !encap.ReadOptionalASN1(&explicit, &has, context(0)) {
		return errStructure
	}
	if !has {
		return nil
	}
	var element cryptobyte.String
	if !explicit.ReadAnyASN1(&element, &tag) {
		return errStructure
	}
	sd.Content = element
	if sd.Content == nil {
		sd.Content = []byte{}
	}
	return nil
}

// readSigner reads one SignerInfo (RFC 5652 section 5.3).
func readSigner(in *cryptobyte.String) (*Signer, error) {
	var version, raw, serial, alg, sig cryptobyte.String
	s := &Signer{}
	info, ok := sequence(in)
	if !ok || !info.ReadASN1(&version, casn1.INTEGER) {
		return nil, errStructure
	}
	keyID := casn1.Tag(0).ContextSpecific()
	if info.PeekASN1Tag(keyID) {
		if !info.ReadASN1(&raw, keyID) {
			return nil, errStructure
		}
		s.KeyID = raw
	} else {
		sid, ok := sequence(&info)
		if !ok || !sid.ReadASN1Element(&raw, casn1.SEQUENCE) || !sid.ReadASN1(&serial, casn1.INTEGER) {
			return nil, errStructure
		}
		s.Issuer, s.Serial = readName(raw), serial
	}
	oid, _, ok := algorithm(&info)
	if !ok {
		return nil, errStructure
	}
	s.Hash = HashOf(oid)
	var has bool
	var err error
	if info.PeekASN1Tag(context(0)) {
		if !info.ReadASN1Element(&raw, context(0)) {
			return nil, errStructure
		}
		// They are digested as a SET (section 5.4).
		s.signedRaw = append([]byte{byte(casn1.SET)}, raw[1:]...)
		if s.Signed, err = readAttributes(raw, context(0)); err != nil {
			return nil, err
		}
	}
	if s.sigAlg, s.sigParams, ok = algorithm(&info); !ok || !info.ReadASN1(&sig, casn1.OCTET_STRING) {
		return nil, errStructure
	}
	s.sig = sig
	if info.ReadOptionalASN1(&alg, &has, context(1)) && has {
		if s.Unsigned, err = readAttributeSet(alg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func readAttributes(raw cryptobyte.String, tag casn1.Tag) ([]Attribute, error) {
	var set cryptobyte.String
	if !raw.ReadASN1(&set, tag) {
		return nil, errStructure
	}
	return readAttributeSet(set)
}

func readAttributeSet(set cryptobyte.String) ([]Attribute, error) {
	var as []Attribute
	for !set.Empty() {
		var a Attribute
		var values, v cryptobyte.String
		var tag casn1.Tag
		one, ok := sequence(&set)
		if !ok || !one.ReadASN1ObjectIdentifier(&a.Type) || !one.ReadASN1(&values, casn1.SET) {
			return nil, errStructure
		}
		for !values.Empty() {
			if !values.ReadAnyASN1Element(&v, &tag) {
				return nil, errStructure
			}
			if a.Values = append(a.Values, v); len(a.Values) > maxAttrs {
				return nil, fmt.Errorf("more than %d values in an attribute", maxAttrs)
			}
		}
		if as = append(as, a); len(as) > maxAttrs {
			return nil, fmt.Errorf("more than %d attributes", maxAttrs)
		}
	}
	return as, nil
}

// algorithm reads an AlgorithmIdentifier; params is a whole element or empty.
func algorithm(in *cryptobyte.String) (oid asn1.ObjectIdentifier, params []byte, ok bool) {
	alg, ok := sequence(in)
	if !ok || !alg.ReadASN1ObjectIdentifier(&oid) {
		return nil, nil, false
	}
	return oid, alg, true
}

// Values returns the values of an attribute, each a whole DER element.
func Values(as []Attribute, oid asn1.ObjectIdentifier) [][]byte {
	var vs [][]byte
	for _, a := range as {
		if a.Type.Equal(oid) {
			vs = append(vs, a.Values...)
		}
	}
	return vs
}

// hashes are the digest algorithms of old and new signatures (RFC 5754, RFC 3370).
var hashes = map[string]crypto.Hash{
	"1.2.840.113549.2.5":     crypto.MD5,
	"1.3.14.3.2.26":          crypto.SHA1,
	"2.16.840.1.101.3.4.2.4": crypto.SHA224,
	"2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// HashOf returns the digest algorithm that an identifier names, or zero when
// it is not one that we compute.
func HashOf(oid asn1.ObjectIdentifier) crypto.Hash { return hashes[oid.String()] }
