package pe

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/signtest"
)

var signers = []sbom.Kind{sbom.SignerO, sbom.SignerCN, sbom.SignerOClaimed, sbom.SignerCNClaimed, sbom.SignerProgram}

// where returns the Where of the first evidence of a kind.
func where(res scanner.Result, k sbom.Kind) string {
	for _, e := range res.Component.Evidence {
		if e.Kind == k {
			return e.Where
		}
	}
	return ""
}

// Who signed is verified only when everything agrees; all else is a claim, and
// its Where says why.
func TestSignatures(t *testing.T) {
	file := signtest.DLL{}.Build(t, "driver.sys")
	root := signtest.Root(t, "Test Root")
	ca := root.CA(t, "Test Code Signing CA")
	leaf := ca.Leaf(t, "AO Kaspersky Lab", "Kaspersky Lab")
	// An authority of the same name and another key; and one that is none.
	other := signtest.Root(t, "Test Root").CA(t, "Test Code Signing CA")
	server := ca.Leaf(t, "Hosting Ltd", "hosting.example")
	forged := server.Leaf(t, "AO Kaspersky Lab", "Kaspersky Lab")
	tls := ca.Leaf(t, "AO Kaspersky Lab", "kaspersky.example", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	self := (*signtest.Identity)(nil).Leaf(t, "AO Kaspersky Lab", "Kaspersky Lab")
	verified := []string{"authenticode_subject_cn=Kaspersky Lab", "authenticode_subject_o=AO Kaspersky Lab"}
	claimed := []string{"authenticode_subject_cn_claimed=Kaspersky Lab", "authenticode_subject_o_claimed=AO Kaspersky Lab"}

	for _, tt := range []struct {
		name  string
		file  string
		facts []string
		where string
	}{
		{"chain to the root", leaf.Sign(t, file, leaf.Above), verified,
			"certificate 1: chain of 3, top: Test Root, issued by Test Code Signing CA, no timestamp"},
		{"chain to an authority", leaf.Sign(t, file, leaf.Above[:1]), verified,
			"chain of 2, top: Test Code Signing CA"},
		{"SHA-1", leaf.Sign(t, file, leaf.Above, "-h", "sha1"), verified, "chain of 3"},
		{"SHA-384", leaf.Sign(t, file, leaf.Above, "-h", "sha384"), verified, "chain of 3"},
		{"32 bits", leaf.Sign(t, signtest.DLL{Arch: "i686"}.Build(t, "x.dll"), leaf.Above), verified, "chain of 3"},
		{"self-signed", self.Sign(t, file, nil), claimed, "certificate 1: self-signed"},
		{"no authority inside", leaf.Sign(t, file, nil), claimed, "the issuer's certificate is not inside"},
		{"another authority of that name", leaf.Sign(t, file, other.Above), claimed, "the issuer's certificate is not inside"},
		{"an authority that is none", forged.Sign(t, file, forged.Above), claimed, "the issuer is no certificate authority"},
		{"for servers", tls.Sign(t, file, tls.Above),
			[]string{"authenticode_subject_cn_claimed=kaspersky.example", claimed[1]}, "not for signing code"},
		{"changed", change(t, leaf.Sign(t, file, leaf.Above), "answer"), claimed,
			"digest does not match: file was changed after signing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := detectFile(t, tt.file, nil)
			if d := cmp.Diff(tt.facts, facts(res, signers...)); d != "" {
				t.Error(d)
			}
			kind := sbom.SignerO
			if strings.Contains(tt.facts[0], "claimed") {
				kind = sbom.SignerOClaimed
			}
			if w := where(res, kind); !strings.Contains(w, tt.where) {
				t.Errorf("where: %s, want %s", w, tt.where)
			}
			if len(res.Gaps) > 0 {
				t.Error(res.Gaps)
			}
		})
	}
}

