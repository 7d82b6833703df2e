package store_test

import (
	"cmp"
	"slices"
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

func (m *model) see(run int64, key string, seen []store.Observation) (todo []string) {
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
		switch {
		case i.lastRun == run:
			i.runTags = union(i.runTags, g.Tags)
		case i.lastRun < run:
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

func (m *model) markMissing(run int64, repositories []string) {
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
