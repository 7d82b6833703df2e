package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/interdict/interdict/scanner/registry"
)

// Error is a target that cannot be opened. Like [registry.Error] it has a hint;
// whoever prints either can look for `interface{ Hint() string }` with errors.As.
type Error struct {
	Target string // the user's words
	Err    error
	hint   string
	// selection is set where the target has no image of the wanted name or
	// platform; all opens every image of a target that has several.
	selection bool
	all       func() ([]*image, error)
}

func (e *Error) Error() string {
	s := e.Err.Error()
	if e.Target != "" && !strings.Contains(s, e.Target) {
		s = e.Target + ": " + s
	}
	return oneLine(s)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is one line that says what to do about it, or empty.
func (e *Error) Hint() string { return oneLine(e.hint) }

// problem makes an Error with a hint; withTarget adds the target.
func problem(hint, format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...), hint: hint}
}

// noneSuch is a problem of a name or platform that the target does not have.
func noneSuch(hint, format string, args ...any) *Error {
	e := problem(hint, format, args...)
	e.selection = true
	return e
}

const malformedHint = "it is damaged or was made wrongly: build, push or save it again"

// withTarget names the target in an error that does not know it.
func withTarget(target string, err error) error {
	switch e := err.(type) {
	case *Error:
		e.Target = target
		return e
	case *registry.Error:
		return e
	}
	out := &Error{Target: target, Err: err}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		out.hint = h.Hint()
	}
	return out
}

// oneLine makes one bounded line of text that may hold foreign words.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }), " ")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "..."
	}
	return s
}
