package denylist

import (
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// matcher finds the patterns of one kind that a value matches. Looking up
// allocates nothing when nothing matches, for most values.
type matcher struct {
	exact, fold map[string][]*pattern
	prefix      prefixes
	prefixFold  prefixes
	folders     map[string][]*pattern // paths: the folder or file, without final slash
	foldersFold map[string][]*pattern
	elements    map[string][]*pattern // paths: by the first element, folded
	hosts       map[string][]*pattern
	images      map[string][]*pattern // by the last element, or "" for a prefix
	entities    map[string][]*pattern // by normal form
	anchors     map[uint64]bool       // hashes of one token of each entity
	style       entityStyle
	hasEntity   bool
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
func (m *matcher) add(how Match, k sbom.Kind, p *pattern) {
	v := p.value
	switch how {
	case Exact:
		put(&m.exact, v, p)
	case ExactFold:
		put(&m.fold, strings.ToLower(v), p)
	case Prefix, PrefixFold:
		m.addPrefix(how, k, p)
	case Elements:
		parts := strings.Split(strings.ToLower(strings.ReplaceAll(strings.Trim(v, `/\`), `\`, "/")), "/")
		put(&m.elements, parts[0], p)
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
		m.style = entityKinds[k]
		put(&m.entities, normalizeEntity(v), p)
	case Suffix:
		low := strings.ToLower(v)
		m.others = append(m.others, other{p, func(s string) bool { return strings.HasSuffix(strings.ToLower(s), low) }})
	case Glob:
		low := strings.ToLower(v)
		m.others = append(m.others, other{p, func(s string) bool { ok, _ := path.Match(low, strings.ToLower(s)); return ok }})
	case Regex:
		m.others = append(m.others, other{p, anchored(v).MatchString})
	case Subject:
		want := attributes(v)
		m.others = append(m.others, other{p, func(s string) bool { return hasAttributes(s, want) }})
	}
}

func (m *matcher) addPrefix(how Match, k sbom.Kind, p *pattern) {
	switch {
	case k == sbom.Path && how == Prefix:
		put(&m.folders, strings.TrimSuffix(p.value, "/"), p)
	case k == sbom.Path:
		put(&m.foldersFold, strings.ToLower(strings.TrimSuffix(p.value, "/")), p)
	case how == Prefix:
		put(&m.prefix.set, p.value, p)
	default:
		put(&m.prefixFold.set, strings.ToLower(p.value), p)
	}
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
			m.anchors[anchor(name)] = true
		}
	}
}

// find calls yield for every pattern that the value matches, in no certain
// order, until yield returns false.
func (m *matcher) find(value string, yield func(*pattern) bool) bool {
	if m == nil || value == "" {
		return true
	}
	if !each(m.exact[value], yield) || !m.prefix.find(value, yield) {
		return false
	}
	if m.fold != nil || m.prefixFold.set != nil || m.foldersFold != nil {
		var buf [96]byte
		low := lower(value, buf[:0])
		if !each(m.fold[string(low)], yield) || !m.prefixFold.findBytes(low, yield) {
			return false
		}
		if m.foldersFold != nil && !findFolder(m.foldersFold, string(low), yield) {
			return false
		}
	}
	if m.folders != nil && !findFolder(m.folders, value, yield) {
		return false
	}
	if m.elements != nil && !m.findElements(value, yield) {
		return false
	}
	return m.findRare(value, yield)
}

func (m *matcher) findRare(value string, yield func(*pattern) bool) bool {
	if m.hosts != nil && !m.findHost(value, yield) {
		return false
	}
	if m.images != nil && !m.findImage(value, yield) {
		return false
	}
	if m.hasEntity && m.mayNameEntity(value) && !m.findEntity(value, yield) {
		return false
	}
	for _, o := range m.others {
		if o.ok(value) && !yield(o.p) {
			return false
		}
	}
	return true
}

func each(ps []*pattern, yield func(*pattern) bool) bool {
	for _, p := range ps {
		if !yield(p) {
			return false
		}
	}
	return true
}

func (p *prefixes) find(value string, yield func(*pattern) bool) bool {
	for _, n := range p.lengths {
		if n > len(value) {
			break
		}
		if !each(p.set[value[:n]], yield) {
			return false
		}
	}
	return true
}

func (p *prefixes) findBytes(value []byte, yield func(*pattern) bool) bool {
	for _, n := range p.lengths {
		if n > len(value) {
			break
		}
		if !each(p.set[string(value[:n])], yield) {
			return false
		}
	}
	return true
}

// findFolder finds the value itself and every folder above it.
func findFolder(set map[string][]*pattern, value string, yield func(*pattern) bool) bool {
	for i := 1; i < len(value); i++ {
		if value[i] == '/' && !each(set[value[:i]], yield) {
			return false
		}
	}
	return each(set[value], yield)
}

func (m *matcher) findElements(value string, yield func(*pattern) bool) bool {
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
		for _, p := range m.elements[string(low[start:end])] {
			if hasElements(string(low[start:]), p.value) && !yield(p) {
				return false
			}
		}
		start = end + 1
	}
	return true
}

// hasElements reports whether a folded, slash-separated path begins with the
// elements of a rule's value.
func hasElements(s, value string) bool {
	want := strings.ToLower(strings.ReplaceAll(strings.Trim(value, `/\`), `\`, "/"))
	return strings.HasPrefix(s, want) && (len(s) == len(want) || s[len(want)] == '/')
}

// findHost looks at a host, or at the host of an address.
func (m *matcher) findHost(value string, yield func(*pattern) bool) bool {
	host := hostOf(value)
	var buf [96]byte
	low := lower(host, buf[:0])
	for {
		if !each(m.hosts[string(low)], yield) {
			return false
		}
		i := slices.Index(low, '.')
		if i < 0 {
			return true
		}
		low = low[i+1:]
	}
}

// hostOf returns the host of an address without port, or s when it is none.
func hostOf(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else if user, rest, ok := strings.Cut(s, "@"); ok && !strings.ContainsAny(user, "/ ") {
		s = rest // git@host:path
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	return s
}

func (m *matcher) findImage(value string, yield func(*pattern) bool) bool {
	repo := strings.ToLower(repository(value))
	last := repo[strings.LastIndexByte(repo, '/')+1:]
	for _, key := range []string{last, ""} {
		for _, p := range m.images[key] {
			if matchImage(repo, strings.ToLower(p.value)) && !yield(p) {
				return false
			}
		}
	}
	return true
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

// registryOf returns the registry that an image reference names, or "".
func registryOf(ref string) string {
	if first, _, ok := strings.Cut(ref, "/"); ok && (first == "localhost" || strings.ContainsAny(first, ".:")) {
		return first
	}
	return ""
}

func (m *matcher) findEntity(value string, yield func(*pattern) bool) bool {
	for name := range entityNames(m.style, value) {
		if ps := m.entities[normalizeEntity(name)]; ps != nil && name != "" {
			return each(ps, yield)
		}
	}
	return true
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

// mayNameEntity reports whether the value can hold one of the names: whether
// one of its words is an anchor. Values with letters outside ASCII may.
func (m *matcher) mayNameEntity(value string) bool {
	h := uint64(fnvBasis)
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 0x80:
			return true
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		case c == '\'':
			continue
		default:
			if h != fnvBasis && m.anchors[h] {
				return true
			}
			h = fnvBasis
			continue
		}
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h != fnvBasis && m.anchors[h]
}

// FNV-1a, 64 bit.
const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// anchor is the hash of the longest token of a normal form.
func anchor(name string) uint64 {
	longest := ""
	for w := range strings.FieldsSeq(name) {
		if len(w) > len(longest) {
			longest = w
		}
	}
	h := uint64(fnvBasis)
	for i := range len(longest) {
		h = (h ^ uint64(longest[i])) * fnvPrime
	}
	return h
}
