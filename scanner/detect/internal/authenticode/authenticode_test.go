package authenticode

import (
	"crypto"
	"debug/pe"
	"encoding/asn1"
	"os"
	"strings"
	"testing"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
	"github.com/interdict/interdict/scanner/detect/internal/signtest"
)

// message signs a library and returns the signature and the digest it is of.
func message(t testing.TB) ([]byte, pkcs7.Digester) {
	t.Helper()
	id := signtest.Root(t, "Root").CA(t, "CA").Leaf(t, "Signer Ltd", "Signer")
	signed := id.Sign(t, signtest.DLL{NoDebug: true}.Build(t, "a.dll"), id.Above, "-n", "Programm für 海", "-i", "https://signer.example/")
	msg := certificate(t, signed)
	sd, err := pkcs7.Parse(msg)
	if err != nil {
		t.Fatal(err)
	}
	ind, err := ParseIndirect(sd)
	if err != nil {
		t.Fatal(err)
	}
	return msg, func(h crypto.Hash) ([]byte, error) {
		if h != crypto.SHA256 {
			t.Errorf("asked for %s", h)
		}
		return ind.Digest, nil
	}
}

// certificate is the message in the first entry of a program's certificate
// table (Microsoft PE Format, "The Attribute Certificate Table": 8 bytes before it).
func certificate(t testing.TB, file string) []byte {
	t.Helper()
	f, err := pe.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := f.OptionalHeader.(*pe.OptionalHeader64).DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_SECURITY]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var msg asn1.RawValue // without the padding
	if _, err := asn1.Unmarshal(data[table.VirtualAddress+8:table.VirtualAddress+table.Size], &msg); err != nil {
		t.Fatal(err)
	}
	return msg.FullBytes
}

// nest puts inner into the unsigned attributes of the only signer of outer.
func nest(t testing.TB, outer []byte, inner ...[]byte) []byte {
	t.Helper()
	oid, err := asn1.Marshal(oidNested)
	if err != nil {
		t.Fatal(err)
	}
	var values []byte
	for _, i := range inner {
		values = append(values, i...)
	}
	attr := element(t, asn1.ClassUniversal, asn1.TagSequence, append(oid, element(t, asn1.ClassUniversal, asn1.TagSet, values)...))
	// ContentInfo, [0], SignedData, signerInfos, SignerInfo: each the last of the one before.
	return appendLast(t, outer, 5, element(t, asn1.ClassContextSpecific, 1, attr))
}

func appendLast(t testing.TB, der []byte, depth int, add []byte) []byte {
	t.Helper()
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		t.Fatal(err)
	}
	if depth == 1 {
		return element(t, v.Class, v.Tag, append(append([]byte{}, v.Bytes...), add...))
	}
	var body, last []byte
	for rest := v.Bytes; len(rest) > 0; {
		var child asn1.RawValue
		next, err := asn1.Unmarshal(rest, &child)
		if err != nil {
			t.Fatal(err)
		}
		body, last, rest = append(body, last...), child.FullBytes, next
	}
	return element(t, v.Class, v.Tag, append(body, appendLast(t, last, depth-1, add)...))
}

func element(t testing.TB, class, tag int, body []byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: body})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestProgram(t *testing.T) {
	msg, digest := message(t)
	es, gaps := Evidence(msg, "signature", Digester(digest))
	var got []string
	for _, e := range es {
		got = append(got, string(e.Kind)+"="+e.Value)
	}
	want := "authenticode_subject_o=Signer Ltd authenticode_subject_cn=Signer authenticode_program=Programm für 海 authenticode_program=https://signer.example/"
	if s := strings.Join(got, " "); s != want || len(gaps) > 0 {
		t.Errorf("%s, gaps %v", s, gaps)
	}
}

// Nesting is read to its bounds, and what is beyond them is said.
func TestNestingBounds(t *testing.T) {
	msg, digest := message(t)
	deep := msg
	for range 8 {
		deep = nest(t, msg, deep)
	}
	wide := make([][]byte, 40)
	for i := range wide {
		wide[i] = msg
	}
	for _, tt := range []struct {
		name    string
		msg     []byte
		signers int
		last    string
	}{
		{"deep", deep, 1 + MaxDepth, "certificate 1" + strings.Repeat(", nested 1", MaxDepth) + ": chain of 3"},
		{"wide", nest(t, msg, wide...), 1 + maxNested, "certificate 1, nested 16: chain of 3"},
	} {
		es, gaps := Evidence(tt.msg, "certificate 1", Digester(digest))
		n, last := 0, ""
		for _, e := range es {
			if e.Kind == sbom.SignerO {
				n, last = n+1, e.Where
			}
		}
		if n != tt.signers || !strings.HasPrefix(last, tt.last) || len(gaps) != 1 || gaps[0].Reason != sbom.Limit {
			t.Errorf("%s: %d signers, the last %q, gaps %v", tt.name, n, last, gaps)
		}
	}
}

// A signature that cannot be read, and one of something else, never verify.
func TestRefused(t *testing.T) {
	if es, gaps := Evidence([]byte("nonsense"), "certificate 1", nil); len(es) > 0 || len(gaps) != 1 || gaps[0].Reason != sbom.Malformed {
		t.Errorf("%v %v", es, gaps)
	}
	msg, _ := message(t)
	other := func(crypto.Hash) ([]byte, error) { return make([]byte, 32), nil }
	broken := func(crypto.Hash) ([]byte, error) { return nil, os.ErrClosed }
	for _, d := range []Digester{other, broken} {
		es, _ := Evidence(msg, "certificate 1", d)
		if len(es) == 0 || es[0].Kind != sbom.SignerOClaimed {
			t.Errorf("%+v", es)
		}
	}
}
