package denylist

import (
	"cmp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// assessment is what the evidence of one group says of one vendor.
type assessment struct {
	vendor     *Vendor
	proofs     []proof
	identity   Level // empty when nothing counts
	identifies Identifies
	makerOnly  bool // it is known who made it, not what it is
	otherMaker string
}

// proof is a Proof with what it counts for.
type proof struct {
	Match
	class   sbom.Class
	decides bool   // may count towards denied
	limit   string // why it counts for less than its rule says; empty when it does not
}

var strengthOrder = map[Strength]int{Decisive: 4, Strong: 3, Corroborating: 2, Weak: 1}

func atMost(s, limit Strength) Strength {
	if strengthOrder[s] > strengthOrder[limit] {
		return limit
	}
	return s
}

// assess applies the rules' conditions and the limits of each kind of evidence,
// and counts.
func assess(g *group, vendor string) *assessment {
	g.sort()
	w := &assessment{otherMaker: otherMaker(g, vendor)}
	sets := map[*compiledRule]map[int]bool{}
	for i := range g.matched {
		h := &g.matched[i]
		r := h.p.rule
		if r.vendor.ID != vendor {
			continue
		}
		w.vendor = r.vendor
		if h.p.element >= 0 && h.p.at != sbom.SymbolImport {
			if sets[r] == nil {
				sets[r] = map[int]bool{}
			}
			sets[r][h.p.element] = true
		}
	}
	for i := range g.matched {
		h := &g.matched[i]
		r := h.p.rule
		if r.vendor.ID != vendor || h.e.Count < r.Min && r.Kind == sbom.SymbolFamily && h.e.Kind != sbom.SymbolImport {
			continue
		}
		if h.p.element >= 0 && len(sets[r]) < r.needs || !g.allows(r) {
			continue
		}
		w.add(g, h)
	}
	w.count(g)
	return w
}

// sort puts evidence and matched into one order, whatever the inventory's.
func (g *group) sort() {
	if g.sorted {
		return
	}
	g.sorted = true
	slices.SortFunc(g.evidence, func(a, b *sbom.Evidence) int { return compareFacts(a, b) })
	slices.SortFunc(g.matched, func(a, b patternMatch) int {
		return cmp.Or(compareFacts(&a.e, &b.e), cmp.Compare(a.p.rule.ID, b.p.rule.ID),
			cmp.Compare(a.p.value, b.p.value), cmp.Compare(a.p.element, b.p.element))
	})
}

// has reports whether the group has evidence of a kind.
func (g *group) has(k sbom.Kind) bool {
	return slices.ContainsFunc(g.evidence, func(e *sbom.Evidence) bool { return e.Kind == k })
}

func compareFacts(a, b *sbom.Evidence) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareEvidence(*a, *b), cmp.Compare(a.Count, b.Count))
}

// add notes a proof. One fact is one proof, however many rules match it: the
// rule that proves most stands, and of equal ones the one that says most. So a
// SONAME is not a file name and an identity at once, and a maker that a
// detector has copied into the component's fields is not a second witness.
func (w *assessment) add(g *group, h *patternMatch) {
	p := capStrength(g, h, w.otherMaker)
	for i := range w.proofs {
		q := &w.proofs[i]
		if q.Value == p.Value && (q.Kind == p.Kind || q.isDuplicate() || p.isDuplicate()) {
			if p.stronger(q) {
				*q = p
			}
			return
		}
	}
	w.proofs = append(w.proofs, p)
}

// isDuplicate reports whether the proof may repeat another: what a file names as
// its maker stands in the component's fields too.
func (p *proof) isDuplicate() bool { return p.Kind == sbom.EntityName }

