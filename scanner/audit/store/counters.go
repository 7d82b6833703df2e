package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/interdict/interdict/denylist"
)

// manifest is a row of audit_manifest, as far as writing needs it.
type manifest struct {
	id        int64
	digest    string
	state     ImageState
	key       string
	failedRun int64
	outcome   denylist.Outcome

	findings, denied, review int64
}

// place is a row of audit_image, as far as writing needs it.
type place struct {
	id, repository, manifest int64
	digest                   string
	platform, team           string
	tags, runTags, workloads string // JSON
	firstSeen, firstRun      int64
	lastSeen, lastRun        int64
	gone                     int64
	runs                     []int64 // that saw it and have not ended
}

// cell is the key of audit_cell.
type cell struct {
	vendor, regime string
	gone           int64
	repository     int64
	team, platform string
	state          ImageState
	outcome        denylist.Outcome
}

// newCell is the key of audit_new: of cells, those that count all.
type newCell struct {
	run int64
	cell
}

// span is a count and when the first and the last of it were first seen.
type span struct {
	count
	first, last int64
}

// runCell is the key of audit_run_cell.
type runCell struct {
	run, repository int64
	state           ImageState
	outcome         denylist.Outcome
}

// count is what a cell counts.
type count struct {
	images, withDenied, withReview, onlyReview, withMention, findings, denied, review int64
}

func (c *count) add(d count, sign int64) {
	c.images += sign * d.images
	c.withDenied += sign * d.withDenied
	c.withReview += sign * d.withReview
	c.onlyReview += sign * d.onlyReview
	c.withMention += sign * d.withMention
	c.findings += sign * d.findings
	c.denied += sign * d.denied
	c.review += sign * d.review
}

// topic is what findings are counted by: a vendor, a regime, or both.
type topic struct{ vendor, regime string }

// topics counts the findings of one image by each topic, the empty one too,
// which counts the image itself.
func topics(fs []found) map[topic]count {
	levels := map[topic]*[3]int64{{}: {}}
	tell := func(t topic, r rank) {
		if levels[t] == nil {
			levels[t] = &[3]int64{}
		}
		levels[t][r]++
	}
	for i := range fs {
		f := &fs[i]
		tell(topic{}, f.rank)
		tell(topic{vendor: f.vendor}, f.rank)
		f.regimes(func(regime string, r rank) {
			tell(topic{regime: regime}, r)
			tell(topic{f.vendor, regime}, r)
		})
	}
	out := make(map[topic]count, len(levels))
	for t, n := range levels {
		c := count{images: 1, findings: n[0] + n[1] + n[2], denied: n[rankDenied], review: n[rankReview]}
		c.withDenied, c.withReview, c.withMention = min(n[rankDenied], 1), min(n[rankReview], 1), min(n[rankMention], 1)
		if c.withDenied == 0 {
			c.onlyReview = c.withReview
		}
		out[t] = c
	}
	return out
}

// sight is a finding in a repository: the key of audit_finding.
type sight struct {
	repository int64
	finding    string
}

// presence is how many images more or fewer of a repository have a finding.
type presence struct {
	n     int64
	image int64 // the last that lost it
	found found
}

// tally collects what a transaction changes of the counters: what was is taken
// off and what is is added, image by image. It is written once, sorted, so that
// transactions beside each other wait and do not block each other.
type tally struct {
	cells  map[cell]count
	fresh  map[newCell]span
	runs   map[runCell]count
	sights map[sight]presence
}

func newTally() *tally {
	return &tally{cells: map[cell]count{}, fresh: map[newCell]span{}, runs: map[runCell]count{}, sights: map[sight]presence{}}
}

// off takes an image off as it was, on adds it as it is.
func (y *tally) off(p *place, m *manifest, fs []found) { y.count(p, m, fs, -1) }
func (y *tally) on(p *place, m *manifest, fs []found)  { y.count(p, m, fs, 1) }

func (y *tally) count(p *place, m *manifest, fs []found, sign int64) {
	for t, n := range topics(fs) {
		k := cell{t.vendor, t.regime, min(p.gone, 1), p.repository, p.team, p.platform, m.state, m.outcome}
		c := y.cells[k]
		c.add(n, sign)
		y.cells[k] = c
		if t == (topic{}) {
			y.countNew(newCell{p.firstRun, k}, n, p.firstSeen, sign)
		}
	}
	if p.gone != 0 {
		return
	}
	for _, f := range fs {
		k := sight{p.repository, f.id}
		w := y.sights[k]
		w.n += sign
		if sign < 0 {
			w.image, w.found = p.id, f
		}
		y.sights[k] = w
	}
}

func (y *tally) countNew(k newCell, n count, first, sign int64) {
	c, ok := y.fresh[k]
	c.add(n, sign)
	if !ok {
		c.first, c.last = first, first
	}
	c.first, c.last = min(c.first, first), max(c.last, first)
	y.fresh[k] = c
}

// seen counts an image that runs saw as it is, or, with the sign -1, takes it
// off as it was.
func (y *tally) seen(runs []int64, p *place, m *manifest, sign int64) {
	for _, run := range runs {
		k := runCell{run, p.repository, m.state, m.outcome}
		c := y.runs[k]
		c.add(count{images: 1, findings: m.findings, denied: m.denied, review: m.review}, sign)
		y.runs[k] = c
	}
}

// write brings the counters up to date, as of a time and a run.
func (y *tally) write(ctx context.Context, t tx, at time.Time, run int64) error {
	if err := y.writeSights(ctx, t, at, run); err != nil {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(y.cells), compareCells)
	var rows [][]any
	for _, k := range keys {
		c := y.cells[k]
		if c == (count{}) {
			continue
		}
		rows = append(rows, []any{
			k.vendor, k.regime, k.gone, k.repository, k.team, k.platform, k.state, k.outcome,
			c.images, c.withDenied, c.withReview, c.onlyReview, c.withMention, c.findings, c.denied, c.review, micros(at),
		})
	}
	err := t.insert(ctx, `audit_cell (vendor, regime, gone, repository_id, team, platform, state, outcome,
		images, with_denied, with_review, only_review, with_mention, findings, denied, review, first_seen)`, 17, rows,
		"ON CONFLICT (vendor, regime, gone, repository_id, team, platform, state, outcome) DO UPDATE SET "+
			added("audit_cell", "images", "with_denied", "with_review", "only_review", "with_mention", "findings", "denied", "review"))
	if err != nil {
		return err
	}
	if err := y.writeNew(ctx, t); err != nil {
		return err
	}
	return y.writeRuns(ctx, t)
}

// added sets columns of a row that is there to their sums with the new values.
func added(table string, columns ...string) string {
	for i, c := range columns {
		columns[i] = fmt.Sprintf("%s = %s.%s + excluded.%s", c, table, c, c)
	}
	return strings.Join(columns, ", ")
}

func compareCells(a, b cell) int {
	return cmp.Or(cmp.Compare(a.vendor, b.vendor), cmp.Compare(a.regime, b.regime), cmp.Compare(a.gone, b.gone),
		cmp.Compare(a.repository, b.repository), cmp.Compare(a.team, b.team), cmp.Compare(a.platform, b.platform),
		cmp.Compare(a.state, b.state), cmp.Compare(a.outcome, b.outcome))
}
