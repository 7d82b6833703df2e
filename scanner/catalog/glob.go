package catalog

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// shape says how the last element of a pattern narrows the names it can match.
type shape uint8

const (
	shapeName   shape = iota // a literal name: "**/package.json"
	shapeSuffix              // a star and a literal: "**/*.jar"
	shapePrefix              // a literal and a star: "**/vmlinuz-*"
	shapeAny                 // everything else
)

// alternative is one way to satisfy a pattern once its braces are written out.
type alternative struct {
	pattern string
	shape   shape
	text    string // the literal part of the last element
	need    string // what a path must contain to match, or empty
	anyDir  bool   // it is "**/" and a last element: the folder does not matter
}

// compileGlob reads a doublestar pattern once, so that most names are refused by a
// map look-up and never meet the general matcher.
func compileGlob(pattern string) []alternative {
	var alts []alternative
	for _, p := range expandBraces(pattern) {
		dir, last := "", p
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			dir, last = p[:i], p[i+1:]
		}
		a := alternative{pattern: p, shape: shapeAny, anyDir: dir == "**"}
		switch {
		case !hasMeta(last):
			a.shape, a.text = shapeName, last
		case last[0] == '*' && len(last) > 1 && !hasMeta(last[1:]):
			a.shape, a.text = shapeSuffix, last[1:]
		case last[len(last)-1] == '*' && !hasMeta(last[:len(last)-1]) && len(last) > 1:
			a.shape, a.text = shapePrefix, last[:len(last)-1]
		}
		if strings.ContainsRune(a.text, utf8.RuneError) { // doublestar takes all bad bytes for equal
			a.shape, a.text = shapeAny, ""
		}
		if a.shape == shapeAny {
			a.anyDir = false // the last element needs the general matcher
		}
		a.need = needed(p)
		alts = append(alts, a)
	}
	return alts
}

// needed returns the longest text that any path must contain which matches the
// pattern: a literal element with its slashes, or the literal begin or end of one.
func needed(p string) (best string) {
	if strings.Contains(p, "{") {
		return "" // a slash in braces is none of its own
	}
	elements := strings.Split(p, "/")
	for n := len(elements); n > 0 && elements[n-1] == "**"; n-- {
		// "a/**" matches "a" too, which has no slash after it
		elements = elements[:n-1]
	}
	for i, e := range elements {
		lead, trail := e, ""
		if j := strings.IndexAny(e, `*?[{\`); j >= 0 {
			lead = e[:j]
			if k := strings.LastIndexAny(e, "*?]}"); k >= j && !strings.ContainsAny(e, `\[`) {
				trail = e[k+1:]
			}
		}
		if i > 0 && lead != "" {
			lead = "/" + lead // the first element of a relative pattern has none
		}
		if i < len(elements)-1 && hasMeta(e) && trail != "" {
			trail += "/"
		} else if i < len(elements)-1 && lead != "" && !hasMeta(e) {
			lead += "/"
		}
		for _, s := range []string{lead, trail} {
			if len(s) > len(best) && !strings.ContainsRune(s, utf8.RuneError) {
				best = s
			}
		}
	}
	return best
}

func hasMeta(s string) bool { return strings.ContainsAny(s, `*?[]{}\`) }

// expandBraces writes out one pattern for each choice in braces. A pattern with
// escapes, classes or unbalanced braces is left as it is.
func expandBraces(p string) []string {
	open := strings.IndexByte(p, '{')
	if open < 0 || strings.ContainsAny(p, `\[`) {
		return []string{p}
	}
	depth, start := 0, open+1
	var choices []string
	for i := open; i < len(p); i++ {
		switch p[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				choices = append(choices, p[start:i])
				start = i + 1
			}
		case '}':
			if depth--; depth > 0 {
				continue
			}
			choices = append(choices, p[start:i])
			var out []string
			for _, c := range choices {
				for _, rest := range expandBraces(p[i+1:]) {
					out = append(out, expandBraces(p[:open]+c+rest)...)
				}
			}
			return out
		}
	}
	return []string{p}
}

// matchAt reports whether the alternative matches a path whose last element
// starts at base.
func (a *alternative) matchAt(path string, base int) bool {
	name := path[base:]
	switch a.shape {
	case shapeName:
		if name != a.text {
			return false
		}
	case shapeSuffix:
		if !strings.HasSuffix(name, a.text) {
			return false
		}
	case shapePrefix:
		if !strings.HasPrefix(name, a.text) {
			return false
		}
	}
	if a.anyDir {
		return true
	}
	if a.need != "" && !strings.Contains(path, a.need) {
		return false
	}
	ok, err := doublestar.Match(a.pattern, path)
	return ok && err == nil
}

func matchAny(alts []alternative, path string) bool {
	base := strings.LastIndexByte(path, '/') + 1
	for i := range alts {
		if alts[i].matchAt(path, base) {
			return true
		}
	}
	return false
}

// globSet matches a path against many patterns at once. It is not changed once
// it is made, and may be shared by goroutines.
type globSet struct {
	patterns []string
	byName   map[string][]globRef
	bySuffix map[string][]globRef // keyed by the part from the last dot
	others   []globRef
}

type globRef struct {
	id int
	alternative
}

func newGlobSet(patterns []string) *globSet {
	s := &globSet{patterns: patterns, byName: map[string][]globRef{}, bySuffix: map[string][]globRef{}}
	for id, p := range patterns {
		for _, a := range compileGlob(p) {
			ref := globRef{id, a}
			dot := strings.LastIndexByte(a.text, '.')
			switch {
			case a.shape == shapeName:
				s.byName[a.text] = append(s.byName[a.text], ref)
			case a.shape == shapeSuffix && dot >= 0:
				s.bySuffix[a.text[dot:]] = append(s.bySuffix[a.text[dot:]], ref)
			default:
				s.others = append(s.others, ref)
			}
		}
	}
	return s
}

// match calls fn with the position of each pattern that matches, each once.
func (s *globSet) match(path string, fn func(id int)) {
	base := strings.LastIndexByte(path, '/') + 1
	name := path[base:]
	var hit []int
	try := func(refs []globRef) {
		for i := range refs {
			if refs[i].matchAt(path, base) && !slices.Contains(hit, refs[i].id) {
				hit = append(hit, refs[i].id)
				fn(refs[i].id)
			}
		}
	}
	try(s.byName[name])
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		try(s.bySuffix[name[dot:]])
	}
	try(s.others)
}

// matches reports whether any pattern matches.
func (s *globSet) matches(path string) bool {
	found := false
	s.match(path, func(int) { found = true })
	return found
}
