// Package pkcs7 reads CMS SignedData (RFC 5652, before that PKCS #7, RFC 2315)
// as it is found in signed programs: Authenticode, Mach-O, JAR, kernel modules,
// security catalogs. It reads to report, not to admit: old algorithms (MD5,
// SHA-1, 1024-bit RSA), expired certificates, BER lengths and odd strings are
// read, because the files that carry them are old and still there.
//
// A usual caller:
//
//	sd, err := pkcs7.Parse(blob)
//	for _, s := range sd.Signers {
//		c := sd.Check(s, pkcs7.Bytes(content)) // nil for content that is inside
//		c.Leaf.Subject.O, c.Verified(), c.Where()
//	}
//
// Nothing here knows a trusted root: see [Check.Verified] for what is promised.
// Values are plain data, safe for many readers. No function panics on foreign
// bytes; sizes, counts and depths are bounded.
package pkcs7

import (
	"crypto"
	"encoding/asn1"
	"io"
	"time"
)

// Bounds on what is read. More is an error, not a truncation.
const (
	MaxSize    = 16 << 20 // bytes of one message
	maxCerts   = 256
	maxSigners = 16
	maxAttrs   = 256
)

// SignedData is one parsed message.
type SignedData struct {
	ContentType asn1.ObjectIdentifier // of the content inside (eContentType)
	// Content is the value of eContent without its outer tag and length: the
	// bytes that a message digest is of. It is nil when the content is detached.
	Content      []byte
	Certificates []*Certificate // as stored, in the order stored; unreadable ones are left out
	Signers      []*Signer
}

// Name is a distinguished name. O, OU and CN are the first of their sort.
type Name struct {
	CN, O, OU, C string
	Raw          []byte // DER; equal names are compared by it
}

// Certificate is an X.509 certificate of any version (RFC 5280).
type Certificate struct {
	Raw                 []byte
	Subject, Issuer     Name
	Serial              []byte // content octets of the INTEGER
	NotBefore, NotAfter time.Time
	CA                  bool // basicConstraints says so, or version 1 and self-issued
	KeyID               []byte
	AuthorityKeyID      []byte
	ExtKeyUsage         []asn1.ObjectIdentifier // empty when the extension is absent
	PublicKey           crypto.PublicKey        // nil when its algorithm is not known

	tbs       []byte
	sigAlg    asn1.ObjectIdentifier
	sigParams []byte
	sig       []byte
}

// Attribute is one signed or unsigned attribute.
type Attribute struct {
	Type   asn1.ObjectIdentifier
	Values [][]byte // each a whole DER element
}

// Signer is one SignerInfo.
type Signer struct {
	Issuer   Name   // empty when the signer is named by key identifier
	Serial   []byte // content octets of the INTEGER
	KeyID    []byte // subject key identifier, or nil
	Hash     crypto.Hash
	Signed   []Attribute
	Unsigned []Attribute

	signedRaw []byte // the signed attributes as a DER SET, as they are digested
	sigAlg    asn1.ObjectIdentifier
	sigParams []byte
	sig       []byte
}

// Digester returns the digest of content that is not inside the message. It is
// called at most once for each check.
type Digester func(crypto.Hash) ([]byte, error)

// Check is what came of checking one signer.
type Check struct {
	Leaf  *Certificate   // the signer's certificate, or nil when it is not inside
	Chain []*Certificate // leaf first, each verified to be signed by the next
	// Reason says in a few words why Verified is false; empty when it is true.
	Reason string
	// Time is when a countersigner whose own signature verifies says that it
	// saw the signature: an RFC 3161 token or a PKCS #9 countersignature.
	// Zero when there is none.
	Time time.Time
	// TimeSigner is the countersigner's certificate, or nil.
	TimeSigner *Certificate
}

// Bytes is the Digester of content that is in memory.
func Bytes(content []byte) Digester {
	return func(h crypto.Hash) ([]byte, error) {
		w := h.New()
		w.Write(content)
		return w.Sum(nil), nil
	}
}

// Section is the Digester of the first n bytes of r, which are streamed.
func Section(r io.ReaderAt, n int64) Digester {
	return func(h crypto.Hash) ([]byte, error) {
		w := h.New()
		if _, err := io.CopyBuffer(w, io.NewSectionReader(r, 0, n), make([]byte, 256<<10)); err != nil {
			return nil, err
		}
		return w.Sum(nil), nil
	}
}
