package sbom

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// CleanText returns s as JSON and XML can both hold it: valid UTF-8 of
// characters that XML 1.0 allows (section 2.2). A byte or character that is
// not is written "\xHH" or "\u{H}", so that different names stay different.
func CleanText(s string) string {
	i := printable(s)
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	for j := i; ; {
		r, n := utf8.DecodeRuneInString(s[j:])
		if n == 0 {
			return s
		}
		if !writable(r, n) {
			i = j
			break
		}
		j += n
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case writable(r, n):
			b.WriteString(s[i : i+n])
		case r < 0x80 || n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		i += n
	}
	return b.String()
}

// printable returns the length of a first part of s in multiples of eight bytes
// that are printable ASCII, looked at eight at a time: nearly all texts are.
func printable(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// A byte with its top bit set; one below 0x20, which borrows; or 0x7f, which carries.
		if (w|(w-ones*0x20)|(w+ones))&tops != 0 {
			break
		}
	}
	return i
}

// writable is XML's Char, without the carriage return, which XML readers turn
// into a line feed, and without DEL.
func writable(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return false
	case r < 0x20:
		return r == '\t' || r == '\n'
	}
	return r != 0x7f && r != 0xfffe && r != 0xffff
}

func clean(texts ...*string) {
	for _, t := range texts {
		*t = CleanText(*t)
	}
}

// cleanName cleans a name of our own, which only a hostile document gets wrong.
func cleanName[T ~string](name *T) { *name = T(CleanText(string(*name))) }

func cleanAll(texts []string) {
	for i := range texts {
		texts[i] = CleanText(texts[i])
	}
}

func (inv *Inventory) clean() {
	s := &inv.Subject
	clean(&s.Name, &s.Digest, &s.ImageID, &s.IndexedBy, &s.Platform, &s.PURL, &inv.Foreign)
	cleanName(&s.Kind)
	cleanAll(s.Tags)
	clean(&inv.Tool.Name, &inv.Tool.Version)
	cleanAll(inv.Tool.Detectors)
	cleanAll(inv.Tool.Watched)
	for k, v := range s.Labels {
		if ck, cv := CleanText(k), CleanText(v); ck != k || cv != v {
			delete(s.Labels, k)
			s.Labels[ck] = cv
		}
	}
	cleanEvidence(s.Evidence)
	for i := range inv.Layers {
		l := &inv.Layers[i]
		clean(&l.DiffID, &l.Digest, &l.ChainID, &l.MediaType, &l.CreatedBy)
	}
	for i := range inv.Coverage.Gaps {
		g := &inv.Coverage.Gaps[i]
		clean(&g.Path, &g.Layer, &g.Detail, &g.Detector)
		cleanName(&g.Reason)
	}
	for i := range inv.Components {
		inv.Components[i].clean()
	}
}

func (c *Component) clean() {
	cleanName(&c.Type)
	cleanName(&c.Scope)
	clean(&c.Ref, &c.Group, &c.Name, &c.Version, &c.PURL, &c.Supplier, &c.Publisher, &c.Manufacturer,
		&c.Copyright, &c.Description, &c.FoundBy, &c.Language)
	cleanAll(c.CPEs)
	cleanAll(c.Authors)
	cleanAll(c.DependsOn)
	cleanAll(c.Contains)
	for i := range c.Licenses {
		l := &c.Licenses[i]
		clean(&l.ID, &l.Expression, &l.Name, &l.URL)
	}
	for i := range c.Hashes {
		clean(&c.Hashes[i].Algorithm, &c.Hashes[i].Value)
	}
	for i := range c.References {
		clean(&c.References[i].Type, &c.References[i].URL)
	}
	for i := range c.Properties {
		clean(&c.Properties[i].Name, &c.Properties[i].Value)
	}
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		clean(&o.Path, &o.Layer, &o.Digest)
	}
	cleanEvidence(c.Evidence)
}

func cleanEvidence(es []Evidence) {
	for i := range es {
		e := &es[i]
		cleanName(&e.Kind)
		cleanName(&e.Format)
		clean(&e.Path, &e.Layer, &e.Where, &e.Detector, &e.Group)
	}
}
