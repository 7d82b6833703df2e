package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/interdict/interdict/denylist"
)

// maxPageGaps bounds the gaps that the page lists for one target.
const maxPageGaps = 1000

// pageTarget is one target of the page.
type pageTarget struct {
	Anchor, Name, Digest, Platform, Foreign, Error string
	ImageID, PURL                                  string
	Outcome                                        denylist.Outcome
	Tally, Meaning, Left, Coverage, MoreGaps       string
	Levels, Asked                                  []string
	Findings                                       []pageFinding
	Gaps                                           []pageGap
	Layers                                         []pageLayer
}

type pageFinding struct {
	ID, Anchor, Class, Word, LevelKey, Vendor, Title, What, MoreWhere, Regimes, Hidden, Why, Change string
	Rank, Places                                                                                    int
	Where                                                                                           []string
	Rulings                                                                                         []denylist.Ruling
	Proofs                                                                                          []denylist.Match
}

type pageGap struct{ Reason, Path, Layer, Detail string }

type pageLayer struct{ DiffID, Size, CreatedBy string }

func (t *Target) page(n int, opt Options) pageTarget {
	o := t.Outcome()
	p := pageTarget{
		Anchor: "target-" + strconv.Itoa(n+1), Name: t.Target, Digest: t.Digest, Platform: t.Platform, Error: t.Error,
		Outcome: o, Tally: t.tally().String(), Meaning: capital(meaning(o)) + ".", Asked: t.Verdict.Regimes,
	}
	if t.Error != "" {
		p.Tally, p.Meaning = "error", "It could not be looked at: "+visible(t.Error)
	}
	groups, left := t.groups(opt)
	levels := make(map[string]bool)
	for _, g := range groups {
		for _, f := range g.Findings {
			pf := t.pageFinding(n, f)
			levels[pf.LevelKey] = true
			p.Findings = append(p.Findings, pf)
		}
	}
	slices.SortStableFunc(p.Findings, func(a, b pageFinding) int { return cmp.Compare(a.Rank, b.Rank) })
	p.Levels = sortedKeys(levels)
	if left > 0 {
		p.Left = count(left, "mere mention") + " of a name not shown."
	}
	t.pageCoverage(&p)
	return p
}

func (t *Target) pageCoverage(p *pageTarget) {
	weigh, noted := t.weighty()
	if inv := t.Inventory; inv == nil {
		p.Coverage = "Nothing was looked at."
	} else {
		p.Foreign, p.ImageID, p.PURL = inv.Foreign, inv.Subject.ImageID, inv.Subject.PURL
		c := inv.Coverage
		p.Coverage = "The bill of materials does not state how many files were seen."
		if c.FilesSeen > 0 || inv.Foreign == "" {
			p.Coverage = fmt.Sprintf("%s seen (%s), %s read by a detector or cataloger.", count(c.FilesSeen, "file"), size(c.BytesSeen), grouped(c.FilesExamined))
		}
		for _, l := range inv.Layers {
			if l.DiffID != "" {
				p.Layers = append(p.Layers, pageLayer{l.DiffID, size(l.Size), l.CreatedBy})
			}
		}
	}
	if t.Inventory != nil && len(weigh) == 0 {
		p.Coverage += " Nothing was left out."
	}
	if len(noted) > 0 {
		p.Coverage += " " + capital(count(len(noted), "malformed file")) + " read as plain bytes."
	}
	for i, g := range weigh {
		if i == maxPageGaps {
			p.MoreGaps = "and " + grouped(int64(len(weigh)-i)) + " more; the json report has all."
			break
		}
		p.Gaps = append(p.Gaps, pageGap{string(g.Reason), g.Path, t.layerName(g.Layer), g.Detail})
	}
}

func (t *Target) pageFinding(n int, f *denylist.Finding) pageFinding {
	p := pageFinding{
		ID: f.ID, Anchor: findingAnchor(n, f), Class: visible(string(f.Level)), Word: levelWord(f), LevelKey: string(f.Level),
		Vendor: cmp.Or(f.VendorName, f.Vendor), Title: title(f), What: identifies(f), Why: f.Why, Change: f.Change,
		Rank: rank(f), Places: len(f.Occurrences), Rulings: f.Rulings, Proofs: f.Matches, Hidden: "visible",
	}
	switch {
	case notBanned(f):
		p.LevelKey = "not-banned"
	case f.Waiver != nil:
		p.LevelKey, p.Class = "waived", "waived"
		p.What = strings.TrimPrefix(p.What+"; "+string(f.Level)+", "+waived(f.Waiver), "; ")
	default:
		p.LevelKey, p.Class = string(f.Standing()), visible(string(f.Standing()))
	}
	if f.Hidden() {
		p.Hidden = "hidden"
		p.What = strings.TrimPrefix(p.What+"; hidden by a later layer, but it ships", "; ")
	}
	p.Regimes = visible(strings.Join(each(f.Rulings, func(r denylist.Ruling) string { return r.Regime }), " "))
	for i, o := range f.Occurrences {
		if i == maxRows {
			p.MoreWhere = "and " + count(len(f.Occurrences)-i, "more place")
			break
		}
		p.Where = append(p.Where, place(t, o))
	}
	return p
}

func findingAnchor(target int, f *denylist.Finding) string {
	return "finding-" + strconv.Itoa(target+1) + "-" + anchor(f.ID)
}

// anchor keeps what may stand in an id attribute and a fragment.
func anchor(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, s)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
