// Package x509 reads the certificates that a system or a program trusts:
// bundles, single certificates, Java keystores, PKCS #12.
//
// A certificate of a product's interception proxy in a trust store is a trace
// that the product was around, not the product. Bundles hold the same 150
// authorities everywhere: only the subjects that are watched are noted.
package x509

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
	"github.com/interdict/interdict/scanner/detect/internal/x509name"
)

const (
	name    = "x509"
	version = 1
)

const (
	// maxSize is how many bytes of a store are read.
	maxSize = 16 << 20
	// maxCertificates is how many certificates of a store are read.
	maxCertificates = 16_384
	// maxLocal is how many certificates of a folder for local ones are noted
	// whether they are watched or not.
	maxLocal = 16
)

type detector struct{ watch *sbom.Watch }

// New returns the detector. It notes the subjects that w watches, and all of
// the certificates that somebody added to the system by hand.
func New(w *sbom.Watch) scanner.Detector { return detector{w} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants is true for files that have a name of a certificate or of a store of
// them, and begin as one. Files in folders for documentation and tests are
// examples, and not trusted.
func (detector) Wants(f *scanner.File) bool {
	p := readfile.Inner(f.Path)
	return named(path.Base(p)) && formatOf(f.Head) != nil && (inStore(p) || !isExample(p))
}

// named knows the extensions of certificates and the names of stores.
func named(base string) bool {
	base = strings.ToLower(base)
	switch path.Ext(base) {
	case ".crt", ".cer", ".pem", ".der", ".ca-bundle", ".p7b", ".p7c", ".sst", ".jks", ".jceks", ".bks", ".p12", ".pfx", ".keystore", ".truststore", ".0":
		return true
	}
	return isStore(base)
}

func isStore(base string) bool {
	return strings.HasPrefix(base, "cacert") || strings.HasPrefix(base, "ca-bundle") || strings.Contains(base, "truststore")
}

// stores are the folders of the certificates that a system trusts, and local
// those of them that the system's owner fills.
// Sources: update-ca-certificates(8), update-ca-trust(8), trust(1).
var (
	stores = []string{"/etc/ssl/", "/etc/pki/", "/etc/ca-certificates/", "/usr/share/ca-certificates/", "/usr/share/pki/", "/var/lib/ca-certificates/", "/usr/lib/ssl/", "/usr/local/share/ca-certificates/"}
	local  = []string{"/usr/local/share/ca-certificates/", "/ca-trust/source/anchors/", "/pki/trust/anchors/", "/ca-certificates/trust-source/anchors/"}
)

func inStore(p string) bool {
	return slices.ContainsFunc(stores, func(s string) bool { return strings.HasPrefix(p, s) })
}

func isLocal(p string) bool {
	return slices.ContainsFunc(local, func(s string) bool { return strings.Contains(p, s) })
}

var examples = []string{"test", "tests", "testdata", "testing", "fixtures", "__tests__", "spec", "doc", "docs", "examples", "example", "samples", "demo", "demos"}

func isExample(p string) bool {
	for e := range strings.SplitSeq(path.Dir(p), "/") {
		if slices.Contains(examples, strings.ToLower(e)) {
			return true
		}
	}
	return false
}

// form reads the certificates of one format: their DER.
type form func(b []byte, f *scanner.File) (subjects []string, gaps []sbom.Gap)

func formatOf(head []byte) form {
	switch {
	case isPEM(head):
		return fromPEM
	case len(head) >= 8 && isKeystore(head):
		return found
	case len(head) > 64 && head[0] == 0x30 && isPKCS12(head):
		return fromPKCS12
	case len(head) > 64 && head[0] == 0x30 && head[1] >= 0x81 && head[1] <= 0x83, bytes.HasPrefix(head, []byte("\x00\x00\x00\x00CERT")):
		return found // a certificate; PKCS #7; a serialized store of Windows
	}
	return nil
}

func (d detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	b, gaps, err := readfile.Read(f, maxSize)
	if err != nil {
		return scanner.Result{}, err
	}
	subjects, more := formatOf(f.Head)(b, f)
	gaps = append(gaps, more...)
	if len(subjects) >= maxCertificates {
		gaps = append(gaps, sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("only the first %d certificates were read", maxCertificates)})
	}
	p := readfile.Inner(f.Path)
	all := isLocal(p) && len(subjects) <= maxLocal
	c := &sbom.Component{Type: sbom.Data, Name: path.Base(p)}
	for i, s := range subjects {
		if s = sbom.CleanValue(s); s != "" && (all || d.watch.Matches(sbom.X509Subject, s)) {
			c.Evidence = append(c.Evidence, sbom.Evidence{
				Kind: sbom.X509Subject, Value: s, Where: fmt.Sprintf("certificate %d of %d", i+1, len(subjects)),
			})
		}
	}
	if len(c.Evidence) == 0 {
		c = nil
	}
	return scanner.Result{Component: c, Gaps: gaps}, ctx.Err()
}

// found takes the certificates as they lie in the bytes.
func found(b []byte, _ *scanner.File) ([]string, []sbom.Gap) {
	return x509name.Find(b, maxCertificates), nil
}

// isKeystore knows the keystores of Java, in which certificates lie as they
// are: JKS (com.sun.crypto.provider), JCEKS, and BKS of Bouncy Castle, which
// has only its version.
func isKeystore(head []byte) bool {
	switch string(head[:4]) {
	case "\xfe\xed\xfe\xed", "\xce\xce\xce\xce":
		return true
	case "\x00\x00\x00\x01", "\x00\x00\x00\x02":
		return bytes.Contains(head, []byte("X.509"))
	}
	return false
}
