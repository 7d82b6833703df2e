package watch

import (
	"iter"
	"strings"
)

// maxScopes is how deep a mangled name is followed.
const maxScopes = 32

// plainName is the name of a function as its author wrote it, where that can
// be told cheaply: without the "@12" of stdcall, and for a C++ function that is
// in no scope without its mangling. Other names are returned as they are.
func plainName(s string) string {
	if base, ok := strings.CutPrefix(s, "?"); ok {
		if name, _, ok := strings.Cut(base, "@@"); ok && !strings.ContainsAny(name, "@?") {
			return name
		}
		return s
	}
	if rest, ok := itanium(s); ok {
		if name, _, ok := sourceName(rest); ok {
			return name
		}
		return s
	}
	// __stdcall and __fastcall: the size of the arguments follows the last "@".
	if i := strings.LastIndexByte(s, '@'); i > 0 && i < len(s)-1 && digits(s[i+1:]) == len(s)-i-1 {
		return s[:i]
	}
	return s
}

// scopes yields the namespaces and classes that enclose a C++ symbol. Types of
// its arguments and of its templates are not among them: who takes a vendor's
// type is not the vendor.
func scopes(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if base, ok := strings.CutPrefix(s, "?"); ok {
			microsoftScopes(base, yield)
		} else if rest, ok := itanium(s); ok {
			itaniumScopes(rest, yield)
		}
	}
}

// microsoftScopes: name@innermost@outermost@@type. Names of templates ("?$")
// have lists of their own in between and are left alone.
func microsoftScopes(s string, yield func(string) bool) {
	qualified, _, ok := strings.Cut(s, "@@")
	if !ok || strings.Contains(qualified, "?$") {
		return
	}
	parts := strings.Split(qualified, "@")
	for _, p := range parts[1:min(len(parts), maxScopes)] {
		if !yield(p) {
			return
		}
	}
}

// itaniumScopes: N [qualifiers] source-name+ E (Itanium C++ ABI 5.1.3).
func itaniumScopes(s string, yield func(string) bool) {
	for _, special := range []string{"TV", "TI", "TS", "TT", "GV", "GR"} {
		if rest, ok := strings.CutPrefix(s, special); ok {
			s = rest
			break
		}
	}
	s, ok := strings.CutPrefix(s, "N")
	if !ok {
		return
	}
	s = strings.TrimLeft(s, "rVKRO")
	for range maxScopes {
		name, rest, ok := sourceName(s)
		if !ok || strings.HasPrefix(rest, "E") { // the last one is the symbol, not its scope
			return
		}
		if !yield(name) {
			return
		}
		s = rest
	}
}

// itanium cuts the prefix of an Itanium mangled name.
func itanium(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "_Z"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "__Z")
}

// sourceName reads <length><identifier>.
func sourceName(s string) (name, rest string, ok bool) {
	n, i := 0, 0
	for ; i < len(s) && i < 4 && s[i] >= '0' && s[i] <= '9'; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if n == 0 || i+n > len(s) {
		return "", "", false
	}
	return s[i : i+n], s[i+n:], true
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
