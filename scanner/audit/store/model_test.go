package store_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// model is a store that knows nothing but the rules and counts everything anew
// each time.
type model struct {
	now       time.Time
	images    map[[2]string]*modelImage // by repository and digest
	manifests map[string]*modelManifest
	sights    map[[2]string]*modelSight // by repository and finding
	runs      map[int64]*modelRun
	firsts    map[string]time.Time // when what was first counted; see By
}

type modelImage struct {
	repository, digest, platform, team string
	tags, runTags                      []string
	firstSeen, lastSeen, gone          time.Time
	firstRun, lastRun                  int64
}

type modelManifest struct {
	state     store.ImageState
	key       string
	error     string
	attempts  int
	failedRun int64
	verdict   *denylist.Verdict
	layers    []string
}

type modelSight struct {
	first, gone time.Time
	run         int64
}

type modelRun struct {
	waits  map[string]bool // digests
	images map[[2]string]bool
	read   map[string]int64
}

func newModel() *model {
	return &model{
		now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), images: map[[2]string]*modelImage{}, manifests: map[string]*modelManifest{},
		sights: map[[2]string]*modelSight{}, runs: map[int64]*modelRun{}, firsts: map[string]time.Time{},
	}
}

func (m *model) begin(run int64) {
	m.runs[run] = &modelRun{map[string]bool{}, map[[2]string]bool{}, map[string]int64{}}
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func (m *model) see(run int64, key string, seen []store.Sighting) (todo []string) {
	moved := map[string][]string{}
	for _, g := range seen {
		f := m.manifests[g.Digest]
		if f == nil {
			f = &modelManifest{state: store.Waiting}
			m.manifests[g.Digest] = f
		}
		if (f.state != store.Failed || f.failedRun != run) && (f.state != store.Scanned || f.key != key) {
			if f.state != store.Waiting {
				f.state, f.error, f.attempts = store.Waiting, "", 0
			}
			m.runs[run].waits[g.Digest] = true
			todo = append(todo, g.Digest)
		}
		at := [2]string{g.Repository, g.Digest}
		i := m.images[at]
		if i == nil {
			i = &modelImage{repository: g.Repository, digest: g.Digest, firstSeen: m.now, firstRun: run}
			m.images[at] = i
		}
		if !i.gone.IsZero() {
			i.tags, i.runTags, i.gone = nil, nil, time.Time{}
		}
		i.platform, i.team = cmp.Or(g.Platform, i.platform), cmp.Or(g.Team, i.team)
		for _, tag := range g.Tags {
			if !slices.Contains(i.tags, tag) {
				moved[g.Repository] = append(moved[g.Repository], tag)
			}
		}
		if i.lastRun == run {
			i.runTags = union(i.runTags, g.Tags)
		} else {
			i.runTags = union(nil, g.Tags)
		}
		i.tags = union(i.tags, g.Tags)
		i.lastSeen, i.lastRun = m.now, max(i.lastRun, run)
		m.runs[run].images[at] = true
	}
	for _, i := range m.images {
		if i.gone.IsZero() && i.lastRun < run {
			stay := func(tags []string) []string {
				return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return slices.Contains(moved[i.repository], tag) })
			}
			i.tags, i.runTags = stay(i.tags), stay(i.runTags)
		}
	}
	m.settle(run)
	return union(nil, todo)
}

func (m *model) vanish(run int64, repositories []string) {
	for _, i := range m.images {
		if !slices.Contains(repositories, i.repository) {
			continue
		}
		if i.gone.IsZero() && i.lastRun < run {
			i.gone = m.now
		}
		if i.lastRun == run {
			i.tags = i.runTags
		}
	}
	m.settle(run)
}

func (m *model) unwait(digest string) {
	for _, r := range m.runs {
		delete(r.waits, digest)
	}
}

func (m *model) result(r store.Result) {
	f := m.manifests[r.Digest]
	f.state, f.key, f.error, f.verdict = store.Scanned, r.Key, "", &r.Verdict
	f.layers = nil
	for _, l := range r.Layers {
		f.layers = append(f.layers, l.DiffID)
		if n := m.runs[r.Run].read[l.DiffID]; l.Read {
			m.runs[r.Run].read[l.DiffID] = l.Size
		} else {
			m.runs[r.Run].read[l.DiffID] = n
		}
	}
	m.unwait(r.Digest)
	m.settle(r.Run)
}

func (m *model) failure(run int64, digest, reason string, attempt int, final bool) {
	f := m.manifests[digest]
	if f.state != store.Waiting {
		return
	}
	f.error, f.attempts = reason, attempt
	if final {
		f.state, f.failedRun = store.Failed, run
		m.unwait(digest)
	}
}

func (m *model) judged(run int64, digest string, v denylist.Verdict) {
	m.manifests[digest].verdict = &v
	m.settle(run)
}

// settle follows what repositories have.
func (m *model) settle(run int64) {
	has := map[[2]string]bool{}
	for _, i := range m.images {
		f := m.manifests[i.digest]
		if !i.gone.IsZero() || f.verdict == nil {
			continue
		}
		for _, g := range f.verdict.Findings {
			at := [2]string{i.repository, g.ID}
			has[at] = true
			if m.sights[at] == nil {
				m.sights[at] = &modelSight{first: m.now, run: run}
			}
			m.sights[at].gone = time.Time{}
		}
	}
	for at, s := range m.sights {
		if !has[at] && s.gone.IsZero() {
			s.gone = m.now
		}
	}
}

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
	if ofFindings {
		images = store.Filter{Repository: f.Repository, Digest: f.Digest, Team: f.Team, Verdict: f.Verdict, State: f.State, Platform: f.Platform, Gone: f.Gone}
	}
	for _, i := range m.list(images) {
		names := map[string]store.Filter{}
		switch what {
		case store.ByRepository:
			names[i.repository] = f
		case store.ByTeam:
			names[i.team] = f
		case store.ByVendor:
			for _, v := range vendors {
				if f.Vendor == "" || f.Vendor == v {
					g := f
					g.Vendor = v
					names[v] = g
				}
			}
		case store.ByRegime:
			for _, r := range regimes {
				if f.Regime == "" || f.Regime == r {
					g := f
					g.Regime = r
					names[r] = g
				}
			}
		}
		for name, g := range names {
			found := m.finds(&g, i)
			if ofFindings {
				found = slices.DeleteFunc(found, func(d denylist.Finding) bool {
					s := m.sights[[2]string{i.repository, d.ID}]
					return !m.since(s, &f) || !m.text(f.Text, i, d.Component.Name)
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
