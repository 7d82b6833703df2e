package listing

import "io"

// Scope is a part of what a user wants to look at.
type Scope struct {
	words string
}

// String returns the user's words.
func (s Scope) String() string { return s.words }

// Parse reads one argument of a user.
func Parse(words string, stdin io.Reader) (Scope, error) { return Scope{words: words}, nil }

// Covers reports whether the scope names the whole of a repository, "host/path".
func (s Scope) Covers(repository string) bool { return false }
