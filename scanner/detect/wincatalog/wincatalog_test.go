package wincatalog

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/signtest"
)

// The structures of a catalog: CTL_INFO of wincrypt.h, CAT_MEMBERINFO and
// SpcIndirectDataContent of wintrust.h.
type (
	algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	attribute struct {
		OID    asn1.ObjectIdentifier
		Values []asn1.RawValue `asn1:"set"`
	}
	member struct {
		Tag   []byte
		Attrs []attribute `asn1:"set"`
	}
	indirect struct {
		Data struct {
			OID   asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		Digest struct {
			Alg    algorithm
			Digest []byte
		}
	}
	ctl struct {
		Usage   []asn1.ObjectIdentifier
		ID      []byte
		Time    time.Time `asn1:"utc"`
		Alg     algorithm
		Members []member
	}
	message struct {
		OID     asn1.ObjectIdentifier
		Content struct {
			Version int
			Digests []algorithm `asn1:"set"`
			Content struct {
				OID asn1.ObjectIdentifier
				CTL struct{ CTL ctl } `asn1:"tag:0"`
			}
			Signers []asn1.RawValue `asn1:"set"`
		} `asn1:"explicit,tag:0"`
	}
)

var (
	null   = asn1.RawValue{Tag: asn1.TagNull}
	sha1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	sha2   = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	spcOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}
)

// catalog makes an unsigned catalog of some digests, in hexadecimal.
func catalog(t testing.TB, digests ...string) []byte {
	t.Helper()
	var m message
	m.OID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	m.Content.Version = 1
	m.Content.Content.OID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 10, 1}
	list := &m.Content.Content.CTL.CTL
	list.Usage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 12, 1, 1}}
	list.ID = []byte("0123456789abcdef")
	list.Time = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	list.Alg = algorithm{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 12, 1, 2}, null}
	for i, d := range digests {
		list.Members = append(list.Members, entry(t, d, i))
	}
	der, err := asn1.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// entry is a member in one of the three ways that are seen: the digest in an
// attribute, the digest as the tag, its hexadecimal in UTF-16 as the tag.
func entry(t testing.TB, digest string, form int) member {
	t.Helper()
	raw, err := hex.DecodeString(digest)
	if err != nil {
		t.Fatal(err)
	}
	switch form % 3 {
	case 1:
		return member{Tag: raw}
	case 2:
		var tag []byte
		for _, u := range utf16.Encode([]rune(strings.ToUpper(digest) + "\x00")) {
			tag = append(tag, byte(u), byte(u>>8))
		}
		return member{Tag: tag}
	}
	var ind indirect
	ind.Data.OID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 15}
	ind.Data.Value = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true}
	ind.Digest.Alg = algorithm{sha1, null}
	if len(raw) == 32 {
		ind.Digest.Alg.OID = sha2
	}
	ind.Digest.Digest = raw
	der, err := asn1.Marshal(ind)
	if err != nil {
		t.Fatal(err)
	}
	return member{Tag: []byte("{DE351A42}"), Attrs: []attribute{{spcOID, []asn1.RawValue{{FullBytes: der}}}}}
}

