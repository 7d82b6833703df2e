package denylist

import (
	"fmt"
	"slices"
	"strings"
)

// maxQuote is how much of a value a sentence quotes, in characters.
const maxQuote = 80

// why says in a sentence how the evidence came to its level.
func (w *assessment) why() string {
	p := &w.proofs[0]
	switch {
	case w.identity == Denied && p.Strength == Decisive && p.decides:
		return fmt.Sprintf("%s is decisive for %s.", capital(p.fact()), w.vendor.Name)
	case w.identity == Denied:
		a, b := w.independent()
		return fmt.Sprintf("Two independent facts name %s: %s, and %s.", w.vendor.Name, a.fact(), b.fact())
	case w.identity == Review && strengthOrder[p.Strength] >= strengthOrder[Strong]:
		return fmt.Sprintf("%s points to %s, and nothing independent confirms it%s.", capital(p.fact()), w.vendor.Name, p.reservation())
	case w.identity == Review:
		return fmt.Sprintf("Several weak facts point to %s, among them %s.", w.vendor.Name, p.fact())
	}
	return fmt.Sprintf("%s names %s and proves nothing%s.", capital(p.fact()), w.vendor.Name, p.reservation())
}

// independent returns two strong proofs of different classes.
func (w *assessment) independent() (a, b *proof) {
	a = &w.proofs[0]
	for i := range w.proofs {
		p := &w.proofs[i]
		if !p.decides || strengthOrder[p.Strength] < strengthOrder[Strong] {
			continue
		}
		if !a.decides {
			a = p
		} else if p.class != a.class {
			return a, p
		}
	}
	return a, a
}

// reservation says why a proof is not worth more.
func (p *proof) reservation() string {
	switch {
	case p.limit != "":
		return ": " + p.limit
	case !p.Verified:
		return ": the rule was not checked against its source"
	case p.Identifies == Residue:
		return ": it is a trace, not the product"
	}
	return ""
}

// fact names a proof: `the signer "AO Kaspersky Lab"`.
func (p *proof) fact() string {
	s := fmt.Sprintf("%s %q", p.Kind.Info().Label, quote(p.Value))
	if p.Count > 1 {
		s += fmt.Sprintf(" (%d of them)", p.Count)
	}
	return s
}

func quote(s string) string {
	r := []rune(s)
	if len(r) > maxQuote {
		return string(r[:maxQuote-1]) + "…"
	}
	return s
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// change says which evidence would change the level.
func (w *assessment) change() string {
	p := &w.proofs[0]
	switch w.identity {
	case Denied:
		if p.Strength == Decisive && p.decides {
			n := slices.IndexFunc(w.proofs, func(q proof) bool { return !q.decides || q.Strength != Decisive })
			if n == 1 || len(w.proofs) == 1 {
				return fmt.Sprintf("Without %s it would not be denied by one fact alone.", p.fact())
			}
			return "Several facts decide, each alone."
		}
		a, b := w.independent()
		return fmt.Sprintf("Without either of %s and %s it would be for review.", a.fact(), b.fact())
	case Review:
		return "A verified signature of the vendor, or strong evidence of another kind in the same place, would make it denied; a maker that is known to be another would clear it."
	}
	return "Evidence of the product itself, such as a signature, an exported interface or a package of the vendor, would raise it."
}
