package denylist

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// matcher finds the patterns of one kind that a value matches. Looking up
// allocates nothing when nothing matches, for most values.
type matcher struct {
	names       prefilter // of the next four
	exact, fold map[string][]*pattern
	prefix      prefixes
	prefixFold  prefixes
	folders     folders
	elements    map[string][]*pattern // paths: by the first element, folded
	firsts      [256]bool             // first bytes of the keys of elements
	hosts       map[string][]*pattern
	images      map[string][]*pattern // by the last element, or "" for a prefix
	entities    map[string][]*pattern // by normal form
	anchors     map[uint64]bool       // hashes of one token of each entity
	anchorBits  [64]uint64            // of their first twelve bits
	form        sbom.NameForm
	hasEntity   bool
	libraries   bool // the values are names of libraries
	others      []other
}

type other struct {
	p  *pattern
	ok func(value string) bool
}

// prefixes finds which of its strings begin a value.
type prefixes struct {
	set     map[string][]*pattern
	lengths []int
}

func newMatcher() *matcher { return &matcher{} }

func put(m *map[string][]*pattern, key string, p *pattern) {
	if *m == nil {
		*m = map[string][]*pattern{}
	}
	(*m)[key] = append((*m)[key], p)
}

// add puts a pattern in, for evidence of kind k.
func (m *matcher) add(how Operator, k sbom.Kind, p *pattern) {
	v := p.value
	switch how {
	case Exact:
		put(&m.exact, v, p)
		m.names.addName(v)
	case ExactFold:
		put(&m.fold, strings.ToLower(v), p)
		m.names.addName(strings.ToLower(v))
		m.names.folds = true
	case Prefix, PrefixFold:
		m.addPrefix(how, k, p)
	case Elements:
		parts := strings.Split(strings.ToLower(strings.ReplaceAll(strings.Trim(v, `/\`), `\`, "/")), "/")
		put(&m.elements, parts[0], p)
		m.firsts[parts[0][0]] = true
	case Host:
		put(&m.hosts, strings.ToLower(v), p)
	case Image:
		last := strings.ToLower(v[strings.LastIndexByte(v, '/')+1:])
		if strings.HasSuffix(last, "*") {
			last = ""
		}
		put(&m.images, last, p)
	case Entity:
		m.hasEntity = true
		m.form = k.Info().Name
		put(&m.entities, normalizeEntity(v), p)
	case Suffix:
		low := strings.ToLower(v)
		m.others = append(m.others, other{p, func(s string) bool { return strings.HasSuffix(strings.ToLower(s), low) }})
	case Glob:
		m.others = append(m.others, other{p, globFold(v)})
	case Regex:
		m.others = append(m.others, other{p, m.expression(v)})
	case Subject:
		want := attributes(v)
		m.others = append(m.others, other{p, func(s string) bool { return hasAttributes(s, want) }})
	}
}

func (m *matcher) addPrefix(how Operator, k sbom.Kind, p *pattern) {
	isPath := k.Info().Is(sbom.IsPath)
	switch {
	case isPath && how == Prefix:
		m.folders.add(&m.folders.exact, strings.TrimSuffix(p.value, "/"), p)
	case isPath:
		m.folders.add(&m.folders.fold, strings.ToLower(strings.TrimSuffix(p.value, "/")), p)
	case how == Prefix:
		put(&m.prefix.set, p.value, p)
		m.names.addPrefix(p.value)
	default:
		put(&m.prefixFold.set, strings.ToLower(p.value), p)
		m.names.addPrefix(strings.ToLower(p.value))
		m.names.folds = true
	}
}

// expression makes a test for a regular expression, which looks first for what
// all that it matches have.
func (m *matcher) expression(expr string) func(string) bool {
	re, texts := anchored(expr), required(expr)
	if len(texts) == 0 {
		return re.MatchString
	}
	return func(s string) bool { return holdsAny(s, texts) && re.MatchString(s) }
}

func hasAttributes(dn string, want map[string]string) bool {
	have := attributes(dn)
	for k, v := range want {
		if !strings.EqualFold(have[k], v) {
			return false
		}
	}
	return true
}

func (m *matcher) finish() {
	for _, p := range []*prefixes{&m.prefix, &m.prefixFold} {
		lengths := map[int]bool{}
		for s := range p.set {
			lengths[len(s)] = true
		}
		for n := range lengths {
			p.lengths = append(p.lengths, n)
		}
		slices.Sort(p.lengths)
	}
	if m.hasEntity {
		m.anchors = map[uint64]bool{}
		for name := range m.entities {
			h := anchor(name)
			m.anchors[h] = true
			m.anchorBits[h>>58] |= 1 << (h >> 52 & 63)
		}
	}
}

// find appends to out every pattern that the value matches, in no certain order.
func (m *matcher) find(value string, out []*pattern) []*pattern {
	if m == nil || value == "" {
		return out
	}
	if m.names.may(value) {
		out = append(out, m.exact[value]...)
		out = m.prefix.find(value, out)
		if m.names.folds {
			var buf [128]byte
			low := lower(value, buf[:0])
			out = append(out, m.fold[string(low)]...)
			out = m.prefixFold.findBytes(low, out)
		}
	}
	if m.folders.fold != nil {
		var buf [128]byte
		out = m.folders.findFold(lower(value, buf[:0]), out)
	}
	if m.folders.exact != nil {
		out = m.folders.find(value, out)
	}
	if m.elements != nil {
		out = m.findElements(value, out)
	}
	if m.hosts != nil {
		out = m.findHost(value, out)
	}
	if m.images != nil {
		out = m.findImage(value, out)
	}
	if m.hasEntity && m.mayNameEntity(value) {
		out = m.findEntity(value, out)
	}
	for i := range m.others {
		if m.others[i].ok(value) {
			out = append(out, m.others[i].p)
		}
	}
	return out
}

// matches reports whether any pattern matches.
func (m *matcher) matches(value string) bool { return len(m.find(value, nil)) > 0 }

// find looks a fact up. Names of libraries are looked up without folder and
// without version as well: "@rpath/libacme.dylib", "libacme.so.1".
func (ix *index) find(k sbom.Kind, value string, out []*pattern) []*pattern {
	m := ix.kinds[k]
	if m == nil {
		return out
	}
	out = m.find(value, out)
	if m.libraries && len(out) == 0 {
		if name := plainLibrary(value); name != value {
			out = m.find(name, out)
		}
	}
	return out
}

// plainLibrary cuts folder and version from the name of a shared library.
func plainLibrary(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if i := strings.LastIndex(name, ".so."); i > 0 && strings.Trim(name[i+4:], "0123456789.") == "" {
		name = name[:i+3]
	}
	return name
}

func (p *prefixes) find(value string, out []*pattern) []*pattern {
	for _, n := range p.lengths {
		if n > len(value) {
			break
		}
		out = append(out, p.set[value[:n]]...)
	}
	return out
}

func (p *prefixes) findBytes(value []byte, out []*pattern) []*pattern {
	for _, n := range p.lengths {
		if n > len(value) {
			break
		}
		out = append(out, p.set[string(value[:n])]...)
	}
	return out
}

// folders finds which of its folders a path is, or is in.
type folders struct {
	exact, fold map[string][]*pattern // without final slash
	has         [256]bool             // the lengths that occur; the last stands for all longer ones
}

func (f *folders) add(set *map[string][]*pattern, key string, p *pattern) {
	put(set, key, p)
	f.has[min(len(key), len(f.has)-1)] = true
}

func (f *folders) find(value string, out []*pattern) []*pattern {
	for i := 1; i <= len(value); i++ {
		if (i == len(value) || value[i] == '/') && f.has[min(i, len(f.has)-1)] {
			out = append(out, f.exact[value[:i]]...)
		}
	}
	return out
}

func (f *folders) findFold(value []byte, out []*pattern) []*pattern {
	for i := 1; i <= len(value); i++ {
		if (i == len(value) || value[i] == '/') && f.has[min(i, len(f.has)-1)] {
			out = append(out, f.fold[string(value[:i])]...)
		}
	}
	return out
}

func (m *matcher) findElements(value string, out []*pattern) []*pattern {
	var buf [256]byte
	low := lower(value, buf[:0])
	for i, c := range low {
		if c == '\\' {
			low[i] = '/'
		}
	}
	for start := 0; start < len(low); {
		end := start
		for end < len(low) && low[end] != '/' {
			end++
		}
		if end > start && m.firsts[low[start]] {
			for _, p := range m.elements[string(low[start:end])] {
				if hasElements(string(low[start:]), p.value) {
					out = append(out, p)
				}
			}
		}
		start = end + 1
	}
	return out
}

// hasElements reports whether a folded, slash-separated path begins with the
// elements of a rule's value.
func hasElements(s, value string) bool {
	want := strings.ToLower(strings.ReplaceAll(strings.Trim(value, `/\`), `\`, "/"))
	return strings.HasPrefix(s, want) && (len(s) == len(want) || s[len(want)] == '/')
}

// lower appends s to buf with ASCII letters in lower case, and folds the rest
// only where there is some.
func lower(s string, buf []byte) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 0x80 {
			return append(buf[:0], strings.ToLower(s)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf = append(buf, c)
	}
	return buf
}
