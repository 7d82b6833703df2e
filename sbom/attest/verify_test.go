package attest_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/sbom/attest"
)

func signed(t testing.TB, st *attest.Statement) ([]byte, *attest.Verifier) {
	ctx := context.Background()
	path := write(t, "key.pem", block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(ecKey(t, elliptic.P256())))))
	s := must[*attest.Signer](t)(attest.NewKeySigner(ctx, path, attest.KeyOptions{}, attest.LogOptions{}))
	return must[[]byte](t)(s.Sign(ctx, st)), s.Verifier()
}

// TestRefusals changes one part at a time: each has a refusal of its own.
func TestRefusals(t *testing.T) {
	st := statement(t, attest.CycloneDX, `{"bomFormat":"CycloneDX"}`)
	good, trust := signed(t, st)
	_, stranger := signed(t, st)
	change := func(from, to string) []byte { return bytes.Replace(bytes.Clone(good), []byte(from), []byte(to), 1) }
	var parts struct {
		DSSEEnvelope struct {
			Payload    string
			Signatures []struct{ Sig string }
		}
	}
	if err := json.Unmarshal(good, &parts); err != nil {
		t.Fatal(err)
	}
	payload := must[[]byte](t)(base64.StdEncoding.DecodeString(parts.DSSEEnvelope.Payload))
	forge := func(from, to string) []byte {
		p := bytes.Replace(bytes.Clone(payload), []byte(from), []byte(to), 1)
		return change(parts.DSSEEnvelope.Payload, base64.StdEncoding.EncodeToString(p))
	}
	sig := parts.DSSEEnvelope.Signatures[0].Sig
	tests := []struct {
		name   string
		bundle []byte
		trust  *attest.Verifier
		want   attest.Expect
		kind   attest.Kind
		text   string
	}{
		{"another image", good, trust, attest.Expect{Subject: other}, attest.OtherSubject, "not about " + other},
		{"another type", good, trust, attest.Expect{PredicateType: attest.VerdictType}, attest.OtherType, "not " + attest.VerdictType},
		{"another key", good, stranger, attest.Expect{}, attest.OtherKey, "another key"},
		{"predicate changed", forge("CycloneDX", "CycloneDY"), trust, attest.Expect{}, attest.BadSignature, "does not fit"},
		{"subject changed", forge(image[7:], other[7:]), trust, attest.Expect{Subject: other}, attest.BadSignature, "does not fit"},
		{"signature changed", change(sig, "MEUC"+sig[4:len(sig)-8]+"AAAAAA=="), trust, attest.Expect{}, attest.BadSignature, "does not fit"},
		{"no statement", forge(`"_type"`, `"_typo"`), trust, attest.Expect{}, attest.Malformed, "not an in-toto statement"},
		{"no bundle", []byte(`{"bomFormat":"CycloneDX"}`), trust, attest.Expect{}, attest.Malformed, "reading the bundle"},
		{"cut", good[:len(good)/2], trust, attest.Expect{}, attest.Malformed, "reading the bundle"},
		{"no digest asked", good, trust, attest.Expect{Subject: "latest"}, attest.OtherSubject, "not a digest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.trust.Verify(tt.bundle, tt.want)
			wantKind(t, err, tt.kind)
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %q does not say %q", err, tt.text)
			}
		})
	}
	if _, err := trust.Verify(good, attest.Expect{Subject: image, PredicateType: attest.CycloneDX}); err != nil {
		t.Error(err)
	}
}

// TestPredicateIsSignedAsItIs: the bytes of a predicate that is a document of
// its own keep their digest.
func TestPredicateIsSignedAsItIs(t *testing.T) {
	for _, doc := range []string{"{\n  \"a\": 1.0,\n  \"b\": \"<\\u0041>\"\n}", " [1e2, true] \n", `"text"`} {
		b, trust := signed(t, statement(t, attest.CycloneDX, doc))
		got := must[*attest.Verified](t)(trust.Verify(b, attest.Expect{}))
		if attest.Digest(got.Predicate) != attest.Digest([]byte(doc)) || string(got.Predicate) != strings.TrimSpace(doc) {
			t.Errorf("%q came back as %q", doc, got.Predicate)
		}
	}
	for _, st := range []*attest.Statement{
		statement(t, attest.CycloneDX, `{"a":1`),
		statement(t, attest.CycloneDX, `{},"predicateType":"x"`),
		{PredicateType: attest.CycloneDX, Predicate: []byte(`{}`)},
		{Subject: []attest.Subject{{Name: "x"}}, PredicateType: attest.CycloneDX, Predicate: []byte(`{}`)},
	} {
		if p, err := st.Payload(); err == nil {
			t.Errorf("wrote %s", p)
		}
	}
}

