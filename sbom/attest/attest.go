// Package attest signs and checks statements about bytes: in-toto statements
// (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) in
// DSSE envelopes (https://github.com/secure-systems-lab/dsse), as Sigstore
// bundles of version 0.3 (https://docs.sigstore.dev/about/bundle/), the form
// that cosign and policy engines read.
//
// A key signs without any network and always gives the same bytes for the same
// statement. A person's or workflow's identity (keyless) signs with a key that
// is thrown away and a certificate of Fulcio; the transparency log or a
// timestamp then tells when. The package is the only one that knows Sigstore's
// libraries.
package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// StatementType is the "_type" of the statements that are written and read.
	StatementType = "https://in-toto.io/Statement/v1"
	// statementV01 is the type before it, which cosign still writes.
	statementV01 = "https://in-toto.io/Statement/v0.1"
	// PayloadType is the media type of a statement in an envelope.
	PayloadType = "application/vnd.in-toto+json"
	// BundleType is the media type of a bundle.
	BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// CycloneDX is the predicate type of a bill of materials
	// (https://github.com/in-toto/attestation/blob/main/spec/predicates/cyclonedx.md).
	CycloneDX = "https://cyclonedx.org/bom"
	// MaxBundle is the largest bundle that is read, in bytes: twice what cosign
	// reads, since a bill of materials may be large.
	MaxBundle = 256 << 20
)

// Subject is what a statement is about: bytes, by their digests. Names are for
// people and are not checked.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"` // algorithm to lower-case hexadecimal
}

// NewSubject names the bytes of a digest "sha256:...".
func NewSubject(name, digest string) Subject {
	alg, value, _ := strings.Cut(digest, ":")
	return Subject{Name: name, Digest: map[string]string{alg: value}}
}

// Statement says something (the predicate) of some bytes (the subjects).
type Statement struct {
	Subject       []Subject
	PredicateType string
	// Predicate is JSON, and is signed byte for byte as it is, without white
	// space around it.
	Predicate json.RawMessage
}

// Digest is the digest of a document as it is signed and stored, "sha256:...":
// of its bytes without the white space around them (see [Document]).
func Digest(document []byte) string {
	sum := sha256.Sum256(Document(document))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Document returns the bytes without the white space around them: the form in
// which a JSON document is both a file of its own and a predicate.
func Document(data []byte) []byte { return bytes.TrimSpace(data) }

// Payload writes the statement as the bytes that are signed. Equal statements
// give equal bytes.
func (s *Statement) Payload() ([]byte, error) {
	if len(s.Subject) == 0 {
		return nil, fmt.Errorf("writing a statement: it has no subject")
	}
	for _, sub := range s.Subject {
		if len(sub.Digest) == 0 {
			return nil, fmt.Errorf("writing a statement: subject %q has no digest", sub.Name)
		}
	}
	predicate := Document(s.Predicate)
	if !json.Valid(predicate) {
		return nil, fmt.Errorf("writing a statement: the predicate is not JSON")
	}
	head, err := json.Marshal(struct {
		Type          string    `json:"_type"`
		Subject       []Subject `json:"subject"`
		PredicateType string    `json:"predicateType"`
	}{StatementType, s.Subject, s.PredicateType})
	if err != nil {
		return nil, fmt.Errorf("writing a statement: %w", err)
	}
	// The predicate goes in as it is: json.Marshal would write it anew.
	out := make([]byte, 0, len(head)+len(predicate)+16)
	out = append(out, head[:len(head)-1]...)
	out = append(out, `,"predicate":`...)
	out = append(out, predicate...)
	return append(out, '}'), nil
}

// ParseStatement reads a payload.
func ParseStatement(payload []byte) (*Statement, error) {
	var raw struct {
		Type          string          `json:"_type"`
		Subject       []Subject       `json:"subject"`
		PredicateType string          `json:"predicateType"`
		Predicate     json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return nil, fmt.Errorf("reading the statement: %w", err)
	}
	if raw.Type != StatementType && raw.Type != statementV01 {
		return nil, fmt.Errorf("reading the statement: type %q is not an in-toto statement", clip(raw.Type))
	}
	return &Statement{raw.Subject, raw.PredicateType, raw.Predicate}, nil
}

// About reports whether the statement is about the bytes of a digest
// "sha256:...".
func (s *Statement) About(digest string) bool {
	alg, value, ok := strings.Cut(digest, ":")
	return ok && value != "" && slices.ContainsFunc(s.Subject, func(sub Subject) bool {
		return sub.Digest[alg] == value
	})
}

// subjects names what the statement is about, for people.
func (s *Statement) subjects() string {
	var all []string
	for _, sub := range s.Subject {
		for alg, value := range sub.Digest {
			all = append(all, clip(alg+":"+value))
		}
	}
	slices.Sort(all)
	if len(all) > 4 {
		all = append(all[:4], fmt.Sprintf("%d more", len(all)-4))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

var digestForm = regexp.MustCompile(`^sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$`)

// clip bounds foreign text in messages.
func clip(s string) string {
	if len(s) > 160 {
		return strings.ToValidUTF8(s[:160], "") + "..."
	}
	return s
}
