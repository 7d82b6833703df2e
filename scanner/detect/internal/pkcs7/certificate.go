package pkcs7

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var errCertificate = errors.New("not a certificate")

// maxCert bounds one certificate; the largest known are of some 20 KiB.
const maxCert = 1 << 20

// ParseCertificate reads one DER certificate, with less rigour than
// crypto/x509: negative serial numbers, odd strings and unknown critical
// extensions occur in what was signed twenty years ago.
func ParseCertificate(der []byte) (*Certificate, error) {
	in := cryptobyte.String(der)
	if len(der) > maxCert {
		return nil, errCertificate
	}
	var raw, tbs, sig cryptobyte.String
	if !in.ReadASN1Element(&raw, casn1.SEQUENCE) {
		return nil, errCertificate
	}
	c := &Certificate{Raw: raw}
	body, _ := sequence(&raw)
	if !body.ReadASN1Element(&tbs, casn1.SEQUENCE) {
		return nil, errCertificate
	}
	c.tbs = tbs
	var ok bool
	if c.sigAlg, c.sigParams, ok = algorithm(&body); !ok || !body.ReadASN1(&sig, casn1.BIT_STRING) || len(sig) < 1 {
		return nil, errCertificate
	}
	c.sig = sig[1:] // the count of unused bits
	if err := c.readTBS(tbs); err != nil {
		return nil, err
	}
	return c, nil
}

// readTBS reads TBSCertificate (RFC 5280 section 4.1).
func (c *Certificate) readTBS(tbs cryptobyte.String) error {
	var version, serial, issuer, subject, spki, unique, exts cryptobyte.String
	var has bool
	in, ok := sequence(&tbs)
	if !ok || !in.ReadOptionalASN1(&version, &has, context(0)) || !in.ReadASN1(&serial, casn1.INTEGER) {
		return errCertificate
	}
	c.Serial = serial
	if _, _, ok := algorithm(&in); !ok || !in.ReadASN1Element(&issuer, casn1.SEQUENCE) {
		return errCertificate
	}
	validity, ok := sequence(&in)
	if !ok || !in.ReadASN1Element(&subject, casn1.SEQUENCE) || !in.ReadASN1Element(&spki, casn1.SEQUENCE) {
		return errCertificate
	}
	c.NotBefore, c.NotAfter = readTime(&validity), readTime(&validity)
	c.Issuer, c.Subject = readName(issuer), readName(subject)
	if key, err := x509.ParsePKIXPublicKey(spki); err == nil {
		c.PublicKey = key
	}
	in.ReadOptionalASN1(&unique, &has, casn1.Tag(1).ContextSpecific())
	in.ReadOptionalASN1(&unique, &has, casn1.Tag(2).ContextSpecific())
	if !in.ReadOptionalASN1(&exts, &has, context(3)) || !has {
		// Version 1 knows no authorities; its old roots are those that issued themselves.
		c.CA = c.SelfIssued()
		return nil
	}
	return c.readExtensions(exts)
}

func (c *Certificate) readExtensions(exts cryptobyte.String) error {
	list, ok := sequence(&exts)
	if !ok {
		return errCertificate
	}
	certSign := true
	for !list.Empty() {
		var oid asn1.ObjectIdentifier
		var critical, value cryptobyte.String
		var has bool
		ext, ok := sequence(&list)
		if !ok || !ext.ReadASN1ObjectIdentifier(&oid) || !ext.ReadOptionalASN1(&critical, &has, casn1.BOOLEAN) ||
			!ext.ReadASN1(&value, casn1.OCTET_STRING) {
			return errCertificate
		}
		switch oid.String() { // RFC 5280 section 4.2.1
		case "2.5.29.14":
			var id cryptobyte.String
			if value.ReadASN1(&id, casn1.OCTET_STRING) {
				c.KeyID = id
			}
		case "2.5.29.15":
			var bits asn1.BitString
			if value.ReadASN1BitString(&bits) {
				certSign = bits.At(5) == 1
			}
		case "2.5.29.19":
			if bc, ok := sequence(&value); ok && bc.PeekASN1Tag(casn1.BOOLEAN) {
				bc.ReadASN1Boolean(&c.CA)
			}
		case "2.5.29.35":
			var id cryptobyte.String
			if aki, ok := sequence(&value); ok && aki.ReadOptionalASN1(&id, &has, casn1.Tag(0).ContextSpecific()) && has {
				c.AuthorityKeyID = id
			}
		case "2.5.29.37":
			ekus, _ := sequence(&value)
			for !ekus.Empty() {
				var eku asn1.ObjectIdentifier
				if !ekus.ReadASN1ObjectIdentifier(&eku) {
					break
				}
				c.ExtKeyUsage = append(c.ExtKeyUsage, eku)
			}
		}
	}
	c.CA = c.CA && certSign
	return nil
}

