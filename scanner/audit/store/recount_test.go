package store_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// like is the glob of filters, by trying.
func like(glob, s string) bool {
	switch {
	case glob == "":
		return s == ""
	case glob[0] == '*':
		return like(glob[1:], s) || s != "" && like(glob, s[1:])
	}
	return s != "" && (glob[0] == '?' || glob[0] == s[0]) && like(glob[1:], s[1:])
}

func (m *model) selects(f *store.Filter, i *modelImage) bool {
	g := m.manifests[i.digest]
	var outcome denylist.Outcome
	if g.verdict != nil {
		outcome = g.verdict.Outcome
	}
	is := func(want, have string) bool { return want == "" || want == have }
	return (f.Repository == "" || like(f.Repository, i.repository)) && is(f.Digest, i.digest) && is(f.Team, i.team) &&
		is(f.Platform, i.platform) && is(string(f.State), string(g.state)) && is(string(f.Verdict), string(outcome)) && f.Gone != i.gone.IsZero()
}

// ruling is what a regime says, waivers applied; empty for nothing that decides.
func ruling(g *denylist.Finding, regime string) denylist.Level {
	for _, r := range g.Rulings {
		if r.Regime == regime && r.Waiver == nil && (r.Verdict == denylist.RulingDenied || r.Verdict == denylist.RulingReview) {
			return denylist.Level(r.Verdict)
		}
	}
	return ""
}

// levelUnder is the level of a finding under a regime, or its own for none.
func levelUnder(g *denylist.Finding, regime string) denylist.Level {
	if regime == "" {
		return g.Standing()
	}
	return ruling(g, regime)
}

// finds are the findings of an image that a filter selects.
func (m *model) finds(f *store.Filter, i *modelImage) (out []denylist.Finding) {
	g := m.manifests[i.digest]
	if g.verdict == nil {
		return nil
	}
	for _, d := range g.verdict.Findings {
		l := levelUnder(&d, f.Regime)
		if (f.Finding == "" || d.ID == f.Finding) && (f.Vendor == "" || d.Vendor == f.Vendor) && l != "" && (f.Level == "" || f.Level == l) {
			out = append(out, d)
		}
	}
	return out
}

func contains(s, text string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(text))
}

func (m *model) text(text string, i *modelImage, names ...string) bool {
	return text == "" || contains(i.repository, text) || contains(i.digest, text) ||
		slices.ContainsFunc(append(slices.Clone(i.tags), names...), func(s string) bool { return contains(s, text) })
}

// list is what Images gives.
func (m *model) list(f store.Filter) (out []*modelImage) {
	for _, i := range m.images {
		var names []string
		if v := m.manifests[i.digest].verdict; v != nil {
			for _, g := range v.Findings {
				names = append(names, g.Component.Name)
			}
		}
		asked := f.Vendor != "" || f.Regime != "" || f.Level != "" || f.Finding != ""
		if m.selects(&f, i) && m.text(f.Text, i, names...) && !i.firstSeen.Before(f.Since) && (f.NewIn == 0 || f.NewIn == i.firstRun) &&
			(!asked || len(m.finds(&f, i)) > 0) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *modelImage) int {
		return cmp.Or(strings.Compare(a.repository, b.repository), strings.Compare(a.digest, b.digest))
	})
	return out
}

func (m *model) totals(f store.Filter) (c store.Totals) {
	layers := map[string]bool{}
	for _, i := range m.list(f) {
		m.tell(&c, &f, i, layers)
	}
	if f == (store.Filter{}) {
		c.Layers = int64(len(layers))
	}
	return c
}

func (m *model) tell(c *store.Totals, f *store.Filter, i *modelImage, layers map[string]bool) {
	g := m.manifests[i.digest]
	c.Images++
	switch g.state {
	case store.Waiting:
		c.Waiting++
	case store.Failed:
		c.Failed++
	}
	for _, d := range g.layers {
		layers[d] = true
	}
	if g.verdict == nil {
		return
	}
	switch g.verdict.Outcome {
	case denylist.Pass:
		c.Pass++
	case denylist.Deny:
		c.Deny++
	case denylist.Incomplete:
		c.Incomplete++
	}
	for _, d := range m.finds(f, i) {
		c.Findings++
		switch levelUnder(&d, f.Regime) {
		case denylist.Denied:
			c.Denied++
		case denylist.Review:
			c.Review++
		}
	}
}

func (m *model) runTotals(run int64) (c store.Totals) {
	layers := map[string]bool{}
	for at := range m.runs[run].images {
		m.tell(&c, &store.Filter{}, m.images[at], layers)
	}
	c.Layers = int64(len(layers))
	for _, n := range m.runs[run].read {
		if c.Bytes += n; n > 0 {
			c.LayersRead++
		}
	}
	return c
}

// since is what Since and NewIn select. An image that got its result when it
// was gone brings its repository no finding.
func (m *model) since(s *modelSight, f *store.Filter) bool {
	if s == nil {
		return f.Since.IsZero() && f.NewIn == 0
	}
	return !s.first.Before(f.Since) && (f.NewIn == 0 || s.run == f.NewIn)
}

// by is what By gives, without titles and times.
func (m *model) by(what store.Group, f store.Filter) []store.Count {
	groups := map[string]*store.Count{}
	ofFindings := what == store.ByVendor || what == store.ByRegime
	images := f
	if ofFindings { // their own filters are of findings
		images = store.Filter{Repository: f.Repository, Digest: f.Digest, Team: f.Team, Verdict: f.Verdict, State: f.State, Platform: f.Platform, Gone: f.Gone}
	}
	for _, i := range m.list(images) {
		for name, g := range m.groups(what, f, i) {
			found := m.finds(&g, i)
			if ofFindings {
				found = slices.DeleteFunc(found, func(d denylist.Finding) bool {
					return !m.since(m.sights[[2]string{i.repository, d.ID}], &f) || !m.text(f.Text, i, d.Component.Name)
				})
				if len(found) == 0 {
					continue
				}
			}
			c := cmp.Or(groups[name], &store.Count{Name: name})
			groups[name] = c
			c.Images++
			c.Findings += int64(len(found))
			is := func(l denylist.Level) bool {
				return slices.ContainsFunc(found, func(d denylist.Finding) bool { return levelUnder(&d, g.Regime) == l })
			}
			switch {
			case is(denylist.Denied):
				c.Deny++
			case is(denylist.Review):
				c.Review++
			}
		}
	}
	var out []store.Count
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, *groups[name])
	}
	return out
}

// groups are the lines that an image may count in, each with its filter.
func (m *model) groups(what store.Group, f store.Filter, i *modelImage) map[string]store.Filter {
	names := map[string]store.Filter{}
	switch what {
	case store.ByRepository:
		names[i.repository] = f
	case store.ByTeam:
		names[i.team] = f
	case store.ByVendor:
		for _, v := range vendors {
			if g := f; f.Vendor == "" || f.Vendor == v {
				g.Vendor = v
				names[v] = g
			}
		}
	case store.ByRegime:
		for _, r := range regimes {
			if g := f; f.Regime == "" || f.Regime == r {
				g.Regime = r
				names[r] = g
			}
		}
	}
	return names
}
