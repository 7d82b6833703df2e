package x509

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

const (
	bundle   = "/etc/ssl/certs/ca-certificates.crt"
	subject1 = `CN=Acme Personal Root Certificate,O=Acme Lab\, Ltd.`
)

func watch(text string) *sbom.Watch {
	return &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.X509Subject && strings.Contains(v, text) }}
}

// root makes the certificate of an interception proxy in dir, as root.pem.
func root(t testing.TB, dir string) []byte {
	t.Helper()
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "root.pem", "-days", "9",
		"-subj", "/O=Acme Lab, Ltd./CN=Acme Personal Root Certificate")
	return detecttest.Read(t, dir, "root.pem")
}

func system(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatalf("this test needs the package ca-certificates: %v", err)
	}
	return b
}

func noted(c sbom.Component) string {
	var s []string
	for _, e := range c.Evidence {
		s = append(s, e.Value+" | "+e.Where)
	}
	return strings.Join(s, "\n")
}

// In a bundle only what is watched is noted, with its place.
func TestBundle(t *testing.T) {
	dir := t.TempDir()
	own, all := root(t, dir), system(t)
	count := bytes.Count(all, []byte("BEGIN CERTIFICATE"))
	for _, tt := range []struct {
		name, path string
		bytes      []byte
		want       string
	}{
		{"system", bundle, all, ""},
		{"added", bundle, append(bytes.Clone(all), own...), fmt.Sprintf("%s | certificate %d of %d", subject1, count+1, count+1)},
		{"first, with CRLF", "/opt/app/certifi/cacert.pem", append(bytes.ReplaceAll(own, []byte("\n"), []byte("\r\n")), all...),
			fmt.Sprintf("%s | certificate 1 of %d", subject1, count+1)},
		{"with text", "/etc/pki/tls/certs/ca-bundle.crt", append([]byte("# -----BEGIN of a bundle\n-----BEGIN NONSENSE\n-----BEGIN CERTIFICATE-----\nbad\n-----END CERTIFICATE-----\n"), own...),
			subject1 + " | certificate 2 of 2"},
		{"nested", "/x/app.jar!/certs/acme.crt", own, subject1 + " | certificate 1 of 1"},
	} {
		c, gaps := detecttest.Detect(t, New(watch("Acme")), detecttest.File(tt.path, tt.bytes))
		if d := cmp.Diff(tt.want, noted(c)); d != "" || len(gaps) > 0 {
			t.Errorf("%s: %v %s", tt.name, gaps, d)
		}
	}
}

