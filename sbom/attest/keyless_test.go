package attest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/interdict/interdict/sbom/attest"
)

const (
	who    = "release@example.org"
	issuer = "https://issuer.example.org"
	token  = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZWxlYXNlQGV4YW1wbGUub3JnIiwiZW1haWwiOiJyZWxlYXNlQGV4YW1wbGUub3JnIiwiZW1haWxfdmVyaWZpZWQiOnRydWV9.secretsignature"
)

// sigstore is a Fulcio, a Rekor and a timestamp authority in this process, over
// sigstore-go's virtual instance.
type sigstore struct {
	t            testing.TB
	log          *ca.VirtualSigstore
	intermediate *x509.Certificate
	key          *ecdsa.PrivateKey
	stamper      *x509.Certificate
	stampKey     *ecdsa.PrivateKey
	url, root    string
}

func newSigstore(t testing.TB) *sigstore {
	rootCert, rootKey, err := ca.GenerateRootCa()
	if err != nil {
		t.Fatal(err)
	}
	s := &sigstore{t: t, log: must[*ca.VirtualSigstore](t)(ca.NewVirtualSigstore())}
	if s.intermediate, s.key, err = ca.GenerateFulcioIntermediate(rootCert, rootKey); err != nil {
		t.Fatal(err)
	}
	tsa := s.newTSA(rootCert, rootKey)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", s.certify)
	mux.HandleFunc("POST /api/v1/log/entries", s.note)
	mux.HandleFunc("POST /stamp", s.stamp)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	for id, l := range s.log.RekorLogs() { // its IDs are hexadecimal text where the format wants bytes
		l.ID = must[[]byte](t)(hex.DecodeString(id))
		s.root = s.writeRoot(rootCert, tsa, map[string]*root.TransparencyLog{id: l})
	}
	return s
}

func (s *sigstore) newTSA(rootCert *x509.Certificate, rootKey *ecdsa.PrivateKey) *root.SigstoreTimestampingAuthority {
	between, key, err := ca.GenerateTSAIntermediate(rootCert, rootKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.stampKey = ecKey(s.t, elliptic.P256())
	s.stamper = must[*x509.Certificate](s.t)(ca.GenerateTSALeafCert(time.Now().Add(-5*time.Minute), s.stampKey, between, key))
	return &root.SigstoreTimestampingAuthority{Root: rootCert, Intermediates: []*x509.Certificate{between}, Leaf: s.stamper,
		ValidityPeriodStart: time.Now().Add(-time.Hour), URI: "https://tsa.example.org"}
}

func (s *sigstore) writeRoot(rootCert *x509.Certificate, tsa root.TimestampingAuthority, logs map[string]*root.TransparencyLog) string {
	fulcio := &root.FulcioCertificateAuthority{Root: rootCert, Intermediates: []*x509.Certificate{s.intermediate},
		ValidityPeriodStart: time.Now().Add(-time.Hour), URI: s.url}
	tr := must[*root.TrustedRoot](s.t)(root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{fulcio}, nil, []root.TimestampingAuthority{tsa}, logs))
	return write(s.t, "trusted_root.json", must[[]byte](s.t)(tr.MarshalJSON()))
}

// holder is a public key in the place where a key is asked for.
type holder struct{ pub crypto.PublicKey }

func (h holder) Public() crypto.PublicKey { return h.pub }
func (h holder) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	panic("a certificate authority has no private key of its users")
}

func (s *sigstore) certify(w http.ResponseWriter, r *http.Request) {
	var req struct {
		PublicKeyRequest struct{ PublicKey struct{ Content string } }
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.Header.Get("Authorization") != "Bearer "+token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	pub := must[crypto.PublicKey](s.t)(cryptoutils.UnmarshalPEMToPublicKey([]byte(req.PublicKeyRequest.PublicKey.Content)))
	cert := must[*x509.Certificate](s.t)(ca.GenerateLeafCert(who, issuer, time.Now().Add(-time.Second), holder{pub}, s.intermediate, s.key))
	answer(w, http.StatusOK, map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{
		"certificates": []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))}}}})
}

