package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// RecordImages writes down what the run's listing found: repositories, images and their
// tags, in one transaction. It may be called many times in a run, with parts
// of the listing; the platforms of one tag may come in different calls. It
// returns the digests, sorted, that the run must look at: those without a
// result for key, which become Waiting, and those that wait already. One that
// failed is to be looked at again, but not in the run in which it failed.
//
// Tags are added to those that an image has, and a tag leaves the other images
// that only older runs have seen. An image
// that was gone is there again, and first seen when it was.
func (s *Store) RecordImages(ctx context.Context, run int64, key string, seen []Observation) (todo []string, err error) {
	seen = united(seen)
	if len(seen) == 0 {
		return nil, nil
	}
	err = s.write(ctx, "writing what was seen", func(t tx) error {
		l := &looking{store: s, t: t, run: run, key: key, at: s.now(), tally: newTally(), todo: nil, tagged: map[int64]map[string]bool{}}
		var err error
		names := make([]string, len(seen))
		for i := range seen {
			names[i] = seen[i].Repository
		}
		if l.repositories, err = idsOf(ctx, t, "audit_repository", "name", names); err != nil {
			return err
		}
		for part := range slices.Chunk(seen, maxRows) {
			if err := l.see(ctx, part); err != nil {
				return err
			}
		}
		if err := l.moveTags(ctx); err != nil {
			return err
		}
		todo = sortedSet(l.todo)
		return l.tally.write(ctx, t, l.at, run)
	})
	return todo, err
}

// united sorts observations by digest, which is the order in which all
// transactions lock manifests, and makes one of those of the same image.
func united(seen []Observation) []Observation {
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(a, b Observation) int {
		return cmp.Or(strings.Compare(a.Digest, b.Digest), strings.Compare(a.Repository, b.Repository))
	})
	out := seen[:0]
	for _, g := range seen {
		if n := len(out) - 1; n >= 0 && out[n].Digest == g.Digest && out[n].Repository == g.Repository {
			o := &out[n]
			o.Tags, o.Workloads = append(slices.Clone(o.Tags), g.Tags...), append(slices.Clone(o.Workloads), g.Workloads...)
			o.Team, o.Platform = cmp.Or(o.Team, g.Team), cmp.Or(o.Platform, g.Platform)
			continue
		}
		out = append(out, g)
	}
	for i := range out {
		out[i].Tags, out[i].Workloads = sortedSet(out[i].Tags), sortedSet(out[i].Workloads)
	}
	return out
}

// sortedSet is a sorted copy without repetition; never nil.
func sortedSet(vs []string) []string {
	return nonNil(slices.Compact(slices.Sorted(slices.Values(vs))))
}

// looking is one call of RecordImages.
type looking struct {
	store        *Store
	t            tx
	run          int64
	key          string
	at           time.Time
	repositories map[string]int64
	tally        *tally
	todo         []string
	tagged       map[int64]map[string]bool // tags that images newly have, by repository
}

func (l *looking) see(ctx context.Context, seen []Observation) error {
	manifests, err := l.manifests(ctx, seen)
	if err != nil {
		return err
	}
	ids := make([]int64, 0, len(manifests))
	for _, m := range manifests {
		ids = append(ids, m.id)
	}
	slices.Sort(ids)
	places, err := l.store.places(ctx, l.t, ids)
	if err != nil {
		return err
	}
	// Those whose counters change, and what they looked like.
	before := map[int64]manifest{}
	var waits [][]any
	for _, m := range manifests {
		before[m.id] = *m
		if m.state == Failed && m.failedRun == l.run {
			continue
		}
		if m.state != Scanned || m.key != l.key {
			m.state = Waiting
			waits = append(waits, []any{l.run, m.id})
			l.todo = append(l.todo, m.digest)
		}
	}
	if err := l.wait(ctx, manifests, before, waits); err != nil {
		return err
	}
	return l.images(ctx, seen, manifests, before, places)
}

// manifests reads and locks the manifests that were seen, by digest, and makes
// those that are new.
func (l *looking) manifests(ctx context.Context, seen []Observation) (map[string]*manifest, error) {
	var digests []string
	for _, g := range seen {
		digests = append(digests, g.Digest)
	}
	digests = slices.Compact(digests)
	ms, err := l.store.manifests(ctx, l.t, digests)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, d := range digests {
		if ms[d] == nil {
			rows = append(rows, []any{d, Waiting})
		}
	}
	if len(rows) == 0 {
		return ms, nil
	}
	if err := l.t.insert(ctx, "audit_manifest (digest, state)", 2, rows, "ON CONFLICT DO NOTHING"); err != nil {
		return nil, err
	}
	return l.store.manifests(ctx, l.t, digests)
}

// wait makes manifests wait for the run.
func (l *looking) wait(ctx context.Context, ms map[string]*manifest, before map[int64]manifest, waits [][]any) error {
	var changed []int64
	for _, m := range ms {
		if m.state != before[m.id].state {
			changed = append(changed, m.id)
		}
	}
	if len(changed) > 0 {
		in, args := placeholders(changed)
		err := l.t.exec(ctx, "UPDATE audit_manifest SET state = 'waiting', error = '', attempts = 0 WHERE id IN "+in, args...)
		if err != nil {
			return err
		}
	}
	return l.t.insert(ctx, "audit_run_wait (run_id, manifest_id)", 2, waits, "ON CONFLICT DO NOTHING")
}