// The subjects of the system's bundle are what crypto/x509 reads.
func TestSubjects(t *testing.T) {
	all := system(t)
	var want []string
	for rest := all; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, c.Subject.CommonName+"|"+strings.Join(c.Subject.Organization, ""))
	}
	subjects, _ := fromPEM(all, nil)
	var got []string
	for _, s := range subjects {
		_, cn, _ := strings.Cut(","+s, ",CN=")
		cn, o, ok := strings.Cut(","+cn, ",O=")
		if !ok {
			o = ""
		}
		if !strings.Contains(","+s, ",CN=") {
			cn, o = "", strings.TrimPrefix(s, "O=")
		}
		got = append(got, strings.ReplaceAll(strings.TrimPrefix(cn, ",")+"|"+o, `\`, ""))
	}
	for i := range want { // an OU stands where there is neither
		if want[i] == "|" {
			got[i] = want[i]
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(want) < 100 {
		t.Error(d)
	}
}

// Somebody's own certificates are noted, watched or not, where the system has
// a folder for them.
func TestLocal(t *testing.T) {
	own := root(t, t.TempDir())
	for p, want := range map[string]string{
		"/usr/local/share/ca-certificates/acme.crt":         subject1 + " | certificate 1 of 1",
		"/etc/pki/ca-trust/source/anchors/acme.pem":         subject1 + " | certificate 1 of 1",
		"/etc/ssl/certs/acme.pem":                           "",
		"/x.deb!/usr/local/share/ca-certificates/local.crt": subject1 + " | certificate 1 of 1",
	} {
		c, _ := detecttest.Detect(t, New(nil), detecttest.File(p, own))
		if got := noted(c); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
}

// Stores of Java and others, made by their own tools.
func TestStores(t *testing.T) {
	dir := t.TempDir()
	root(t, dir)
	keytool := func(file string, args ...string) {
		for i, cert := range []string{"root.pem", "/etc/ssl/certs/ca-certificates.crt"} {
			args := append([]string{"-importcert", "-noprompt", "-keystore", file, "-alias", fmt.Sprint("a", i), "-file", cert}, args...)
			detecttest.Run(t, dir, "keytool", args...)
		}
	}
	keytool("cacerts", "-storetype", "JKS", "-storepass", "changeit")
	keytool("app.jceks", "-storetype", "JCEKS", "-storepass", "other password")
	keytool("app.p12", "-storetype", "PKCS12", "-storepass", "changeit")
	keytool("secret-truststore.p12", "-storetype", "PKCS12", "-storepass", "other password")
	keytool("plain.p12", "-storetype", "PKCS12", "-storepass", "changeit", "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE", "-J-Dkeystore.pkcs12.macAlgorithm=NONE")
	detecttest.Run(t, dir, "openssl", "x509", "-in", "root.pem", "-outform", "DER", "-out", "root.cer")
	detecttest.Run(t, dir, "openssl", "x509", "-in", "root.pem", "-addtrust", "serverAuth", "-trustout", "-out", "trusted.pem")
	detecttest.Run(t, dir, "openssl", "crl2pkcs7", "-nocrl", "-certfile", "root.pem", "-outform", "DER", "-out", "root.p7b")
	detecttest.Run(t, dir, "openssl", "crl2pkcs7", "-nocrl", "-certfile", "root.pem", "-out", "p7.pem")
	detecttest.Run(t, dir, "openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "root.pem", "-out", "own.pfx", "-passout", "pass:secret")
	for file, want := range map[string]int{
		"cacerts": 2, "app.jceks": 2, "app.p12": 2, "plain.p12": 2, "secret-truststore.p12": -1, "own.pfx": 0,
		"root.cer": 1, "trusted.pem": 1, "root.p7b": 1, "p7.pem": 1,
	} {
		f := detecttest.File("/opt/app/"+file, detecttest.Read(t, dir, file))
		c, gaps := detecttest.Detect(t, New(watch("")), f)
		if want < 0 {
			if len(gaps) != 1 || gaps[0].Reason != sbom.Encrypted {
				t.Errorf("%s: gaps %v", file, gaps)
			}
			continue
		}
		if len(c.Evidence) != want || len(gaps) > 0 || want > 0 && !slices.ContainsFunc(c.Evidence, func(e sbom.Evidence) bool { return e.Value == subject1 }) {
			t.Errorf("%s: %v %s", file, gaps, noted(c))
		}
	}
}

// A store that asks for endless work is not opened.
func TestIterations(t *testing.T) {
	dir := t.TempDir()
	root(t, dir)
	detecttest.Run(t, dir, "keytool", "-importcert", "-noprompt", "-keystore", "truststore.p12", "-alias", "a", "-file", "root.pem", "-storetype", "PKCS12",
		"-storepass", "changeit", "-J-Dkeystore.pkcs12.certPbeIterationCount=1000000")
	_, gaps := detecttest.Detect(t, New(nil), detecttest.File("/truststore.p12", detecttest.Read(t, dir, "truststore.p12")))
	if len(gaps) != 1 || !strings.Contains(gaps[0].Detail, "too long") {
		t.Error(gaps)
	}
}

func TestWants(t *testing.T) {
	own := string(root(t, t.TempDir()))
	for p, want := range map[string]bool{
		"/etc/ssl/certs/acme.pem": true, "/etc/ssl/certs/3513523f.0": true, "/opt/app/tls/ca.crt": true,
		"/usr/lib/node_modules/x/test/fixtures/ca.pem": false, "/usr/share/doc/openssl/ca.pem": false,
		"/etc/hosts": false, "/etc/ssl/test/ca.pem": true,
	} {
		if got := New(nil).Wants(detecttest.File(p, []byte(own))); got != want {
			t.Errorf("Wants(%s) = %v", p, got)
		}
	}
	if New(nil).Wants(detecttest.File("/etc/ssl/private/key.pem", []byte("-----BEGIN PRIVATE KEY-----\n"))) {
		t.Error("a private key is wanted")
	}
}

// FuzzStore: whatever the bytes are, there are no more subjects than the bound,
// and fewer than bytes.
func FuzzStore(f *testing.F) {
	own := root(f, f.TempDir())
	block, _ := pem.Decode(own)
	f.Add(own)
	f.Add(block.Bytes)
	f.Add(append(binary.BigEndian.AppendUint32([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), 1), block.Bytes...))
	f.Add(bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 20))
	f.Add([]byte("\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\xf0\x04\x02ab\x02\x04\x7f\xff\xff\xff" + strings.Repeat("x", 80)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := detecttest.File("/etc/ssl/truststore.pem", b)
		if !New(nil).Wants(file) {
			return
		}
		c, _ := detecttest.Detect(t, New(watch("")), file)
		if len(c.Evidence) > min(maxCertificates, len(b)) {
			t.Fatalf("%d facts in %d bytes", len(c.Evidence), len(b))
		}
	})
}

func BenchmarkBundle(b *testing.B) {
	f := detecttest.File(bundle, system(b))
	b.SetBytes(f.Size)
	for b.Loop() {
		if _, err := New(watch("Acme")).Detect(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