func (s *sigstore) note(w http.ResponseWriter, r *http.Request) {
	proposed := must[models.ProposedEntry](s.t)(models.UnmarshalProposedEntry(r.Body, jsonConsumer{}))
	entry := must[types.EntryImpl](s.t)(types.CreateVersionedEntry(proposed))
	body := must[[]byte](s.t)(entry.Canonicalize(r.Context()))
	id := must[string](s.t)(s.log.RekorLogID())
	now, index := time.Now().Unix(), int64(0)
	set := must[[]byte](s.t)(s.log.RekorSignPayload(tlog.RekorPayload{LogID: id, IntegratedTime: now, LogIndex: index,
		Body: base64.StdEncoding.EncodeToString(body)}))
	proof := must[*models.InclusionProof](s.t)(s.log.GetInclusionProof(body))
	w.Header().Set("ETag", "entry")
	answer(w, http.StatusCreated, map[string]any{"entry": models.LogEntryAnon{Body: base64.StdEncoding.EncodeToString(body),
		IntegratedTime: &now, LogID: &id, LogIndex: &index,
		Verification: &models.LogEntryAnonVerification{SignedEntryTimestamp: set, InclusionProof: proof}}})
}

func (s *sigstore) stamp(w http.ResponseWriter, r *http.Request) {
	req := must[*timestamp.Request](s.t)(timestamp.ParseRequest(must[[]byte](s.t)(io.ReadAll(r.Body))))
	ts := timestamp.Timestamp{HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Nonce: req.Nonce,
		Time: time.Now(), Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(must[[]byte](s.t)(ts.CreateResponseWithOpts(s.stamper, s.stampKey, crypto.SHA256)))
}

type jsonConsumer struct{}

func (jsonConsumer) Consume(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func TestKeyless(t *testing.T) {
	ctx := context.Background()
	sig := newSigstore(t)
	env := func(n string) string { return map[string]string{"SIGSTORE_ID_TOKEN": token}[n] }
	s := must[*attest.Signer](t)(attest.NewKeylessSigner(ctx, attest.KeylessOptions{Fulcio: sig.url, Getenv: env,
		Log: attest.LogOptions{Rekor: sig.url}}))
	if s.Verifier() != nil {
		t.Error("a key that is thrown away is trusted")
	}
	b := must[[]byte](t)(s.Sign(ctx, statement(t, attest.CycloneDX, `{}`)))
	trust := func(id attest.Identity) *attest.Verifier {
		return must[*attest.Verifier](t)(attest.NewIdentityVerifier(ctx, id, attest.RootOptions{File: sig.root, Offline: true}))
	}
	got := must[*attest.Verified](t)(trust(attest.Identity{Subject: who, Issuer: issuer}).Verify(b, attest.Expect{Subject: image}))
	if got.Signer != who+" ("+issuer+")" || time.Since(got.Time).Abs() > time.Minute {
		t.Errorf("signed by %s at %v", got.Signer, got.Time)
	}
	refusals := []struct {
		name  string
		trust *attest.Verifier
		want  string
		kind  attest.Kind
	}{
		{"another person", trust(attest.Identity{Subject: "eve@example.org", Issuer: issuer}), image, attest.OtherSigner},
		{"another issuer", trust(attest.Identity{Subject: who, IssuerRegexp: `^https://github\.com/`}), image, attest.OtherSigner},
		{"another image", trust(attest.Identity{SubjectRegexp: `@example\.org$`, Issuer: issuer}), other, attest.OtherSubject},
	}
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			_, err := r.trust.Verify(b, attest.Expect{Subject: r.want})
			wantKind(t, err, r.kind)
		})
	}
	keyed, key := signed(t, statement(t, attest.CycloneDX, `{}`))
	_, err := trust(attest.Identity{Subject: who, Issuer: issuer}).Verify(keyed, attest.Expect{})
	wantKind(t, err, attest.OtherSigner)
	_, err = key.Verify(b, attest.Expect{})
	wantKind(t, err, attest.OtherKey)
	stranger := newSigstore(t)
	v := must[*attest.Verifier](t)(attest.NewIdentityVerifier(ctx, attest.Identity{Subject: who, Issuer: issuer}, attest.RootOptions{File: stranger.root}))
	_, err = v.Verify(b, attest.Expect{})
	wantKind(t, err, attest.Untrusted)
}

