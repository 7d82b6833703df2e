// Package authenticode reads who signed a file with Authenticode: programs,
// installers, cabinets, scripts and catalogs, whose signatures are all one
// PKCS #7 message that names the file's digest in an SpcIndirectDataContent
// (Microsoft, "Windows Authenticode Portable Executable Signature Format",
// 2008).
package authenticode

import (
	"crypto"

	"github.com/interdict/interdict/sbom"
)

// MaxDepth is how deep signatures nested in signatures are read.
const MaxDepth = 4

// Digester computes the digest of the signed file as its format defines it:
// for a PE without checksum and certificate table, for an MSI over its
// streams. It is called once for each algorithm that a signature names.
type Digester func(crypto.Hash) ([]byte, error)

// Evidence reads one signature, and those nested in it, and returns the
// evidence of their signers: SignerO and SignerCN when verified (see
// pkcs7.Check), SignerOClaimed and SignerCNClaimed when not, and
// SignerProgram. where begins each Evidence.Where: "certificate 1". Gaps tell
// what could not be read; their Path is empty.
func Evidence(msg []byte, where string, digest Digester) ([]sbom.Evidence, []sbom.Gap) {
	return evidence(msg, where, digest)
}
