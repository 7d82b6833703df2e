package listing

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a scope or filter that cannot be read, or a refusal of a registry's
// own API. Like registry.Error it has a hint.
type Error struct {
	Err  error
	hint string
}

func (e *Error) Error() string { return oneLine(e.Err.Error()) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is one line that says what to do about it, or empty.
func (e *Error) Hint() string { return oneLine(e.hint) }

func problem(hint, format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...), hint: hint}
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// oneLine makes one bounded line of text that may hold foreign words.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }), " ")
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "..."
	}
	return s
}