// images writes the images of one part of the listing.
func (l *looking) images(ctx context.Context, seen []Observation, ms map[string]*manifest, before map[int64]manifest, places map[int64][]*place) error {
	byID := map[int64]*manifest{}
	for _, m := range ms {
		byID[m.id] = m
	}
	// What images become; those of the same manifests elsewhere change too when
	// their manifest begins to wait.
	after := map[int64]place{}
	for _, ps := range places {
		for _, p := range ps {
			after[p.id] = *p
		}
	}
	var fresh []place
	var touched []int64
	for i := range seen {
		g := &seen[i]
		m, repository := ms[g.Digest], l.repositories[g.Repository]
		at := slices.IndexFunc(places[m.id], func(p *place) bool { return p.repository == repository })
		if at < 0 {
			p := place{repository: repository, manifest: m.id, digest: g.Digest, tags: "[]", runTags: "[]", firstSeen: micros(l.at), firstRun: l.run, runs: []int64{l.run}}
			l.sighted(&p, g)
			fresh = append(fresh, p)
			continue
		}
		p := after[places[m.id][at].id]
		l.sighted(&p, g)
		if !slices.Contains(p.runs, l.run) {
			p.runs = append(slices.Clone(p.runs), l.run)
		}
		after[p.id] = p
		touched = append(touched, p.id)
	}
	if err := l.recount(ctx, byID, before, places, after, fresh); err != nil {
		return err
	}
	if err := l.update(ctx, places, after, touched); err != nil {
		return err
	}
	ids, err := l.create(ctx, fresh)
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(seen))
	for _, id := range append(ids, touched...) {
		rows = append(rows, []any{l.run, id})
	}
	return l.t.insert(ctx, "audit_run_image (run_id, image_id)", 2, rows, "ON CONFLICT DO NOTHING")
}

// recount takes off and adds the images whose counters change.
func (l *looking) recount(ctx context.Context, ms map[int64]*manifest, before map[int64]manifest, places map[int64][]*place, after map[int64]place, fresh []place) error {
	moved := func(p *place) bool {
		q, m := after[p.id], ms[p.manifest]
		return p.team != q.team || p.platform != q.platform || p.gone != q.gone || before[p.manifest].state != m.state
	}
	need, back := map[int64]bool{}, map[int64]bool{}
	for id, ps := range places {
		for _, p := range ps {
			q := after[p.id]
			need[id] = need[id] || moved(p)
			back[id] = back[id] || p.gone != 0 && q.gone == 0
		}
	}
	for _, p := range fresh {
		need[p.manifest], back[p.manifest] = true, true
	}
	var judged []int64
	for id := range need {
		if need[id] && ms[id].outcome != "" {
			judged = append(judged, id)
		}
	}
	found, err := readFound(ctx, l.t, judged)
	if err != nil {
		return err
	}
	for id, ps := range places {
		was := before[id]
		for _, p := range ps {
			q := after[p.id]
			l.tally.seen(p.runs, p, &was, -1)
			l.tally.seen(q.runs, &q, ms[id], 1)
			if moved(p) {
				l.tally.off(p, &was, found[id])
				l.tally.on(&q, ms[id], found[id])
			}
		}
	}
	for i := range fresh {
		p, m := &fresh[i], ms[fresh[i].manifest]
		l.tally.on(p, m, found[p.manifest])
		l.tally.seen(p.runs, p, m, 1)
	}
	maps.DeleteFunc(back, func(_ int64, b bool) bool { return !b })
	return layersBack(ctx, l.t, slices.Collect(maps.Keys(back)))
}

// update writes the rows that were seen again.
func (l *looking) update(ctx context.Context, places map[int64][]*place, after map[int64]place, touched []int64) error {
	was := map[int64]*place{}
	for _, ps := range places {
		for _, p := range ps {
			was[p.id] = p
		}
	}
	var same []int64
	slices.Sort(touched)
	for _, id := range touched {
		p, q := was[id], after[id]
		if p.tags == q.tags && p.runTags == q.runTags && p.workloads == q.workloads && p.team == q.team && p.platform == q.platform && p.gone == q.gone {
			same = append(same, id)
			continue
		}
		err := l.t.exec(ctx, `UPDATE audit_image SET platform = ?, team = ?, tags = ?, run_tags = ?, workloads = ?,
			last_seen = ?, last_run = ?, gone = 0 WHERE id = ?`, q.platform, q.team, q.tags, q.runTags, q.workloads, q.lastSeen, q.lastRun, id)
		if err != nil {
			return err
		}
	}
	if len(same) == 0 {
		return nil
	}
	in, args := placeholders(same)
	return l.t.exec(ctx, `UPDATE audit_image SET last_seen = CASE WHEN last_seen < ? THEN ? ELSE last_seen END,
		last_run = CASE WHEN last_run < ? THEN ? ELSE last_run END WHERE id IN `+in,
		append([]any{micros(l.at), micros(l.at), l.run, l.run}, args...)...)
}

// create writes new rows and returns their ids.
func (l *looking) create(ctx context.Context, fresh []place) ([]int64, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	var rows [][]any
	var manifests []int64
	for _, p := range fresh {
		manifests = append(manifests, p.manifest)
		rows = append(rows, []any{
			p.repository, p.manifest, p.digest, p.platform, p.team, p.tags, p.runTags, p.workloads, p.firstSeen, p.firstRun, p.lastSeen, p.lastRun,
		})
	}
	err := l.t.insert(ctx, `audit_image (repository_id, manifest_id, digest, platform, team, tags, run_tags, workloads,
		first_seen, first_run, last_seen, last_run)`, 12, rows, "")
	if err != nil {
		return nil, err
	}
	places, err := l.store.places(ctx, l.t, slices.Compact(slices.Sorted(slices.Values(manifests))))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, p := range fresh {
		for _, q := range places[p.manifest] {
			if q.repository == p.repository {
				ids = append(ids, q.id)
			}
		}
	}
	return ids, nil
}