func TestVerdict(t *testing.T) {
	v := &attest.Verdict{
		Image:    attest.VerdictImage{Digest: image, Index: other, Platform: "linux/amd64"},
		BOM:      attest.VerdictBOM{Digest: other, MediaType: "application/vnd.cyclonedx+json"},
		Denylist: attest.VerdictList{Name: "a <list>", Version: "2026.11.1", Digest: other, Issued: "2026-11-01"},
		AsOf:     "2026-11-23", Outcome: "deny",
		Regimes:  []attest.VerdictRegime{{ID: "us-ndaa2018-1634", Denied: 1}},
		Counts:   attest.VerdictCounts{Denied: 1},
		Findings: []attest.VerdictFinding{{ID: "f1", Vendor: "kaspersky", Level: "denied", Name: "kesl", Regimes: []string{"us-ndaa2018-1634"}}},
		Coverage: attest.VerdictCoverage{Complete: true, FilesSeen: 3, FilesExamined: 2, BytesSeen: 100, Gaps: map[string]int{"malformed": 1}},
		Tool:     attest.VerdictTool{Name: "interdict", Version: "v1"},
	}
	for _, v := range []*attest.Verdict{v, {Image: v.Image, BOM: v.BOM, Denylist: v.Denylist, AsOf: v.AsOf, Outcome: "pass"}} {
		raw := must[[]byte](t)(v.Marshal())
		checkSchema(t, raw)
		got := must[*attest.Verdict](t)(attest.ParseVerdict(statement(t, attest.VerdictType, string(raw))))
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("it came back otherwise:\n%s", diff)
		}
	}
	if age, ok := v.ListAge(time.Date(2026, 11, 11, 12, 0, 0, 0, time.UTC)); !ok || age != 252*time.Hour {
		t.Errorf("the list's age is %v, %v", age, ok)
	}
	_, err := attest.ParseVerdict(statement(t, attest.VerdictType, `{"outcome":"maybe"}`))
	wantKind(t, err, attest.Malformed)
	_, err = attest.ParseVerdict(statement(t, attest.CycloneDX, `{}`))
	wantKind(t, err, attest.OtherType)
}

func checkSchema(t *testing.T, doc []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("v", must[any](t)(jsonschema.UnmarshalJSON(bytes.NewReader(attest.VerdictSchema)))); err != nil {
		t.Fatal(err)
	}
	if err := must[*jsonschema.Schema](t)(c.Compile("v")).Validate(must[any](t)(jsonschema.UnmarshalJSON(bytes.NewReader(doc)))); err != nil {
		t.Errorf("not valid by the schema: %v\n%s", err, doc)
	}
}

// FuzzVerify: whatever is changed in a bundle, what verifies is what was signed.
func FuzzVerify(f *testing.F) {
	st := statement(f, attest.CycloneDX, `{"bomFormat":"CycloneDX"}`)
	good, trust := signed(f, st)
	want := must[[]byte](f)(st.Payload())
	f.Add(0, byte(0), []byte(nil))
	for _, part := range []string{"mediaType", "hint", "payload\"", "payloadType", "sig\""} {
		f.Add(bytes.Index(good, []byte(part))+len(part)+4, byte(1), []byte(nil))
	}
	f.Add(len(good)-1, byte(0), []byte(`,"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}}`))
	f.Fuzz(func(t *testing.T, at int, flip byte, tail []byte) {
		b := bytes.Clone(good)
		if at >= 0 && at < len(b) {
			b[at] ^= flip
			if len(tail) > 0 {
				b = append(b[:at], tail...)
			}
		}
		got, err := trust.Verify(b, attest.Expect{Subject: image})
		if err != nil {
			return
		}
		if payload, err := got.Payload(); err != nil || !bytes.Equal(payload, want) {
			t.Errorf("verified %s", payload)
		}
	})
}

// TestEnvelope: an envelope as cosign keeps under a tag verifies like a bundle.
func TestEnvelope(t *testing.T) {
	good, trust := signed(t, statement(t, attest.CycloneDX, `{}`))
	var b struct{ DSSEEnvelope json.RawMessage }
	if err := json.Unmarshal(good, &b); err != nil {
		t.Fatal(err)
	}
	wrapped := must[[]byte](t)(attest.FromEnvelope(b.DSSEEnvelope))
	if _, err := trust.Verify(wrapped, attest.Expect{Subject: image}); err != nil {
		t.Error(err)
	}
	_, err := attest.FromEnvelope([]byte(`{"payload":"e30="}`))
	wantKind(t, err, attest.Malformed)
}

func BenchmarkVerify(b *testing.B) {
	st := statement(b, attest.CycloneDX, `{"components":"`+strings.Repeat("0123456789abcdef", 1<<16)+`"}`)
	good, trust := signed(b, st)
	b.SetBytes(int64(len(good)))
	for b.Loop() {
		if _, err := trust.Verify(good, attest.Expect{Subject: image}); err != nil {
			b.Fatal(err)
		}
	}
}
