package denylist

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/interdict/interdict/sbom"
)

// findHost looks at a host, or at the host of an address.
func (m *matcher) findHost(value string, out []*pattern) []*pattern {
	var buf [128]byte
	low := lower(sbom.HostOf(value), buf[:0])
	for {
		out = append(out, m.hosts[string(low)]...)
		i := slices.Index(low, '.')
		if i < 0 {
			return out
		}
		low = low[i+1:]
	}
}

func (m *matcher) findImage(value string, out []*pattern) []*pattern {
	repo := strings.ToLower(repository(value))
	last := repo[strings.LastIndexByte(repo, '/')+1:]
	for _, key := range []string{last, ""} {
		for _, p := range m.images[key] {
			if matchImage(repo, strings.ToLower(p.value)) {
				out = append(out, p)
			}
		}
	}
	return out
}

// matchImage compares the last elements of a repository.
func matchImage(repo, want string) bool {
	n := strings.Count(want, "/") + 1
	parts := strings.Split(repo, "/")
	if len(parts) < n {
		return false
	}
	tail := strings.Join(parts[len(parts)-n:], "/")
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(tail, prefix)
	}
	return tail == want
}

// repository cuts registry, tag and digest from an image reference. The first
// element is a registry when it has a dot or a port, or is "localhost" (the
// rule of github.com/distribution/reference).
func repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	if first, rest, ok := strings.Cut(ref, "/"); ok && (first == "localhost" || strings.ContainsAny(first, ".:")) {
		return rest
	}
	return ref
}

func (m *matcher) findEntity(value string, out []*pattern) []*pattern {
	for name := range entityNames(m.form, value) {
		if ps := m.entities[normalizeEntity(name)]; ps != nil && name != "" {
			return append(out, ps...)
		}
	}
	return out
}

// globFold makes a test for a glob, which looks at its literal ends first.
func globFold(glob string) func(string) bool {
	glob = strings.ToLower(glob)
	head, tail := glob, glob
	if i := strings.IndexAny(glob, `*?[\`); i >= 0 {
		head = glob[:i]
	}
	if i := strings.LastIndexAny(glob, `*?]\`); i >= 0 {
		tail = glob[i+1:]
	}
	return func(s string) bool {
		if len(s) < max(len(head), len(tail)) || !strings.EqualFold(s[:len(head)], head) || !strings.EqualFold(s[len(s)-len(tail):], tail) {
			return false
		}
		ok, _ := path.Match(glob, strings.ToLower(s))
		return ok
	}
}

// mayNameEntity reports whether the value can hold one of the names: whether
// one of its words is an anchor. Values with letters outside ASCII may.
func (m *matcher) mayNameEntity(value string) bool {
	h := uint64(fnvBasis)
	for i := range len(value) {
		switch c := wordBytes[value[i]]; c {
		case notWord:
			if m.isAnchor(h) {
				return true
			}
			h = fnvBasis
		case apostrophe:
		case foreign:
			return true
		default:
			h = (h ^ uint64(c)) * fnvPrime
		}
	}
	return m.isAnchor(h)
}

// isAnchor reports whether h is the hash of an anchor. That of no word is none.
func (m *matcher) isAnchor(h uint64) bool {
	return m.anchorBits[h>>58]>>(h>>52&63)&1 == 1 && h != fnvBasis && m.anchors[h]
}

// What wordBytes has for bytes that are no letter or digit of ASCII.
const notWord, apostrophe, foreign = 0, 1, 2

// wordBytes are letters in lower case, and digits.
var wordBytes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = foreign
		case 'A' <= c && c <= 'Z':
			t[c] = uint8(c) + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[c] = uint8(c)
		case c == '\'':
			t[c] = apostrophe
		}
	}
	return t
}()

// FNV-1a, 64 bit.
const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// common are words of many names: no anchors, if there is another.
var common = tokenSet("group technology technologies lab labs security software device devices digital system systems international brands")

// anchor is the hash of the longest token of a normal form that is not common.
func anchor(name string) uint64 {
	longest := ""
	for w := range strings.FieldsSeq(name) {
		if legalForms[w] { // spelt in several ways: "corp" stands for "Corporation"
			continue
		}
		if longest == "" || common[longest] && !common[w] || len(w) > len(longest) && !common[w] {
			longest = w
		}
	}
	h := uint64(fnvBasis)
	for i := range len(longest) {
		h = (h ^ uint64(longest[i])) * fnvPrime
	}
	return h
}
