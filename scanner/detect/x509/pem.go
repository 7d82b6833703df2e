package x509

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/x509name"
)

// labels are those of certificates (RFC 7468 section 5; OpenSSL writes the
// others: with settings of trust behind the certificate, and of old).
var labels = []string{"CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE", "PKCS7"}

const (
	begin  = "-----BEGIN "
	dashes = "-----"
)

func isPEM(head []byte) bool {
	for _, l := range labels {
		if bytes.Contains(head, []byte(begin+l+dashes)) {
			return true
		}
	}
	return false
}

// fromPEM reads the certificates of a text, whatever is between them. A block
// that cannot be read counts, and has no subject.
func fromPEM(b []byte, _ *scanner.File) (subjects []string, _ []sbom.Gap) {
	for len(subjects) < maxCertificates {
		i := bytes.Index(b, []byte(begin))
		if i < 0 {
			break
		}
		b = b[i+len(begin):]
		label, rest, ok := bytes.Cut(b, []byte(dashes))
		if !ok {
			break
		}
		if len(label) > 64 || !slices.Contains(labels, string(label)) {
			continue
		}
		b = rest
		body, end, ok := bytes.Cut(b, []byte(dashes))
		if !ok || !bytes.HasPrefix(end, []byte("END ")) {
			continue // b is still before what these dashes begin
		}
		b = end
		subjects = append(subjects, certificates(body)...)
	}
	return subjects, nil
}

// certificates are those of one block: one, or as many as a PKCS #7 message has.
func certificates(body []byte) []string {
	text := strings.Join(strings.Fields(string(body)), "")
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return []string{""}
	}
	if s := x509name.Subject(der); s != "" {
		return []string{s}
	}
	return x509name.Find(der, maxCertificates)
}