// stronger reports whether p is to stand in the place of q: the original for
// its echo, also when it proves less, else the one that proves more.
func (p *proof) stronger(q *proof) bool {
	if p.isDuplicate() != q.isDuplicate() {
		return q.isDuplicate()
	}
	rank := func(p *proof) int {
		n := strengthOrder[p.Strength] * 8
		if p.decides {
			n += 4
		}
		if p.Identifies != Maker {
			n += 2
		}
		if p.Detector != "" {
			n++
		}
		return n
	}
	return rank(p) > rank(q)
}

// capStrength makes the proof of a match. A rule says what its evidence proves at
// best; here it is lowered to what this kind of evidence, in this company, can
// prove.
func capStrength(g *group, h *patternMatch, otherMaker string) proof {
	r := h.p.rule
	p := proof{
		Match: Match{
			Evidence: h.e, Rule: h.p.id(), Strength: r.Strength, Identifies: r.Identifies,
			Source: strings.Join(r.Sources, " ; "), Verified: r.Verified,
		},
		class: h.e.Kind.Class(), decides: r.Verified,
	}
	lower := func(to Strength, why string) {
		if strengthOrder[p.Strength] > strengthOrder[to] {
			p.Strength, p.limit = to, why
		}
	}
	if r.Kind == sbom.EntityName {
		entityLimit(&p, g)
	}
	kindLimit(&p, g, h, lower)
	if r.Kind == sbom.Filename {
		nameLimit(&p, g, r, otherMaker, lower)
	}
	if otherMaker != "" && h.e.Kind == sbom.PEPDBPath {
		p.decides = false
	}
	if g.c != nil && g.c.Scope == sbom.Excluded {
		p.decides, p.limit = false, cmp.Or(p.limit, "it is declared, and was not seen installed")
	}
	if p.Identifies == Residue {
		p.decides = false
	}
	if p.Identifies == Data {
		lower(Weak, "a name in data")
	}
	return p
}

// kindLimit: what some kinds of evidence cannot show, whatever the rule says.
func kindLimit(p *proof, g *group, h *patternMatch, lower func(Strength, string)) {
	r := h.p.rule
	info := h.e.Kind.Info()
	if info.Trust == sbom.Claimed {
		lower(Strong, "the signature does not verify: it is a claim")
	}
	if info.Is(sbom.Imported) && r.Kind != info.Kind {
		lower(Corroborating, "it uses the vendor's code and does not hold it")
	}
	switch info.Kind {
	case sbom.CPEVendor:
		if g.c != nil && generated(h.e.Value, g.c) {
			lower(Weak, "the CPE's vendor may be made from the package's name")
		}
	case sbom.ComponentName:
		lower(Strong, "a name alone, without a package URL")
	case sbom.ModinfoAuthor:
		if g.has(sbom.ModinfoInTree) {
			lower(Corroborating, "a contributor to the kernel's own tree is not its vendor")
		}
	case sbom.X509Subject, sbom.PGPUserID:
		if r.Kind == sbom.EntityName {
			p.Identifies = Residue
		}
	case sbom.Autostart, sbom.CronCommand:
		if r.Kind == sbom.Path {
			lower(Corroborating, "it names the path; only a file there would be the product")
		}
	case sbom.Path:
		if isFolder(h.p) && g.c != nil {
			lower(Corroborating, "the folder says little of the single file")
		}
	}
}

// nameLimit: a name is the same source of knowledge wherever it stands, and a
// data file's name proves little.
func nameLimit(p *proof, g *group, r *compiledRule, otherMaker string, lower func(Strength, string)) {
	if p.Kind.Info().Is(sbom.Imported) {
		return
	}
	p.class = sbom.ClassName
	format := g.format()
	if format == sbom.FormatData || format == sbom.FormatSymlink || format == "" {
		p.decides = false
		if !slices.Contains(r.Requires.Formats, string(sbom.FormatData)) {
			lower(Weak, "the file is no program")
		}
	}
	if otherMaker != "" {
		lower(Corroborating, "the file says that "+otherMaker+" made it")
	}
}

