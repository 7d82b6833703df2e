package authenticode

import (
	"crypto"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

// MaxMembers is how many members of one catalog are read; the largest of
// Windows have some 30,000.
const MaxMembers = 1 << 17

// ErrNotCatalog tells that a message is no security catalog.
var ErrNotCatalog = errors.New("not a security catalog")

// IsCatalog reports whether a message signs a list of files.
func IsCatalog(sd *pkcs7.SignedData) bool { return sd.ContentType.Equal(oidTrustList) }

// Members returns the digests of the files that a catalog signs, in lower-case
// hexadecimal, sorted: SHA-1 (40 digits) or SHA-256 (64). For a PE it is the
// Authenticode digest, for any other file the digest of its bytes. more tells
// that the catalog has more than [MaxMembers].
func Members(sd *pkcs7.SignedData) (digests []string, more bool, err error) {
	if !IsCatalog(sd) {
		return nil, false, ErrNotCatalog
	}
	// CertificateTrustList (MS-CAESO, wincrypt.h CTL_INFO): optional version,
	// usage, optional list identifier and number, times, algorithm, entries.
	in := cryptobyte.String(sd.Content)
	var skipped, entries cryptobyte.String
	var t casn1.Tag
	for range 8 {
		if !in.ReadAnyASN1Element(&skipped, &t) {
			return nil, false, ErrNotCatalog
		}
		if (t == casn1.UTCTime || t == casn1.GeneralizedTime) && !in.PeekASN1Tag(casn1.UTCTime) && !in.PeekASN1Tag(casn1.GeneralizedTime) {
			break
		}
	}
	if !in.SkipASN1(casn1.SEQUENCE) { // subjectAlgorithm
		return nil, false, ErrNotCatalog
	}
	if in.Empty() {
		return nil, false, nil
	}
	if !in.ReadASN1(&entries, casn1.SEQUENCE) {
		return nil, false, ErrNotCatalog
	}
	for !entries.Empty() {
		if len(digests) >= MaxMembers {
			return sorted(digests), true, nil
		}
		var entry cryptobyte.String
		if !entries.ReadASN1(&entry, casn1.SEQUENCE) {
			return sorted(digests), false, ErrNotCatalog
		}
		if d := readMember(entry); d != "" {
			digests = append(digests, d)
		}
	}
	return sorted(digests), false, nil
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// readMember reads TrustedSubject: an identifier (the digest, as bytes or as
// UTF-16 hexadecimal) and attributes, of which an SpcIndirectDataContent holds
// the digest for certain.
func readMember(entry cryptobyte.String) string {
	var id, attrs cryptobyte.String
	if !entry.ReadASN1(&id, casn1.OCTET_STRING) {
		return ""
	}
	if entry.ReadASN1(&attrs, casn1.SET) {
		for !attrs.Empty() {
			var attr, set, seq cryptobyte.String
			var oid asn1.ObjectIdentifier
			if !attrs.ReadASN1(&attr, casn1.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&oid) {
				break
			}
			var ind Indirect
			if oid.Equal(oidIndirectData) && attr.ReadASN1(&set, casn1.SET) && set.ReadASN1(&seq, casn1.SEQUENCE) && readIndirect(&seq, &ind) {
				if ind.Hash == 0 || len(ind.Digest) == ind.Hash.Size() {
					return hex.EncodeToString(ind.Digest)
				}
			}
		}
	}
	return memberID(id)
}

// memberID reads a member's tag where it has no digest of its own.
func memberID(id []byte) string {
	if len(id) == crypto.SHA1.Size() || len(id) == crypto.SHA256.Size() {
		return hex.EncodeToString(id)
	}
	var b strings.Builder
	for i := 0; i+1 < len(id); i += 2 {
		if id[i+1] == 0 && id[i] != 0 {
			b.WriteByte(id[i])
		}
	}
	s := strings.ToLower(b.String())
	if _, err := hex.DecodeString(s); err != nil || len(s) != 40 && len(s) != 64 {
		return ""
	}
	return s
}
