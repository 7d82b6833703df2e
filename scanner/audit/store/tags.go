package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// sighted writes a observation into a row. What it does not say stays: another
// part of the listing, or an older run of another scope, may have said it.
func (l *looking) sighted(p *place, g *Observation) {
	if p.gone != 0 { // its tags were kept only to tell of it
		p.gone, p.tags, p.runTags = 0, "[]", "[]"
	}
	p.platform, p.team = cmp.Or(g.Platform, p.platform), cmp.Or(g.Team, p.team)
	for _, tag := range g.Tags {
		if !slices.Contains(list(p.tags), tag) {
			if l.tagged[p.repository] == nil {
				l.tagged[p.repository] = map[string]bool{}
			}
			l.tagged[p.repository][tag] = true
		}
	}
	workloads := g.Workloads
	switch {
	case p.lastRun < l.run:
		p.runTags = encode(g.Tags)
	case p.lastRun == l.run:
		p.runTags = encode(sortedSet(append(list(p.runTags), g.Tags...)))
		workloads = sortedSet(append(list(p.workloads), g.Workloads...))
	}
	p.tags = encode(sortedSet(append(list(p.tags), g.Tags...)))
	if len(workloads) > 0 || p.workloads == "" {
		p.workloads = encode(workloads)
	}
	p.lastSeen, p.lastRun = max(p.lastSeen, micros(l.at)), max(p.lastRun, l.run)
}

// list reads a list that was encoded; one that is not there is empty.
func list(text string) (out []string) {
	_ = decode(text, &out)
	return out
}

// moveTags takes the tags that images newly have from images that only older
// runs have seen.
func (l *looking) moveTags(ctx context.Context) error {
	for _, repository := range slices.Sorted(maps.Keys(l.tagged)) {
		var rest [][]any
		left := func(text string) string {
			return encode(nonNil(slices.DeleteFunc(list(text), func(tag string) bool { return l.tagged[repository][tag] })))
		}
		err := l.t.rows(ctx, "SELECT id, tags, run_tags FROM audit_image WHERE repository_id = ? AND gone = 0 AND last_run < ? AND tags <> '[]' ORDER BY id",
			[]any{repository, l.run}, func(scan func(...any) error) error {
				var id int64
				var tags, runTags string
				err := scan(&id, &tags, &runTags)
				if kept := left(tags); kept != tags {
					rest = append(rest, []any{kept, left(runTags), id})
				}
				return err
			})
		if err != nil {
			return err
		}
		for _, row := range rest {
			if err := l.t.exec(ctx, "UPDATE audit_image SET tags = ?, run_tags = ? WHERE id = ?", row...); err != nil {
				return err
			}
		}
	}
	return nil
}
