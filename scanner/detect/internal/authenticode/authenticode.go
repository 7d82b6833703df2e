// Package authenticode reads who signed a file with Authenticode: programs,
// installers, cabinets, scripts and catalogs, whose signatures are all one
// PKCS #7 message that names the file's digest in an SpcIndirectDataContent
// (Microsoft, "Windows Authenticode Portable Executable Signature Format",
// 2008).
package authenticode

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

const (
	// MaxDepth is how deep signatures nested in signatures are read.
	MaxDepth = 4
	// maxNested is how many nested signatures of one message are read.
	maxNested = 16
)

// Object identifiers of wintrust.h.
var (
	oidIndirectData = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}  // SPC_INDIRECT_DATA_OBJID
	oidOpusInfo     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 12} // SPC_SP_OPUS_INFO_OBJID
	oidNested       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 4, 1}  // szOID_NESTED_SIGNATURE
	oidTrustList    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 10, 1}    // szOID_CTL
)

// Digester computes the digest of the signed file as its format defines it:
// for a PE without checksum and certificate table, for an MSI over its
// streams. It is called once for each algorithm that a signature names.
type Digester func(crypto.Hash) ([]byte, error)

// Evidence reads one signature, and those nested in it, and returns the
// evidence of their signers: SignerO and SignerCN when verified, SignerOClaimed
// and SignerCNClaimed when not, and SignerProgram. where begins each
// Evidence.Where: "certificate 1". Gaps tell what could not be read; their
// Path is empty.
//
// Verified means that the file has the digest that was signed and that the
// signature is consistent in itself (see pkcs7.Check.Verified) and not by a
// certificate for another purpose. Whether the authority at the top is one
// that Windows trusts is not known here: Where names it. A nil digest is for a
// message that is itself what is signed, such as a catalog.
func Evidence(msg []byte, where string, digest Digester) ([]sbom.Evidence, []sbom.Gap) {
	r := &reader{digest: digest, digests: map[crypto.Hash][]byte{}}
	r.message(msg, where, 0)
	return r.evidence, r.gaps
}

type reader struct {
	digest   Digester
	digests  map[crypto.Hash][]byte
	nested   int
	evidence []sbom.Evidence
	gaps     []sbom.Gap
}

func (r *reader) gap(reason sbom.Reason, where, format string, args ...any) {
	r.gaps = append(r.gaps, sbom.Gap{Reason: reason, Detail: where + ": " + fmt.Sprintf(format, args...)})
}

func (r *reader) message(msg []byte, where string, depth int) {
	sd, err := pkcs7.Parse(msg)
	if err != nil {
		r.gap(sbom.Malformed, where, "%v", err)
		return
	}
	if len(sd.Signers) == 0 {
		r.gap(sbom.Malformed, where, "a signature without a signer")
	}
	why := r.compare(sd)
	for i, s := range sd.Signers {
		at := where
		if len(sd.Signers) > 1 {
			at = fmt.Sprintf("%s, signer %d", where, i+1)
		}
		r.signer(sd, s, at, why)
		for j, inner := range pkcs7.Values(s.Unsigned, oidNested) {
			if r.nested++; r.nested > maxNested || depth+1 > MaxDepth {
				r.gap(sbom.Limit, at, "more than %d nested signatures, or more than %d deep", maxNested, MaxDepth)
				return
			}
			r.message(inner, fmt.Sprintf("%s, nested %d", at, j+1), depth+1)
		}
	}
}

// compare tells why the message is not of this file; empty when it is.
func (r *reader) compare(sd *pkcs7.SignedData) string {
	if r.digest == nil {
		return ""
	}
	ind, err := ParseIndirect(sd)
	if err != nil {
		return err.Error()
	}
	if !ind.Hash.Available() {
		return "the digest algorithm is not known"
	}
	got, ok := r.digests[ind.Hash]
	if !ok {
		if got, err = r.digest(ind.Hash); err != nil {
			return fmt.Sprintf("the file's digest is not known: %v", err)
		}
		r.digests[ind.Hash] = got
	}
	if !bytes.Equal(got, ind.Digest) {
		return "digest does not match: file was changed after signing"
	}
	return ""
}

func (r *reader) signer(sd *pkcs7.SignedData, s *pkcs7.Signer, where, why string) {
	c := sd.Check(s, nil)
	if why == "" && c.Reason == "" && !signsCode(c.Leaf) {
		why = "the certificate is not for signing code"
	}
	if why != "" {
		c.Reason = why
	}
	name := s.Issuer // of the authority: better than nothing to tell where it comes from
	text := describe(c)
	o, cn := sbom.SignerO, sbom.SignerCN
	if !c.Verified() {
		o, cn = sbom.SignerOClaimed, sbom.SignerCNClaimed
	}
	if c.Leaf != nil {
		name = c.Leaf.Subject
		r.add(o, name.O, where, text)
		r.add(cn, name.CN, where, text)
	} else {
		r.gap(sbom.Malformed, where, "the signer's certificate, issued by %s, is not inside", name)
	}
	program, url := opusInfo(s)
	if !c.Verified() {
		text = "not verified: " + text
	}
	r.add(sbom.SignerProgram, program, where, text)
	r.add(sbom.SignerProgram, url, where, text)
}

