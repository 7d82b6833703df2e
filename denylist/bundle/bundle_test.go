package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/interdict/interdict/denylist/bundle"
	"github.com/interdict/interdict/sbom/attest"
)

const list = `denylist: 1
name: house list
version: 2026.11.1
vendors:
  - id: acme
    name: Acme Corporation
    rules:
      - id: folder
        kind: path
        match: prefix
        values: [/opt/acme/]
        identifies: product
        strength: decisive
        sources: [https://wiki.example/rules/1]
        verified: true
`

var november = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newSigner(t *testing.T) *attest.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	der := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return must[*attest.Signer](t)(attest.NewKeySigner(context.Background(), path, attest.KeyOptions{}, attest.LogOptions{}))
}

// serve starts a registry. Blobs pass through alter, if it is not nil.
func serve(t *testing.T, alter func([]byte) []byte) string {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if alter == nil || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/sha256:") {
			inner.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		w.WriteHeader(rec.Code)
		_, _ = w.Write(alter(rec.Body.Bytes()))
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// TestTravel pushes a signed list, fetches it by tag and by digest, and from a
// file.
func TestTravel(t *testing.T) {
	ctx := context.Background()
	s := newSigner(t)
	b := must[bundle.Bundle](t)(bundle.Sign(ctx, []byte(list), s))
	ref := bundle.Scheme + serve(t, nil) + "/lists/house"
	id := must[string](t)(bundle.Push(ctx, ref+":stable", b, time.Time{}, bundle.Options{}))
	if again := must[string](t)(bundle.Push(ctx, ref+":stable", b, time.Time{}, bundle.Options{})); again != id {
		t.Errorf("the same list has the digests %s and %s", id, again)
	}
	file := filepath.Join(t.TempDir(), "house.yaml")
	for path, data := range map[string][]byte{file: b.YAML, file + bundle.Suffix: b.Signature} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := bundle.Policy{Signer: s.Verifier(), MaxAge: 30 * 24 * time.Hour, Now: november}
	for _, from := range []string{ref + ":stable", ref + "@" + id, file} {
		got := must[*bundle.Accepted](t)(bundle.Fetch(ctx, from, p, bundle.Options{}))
		if !bytes.Equal(got.YAML, []byte(list)) || got.List.Name != "house list" || got.Signer == "" {
			t.Errorf("%s gives %+v", from, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	s, stranger := newSigner(t), newSigner(t)
	good := must[bundle.Bundle](t)(bundle.Sign(ctx, []byte(list), s))
	foreign := must[bundle.Bundle](t)(bundle.Sign(ctx, []byte(list), stranger))
	altered := bundle.Bundle{YAML: bytes.Replace([]byte(list), []byte("/opt/acme/"), []byte("/opt/acne/"), 1), Signature: good.Signature}
	broken := bundle.Bundle{YAML: good.YAML, Signature: bytes.Replace(good.Signature, []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1)}
	undated := must[bundle.Bundle](t)(bundle.Sign(ctx, []byte(strings.Replace(list, "2026.11.1", "7", 1)), s))
	statement := must[[]byte](t)(s.Sign(ctx, &attest.Statement{PredicateType: attest.CycloneDX, Predicate: []byte(`{}`),
		Subject: []attest.Subject{attest.NewSubject("denylist.yaml", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(list))))}}))
	p := bundle.Policy{Signer: s.Verifier(), MaxAge: 30 * 24 * time.Hour, Now: november}
	later, early := p, p
	later.Now, early.Now = november.AddDate(0, 1, 0), november.AddDate(0, -2, 0)
	tests := []struct {
		name   string
		bundle bundle.Bundle
		policy bundle.Policy
		reason bundle.Reason
		text   string
	}{
		{"unsigned", bundle.Bundle{YAML: good.YAML}, p, bundle.Unsigned, "is not signed"},
		{"altered list", altered, p, bundle.Altered, "changed after it was signed"},
		{"altered signature", broken, p, bundle.Altered, "signature is not valid"},
		{"no signature at all", bundle.Bundle{YAML: good.YAML, Signature: []byte("{}")}, p, bundle.Altered, "signature is not valid"},
		{"another key", foreign, p, bundle.Foreign, "another key"},
		{"another statement", bundle.Bundle{YAML: good.YAML, Signature: statement}, p, bundle.Foreign, "of type"},
		{"old", good, later, bundle.Old, "50 days ago, and at most 30"},
		{"no day", undated, p, bundle.Old, "does not say when"},
		{"tomorrow's", good, early, bundle.Old, "yet to come"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := bundle.Check(tt.bundle, "house.yaml", tt.policy)
			var r *bundle.Refusal
			if !errors.As(err, &r) || r.Reason != tt.reason || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want a refusal %q that says %q", err, tt.reason, tt.text)
			}
		})
	}
	if _, err := bundle.Check(bundle.Bundle{YAML: good.YAML}, "house.yaml", bundle.Policy{}); err != nil {
		t.Errorf("without a key an unsigned list is refused: %v", err)
	}
}

// TestMirrors asks mirrors in order, passes over those that fail, and stops at
// one that lies.
func TestMirrors(t *testing.T) {
	ctx := context.Background()
	s := newSigner(t)
	b := must[bundle.Bundle](t)(bundle.Sign(ctx, []byte(list), s))
	p := bundle.Policy{Signer: s.Verifier()}
	empty, full, origin := serve(t, nil)+"/m", serve(t, nil)+"/m", serve(t, nil)+"/lists/house"
	liar := serve(t, func(d []byte) []byte { return bytes.Replace(d, []byte("acme"), []byte("acne"), 1) }) + "/m"
	for _, repo := range []string{full, origin, liar} {
		must[string](t)(bundle.Push(ctx, repo+":stable", b, time.Time{}, bundle.Options{}))
	}
	down := "127.0.0.1:1/m"
	ref := bundle.Scheme + origin + ":stable"
	got := must[*bundle.Accepted](t)(bundle.Fetch(ctx, ref, p, bundle.Options{Mirrors: []string{empty, down, full}}))
	if !strings.Contains(got.From, full) {
		t.Errorf("fetched from %s, want %s", got.From, full)
	}
	got = must[*bundle.Accepted](t)(bundle.Fetch(ctx, ref, p, bundle.Options{Mirrors: []string{empty}}))
	if !strings.Contains(got.From, origin) {
		t.Errorf("fetched from %s, want %s", got.From, origin)
	}
	_, err := bundle.Fetch(ctx, ref, p, bundle.Options{Mirrors: []string{liar, full}})
	var r *bundle.Refusal
	if !errors.As(err, &r) || r.Reason != bundle.Altered {
		t.Errorf("a mirror that lies gives %v", err)
	}
	if _, err := bundle.Fetch(ctx, bundle.Scheme+empty+":stable", p, bundle.Options{Mirrors: []string{down}}); err == nil || !strings.Contains(err.Error(), down) || !strings.Contains(err.Error(), empty) {
		t.Errorf("nothing was to be had, and the error is %v", err)
	}
}
