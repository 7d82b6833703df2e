package attest

import "fmt"

// Kind says why a bundle, a key or a statement is refused.
type Kind string

// The kinds.
const (
	Malformed    Kind = "malformed"     // no bundle, or no statement in it
	BadSignature Kind = "bad-signature" // the signature does not fit the bytes
	OtherKey     Kind = "other-key"     // signed, but not with the key that is trusted
	OtherSigner  Kind = "other-signer"  // signed by another identity than the one that is trusted
	Untrusted    Kind = "untrusted"     // the certificate, log entry or timestamp does not verify
	OtherSubject Kind = "other-subject" // it is about other bytes
	OtherType    Kind = "other-type"    // it says something else than what was asked for
	BadKey       Kind = "bad-key"       // the key or trusted root could not be read
	BadPassword  Kind = "bad-password"  // the key's password is wrong or missing
	NoToken      Kind = "no-token"      // there is no identity to sign with
)

// Error is a refusal, or a key that could not be used. It never holds a secret.
type Error struct {
	Kind Kind
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.hint }

func refuse(kind Kind, hint, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...), hint: hint}
}
