// Package signtest makes certificates, Windows programs and signatures for
// tests. It needs osslsigncode and the MinGW compilers (Debian packages
// osslsigncode, gcc-mingw-w64, binutils-mingw-w64): where one is absent the
// test fails.
package signtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/interdict/interdict/testdata/need"
)

// Identity is a certificate with its key, and the certificates above it.
type Identity struct {
	Cert  *x509.Certificate
	Key   *ecdsa.PrivateKey
	Above []*x509.Certificate // issuer first, root last
}

// Root makes a certificate authority that issued itself.
func Root(t testing.TB, name string) *Identity {
	t.Helper()
	return issue(t, nil, authority(name))
}

// CA makes an authority below id.
func (id *Identity) CA(t testing.TB, name string) *Identity {
	t.Helper()
	return issue(t, id, authority(name))
}

// Leaf makes a certificate for signing code below id; a nil id makes one that
// is signed by itself. Edits change it before it is signed.
func (id *Identity) Leaf(t testing.TB, org, cn string, edits ...func(*x509.Certificate)) *Identity {
	t.Helper()
	c := template(pkix.Name{CommonName: cn})
	if org != "" {
		c.Subject.Organization = []string{org}
	}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	for _, e := range edits {
		e(c)
	}
	return issue(t, id, c)
}

// Timestamper makes a time-stamping certificate below id.
func (id *Identity) Timestamper(t testing.TB, name string) *Identity {
	t.Helper()
	return id.Leaf(t, "", name, func(c *x509.Certificate) {
		c.ExtKeyUsage = nil
		// RFC 3161 section 2.3: the only usage, and critical.
		usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	})
}

func authority(name string) *x509.Certificate {
	c := template(pkix.Name{CommonName: name, Organization: []string{"Test Authorities"}})
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage = x509.KeyUsageCertSign
	return c
}

func template(subject pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func issue(t testing.TB, by *Identity, c *x509.Certificate) *Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := c, key
	id := &Identity{Key: key}
	if by != nil {
		parent, signer = by.Cert, by.Key
		id.Above = append([]*x509.Certificate{by.Cert}, by.Above...)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if id.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return id
}

// Sign signs a file with osslsigncode and returns the path of the result.
// Only the certificates of with are put beside the signer's.
func (id *Identity) Sign(t testing.TB, file string, with []*x509.Certificate, args ...string) string {
	t.Helper()
	certs, key := id.files(t, with)
	out := filepath.Join(t.TempDir(), filepath.Base(file))
	Run(t, "osslsigncode", append([]string{"sign", "-certs", certs, "-key", key, "-in", file, "-out", out}, args...)...)
	return out
}

// TimestampArgs are arguments of Sign for a time stamp by id at a Unix time, by
// a time-stamping server (RFC 3161) that runs until the test ends: older
// versions of osslsigncode have no means of their own.
func (id *Identity) TimestampArgs(t testing.TB, unix int64) []string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		req, err := timestamp.ParseRequest(body)
		if err != nil {
			t.Error(err)
			return
		}
		stamp := timestamp.Timestamp{HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Nonce: req.Nonce,
			Time: time.Unix(unix, 0), Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true, Certificates: id.Above}
		answer, err := stamp.CreateResponseWithOpts(id.Cert, id.Key, crypto.SHA256)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer) // who signs notices
	}))
	t.Cleanup(srv.Close)
	return []string{"-ts", srv.URL}
}

func (id *Identity) files(t testing.TB, with []*x509.Certificate) (certs, key string) {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	for _, c := range append([]*x509.Certificate{id.Cert}, with...) {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err != nil {
		t.Fatal(err)
	}
	certs = Write(t, dir, "certs.pem", text.String())
	key = Write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return certs, key
}

// Write writes a file into dir and returns its path.
func Write(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Run runs a tool and returns what it wrote.
func Run(t testing.TB, tool string, args ...string) string {
	t.Helper()
	need.Tool(t, tool)
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// DLL is a library to build.
type DLL struct {
	Arch    string // "x86_64", the default, or "i686"
	C       string // its source; empty for one function
	Def     string // module definition: LIBRARY and EXPORTS
	RC      string // resources
	Args    []string
	NoDebug bool // without a program database
}

// Build compiles it and returns its path, which ends in name.
func (d DLL) Build(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	if d.Arch == "" {
		d.Arch = "x86_64"
	}
	if d.C == "" {
		d.C = "__declspec(dllexport) int answer(void) { return 42; }\n"
	}
	out := filepath.Join(dir, name)
	args := []string{"-shared", "-O1", "-s", "-o", out, Write(t, dir, "lib.c", d.C)}
	if d.Def != "" {
		args = append(args, Write(t, dir, "lib.def", d.Def))
	}
	if d.RC != "" {
		object := filepath.Join(dir, "res.o")
		Run(t, d.Arch+"-w64-mingw32-windres", "-c", "65001", Write(t, dir, "lib.rc", d.RC), object)
		args = append(args, object)
	}
	if !d.NoDebug {
		args = append(args, "-Wl,--pdb="+strings.TrimSuffix(out, filepath.Ext(out))+".pdb")
	}
	Run(t, d.Arch+"-w64-mingw32-gcc", append(args, d.Args...)...)
	return out
}
