package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// vendorGroup is a vendor with its findings, in the verdict's order.
type vendorGroup struct {
	ID, Name string
	Findings []*denylist.Finding
}

// groups sorts the findings that are to be shown by vendor, the worst first,
// and counts the mentions left out.
func (t *Target) groups(opt Options) (out []vendorGroup, left int) {
	at := make(map[string]int)
	for i := range t.Verdict.Findings {
		f := &t.Verdict.Findings[i]
		if nameOnly(f) && !opt.Mentions {
			left++
			continue
		}
		n, ok := at[f.Vendor]
		if !ok {
			n = len(out)
			at[f.Vendor] = n
			out = append(out, vendorGroup{ID: f.Vendor, Name: cmp.Or(f.VendorName, f.Vendor)})
		}
		out[n].Findings = append(out[n].Findings, f)
	}
	slices.SortStableFunc(out, func(a, b vendorGroup) int {
		return cmp.Or(cmp.Compare(rank(a.Findings[0]), rank(b.Findings[0])), cmp.Compare(a.Name, b.Name))
	})
	return out, left
}

// nameOnly reports whether the vendor's name occurs and nothing more.
func nameOnly(f *denylist.Finding) bool {
	return f.Level == denylist.Mention && (f.Identity == denylist.Mention || f.Identity == "")
}

// notBanned reports whether the vendor's software is there, and no regime that
// was asked bans it.
func notBanned(f *denylist.Finding) bool { return f.Level == denylist.Mention && !nameOnly(f) }

func rank(f *denylist.Finding) int {
	switch f.Standing() {
	case denylist.Denied:
		return 0
	case denylist.Review:
		return 1
	}
	if f.Waiver != nil {
		return 2
	}
	return 3
}

// tally counts findings by level.
type tally struct{ Denied, Review, Waived, NotBanned, Mentions int }

func (t *Target) tally() (n tally) {
	for i := range t.Verdict.Findings {
		switch f := &t.Verdict.Findings[i]; {
		case f.Waiver != nil:
			n.Waived++
		case f.Standing() == denylist.Denied:
			n.Denied++
		case f.Standing() == denylist.Review:
			n.Review++
		case notBanned(f):
			n.NotBanned++
		default:
			n.Mentions++
		}
	}
	return n
}

// String says the counts that are not zero: "1 denied, 2 to review".
func (n tally) String() string {
	var parts []string
	add := func(k int, what string) {
		if k > 0 {
			parts = append(parts, grouped(int64(k))+" "+what)
		}
	}
	add(n.Denied, "denied")
	add(n.Review, "to review")
	add(n.Waived, "waived")
	add(n.NotBanned, "not banned by the regimes asked")
	if n.Mentions == 1 {
		add(1, "mention")
	} else {
		add(n.Mentions, "mentions")
	}
	if parts == nil {
		return "nothing found"
	}
	return strings.Join(parts, ", ")
}

// levelWord is the level as a heading.
func levelWord(f *denylist.Finding) string {
	switch {
	case notBanned(f):
		return "NOT BANNED"
	case f.Waiver != nil:
		return "WAIVED"
	}
	return strings.ToUpper(string(f.Standing()))
}

// title names a component: name, version and what embeds it.
func title(f *denylist.Finding) string {
	s := visible(componentName(f.Component))
	if f.EmbeddedIn != nil {
		s += " inside " + visible(componentName(*f.EmbeddedIn))
	}
	return s
}

func componentName(c denylist.ComponentRef) string {
	name := cmp.Or(c.Name, c.PURL, c.Ref, "(unnamed)")
	if c.Version != "" {
		name += " " + c.Version
	}
	return name
}

// identifies puts Identifies in words.
func identifies(f *denylist.Finding) string {
	return map[denylist.Identifies]string{
		denylist.Product:    "the vendor's product",
		denylist.Engine:     "the vendor's engine",
		denylist.Driver:     "a driver of the vendor's product",
		denylist.OpenSource: "an open-source package by the vendor",
		denylist.Maker:      "made by the vendor",
		denylist.Residue:    "a trace of the vendor's product",
		denylist.Data:       "the vendor's name in data",
	}[f.Identifies]
}

// weighty are the gaps that make a verdict incomplete, before those that are
// noted only.
func (t *Target) weighty() (weigh, noted []sbom.Gap) {
	for _, g := range t.gaps() {
		if g.Reason == sbom.Malformed {
			noted = append(noted, g)
		} else {
			weigh = append(weigh, g)
		}
	}
	return weigh, noted
}

// layerOf describes a layer in short: "layer 2 of 5, 3f21c0de7b22".
func (t *Target) layerName(diffID string) string {
	if diffID == "" {
		return ""
	}
	if t.Inventory != nil {
		for i, l := range t.Inventory.Layers {
			if l.DiffID == diffID {
				return "layer " + grouped(int64(i+1)) + " of " + grouped(int64(len(t.Inventory.Layers))) + ", " + short(diffID)
			}
		}
	}
	return "layer " + short(diffID)
}

// sourceLayer returns the layer with the diffID, or nil.
func (t *Target) sourceLayer(diffID string) *sbom.Layer {
	if t.Inventory != nil && diffID != "" {
		for i := range t.Inventory.Layers {
			if t.Inventory.Layers[i].DiffID == diffID {
				return &t.Inventory.Layers[i]
			}
		}
	}
	return nil
}

// regime returns the regime with the ID, or nil.
func (r *Report) regime(id string) *denylist.Regime {
	for i := range r.Regimes {
		if r.Regimes[i].ID == id {
			return &r.Regimes[i]
		}
	}
	return nil
}

// fingerprints tell findings of one document apart. The target's name is no
// part of them, so that a finding is the same in the next release; the same
// finding of a second target or platform gets the next number.
type fingerprints map[string]int

func (n fingerprints) next(f *denylist.Finding) string {
	n[f.ID]++
	return fmt.Sprintf("%s:%d", f.ID, n[f.ID])
}
