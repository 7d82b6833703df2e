package pkcs7

import (
	"bytes"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidTimeStampToken   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14} // RFC 3161 appendix A
	oidMicrosoftToken   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 3, 3, 1}     // the same, in Authenticode
	oidTSTInfo          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}  // RFC 3161 section 2.4.2
	oidCountersignature = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 6}         // RFC 5652 section 11.4
)

// maxTimestamps is how many tokens of one signer are tried.
const maxTimestamps = 8

// timestamp finds who countersigned s, and when. It verifies that the token is
// of this signature and is signed by the certificate that it names, not that
// the authority is one.
func (sd *SignedData) timestamp(s *Signer) (time.Time, *Certificate) {
	tokens := append(Values(s.Unsigned, oidMicrosoftToken), Values(s.Unsigned, oidTimeStampToken)...)
	for _, raw := range tokens[:min(len(tokens), maxTimestamps)] {
		if t, c := token(raw, s.sig); c != nil {
			return t, c
		}
	}
	counters := Values(s.Unsigned, oidCountersignature)
	for _, raw := range counters[:min(len(counters), maxTimestamps)] {
		if t, c := sd.countersignature(raw, s.sig); c != nil {
			return t, c
		}
	}
	return time.Time{}, nil
}

// token reads an RFC 3161 token over the signature value.
func token(raw, sig []byte) (time.Time, *Certificate) {
	sd, err := Parse(raw)
	if err != nil || !sd.ContentType.Equal(oidTSTInfo) || len(sd.Signers) == 0 {
		return time.Time{}, nil
	}
	signer := sd.Signers[0]
	leaf := sd.leaf(signer)
	if sd.checkSigner(signer, leaf, nil) != nil {
		return time.Time{}, nil
	}
	in := cryptobyte.String(sd.Content)
	var version, serial, imprint, when cryptobyte.String
	var policy asn1.ObjectIdentifier
	info, ok := sequence(&in)
	if !ok || !info.ReadASN1(&version, casn1.INTEGER) || !info.ReadASN1ObjectIdentifier(&policy) {
		return time.Time{}, nil
	}
	mi, ok := sequence(&info)
	if !ok {
		return time.Time{}, nil
	}
	oid, _, ok := algorithm(&mi)
	h := HashOf(oid)
	if !ok || !h.Available() || !mi.ReadASN1(&imprint, casn1.OCTET_STRING) ||
		!info.ReadASN1(&serial, casn1.INTEGER) || !info.ReadASN1(&when, casn1.GeneralizedTime) {
		return time.Time{}, nil
	}
	if digest, _ := Bytes(sig)(h); !bytes.Equal(digest, imprint) {
		return time.Time{}, nil
	}
	return parseTime(casn1.GeneralizedTime, string(when)), leaf
}

// countersignature reads a PKCS #9 countersignature over the signature value.
func (sd *SignedData) countersignature(raw, sig []byte) (time.Time, *Certificate) {
	in := cryptobyte.String(raw)
	s, err := readSigner(&in)
	if err != nil {
		return time.Time{}, nil
	}
	leaf := sd.leaf(s)
	// Its content type says "data": that of the message around it is another.
	own := &SignedData{Certificates: sd.Certificates}
	if own.checkSigner(s, leaf, Bytes(sig)) != nil {
		return time.Time{}, nil
	}
	times := Values(s.Signed, oidSigningTime)
	if len(times) != 1 {
		return time.Time{}, nil
	}
	value := cryptobyte.String(times[0])
	return readTime(&value), leaf
}
