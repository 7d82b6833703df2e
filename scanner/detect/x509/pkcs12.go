package x509

import (
	"bytes"
	"path"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
	"github.com/interdict/interdict/scanner/detect/internal/x509name"
)

// passwords are those that stores of trusted certificates mostly have: Java's,
// and none.
var passwords = []string{"changeit", ""}

// maxIterations bounds the work of deriving a key. Java uses 10,000, OpenSSL
// 2,048.
const maxIterations = 200_000

// isPKCS12 reports a PFX of version 3 (RFC 7292 section 4).
func isPKCS12(head []byte) bool {
	for i := 2; i <= 5; i++ {
		if bytes.HasPrefix(head[i:], []byte("\x02\x01\x03\x30")) {
			return true
		}
	}
	return false
}

// fromPKCS12 reads a store. Java's of today are not encrypted. One that cannot
// be opened is a gap if its name says that it holds trusted certificates: any
// other is a private key with its own certificate.
func fromPKCS12(b []byte, f *scanner.File) ([]string, []sbom.Gap) {
	if s := x509name.Find(b, maxCertificates); len(s) > 0 {
		return s, nil
	}
	why := "its password is not known"
	if iterations(cryptobyte.String(b), 0) > maxIterations {
		why = "its key takes too long to derive"
	} else {
		for _, p := range passwords {
			if subjects, ok := decrypt(b, p); ok {
				return subjects, nil
			}
		}
	}
	if isStore(path.Base(readfile.Inner(f.Path))) {
		return nil, []sbom.Gap{{Reason: sbom.Encrypted, Detail: "a store of certificates: " + why}}
	}
	return nil, nil
}

func decrypt(b []byte, password string) (subjects []string, ok bool) {
	defer func() {
		if recover() != nil {
			subjects, ok = nil, false
		}
	}()
	certs, err := pkcs12.DecodeTrustStore(b, password)
	if err != nil {
		return nil, false
	}
	for _, c := range certs[:min(len(certs), maxCertificates)] {
		subjects = append(subjects, x509name.Subject(c.Raw))
	}
	return subjects, true
}

// iterations is the largest count of iterations in a PFX: of the numbers that
// follow a salt in a SEQUENCE.
func iterations(in cryptobyte.String, depth int) int64 {
	var most int64
	salted := false
	for !in.Empty() && depth < 24 {
		var body cryptobyte.String
		var tag asn1.Tag
		if salted && in.PeekASN1Tag(asn1.INTEGER) {
			var n int64
			if !in.ReadASN1Integer(&n) {
				return maxIterations + 1 // it does not even fit
			}
			most, salted = max(most, n), false
			continue
		}
		if !in.ReadAnyASN1(&body, &tag) {
			break
		}
		salted = tag == asn1.OCTET_STRING
		if tag == asn1.SEQUENCE || tag == asn1.SET || tag == asn1.OCTET_STRING || tag&0xe0 == 0xa0 {
			most = max(most, iterations(body, depth+1))
		}
	}
	return most
}