// SelfIssued reports whether subject and issuer are the same name.
func (c *Certificate) SelfIssued() bool { return bytes.Equal(c.Subject.Raw, c.Issuer.Raw) }

func readTime(in *cryptobyte.String) time.Time {
	var v cryptobyte.String
	var tag casn1.Tag
	if !in.ReadAnyASN1(&v, &tag) {
		return time.Time{}
	}
	return parseTime(tag, string(v))
}

// parseTime is the zero time for what is no time.
func parseTime(tag casn1.Tag, s string) time.Time {
	layouts := []string{"20060102150405Z0700", "20060102150405.999999999Z0700", "200601021504Z0700"}
	if tag == casn1.UTCTime {
		layouts = []string{"060102150405Z0700", "0601021504Z0700"}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			// RFC 5280 section 4.1.2.5.1: 50 to 99 are of the last century.
			if tag == casn1.UTCTime && t.Year() >= 2050 {
				t = t.AddDate(-100, 0, 0)
			}
			return t.UTC()
		}
	}
	return time.Time{}
}

// readName reads a distinguished name (RFC 5280 section 4.1.2.4). What cannot
// be read stays empty: the name is still its Raw.
func readName(raw cryptobyte.String) Name {
	n := Name{Raw: raw}
	rdns, _ := sequence(&raw)
	for count := 0; !rdns.Empty() && count < 64; count++ {
		var set cryptobyte.String
		if !rdns.ReadASN1(&set, casn1.SET) {
			break
		}
		for !set.Empty() {
			var oid asn1.ObjectIdentifier
			var v cryptobyte.String
			var tag casn1.Tag
			atv, ok := sequence(&set)
			if !ok || !atv.ReadASN1ObjectIdentifier(&oid) || !atv.ReadAnyASN1(&v, &tag) {
				break
			}
			n.set(oid, text(tag, v))
		}
	}
	return n
}

func (n *Name) set(oid asn1.ObjectIdentifier, s string) {
	if len(oid) != 4 || oid[0] != 2 || oid[1] != 5 || oid[2] != 4 { // RFC 4519: id-at
		return
	}
	for id, field := range map[int]*string{3: &n.CN, 6: &n.C, 10: &n.O, 11: &n.OU} {
		if id == oid[3] && *field == "" {
			*field = s
		}
	}
}

// String is the common name, or the organisation where there is none.
func (n Name) String() string {
	for _, s := range []string{n.CN, n.O, n.OU} {
		if s != "" {
			return s
		}
	}
	return "(no name)"
}

// text decodes a string of any ASN.1 string type into UTF-8.
func text(tag casn1.Tag, v []byte) string {
	switch tag {
	case 30: // BMPString: UTF-16BE
		u := make([]uint16, 0, len(v)/2)
		for i := 0; i+1 < len(v); i += 2 {
			u = append(u, uint16(v[i])<<8|uint16(v[i+1]))
		}
		return string(utf16.Decode(u))
	case 28: // UniversalString: UTF-32BE
		var b strings.Builder
		for i := 0; i+3 < len(v); i += 4 {
			b.WriteRune(rune(v[i])<<24 | rune(v[i+1])<<16 | rune(v[i+2])<<8 | rune(v[i+3]))
		}
		return b.String()
	case casn1.T61String:
		// In practice Latin-1, unless it is UTF-8 by mistake.
		if s := string(v); strings.ToValidUTF8(s, "") == s {
			return s
		}
		r := make([]rune, len(v))
		for i, c := range v {
			r[i] = rune(c)
		}
		return string(r)
	}
	return strings.ToValidUTF8(string(v), "\uFFFD")
}

// String names the certificate for people.
func (c *Certificate) String() string { return fmt.Sprintf("%s by %s", c.Subject, c.Issuer) }
