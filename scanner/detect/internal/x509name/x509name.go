// Package x509name finds X.509 certificates and tells whose they are.
package x509name

import (
	"encoding/binary"
	"strings"

	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

// Subject is the subject of one DER certificate as "CN=Acme Root CA,O=Acme
// Ltd", with its OU where it has neither. What follows the certificate is
// passed over. It is empty when der begins no certificate.
func Subject(der []byte) string {
	c, err := pkcs7.ParseCertificate(der)
	if err != nil {
		return ""
	}
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+"="+escape.Replace(value))
		}
	}
	add("CN", c.Subject.CN)
	add("O", c.Subject.O)
	if len(parts) == 0 {
		add("OU", c.Subject.OU)
	}
	if len(parts) == 0 {
		return "(no name)"
	}
	return strings.Join(parts, ",")
}

// escape is RFC 4514 section 2.4 for the characters that end a value.
var escape = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `+`, `\+`)

// Find returns the subjects of the certificates that lie as they are in b,
// whatever is around them, at most limit.
func Find(b []byte, limit int) []string {
	var subjects []string
	for i := 0; i+5 <= len(b) && len(subjects) < limit; {
		n := length(b[i:])
		if n == 0 {
			i++
			continue
		}
		s := Subject(b[i : i+n])
		if s == "" {
			i++
			continue
		}
		subjects = append(subjects, s)
		i += n
	}
	return subjects
}

// length is that of a DER SEQUENCE of 128 to 65535 bytes that begins with
// another; zero if there is none at b's begin.
func length(b []byte) int {
	if b[0] != 0x30 {
		return 0
	}
	n, head := 0, 0
	switch b[1] {
	case 0x81:
		n, head = int(b[2]), 3
	case 0x82:
		n, head = int(binary.BigEndian.Uint16(b[2:])), 4
	default:
		return 0
	}
	if n += head; n < 128 || n > len(b) || b[head] != 0x30 {
		return 0
	}
	return n
}
