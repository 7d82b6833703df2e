package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/scan"
)

// NewRuleset makes the ruleset of a run: a list, which must not be changed any more, the
// policy to judge by, and the text of a file of waivers, which may be empty. A
// policy without a day has no day, and one whose regimes the list does not have
// is an error.
func NewRuleset(list *denylist.List, policy denylist.Policy, waivers []byte) (store.Ruleset, error) {
	l := store.Ruleset{List: list.ID(), AsOf: policy.AsOf, Parsed: list, Waivers: waivers, Policy: policy}
	regimes, problems := list.Select(policy)
	for _, p := range problems {
		if p.Severity == denylist.SeverityError {
			return store.Ruleset{}, fmt.Errorf("regime %s: %s", p.Where, p.Message)
		}
	}
	for _, r := range regimes {
		l.Regimes = append(l.Regimes, r.ID)
	}
	if _, err := parseWaivers(waivers); err != nil {
		return store.Ruleset{}, err
	}
	return l, nil
}

func parseWaivers(text []byte) ([]denylist.Waiver, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	return denylist.ParseWaivers(bytes.NewReader(text), "of the run")
}

// judge judges by one ruleset. It may be used by many goroutines.
type judge struct {
	list    *denylist.List
	policy  denylist.Policy
	regimes []denylist.Regime
	waivers []denylist.Waiver
	watch   *sbom.Watch
	tool    sbom.Tool
	print   string // the same for rulesets that judge alike
	key     string // of what is looked for by the list, see scan.Key
}

func newJudge(l store.Ruleset, tool sbom.Tool) (*judge, error) {
	list, err := l.Parsed, error(nil)
	if list == nil {
		if list, err = denylist.Parse(bytes.NewReader(l.Text), cmp.Or(l.List.Name, "list")); err != nil {
			return nil, fmt.Errorf("reading the run's list: %w", err)
		}
	}
	j := &judge{list: list, policy: l.Policy, watch: list.Watch(), tool: sbom.Tool{Name: tool.Name, Version: tool.Version}}
	j.policy.AsOf = l.AsOf
	j.key = scan.Key(scan.Options{Watch: j.watch})
	if j.waivers, err = parseWaivers(l.Waivers); err != nil {
		return nil, fmt.Errorf("reading the run's waivers: %w", err)
	}
	regimes, _ := list.Select(j.policy)
	for _, r := range regimes {
		j.regimes = append(j.regimes, *r)
	}
	j.print = j.fingerprint(l.Waivers)
	return j, nil
}

// fingerprint identifies what the verdicts depend on. The day is not in it, but
// how many of the days on which a law begins or ends have come: between two of them
// all days have the same laws.
func (j *judge) fingerprint(waivers []byte) string {
	turns := 0
	for _, day := range j.turns() {
		if !j.policy.AsOf.IsZero() && !j.policy.AsOf.Before(day) {
			turns++
		}
	}
	h := sha256.New()
	fmt.Fprintln(h, j.list.ID(), j.policy.Regimes, j.policy.AllEffects, j.policy.Mentions, j.policy.AsOf.IsZero(), turns)
	for _, w := range j.waivers {
		fmt.Fprintf(h, "%+v\n", w)
	}
	if len(j.waivers) == 0 {
		waivers = nil
	}
	h.Write(waivers)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// turns are the days from which other laws hold than on the day before, sorted.
func (j *judge) turns() []time.Time {
	var days []time.Time
	for _, r := range j.list.Regimes {
		days = append(days, r.Issued.Time, r.Effective.Time, r.Ends.Time)
		for _, v := range r.Vendors {
			days = append(days, v.From.Time)
		}
	}
	for _, w := range j.waivers {
		days = append(days, w.Expires.AddDate(0, 0, 1))
	}
	days = slices.DeleteFunc(days, time.Time.IsZero)
	slices.SortFunc(days, time.Time.Compare)
	return slices.CompactFunc(days, time.Time.Equal)
}

// verdict judges an inventory, and writes the report of this one target.
func (j *judge) verdict(target string, inv *sbom.Inventory) (denylist.Verdict, []byte, error) {
	v, uses := denylist.Waive(j.list.Judge(inv, j.policy), inv.Subject.Digest, j.waivers)
	r := &report.Report{
		SchemaVersion: report.SchemaVersion, Tool: j.tool, List: j.list.ID(), AsOf: j.policy.AsOf,
		Regimes: j.regimes, Created: inv.Created,
		Targets: []report.Target{{Target: target, Digest: inv.Subject.Digest, Platform: inv.Subject.Platform, Inventory: inv, Verdict: v}},
	}
	r.AddWaivers(uses)
	var text bytes.Buffer
	if err := report.Write(&text, report.JSON, r, report.Options{Mentions: j.policy.Mentions}); err != nil {
		return denylist.Verdict{}, nil, err
	}
	return v, text.Bytes(), nil
}

// rulesets keeps the rulesets of runs, each parsed once.
type rulesets struct {
	store *store.Store
	tool  sbom.Tool

	mu    sync.Mutex
	byRun map[int64]*judge
	byID  map[int64]*judge
	known map[string]*judge // by what is written of the ruleset
}

// of returns the judge of a run.
func (js *rulesets) of(ctx context.Context, run int64) (*judge, error) {
	return js.read(js.byRun, run, func() (store.Ruleset, error) {
		r, err := js.store.Run(ctx, run)
		return r.Ruleset, err
	})
}

// byRuleset returns the judge of a ruleset that the store has.
func (js *rulesets) byRuleset(ctx context.Context, id int64) (*judge, error) {
	return js.read(js.byID, id, func() (store.Ruleset, error) { return js.store.Ruleset(ctx, id) })
}

func (js *rulesets) read(known map[int64]*judge, id int64, fetch func() (store.Ruleset, error)) (*judge, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if j := known[id]; j != nil {
		return j, nil
	}
	l, err := fetch()
	if err != nil {
		return nil, &databaseError{fmt.Errorf("reading the run's ruleset: %w", err)}
	}
	j, err := js.add(l)
	if err == nil {
		known[id] = j
	}
	return j, err
}

// make returns the judge of a ruleset that no run has yet.
func (js *rulesets) make(l store.Ruleset) (*judge, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	return js.add(l)
}

func (js *rulesets) add(l store.Ruleset) (*judge, error) {
	h := sha256.New()
	fmt.Fprintln(h, l.AsOf, l.Policy.Regimes, l.Policy.AllEffects, l.Policy.Mentions, l.List, len(l.Waivers))
	h.Write(l.Waivers)
	if l.List.Digest == "" { // else it is that of the text's content
		h.Write(l.Text)
	}
	key := string(h.Sum(nil))
	j := js.known[key]
	if j == nil {
		var err error
		if j, err = newJudge(l, js.tool); err != nil {
			return nil, err
		}
		if len(js.known) >= 16 { // rulesets of old runs
			clear(js.known)
			clear(js.byRun)
			clear(js.byID)
		}
		js.known[key] = j
	}
	return j, nil
}

// judged tells whether an image has a result for the key, and whether that was
// judged by a ruleset that judges alike.
func (a *Audit) judged(ctx context.Context, digest, key string, j *judge) (known, alike bool, err error) {
	var had string
	var law int64
	err = a.persist(ctx, func() (err error) {
		had, law, err = a.store.Judged(ctx, digest)
		return err
	})
	if err != nil || had == "" || had != key {
		return false, false, err
	}
	by, err := a.rulesets.byRuleset(ctx, law)
	if err != nil {
		return false, false, err
	}
	return true, by.print == j.print, nil
}
