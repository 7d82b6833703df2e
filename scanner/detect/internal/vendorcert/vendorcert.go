// Package vendorcert reads the .vendor_cert section of shim, the first-stage
// boot loader: the certificates that it trusts besides the firmware's. Their
// subject can be the only identity that a boot shim has.
// Source: shim's cert.S and shim.h (struct "cert_table").
package vendorcert

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

// MaxSize bounds the section in bytes.
const MaxSize = 1 << 20

const maxCerts = 64

// Evidence returns the subject of each certificate in the section's contents
// as ELFVendorCert, in the form "CN=Acme Root CA,O=Acme Ltd".
func Evidence(section []byte) []sbom.Evidence {
	var es []sbom.Evidence
	for i, c := range certificates(section) {
		es = append(es, sbom.Evidence{
			Kind: sbom.ELFVendorCert, Value: subject(c.Subject), Where: fmt.Sprintf(".vendor_cert, certificate %d", i+1),
		})
	}
	return es
}

// certificates finds every X.509 certificate in b. The section is a table of
// two sizes and two offsets before one DER certificate or a list of EFI
// signatures; all of these hold the certificates as they are, so that looking
// for them needs to know no version of the table.
func certificates(b []byte) []*pkcs7.Certificate {
	var certs []*pkcs7.Certificate
	for i := 0; i+4 <= len(b) && len(certs) < maxCerts; {
		// A certificate is a SEQUENCE longer than 255 bytes with a SEQUENCE in it.
		if b[i] != 0x30 || b[i+1] != 0x82 {
			i++
			continue
		}
		n := 4 + int(binary.BigEndian.Uint16(b[i+2:]))
		if i+n > len(b) || n < 128 || b[i+4] != 0x30 {
			i++
			continue
		}
		c, err := pkcs7.ParseCertificate(b[i : i+n])
		if err != nil {
			i++
			continue
		}
		certs = append(certs, c)
		i += n
	}
	return certs
}

func subject(n pkcs7.Name) string {
	var parts []string
	if n.CN != "" {
		parts = append(parts, "CN="+n.CN)
	}
	if n.O != "" {
		parts = append(parts, "O="+n.O)
	}
	return strings.Join(parts, ",")
}
