// Package bundle carries a denylist with the signature of who issues it: as an
// OCI artifact in a registry, or as a file with its signature beside it. A list
// is fetched only when it is named, and what a policy refuses is never used.
package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom/attest"
)

const (
	// ArtifactType is the artifactType of a list's manifest. Its first layer is
	// the list, of type [MediaType]; a second one, if the list is signed, is a
	// Sigstore bundle about the first.
	ArtifactType = "application/vnd.interdict.denylist.v1"
	// MediaType is that of the list: YAML as denylist.Parse reads it.
	MediaType = "application/vnd.interdict.denylist.v1+yaml"
	// PredicateType is what the signature says: name, version, digest and day
	// of issue of a list. The statement's subject is the YAML, byte for byte.
	PredicateType = "https://interdict.dev/attestation/denylist/v1"
	// Suffix is appended to a list's file name for its signature's.
	Suffix = ".sigstore.json"
	// MaxSize bounds a list, in bytes; its signature has the same bound.
	MaxSize = 16 << 20
)

// Bundle is a list as it travels.
type Bundle struct {
	YAML      []byte
	Signature []byte // nil for an unsigned list
}

// Policy says which lists are accepted. The zero value accepts all.
type Policy struct {
	// Signer is who must have signed the list; nil accepts unsigned ones.
	Signer *attest.Verifier
	// MaxAge is how long ago a list may have been issued; zero is any time.
	MaxAge time.Duration
	Now    time.Time // the clock; time.Now if zero
}

// Accepted is a list that a policy accepts.
type Accepted struct {
	Bundle
	List   *denylist.List
	From   string // where it was found
	Signer string // who vouches for it; empty if nobody was asked
}

// Reason says why a list is refused.
type Reason string

// The reasons.
const (
	Unsigned Reason = "unsigned" // a signature is demanded and there is none
	Altered  Reason = "altered"  // the list is not the one that was signed
	Foreign  Reason = "foreign"  // signed, but not by who is trusted
	Old      Reason = "old"      // issued too long ago, or it does not say when
	NoList   Reason = "no-list"  // something else than a denylist
)

// Refusal is an error of a list that was had and must not be used.
type Refusal struct {
	Reason Reason
	From   string
	Err    error
	hint   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("refusing denylist %s: %v", r.From, r.Err) }
func (r *Refusal) Unwrap() error { return r.Err }

// Hint says what to do about it.
func (r *Refusal) Hint() string { return r.hint }

func refuse(reason Reason, from, hint, format string, args ...any) error {
	return &Refusal{Reason: reason, From: from, Err: fmt.Errorf(format, args...), hint: hint}
}

// predicate is what the signature of a list says.
type predicate struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // of the rules and regimes, denylist.ListID
	Issued  string `json:"issued,omitempty"`
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Sign returns a signed bundle of a list. It refuses what denylist.Parse does
// not read.
func Sign(ctx context.Context, yaml []byte, s *attest.Signer) (Bundle, error) {
	l, err := denylist.Parse(bytes.NewReader(yaml), "denylist")
	if err != nil {
		return Bundle{}, err
	}
	id := l.ID()
	says, err := json.Marshal(predicate{id.Name, id.Version, id.Digest, l.Issued().String()})
	if err != nil {
		return Bundle{}, fmt.Errorf("signing the list: %w", err)
	}
	sig, err := s.Sign(ctx, &attest.Statement{PredicateType: PredicateType, Predicate: says,
		Subject: []attest.Subject{attest.NewSubject("denylist.yaml", digest(yaml))}})
	return Bundle{YAML: yaml, Signature: sig}, err
}

// Check reads a list and holds it against a policy.
func Check(b Bundle, from string, p Policy) (*Accepted, error) {
	out := &Accepted{Bundle: b, From: from}
	if p.Signer != nil {
		if b.Signature == nil {
			return nil, refuse(Unsigned, from, "take it from who signs it, or do without --denylist-key", "it is not signed")
		}
		v, err := p.Signer.Verify(b.Signature, attest.Expect{Subject: digest(b.YAML), PredicateType: PredicateType})
		if err != nil {
			return nil, signature(from, err)
		}
		out.Signer = v.Signer
	}
	l, err := denylist.Parse(bytes.NewReader(b.YAML), from)
	if err != nil {
		return nil, err
	}
	out.List = l
	return out, p.CheckAge(l, from)
}

func signature(from string, err error) error {
	var e *attest.Error
	if !errors.As(err, &e) {
		return refuse(Altered, from, "", "%w", err)
	}
	switch e.Kind {
	case attest.OtherSubject:
		return refuse(Altered, from, "take it again from who signs it", "it was changed after it was signed: %w", err)
	case attest.OtherKey, attest.OtherSigner, attest.OtherType:
		return refuse(Foreign, from, e.Hint(), "%w", err)
	}
	return refuse(Altered, from, e.Hint(), "its signature is not valid: %w", err)
}

// CheckAge refuses a list that was issued too long ago, or after today: such a
// list would never grow old.
func (p Policy) CheckAge(l *denylist.List, from string) error {
	if p.MaxAge <= 0 {
		return nil
	}
	now := p.Now
	if now.IsZero() {
		now = time.Now()
	}
	const hint = "take a newer one, or allow it with --max-list-age"
	issued := l.Issued()
	if issued.IsZero() {
		return refuse(Old, from, "its version must begin with the day: 2026.11.23", "it does not say when it was issued: its version is %q", l.Version)
	}
	age := now.Sub(issued.Time)
	if age < -24*time.Hour {
		return refuse(Old, from, "set the clock, or ask who issues it", "it was issued on %s, which is yet to come", issued)
	}
	if age > p.MaxAge {
		return refuse(Old, from, hint, "it was issued on %s, %d days ago, and at most %d are allowed", issued, days(age), days(p.MaxAge))
	}
	return nil
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// ReadFile reads a list and, if there is one, its signature beside it.
func ReadFile(path string) (Bundle, error) {
	yaml, err := readFile(path)
	if err != nil {
		return Bundle{}, fmt.Errorf("opening a denylist: %w", err)
	}
	sig, err := readFile(path + Suffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Bundle{}, fmt.Errorf("opening a denylist's signature: %w", err)
	}
	return Bundle{yaml, sig}, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil && len(data) > MaxSize {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxSize)
	}
	return data, err
}