func (r *reader) add(k sbom.Kind, value, where, text string) {
	if value = sbom.CleanValue(value); value == "" {
		return
	}
	e := sbom.Evidence{Kind: k, Value: value, Where: where + ": " + text}
	if !slices.Contains(r.evidence, e) {
		r.evidence = append(r.evidence, e)
	}
}

// describe is Check.Where with the issuer and the countersigner.
func describe(c pkcs7.Check) string {
	var b strings.Builder
	b.WriteString(c.Where())
	if c.Leaf != nil && !c.Leaf.SelfIssued() {
		fmt.Fprintf(&b, ", issued by %s", c.Leaf.Issuer)
	}
	if c.TimeSigner != nil {
		fmt.Fprintf(&b, ", time from %s", c.TimeSigner.Subject)
	} else {
		b.WriteString(", no timestamp")
	}
	return sbom.CleanValue(b.String())
}

// codeUsages are the purposes for which a certificate signs code (RFC 5280,
// wintrust.h, wincrypt.h).
var codeUsages = []string{
	"1.3.6.1.5.5.7.3.3",       // codeSigning
	"2.5.29.37.0",             // any
	"1.3.6.1.4.1.311.2.1.21",  // individual code signing
	"1.3.6.1.4.1.311.2.1.22",  // commercial code signing
	"1.3.6.1.4.1.311.10.3.5",  // WHQL
	"1.3.6.1.4.1.311.10.3.6",  // Windows system component
	"1.3.6.1.4.1.311.10.3.7",  // OEM WHQL
	"1.3.6.1.4.1.311.10.3.8",  // Windows embedded
	"1.3.6.1.4.1.311.10.3.39", // attested WHQL
}

// signsCode reports whether a certificate may sign code: it says so, or it
// says nothing.
func signsCode(c *pkcs7.Certificate) bool {
	return len(c.ExtKeyUsage) == 0 || slices.ContainsFunc(c.ExtKeyUsage, func(u asn1.ObjectIdentifier) bool {
		return slices.Contains(codeUsages, u.String())
	})
}

// Indirect is an SpcIndirectDataContent: the digest of the signed file.
type Indirect struct {
	Type   asn1.ObjectIdentifier // what is signed: SPC_PE_IMAGE_DATAOBJ, SPC_SIPINFO_OBJID, ...
	Hash   crypto.Hash           // zero when its algorithm is not known
	Digest []byte
}

// ErrNotIndirect tells that a message names no digest of a file.
var ErrNotIndirect = errors.New("the signature names no digest of the file")

// ParseIndirect reads the digest that a message signs.
func ParseIndirect(sd *pkcs7.SignedData) (Indirect, error) {
	var ind Indirect
	if !sd.ContentType.Equal(oidIndirectData) {
		return ind, ErrNotIndirect
	}
	in := cryptobyte.String(sd.Content)
	ok := readIndirect(&in, &ind)
	if !ok {
		return ind, ErrNotIndirect
	}
	return ind, nil
}

func readIndirect(in *cryptobyte.String, ind *Indirect) bool {
	var data, info, alg, digest cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&data, casn1.SEQUENCE) || !data.ReadASN1ObjectIdentifier(&ind.Type) ||
		!in.ReadASN1(&info, casn1.SEQUENCE) || !info.ReadASN1(&alg, casn1.SEQUENCE) ||
		!alg.ReadASN1ObjectIdentifier(&oid) || !info.ReadASN1(&digest, casn1.OCTET_STRING) {
		return false
	}
	ind.Hash, ind.Digest = pkcs7.HashOf(oid), digest
	return true
}

// opusInfo reads SpcSpOpusInfo: what the signer calls the program, and its address.
func opusInfo(s *pkcs7.Signer) (program, url string) {
	for _, raw := range pkcs7.Values(s.Signed, oidOpusInfo) {
		in := cryptobyte.String(raw)
		var seq, name, link cryptobyte.String
		var hasName, hasLink bool
		if !in.ReadASN1(&seq, casn1.SEQUENCE) ||
			!seq.ReadOptionalASN1(&name, &hasName, tag(0).Constructed()) ||
			!seq.ReadOptionalASN1(&link, &hasLink, tag(1).Constructed()) {
			continue
		}
		if hasName {
			program = spcString(name)
		}
		var s cryptobyte.String
		if hasLink && link.ReadASN1(&s, tag(0)) { // url; a moniker or a file tells nothing
			url = string(s)
		}
	}
	return program, url
}

func tag(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific() }

// spcString: unicode [0] IMPLICIT BMPString, or ascii [1] IMPLICIT IA5String.
func spcString(in cryptobyte.String) string {
	var s cryptobyte.String
	if in.ReadASN1(&s, tag(1)) {
		return string(s)
	}
	if !in.ReadASN1(&s, tag(0)) {
		return ""
	}
	u := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		u = append(u, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(u))
}
