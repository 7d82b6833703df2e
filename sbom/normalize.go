package sbom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// Normalize brings the inventory into its one canonical form: references
// filled, equal entries merged, all lists sorted. Two inventories with the
// same facts are then equal byte for byte when encoded. It is idempotent.
// Bytes that no document can hold are escaped, see [CleanText].
func (inv *Inventory) Normalize() {
	inv.clean()
	for i := range inv.Components {
		inv.Components[i].normalize()
	}
	assignRefs(inv.Components)
	sortByRef(inv.Components)
	inv.Subject.Evidence = sortEvidence(inv.Subject.Evidence)
	slices.Sort(inv.Subject.Tags)
	inv.Tool.Detectors = sortedSet(inv.Tool.Detectors)
	inv.Tool.Watched = sortedSet(inv.Tool.Watched)
	slices.SortFunc(inv.Coverage.Gaps, compareGaps)
	inv.Coverage.Gaps = slices.Compact(inv.Coverage.Gaps)
}

// sortByRef moves each component at most once: they are large.
func sortByRef(cs []Component) {
	order := make([]int, len(cs))
	sorted := true
	for i := range cs {
		order[i] = i
		sorted = sorted && (i == 0 || cs[i-1].Ref <= cs[i].Ref)
	}
	if sorted {
		return
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(cs[a].Ref, cs[b].Ref), cmp.Compare(a, b)) })
	for start := range order {
		if order[start] == start {
			continue
		}
		first, i := cs[start], start
		for order[i] != start {
			cs[i] = cs[order[i]]
			i, order[i] = order[i], i
		}
		cs[i], order[i] = first, i
	}
}

func (c *Component) normalize() {
	slices.SortFunc(c.Occurrences, compareOccurrences)
	c.Occurrences = slices.Compact(c.Occurrences)
	c.Evidence = sortEvidence(c.Evidence)
	slices.SortFunc(c.Licenses, compareLicenses)
	c.Licenses = slices.Compact(c.Licenses)
	slices.SortFunc(c.Hashes, func(a, b Hash) int {
		return cmp.Or(cmp.Compare(a.Algorithm, b.Algorithm), cmp.Compare(a.Value, b.Value))
	})
	c.Hashes = slices.Compact(c.Hashes)
	slices.SortFunc(c.References, func(a, b Reference) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.URL, b.URL))
	})
	c.References = slices.Compact(c.References)
	slices.SortFunc(c.Properties, func(a, b Property) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	c.Properties = slices.Compact(c.Properties)
	c.CPEs = sortedSet(c.CPEs)
	c.Authors = sortedSet(c.Authors)
	c.DependsOn = sortedSet(c.DependsOn)
	c.Contains = sortedSet(c.Contains)
}

// assignRefs gives every component without a reference one that is derived
// from what it is and where it is, never from the order it was found in.
func assignRefs(cs []Component) {
	var open []int
	for i := range cs {
		if cs[i].Ref == "" {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return
	}
	taken := make(map[string]bool, len(cs))
	for i := range cs {
		if ref := cs[i].Ref; ref != "" {
			taken[ref] = true
		}
	}
	slices.SortFunc(open, func(a, b int) int { return cmp.Compare(identity(&cs[a]), identity(&cs[b])) })
	for _, i := range open {
		c := &cs[i]
		if c.PURL != "" && !taken[c.PURL] {
			c.Ref = c.PURL
		} else {
			sum := sha256.Sum256([]byte(identity(c)))
			for n := 16; ; n += 8 {
				c.Ref = string(c.Type) + ":" + hex.EncodeToString(sum[:])[:min(n, 64)]
				if !taken[c.Ref] || n > 64 {
					break
				}
			}
		}
		taken[c.Ref] = true
	}
}

// identity is all that tells one component from another.
func identity(c *Component) string {
	var b strings.Builder
	for _, s := range []string{string(c.Type), c.Group, c.Name, c.Version, c.PURL, c.FoundBy} {
		b.WriteString(s)
		b.WriteByte(0)
	}
	for _, o := range c.Occurrences {
		b.WriteString(o.Layer)
		b.WriteByte(0)
		b.WriteString(o.Path)
		b.WriteByte(0)
	}
	return b.String()
}

func sortEvidence(es []Evidence) []Evidence {
	for i := range es {
		es[i].Value = CleanValue(es[i].Value)
	}
	slices.SortFunc(es, func(a, b Evidence) int {
		return cmp.Or(
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Format, b.Format))
	})
	return slices.Compact(es)
}

// CleanValue returns s as an evidence value may hold it: valid UTF-8, without
// control characters, trimmed, at most [MaxValue] bytes.
func CleanValue(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		if r < 0x20 || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) <= MaxValue {
		return s
	}
	cut := MaxValue
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.TrimSpace(s[:cut])
}

func compareOccurrences(a, b Occurrence) int {
	h := 0
	if a.Hidden != b.Hidden {
		h = 1
		if b.Hidden {
			h = -1
		}
	}
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), h, cmp.Compare(a.Digest, b.Digest))
}

func compareLicenses(a, b License) int {
	d := 0
	if a.Declared != b.Declared {
		d = 1
		if a.Declared {
			d = -1
		}
	}
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Expression, b.Expression),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.URL, b.URL), d)
}

func compareGaps(a, b Gap) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer),
		cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail), cmp.Compare(a.Detector, b.Detector))
}

func sortedSet(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
