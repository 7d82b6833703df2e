package pkcs7

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/interdict/interdict/testdata/need"
)

// run runs openssl in dir.
func run(t testing.TB, dir string, args ...string) {
	t.Helper()
	need.Tool(t, "openssl")
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// keys makes an authority and a signer, whose key is made by args of genpkey.
func keys(t testing.TB, dir string, args ...string) {
	t.Helper()
	config := "[ca]\nbasicConstraints=critical,CA:true\nsubjectKeyIdentifier=hash\n" +
		"[leaf]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n[req]\ndistinguished_name=dn\n[dn]\n"
	if err := os.WriteFile(filepath.Join(dir, "c.cnf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ca.key")
	run(t, dir, "req", "-x509", "-config", "c.cnf", "-extensions", "ca", "-key", "ca.key", "-subj", "/CN=Authority", "-days", "9999", "-out", "ca.pem")
	run(t, dir, append([]string{"genpkey", "-out", "leaf.key"}, args...)...)
	run(t, dir, "req", "-new", "-utf8", "-config", "c.cnf", "-key", "leaf.key", "-subj", "/C=CN/O=海思半导体有限公司/OU=T34M/CN=Signer", "-out", "leaf.csr")
	run(t, dir, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x8001",
		"-extfile", "c.cnf", "-extensions", "leaf", "-days", "9999", "-out", "leaf.pem")
	if err := os.WriteFile(filepath.Join(dir, "content"), bytes.Repeat([]byte("content "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each way in which openssl writes a signature is read, checked, and refused
// for other content.
func TestCheck(t *testing.T) {
	rsa := []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}
	ec := []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}
	for _, tt := range []struct {
		name string
		key  []string
		args []string
		old  bool // without its content
	}{
		{"RSA inside", rsa, []string{"-nodetach", "-md", "sha256"}, false},
		{"RSA SHA-1", rsa, []string{"-nodetach", "-md", "sha1"}, false},
		{"RSA MD5", rsa, []string{"-nodetach", "-md", "md5"}, false},
		{"RSA PSS", rsa, []string{"-nodetach", "-md", "sha512", "-keyopt", "rsa_padding_mode:pss"}, false},
		{"EC", ec, []string{"-nodetach", "-md", "sha384"}, false},
		{"streamed: BER of indefinite length, in pieces", ec, []string{"-nodetach", "-stream", "-md", "sha256"}, false},
		{"detached", ec, []string{"-md", "sha256"}, true},
		{"without attributes, as kernel modules have it", rsa, []string{"-noattr", "-md", "sha256"}, true},
		{"named by key identifier", ec, []string{"-keyid", "-nodetach", "-md", "sha256"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			keys(t, dir, tt.key...)
			run(t, dir, append([]string{"cms", "-sign", "-binary", "-in", "content", "-signer", "leaf.pem", "-inkey", "leaf.key",
				"-certfile", "ca.pem", "-outform", "DER", "-out", "sig"}, tt.args...)...)
			msg, content := read(t, dir, "sig"), read(t, dir, "content")
			sd, err := Parse(append(msg, 0, 0, 0))
			if err != nil {
				t.Fatal(err)
			}
			if len(sd.Signers) != 1 || len(sd.Certificates) != 2 || (sd.Content == nil) != tt.old {
				t.Fatalf("%d signers, %d certificates, content %d", len(sd.Signers), len(sd.Certificates), len(sd.Content))
			}
			var digester Digester
			if tt.old {
				digester = Section(bytes.NewReader(content), int64(len(content)))
			} else if !bytes.Equal(sd.Content, content) {
				t.Error("the content is another")
			}
			c := sd.Check(sd.Signers[0], digester)
			if !c.Verified() || c.Where() != "chain of 2, top: Authority" {
				t.Errorf("%s", c.Where())
			}
			if d := cmp.Diff(Name{CN: "Signer", O: "海思半导体有限公司", OU: "T34M", C: "CN"}, Name{c.Leaf.Subject.CN, c.Leaf.Subject.O, c.Leaf.Subject.OU, c.Leaf.Subject.C, nil}); d != "" {
				t.Error(d)
			}
			other := sd.Check(sd.Signers[0], Bytes([]byte("other")))
			if other.Verified() {
				t.Error("other content verifies")
			}
			broken := sd.Check(sd.Signers[0], func(crypto.Hash) ([]byte, error) { return nil, errors.New("no disk") })
			if !strings.Contains(broken.Reason, "no disk") {
				t.Error(broken.Reason)
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	dir := t.TempDir()
	keys(t, dir, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	run(t, dir, "cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "ca.pem", "-inkey", "ca.key", "-outform", "DER", "-out", "sig")
	sd, err := Parse(read(t, dir, "sig"))
	if err != nil {
		t.Fatal(err)
	}
	if c := sd.Check(sd.Signers[0], nil); c.Reason != "self-signed" {
		t.Error(c.Where())
	}
}

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		tag  byte
		in   string
		want string
	}{
		{12, "Dahua 大华", "Dahua 大华"},
		{19, "Acme", "Acme"},
		{20, "M\xfcller", "Müller"},
		{30, "\x00A\x6d\x77", "A海"},
		{28, "\x00\x00\x00A\x00\x00\x6d\x77", "A海"},
		{12, "bad\xff", "bad\uFFFD"},
	} {
		if got := text(casn1.Tag(tt.tag), []byte(tt.in)); got != tt.want {
			t.Errorf("tag %d %q: %q, want %q", tt.tag, tt.in, got, tt.want)
		}
	}
}

// Whatever the bytes: no panic; and what is verified has content, a chain of
// two or more, and stays verified when it is written as DER.
func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	keys(f, dir, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	for _, how := range []string{"-stream", "-noattr", "-keyid"} {
		run(f, dir, "cms", "-sign", "-binary", "-nodetach", how, "-in", "c.cnf", "-signer", "leaf.pem", "-inkey", "leaf.key",
			"-certfile", "ca.pem", "-outform", "DER", "-out", "sig")
		f.Add(read(f, dir, "sig"))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		sd, err := Parse(msg)
		if err != nil {
			return
		}
		for _, s := range sd.Signers {
			c := sd.Check(s, nil)
			if !c.Verified() {
				continue
			}
			if c.Leaf == nil || len(c.Chain) < 2 || sd.Content == nil {
				t.Errorf("verified without a chain: %+v", c)
			}
			der, err := normalize(msg)
			if err != nil {
				t.Fatalf("verified, and not BER: %v", err)
			}
			again, err := Parse(der)
			if err != nil || len(again.Signers) != len(sd.Signers) {
				t.Errorf("as DER it is another: %v", err)
			}
		}
	})
}

// What is DER already comes out of normalize as it went in.
func FuzzNormalize(f *testing.F) {
	dir := f.TempDir()
	keys(f, dir, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	block, _ := pem.Decode(read(f, dir, "leaf.pem"))
	f.Add(block.Bytes)
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0x04, 0x01, 'b', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := normalize(b)
		if err != nil {
			return
		}
		twice, err := normalize(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x became %x and then %x (%v)", b, once, twice, err)
		}
	})
}

// One signature with its chain, as there is one in most files.
func BenchmarkCheck(b *testing.B) {
	dir := b.TempDir()
	keys(b, dir, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
	run(b, dir, "cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "leaf.pem", "-inkey", "leaf.key", "-certfile", "ca.pem", "-outform", "DER", "-out", "sig")
	msg := read(b, dir, "sig")
	for b.Loop() {
		sd, err := Parse(msg)
		if err != nil {
			b.Fatal(err)
		}
		if c := sd.Check(sd.Signers[0], nil); !c.Verified() {
			b.Fatal(c.Reason)
		}
	}
}