// change flips a bit of the first occurrence of text in a file.
func change(t testing.TB, file, text string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte(text))
	if i < 0 {
		t.Fatalf("%s is not in %s", text, file)
	}
	data[i] ^= 0x20
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// As a vendor's driver has it: Microsoft signs first, the vendor is nested.
func TestNested(t *testing.T) {
	file := signtest.DLL{}.Build(t, "klif.sys")
	ms := signtest.Root(t, "Microsoft Root").CA(t, "Third Party CA").
		Leaf(t, "Microsoft Corporation", "Microsoft Windows Hardware Compatibility Publisher")
	vendor := signtest.Root(t, "Root").CA(t, "Vendor CA").Leaf(t, "AO Kaspersky Lab", "AO Kaspersky Lab")
	stamp := signtest.Root(t, "Clock Root").Timestamper(t, "Clock")

	signed := ms.Sign(t, file, ms.Above, "-n", "Mini-Filter", "-i", "https://ms.example/")
	stampArgs := stamp.TimestampArgs(t, 1600000000)
	signed = vendor.Sign(t, signed, vendor.Above, append([]string{"-nest", "-h", "sha256", "-n", "klif", "-i", "https://kaspersky.example/"}, stampArgs...)...)
	res := detectFile(t, signed, nil)
	want := []string{
		"authenticode_program=Mini-Filter", "authenticode_program=https://kaspersky.example/",
		"authenticode_program=https://ms.example/", "authenticode_program=klif",
		"authenticode_subject_cn=AO Kaspersky Lab", "authenticode_subject_cn=Microsoft Windows Hardware Compatibility Publisher",
		"authenticode_subject_o=AO Kaspersky Lab", "authenticode_subject_o=Microsoft Corporation",
	}
	if d := cmp.Diff(want, facts(res, signers...)); d != "" {
		t.Error(d)
	}
	var vendorWhere string
	for _, e := range res.Component.Evidence {
		if e.Kind == sbom.SignerO && e.Value == "AO Kaspersky Lab" {
			vendorWhere = e.Where
		}
	}
	if want := "certificate 1, nested 1: chain of 3, top: Root, signed 2020-09-13, issued by Vendor CA, time from Clock"; vendorWhere != want {
		t.Errorf("where: %s, want %s", vendorWhere, want)
	}

	// Two entries in the table, as dual signing once was.
	data, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	im, err := open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	dir := im.dirs[dirSecurity]
	data = append(data, data[dir.rva:dir.rva+dir.size]...)
	le.PutUint32(data[im.dirEntries+8*dirSecurity+4:], 2*dir.size)
	res = open1(t, data, "klif.sys", nil)
	if d := cmp.Diff(want, slices.Compact(facts(res, signers...))); d != "" {
		t.Error(d)
	}
	if !slices.ContainsFunc(res.Component.Evidence, func(e sbom.Evidence) bool { return strings.HasPrefix(e.Where, "certificate 2, nested 1: chain of 3") }) {
		t.Error("the second entry was not read")
	}
}

// The digests that are noted for an unsigned file are those that a signer
// would sign, whatever its length.
func TestUnsignedDigest(t *testing.T) {
	file := signtest.DLL{NoDebug: true}.Build(t, "a.dll")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	id := signtest.Root(t, "R").Leaf(t, "O", "CN")
	for _, more := range []int{0, 1, 7} {
		padded := signtest.Write(t, t.TempDir(), "a.dll", string(data)+strings.Repeat("x", more))
		props := detectFile(t, padded, nil).Component.Properties
		for alg, name := range map[string]string{"sha1": "interdict:authenticode:sha1", "sha256": "interdict:authenticode:sha256"} {
			out := signtest.Run(t, "osslsigncode", "verify", "-in", id.Sign(t, padded, id.Above, "-h", alg), "-ignore-timestamp", "-CAfile", rootFile(t, id))
			m := regexp.MustCompile(`Current message digest +: ([0-9A-F]+)`).FindStringSubmatch(out)
			if m == nil {
				t.Fatal(out)
			}
			if !slices.Contains(props, sbom.Property{Name: name, Value: strings.ToLower(m[1])}) {
				t.Errorf("%s of %d more bytes: %s, noted %v", alg, more, m[1], props)
			}
		}
	}
}

func rootFile(t *testing.T, id *signtest.Identity) string {
	t.Helper()
	top := id.Above[len(id.Above)-1]
	return signtest.Write(t, t.TempDir(), "root.pem", pemOf(top))
}

// A change anywhere but in what Authenticode leaves out makes a signer a claim.
func FuzzTamper(f *testing.F) {
	id := signtest.Root(f, "R").CA(f, "CA").Leaf(f, "Signer Ltd", "Signer")
	data, err := os.ReadFile(id.Sign(f, signtest.DLL{NoDebug: true}.Build(f, "a.dll"), id.Above))
	if err != nil {
		f.Fatal(err)
	}
	im, err := open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.Fatal(err)
	}
	before := (&look{im: im, detector: New(nil).(*detector)}).digester(f.Context())
	digest, err := before(crypto.SHA256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0x400), byte(1))
	f.Add(uint32(im.optional+64), byte(1))
	f.Add(uint32(im.dirs[dirSecurity].rva+200), byte(0x80))
	f.Fuzz(func(t *testing.T, at uint32, x byte) {
		b := bytes.Clone(data)
		i := int64(at) % int64(len(b))
		b[i] ^= x
		file := &scanner.File{Path: "/a.dll", Size: int64(len(b)), ReaderAt: bytes.NewReader(b)}
		res, err := New(nil).Detect(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if len(facts(res, sbom.SignerO)) == 0 {
			return
		}
		im, err := open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		now, err := (&look{im: im, detector: New(nil).(*detector)}).digester(t.Context())(crypto.SHA256)
		if err != nil || !bytes.Equal(now, digest) {
			t.Errorf("changed at 0x%x and still verified: digest %s", i, hex.EncodeToString(now))
		}
	})
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