// entityLimit: what the name of the maker proves depends on where it stands.
func entityLimit(p *proof, g *group) {
	if p.Strength == Weak {
		return
	}
	switch info := p.Kind.Info(); {
	case info.Trust == sbom.Verified:
		p.Strength = Decisive
	case info.Kind == sbom.X509Subject, info.Kind == sbom.PGPUserID:
		p.Strength, p.limit = atMost(p.Strength, Corroborating), "a certificate that lies there says nothing of who made the rest"
	default:
		p.Strength = atMost(p.Strength, Strong)
	}
}

// otherMaker returns the maker that a program names, when it is none of the
// vendor's names.
func otherMaker(g *group, vendor string) string {
	for i := range g.matched {
		if h := &g.matched[i]; h.p.rule.vendor.ID == vendor && h.e.Kind.Info().Is(sbom.StatesMaker) {
			return ""
		}
	}
	for _, e := range g.evidence {
		if e.Kind.Info().Is(sbom.StatesMaker) && strings.TrimSpace(e.Value) != "" {
			return e.Value
		}
	}
	return ""
}

// count decides the level, and what the thing is.
func (w *assessment) count(g *group) {
	var decisive, reviewable bool
	strong, some := map[sbom.Class]bool{}, map[sbom.Class]bool{}
	for i := range w.proofs {
		p := &w.proofs[i]
		n := strengthOrder[p.Strength]
		if n >= strengthOrder[Corroborating] {
			some[p.class] = true
		}
		if n >= strengthOrder[Strong] {
			reviewable = true
			if p.decides {
				strong[p.class] = true
				decisive = decisive || p.Strength == Decisive
			}
		}
	}
	switch {
	case len(w.proofs) == 0:
		return
	case decisive || len(strong) >= 2:
		w.identity = Denied
	case reviewable || len(some) >= 2:
		w.identity = Review
	default:
		w.identity = Mention
	}
	slices.SortFunc(w.proofs, compareProofs)
	w.identify(g)
}

func compareProofs(a, b proof) int {
	return cmp.Or(
		cmp.Compare(strengthOrder[b.Strength], strengthOrder[a.Strength]),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Where, b.Where))
}

// identify finds what the thing is: what the strongest proof says that says
// more than who made it. Of equal ones, the more special answer counts.
func (w *assessment) identify(g *group) {
	special := map[Identifies]int{Engine: 6, Driver: 5, OpenSource: 4, Product: 3, Residue: 2, Data: 1}
	var best *proof
	for i := range w.proofs {
		p := &w.proofs[i]
		if p.Identifies == Maker || p.Strength == Weak && best != nil {
			continue
		}
		if best == nil || cmp.Or(
			cmp.Compare(strengthOrder[p.Strength], strengthOrder[best.Strength]),
			cmp.Compare(special[p.Identifies], special[best.Identifies])) > 0 {
			best = p
		}
	}
	hasMaker := slices.ContainsFunc(w.proofs, func(p proof) bool { return p.Identifies == Maker && p.Strength != Weak })
	if best != nil && !(hasMaker && (best.Strength == Weak || best.Identifies == Residue || best.Identifies == Data)) {
		w.identifies = best.Identifies
		return
	}
	w.makerOnly, w.identifies = true, Product
	if g.c != nil && isRegistryPackage(g.c) {
		w.identifies = OpenSource
	}
}

// isRegistryPackage reports a package of a language's public registry.
func isRegistryPackage(c *sbom.Component) bool {
	typ, _, _ := sbom.SplitPURL(c.PURL)
	switch typ {
	case "npm", "pypi", "maven", "golang", "cargo", "gem", "nuget", "composer", "pub", "hex", "cocoapods", "swift", "cran", "conda":
		return true
	}
	return false
}

// published returns the proofs as they stand in a Finding.
func (w *assessment) published() []Match {
	ps := make([]Match, len(w.proofs))
	for i := range w.proofs {
		ps[i] = w.proofs[i].Match
	}
	return ps
}
