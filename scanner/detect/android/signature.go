package android

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"fmt"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// The APK Signing Block lies before the zip's central directory
// (source.android.com, "APK signature scheme v2" and "v3").
const (
	signingMagic   = "APK Sig Block 42"
	maxSigning     = 16 << 20 // bytes of the block
	maxSchemeCerts = 16
)

var schemes = map[uint32]string{
	0x7109871a: "APK signature scheme v2",
	0xf05368c0: "APK signature scheme v3",
	0x1b93ad61: "APK signature scheme v3.1",
}

// schemeSigners names the certificates of the signing block. Android's
// certificates are their own authority: their names are claims, whether the
// signature verifies or not.
func schemeSigners(f *scanner.File) []sbom.Evidence {
	var es []sbom.Evidence
	for block := signingBlock(f); len(block) >= 12; {
		size := binary.LittleEndian.Uint64(block)
		if size < 4 || size > uint64(len(block)-8) {
			break
		}
		pair := block[8 : 8+size]
		block = block[8+size:]
		if scheme := schemes[binary.LittleEndian.Uint32(pair)]; scheme != "" {
			for _, who := range schemeNames(pair[4:]) {
				es = append(es, sbom.Evidence{Kind: sbom.JarSignerClaimed, Value: who, Where: scheme})
			}
		}
	}
	return es
}

// signingBlock returns the pairs of the block, or nil.
func signingBlock(f *scanner.File) []byte {
	dir := directoryStart(f)
	var foot [24]byte
	if dir < 32 {
		return nil
	}
	if _, err := f.ReadAt(foot[:], dir-24); err != nil || string(foot[8:]) != signingMagic {
		return nil
	}
	size := binary.LittleEndian.Uint64(foot[:])
	if size < 24 || size > maxSigning || int64(size) > dir-8 {
		return nil
	}
	pairs := make([]byte, size-24)
	if _, err := f.ReadAt(pairs, dir-int64(size)); err != nil {
		return nil
	}
	return pairs
}

// directoryStart finds the central directory by the end record: APPNOTE.TXT 4.3.16.
func directoryStart(f *scanner.File) int64 {
	n := min(f.Size, 22+0xffff)
	b := make([]byte, n)
	if _, err := f.ReadAt(b, f.Size-n); err != nil && n == 0 {
		return 0
	}
	i := bytes.LastIndex(b, []byte("PK\x05\x06"))
	if i < 0 || i+22 > len(b) {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(b[i+16:]))
}

// schemeNames names the first certificate of each signer. All lists and
// elements have a length of four bytes before them.
func schemeNames(b []byte) []string {
	var names []string
	signers, _ := prefixed(b)
	for len(signers) > 0 && len(names) < maxSchemeCerts {
		var signer []byte
		if signer, signers = prefixed(signers); signer == nil {
			break
		}
		data, _ := prefixed(signer)
		_, data = prefixed(data) // digests
		certs, _ := prefixed(data)
		der, _ := prefixed(certs)
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		switch {
		case len(cert.Subject.Organization) > 0:
			names = append(names, cert.Subject.Organization[0])
		case cert.Subject.CommonName != "":
			names = append(names, cert.Subject.CommonName)
		default:
			names = append(names, fmt.Sprintf("serial %x", cert.SerialNumber))
		}
	}
	return names
}

// prefixed cuts off an element; it returns nil when there is none.
func prefixed(b []byte) (element, rest []byte) {
	if len(b) < 4 {
		return nil, nil
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil
	}
	return b[4 : 4+n], b[4+n:]
}