func look(t testing.TB, data []byte) scanner.Result {
	t.Helper()
	f := &scanner.File{Path: "/windows/a.cat", Size: int64(len(data)), Head: data[:min(len(data), scanner.HeadSize)], ReaderAt: bytes.NewReader(data)}
	if !New(nil).Wants(f) {
		t.Fatal("the catalog is not wanted")
	}
	res, err := New(nil).Detect(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

var listed = []string{strings.Repeat("ab", 20), strings.Repeat("cd", 32), strings.Repeat("0e", 20), strings.Repeat("0f", 32)}

func TestCatalog(t *testing.T) {
	plain := signtest.Write(t, t.TempDir(), "a.cat", string(catalog(t, listed...)))
	id := signtest.Root(t, "Root").CA(t, "CA").Leaf(t, "Acme Drivers Ltd", "Acme Drivers")
	signed, err := os.ReadFile(id.Sign(t, plain, id.Above))
	if err != nil {
		t.Fatal(err)
	}
	res := look(t, signed)
	wantProps := []sbom.Property{
		{Name: PropertyCount, Value: "4"}, {Name: PropertySHA1, Value: listed[2]}, {Name: PropertySHA256, Value: listed[3]},
		{Name: PropertySHA1, Value: listed[0]}, {Name: PropertySHA256, Value: listed[1]},
	}
	if d := cmp.Diff(wantProps, res.Component.Properties); d != "" {
		t.Error(d)
	}
	where := "catalog signature: chain of 3, top: Root, issued by CA, no timestamp"
	wantEvidence := []sbom.Evidence{
		{Kind: sbom.SignerO, Value: "Acme Drivers Ltd", Where: where}, {Kind: sbom.SignerCN, Value: "Acme Drivers", Where: where},
	}
	if d := cmp.Diff(wantEvidence, res.Component.Evidence); d != "" || len(res.Gaps) > 0 {
		t.Error(d, res.Gaps)
	}
	// A member that was changed, and one that signed itself.
	changed := bytes.Replace(signed, bytes.Repeat([]byte{0xcd}, 32), bytes.Repeat([]byte{0xce}, 32), 1)
	if e := look(t, changed).Component.Evidence[0]; e.Kind != sbom.SignerOClaimed || !strings.Contains(e.Where, "digest does not match") {
		t.Errorf("changed: %+v", e)
	}
	self := (*signtest.Identity)(nil).Leaf(t, "Acme Drivers Ltd", "Acme Drivers", func(c *x509.Certificate) {})
	forged, err := os.ReadFile(self.Sign(t, plain, nil))
	if err != nil {
		t.Fatal(err)
	}
	if e := look(t, forged).Component.Evidence[0]; e.Kind != sbom.SignerOClaimed {
		t.Errorf("self-signed: %+v", e)
	}
}

// A catalog signs the files that it lists, and no other.
func TestJoin(t *testing.T) {
	content := sha256.Sum256([]byte("[Version]"))
	signer := sbom.Evidence{Kind: sbom.SignerO, Value: "Acme Drivers Ltd", Where: "catalog signature: chain of 3", Path: "/windows/a.cat", Layer: "sha256:1", Detector: "cat@1"}
	cs := []sbom.Component{
		{Name: "a.sys", Occurrences: []sbom.Occurrence{{Path: "/drivers/a.sys", Layer: "sha256:2"}},
			Properties: []sbom.Property{{Name: "interdict:authenticode:sha1", Value: listed[0]}, {Name: "interdict:authenticode:sha256", Value: listed[1]}}},
		{Name: "a.cat", Occurrences: []sbom.Occurrence{{Path: "/windows/a.cat", Layer: "sha256:1"}}, Evidence: []sbom.Evidence{signer},
			Properties: []sbom.Property{{Name: PropertyCount, Value: "3"}, {Name: PropertySHA1, Value: listed[0]}, {Name: PropertySHA256, Value: listed[1]},
				{Name: PropertySHA256, Value: hex.EncodeToString(content[:])}}},
		{Name: "a.inf", Occurrences: []sbom.Occurrence{{Path: "/drivers/a.inf"}}, Hashes: []sbom.Hash{{Algorithm: "SHA-256", Value: hex.EncodeToString(content[:])}}},
		{Name: "b.sys", Occurrences: []sbom.Occurrence{{Path: "/drivers/b.sys"}}, Properties: []sbom.Property{{Name: "interdict:authenticode:sha1", Value: listed[2]}}},
	}
	Join(cs)
	want := signer
	want.Where, want.Path, want.Layer = "in catalog /windows/a.cat, signature: chain of 3", "/drivers/a.sys", "sha256:2"
	if d := cmp.Diff([]sbom.Evidence{want}, cs[0].Evidence); d != "" {
		t.Error(d)
	}
	if len(cs[2].Evidence) != 1 || cs[2].Evidence[0].Path != "/drivers/a.inf" {
		t.Errorf("a.inf: %+v", cs[2].Evidence)
	}
	if len(cs[3].Evidence) != 0 || len(cs[1].Evidence) != 1 {
		t.Errorf("too much is signed: %+v", cs)
	}
	if d := cmp.Diff([]sbom.Property{{Name: PropertyCount, Value: "3"}}, cs[1].Properties); d != "" {
		t.Error(d)
	}
}

// A damaged catalog is a gap or a claim, and each listed digest is one.
func FuzzCatalog(f *testing.F) {
	id := signtest.Root(f, "Root").CA(f, "CA").Leaf(f, "Acme Drivers Ltd", "Acme Drivers")
	signed, err := os.ReadFile(id.Sign(f, signtest.Write(f, f.TempDir(), "a.cat", string(catalog(f, listed...))), id.Above))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(catalog(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &scanner.File{Path: "/a.cat", Size: int64(len(data)), Head: data[:min(len(data), scanner.HeadSize)], ReaderAt: bytes.NewReader(data)}
		New(nil).Wants(file)
		res, err := New(nil).Detect(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if res.Component == nil {
			if len(res.Gaps) == 0 {
				t.Error("nothing is said of it")
			}
			return
		}
		for _, p := range res.Component.Properties {
			if n := len(p.Value); p.Name != PropertyCount && n != 40 && n != 64 {
				t.Errorf("%+v", p)
			}
		}
		// The signer stays verified only where nothing that is signed has changed.
		if slices.ContainsFunc(res.Component.Evidence, func(e sbom.Evidence) bool { return e.Kind == sbom.SignerO && e.Value == "Acme Drivers Ltd" }) {
			for _, d := range listed {
				if !slices.ContainsFunc(res.Component.Properties, func(p sbom.Property) bool { return p.Value == d }) {
					t.Errorf("%s is lost", d)
				}
			}
		}
	})
}