// TestTimestamp signs with an identity whose time an authority states, and no
// log.
func TestTimestamp(t *testing.T) {
	ctx := context.Background()
	sig := newSigstore(t)
	s := must[*attest.Signer](t)(attest.NewKeylessSigner(ctx, attest.KeylessOptions{Token: token, Fulcio: sig.url,
		Log: attest.LogOptions{Timestamp: sig.url + "/stamp"}}))
	b := must[[]byte](t)(s.Sign(ctx, statement(t, attest.CycloneDX, `{}`)))
	id := attest.Identity{Subject: who, Issuer: issuer}
	v := must[*attest.Verifier](t)(attest.NewIdentityVerifier(ctx, id, attest.RootOptions{File: sig.root}))
	if got := must[*attest.Verified](t)(v.Verify(b, attest.Expect{Subject: image})); time.Since(got.Time).Abs() > time.Minute {
		t.Errorf("signed at %v", got.Time)
	}
	v = must[*attest.Verifier](t)(attest.NewIdentityVerifier(ctx, id, attest.RootOptions{File: sig.root, NeedLog: true}))
	_, err := v.Verify(b, attest.Expect{Subject: image})
	wantKind(t, err, attest.Untrusted)
}

func TestKeylessRefuses(t *testing.T) {
	ctx := context.Background()
	sig := newSigstore(t)
	none := func(string) string { return "" }
	_, err := attest.NewKeylessSigner(ctx, attest.KeylessOptions{Getenv: none, Log: attest.LogOptions{Rekor: sig.url}})
	wantKind(t, err, attest.NoToken)
	_, err = attest.NewKeylessSigner(ctx, attest.KeylessOptions{Token: token})
	wantKind(t, err, attest.Untrusted)
	_, err = attest.NewIdentityVerifier(ctx, attest.Identity{Subject: who}, attest.RootOptions{File: sig.root})
	wantKind(t, err, attest.OtherSigner)
	_, err = attest.NewIdentityVerifier(ctx, attest.Identity{Subject: who, Issuer: issuer}, attest.RootOptions{Offline: true})
	wantKind(t, err, attest.BadKey)
	// Fulcio's refusal is told without the token.
	s := must[*attest.Signer](t)(attest.NewKeylessSigner(ctx, attest.KeylessOptions{Token: token[:len(token)-1] + "X", Fulcio: sig.url, Log: attest.LogOptions{Rekor: sig.url}}))
	if _, err = s.Sign(ctx, statement(t, attest.CycloneDX, `{}`)); err == nil || strings.Contains(err.Error(), "secretsignatur") {
		t.Errorf("got %v", err)
	}
}

// TestGitHubToken asks for the token of a job as GitHub's runner gives it.
func TestGitHubToken(t *testing.T) {
	ctx := context.Background()
	sig := newSigstore(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer run" || r.URL.Query().Get("audience") != "sigstore" || r.URL.Query().Get("v") != "1" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		answer(w, http.StatusOK, map[string]string{"value": token})
	}))
	defer srv.Close()
	sign := func(bearer string) error {
		env := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": srv.URL + "/?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer}
		s, err := attest.NewKeylessSigner(ctx, attest.KeylessOptions{Fulcio: sig.url, Log: attest.LogOptions{Rekor: sig.url},
			Getenv: func(n string) string { return env[n] }})
		if err == nil {
			_, err = s.Sign(ctx, statement(t, attest.CycloneDX, `{}`))
		}
		return err
	}
	if err := sign("run"); err != nil {
		t.Error(err)
	}
	wantKind(t, sign("stale"), attest.NoToken)
}
