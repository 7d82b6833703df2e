package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
)

// PlanOptions say what to audit, and by which ruleset. Scope and Law must be set.
type PlanOptions struct {
	Scope   []listing.Scope
	Filter  listing.Filter
	Teams   []Team // the first that matches counts
	Ruleset store.Ruleset
	// Kind is store.Auditing if empty.
	Kind store.RunKind
	// Rate is how many requests a second each registry may be asked by all
	// workers together; zero means as many as it takes.
	Rate    float64
	Observe func(Event)
}

// Team says whose the repositories are that a glob matches: "host/path", with
// "**" for any number of folders.
type Team struct {
	Glob string
	Name string
}

// Plan begins a run: it lists the images of the scope, and queues those that
// were not looked at yet, or not for what the run's list looks for. It returns
// when all are queued. Parts of the scope that cannot be listed are the run's
// Problems and no error. An error after the run began leaves it Stopped, with
// the reason; what was queued till then stays so.
func (a *Audit) Plan(ctx context.Context, opt PlanOptions) (store.Run, error) {
	for _, t := range opt.Teams {
		if !doublestar.ValidatePattern(t.Glob) {
			return store.Run{}, fmt.Errorf("%q is no pattern of repositories", t.Glob)
		}
	}
	j, err := a.rulesets.make(opt.Ruleset)
	if err != nil {
		return store.Run{}, err
	}
	a.limits.setRate(opt.Rate)
	run := store.Run{Kind: opt.Kind, State: store.Planning, Started: a.opt.Now(), Ruleset: opt.Ruleset, Method: method}
	if run.Kind == "" {
		run.Kind = store.Auditing
	}
	for _, s := range opt.Scope {
		run.Scope = append(run.Scope, s.String())
	}
	run.Covers = covers(opt.Scope)
	if run, err = a.store.BeginRun(ctx, run); err != nil {
		return store.Run{}, fmt.Errorf("beginning a run: %w", err)
	}
	forget, err := a.keep(ctx, run.ID)
	if err != nil {
		return store.Run{}, err
	}
	defer forget()
	p := &plan{a: a, opt: opt, run: run.ID, judge: j, key: j.key, listed: map[string]bool{}, kept: time.Now()}
	problems, err := p.list(ctx)
	return p.finish(ctx, problems, err)
}

// method is how images were found and looked at, for reports.
const method = "Images were listed by asking their registries. Of each distinct manifest every layer was read, " +
	"also what later layers hide; files were recognised by their contents, metadata, signatures and packages, not by their names alone."

// plan is one Plan.
type plan struct {
	a      *Audit
	opt    PlanOptions
	run    int64
	judge  *judge
	key    string
	listed map[string]bool

	// What was listed and is not kept yet.
	pending []listing.Repository
	images  int // of these
	kept    time.Time
}

// list lists the scope and queues what is new.
func (p *plan) list(ctx context.Context) ([]store.Problem, error) {
	k := p.a.knowledge()
	result, err := listing.List(ctx, p.a.client, p.opt.Scope, listing.Options{Filter: p.opt.Filter, Learned: k.learned,
		Known: func(digests []string) map[string][]listing.Image { return k.known(ctx, digests) }},
		func(r listing.Repository) error { return p.repository(ctx, r) })
	if err == nil {
		err = p.keep(ctx)
	}
	var problems []store.Problem
	for _, f := range result.Problems {
		problems = append(problems, store.Problem{What: f.What, Reason: reason(f), Absent: f.Absent})
	}
	if err != nil {
		return problems, err
	}
	if err := p.markMissing(ctx, &result); err != nil {
		return problems, err
	}
	if p.opt.Kind != store.Notified {
		if err := p.a.persist(ctx, func() error {
			return p.a.store.RepositoriesListed(ctx, slices.Sorted(maps.Keys(p.listed)))
		}); err != nil {
			return problems, err
		}
	}
	return problems, p.rejudgeOutdated(ctx)
}

// reason is why something was not listed, and what to do about it.
func reason(p listing.Problem) string {
	if p.Hint == "" {
		return p.Reason
	}
	return p.Reason + " (" + p.Hint + ")"
}

// keepEvery is for how long what was listed waits for more, to be kept with it
// in one transaction.
const keepEvery = 250 * time.Millisecond

// repository takes what was seen of one repository.
func (p *plan) repository(ctx context.Context, r listing.Repository) error {
	p.pending = append(p.pending, r)
	p.images += len(r.Images)
	if p.images < insertBatch && time.Since(p.kept) < keepEvery {
		return nil
	}
	return p.keep(ctx)
}

// keep writes down what was seen of the repositories, and queues what is new.
func (p *plan) keep(ctx context.Context) error {
	var seen []store.Observation
	var whole []string
	for _, r := range p.pending {
		team, err := p.team(ctx, r.Name)
		if err != nil {
			return err
		}
		for _, i := range r.Images {
			seen = append(seen, store.Observation{Repository: r.Name, Digest: i.Digest, Platform: i.Platform,
				Tags: i.Tags, Team: team, Workloads: i.Workloads})
		}
		if r.Complete && !r.Narrowed {
			whole = append(whole, r.Name)
		}
	}
	for batch := range slices.Chunk(seen, insertBatch) {
		if err := p.see(ctx, batch); err != nil {
			return err
		}
	}
	for i := range p.pending {
		r := &p.pending[i]
		if err := p.markTags(ctx, r); err != nil {
			return err
		}
		p.listed[r.Name] = true
		p.opt.observe(Event{Kind: Listed, Repository: r.Name, N: int64(len(r.Images))})
	}
	p.pending, p.images, p.kept = nil, 0, time.Now()
	if len(whole) == 0 {
		return nil
	}
	return p.a.persist(ctx, func() error { return p.a.store.MarkMissing(ctx, p.run, whole) })
}

// see writes down images, and queues those that are new, one repository after
// another.
func (p *plan) see(ctx context.Context, seen []store.Observation) error {
	var todo []string
	err := p.a.persist(ctx, func() (err error) {
		todo, err = p.a.store.RecordImages(ctx, p.run, p.key, seen)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping what is in %s: %w", seen[0].Repository, err)
	}
	waits := map[string]bool{}
	for _, d := range todo {
		waits[d] = true
	}
	for len(seen) > 0 && len(waits) > 0 {
		repository := seen[0].Repository
		n := slices.IndexFunc(seen, func(g store.Observation) bool { return g.Repository != repository })
		if n < 0 {
			n = len(seen)
		}
		var digests []string
		for _, g := range seen[:n] {
			if waits[g.Digest] {
				digests = append(digests, g.Digest)
				delete(waits, g.Digest)
			}
		}
		slices.Sort(digests)
		if err := p.a.enqueue(ctx, p.run, p.key, p.judge, digests); err != nil {
			return err
		}
		seen = seen[n:]
	}
	return nil
}

// markTags takes the tags that a repository has no more from its images, where
// not all of it was listed: a filter chose, a tag could not be read, or only some
// were asked for.
func (p *plan) markTags(ctx context.Context, r *listing.Repository) error {
	if r.Complete && !r.Narrowed || !r.TagsListed && len(r.AbsentTags) == 0 {
		return nil
	}
	kept := func(tag string) bool { return !slices.Contains(r.AbsentTags, tag) }
	if r.TagsListed {
		tags := make(map[string]bool, len(r.Tags))
		for _, t := range r.Tags {
			tags[t] = true
		}
		kept = func(tag string) bool { return tags[tag] }
	}
	return p.a.persist(ctx, func() error { return p.a.store.MarkTagsMissing(ctx, p.run, r.Name, kept, r.Complete) })
}

// markMissing finds the repositories that were there once, and that are not in
// the lists of repositories that registries gave. What could not be read
// elsewhere, and what a filter left out, does not matter.
func (p *plan) markMissing(ctx context.Context, result *listing.Result) error {
	had, err := p.a.store.Repositories(ctx, "")
	if err != nil {
		return fmt.Errorf("looking for repositories that are gone: %w", err)
	}
	gone := slices.DeleteFunc(had, func(name string) bool { return !result.Absent(name) })
	if len(gone) == 0 {
		return nil
	}
	return p.a.persist(ctx, func() error { return p.a.store.MarkMissing(ctx, p.run, gone) })
}

// rejudgeOutdated judges again what is known and was judged by a ruleset that may judge
// otherwise.
func (p *plan) rejudgeOutdated(ctx context.Context) error {
	laws, err := p.a.store.JudgedBy(ctx, p.run)
	if err != nil {
		return err
	}
	r := &rejudging{a: p.a, opt: RejudgeOptions{Observe: p.opt.Observe}, run: p.run, judge: p.judge}
	for _, law := range laws {
		j, err := p.a.rulesets.byRuleset(ctx, law)
		if err != nil {
			return err
		}
		if j.print == p.judge.print {
			continue
		}
		if err := r.judgedBy(ctx, law); err != nil {
			return err
		}
	}
	return nil
}

// team is whose a repository is. A notice does not say: it stays whose it was.
func (p *plan) team(ctx context.Context, repository string) (string, error) {
	for _, t := range p.opt.Teams {
		if doublestar.MatchUnvalidated(t.Glob, repository) {
			return t.Name, nil
		}
	}
	if p.opt.Kind != store.Notified {
		return "", nil
	}
	had, _, err := p.a.store.Images(ctx, store.Filter{Repository: repository, Limit: 1})
	if err != nil || len(had) == 0 {
		return "", err
	}
	return had[0].Team, nil
}

// finish says what became of the planning.
func (p *plan) finish(ctx context.Context, problems []store.Problem, err error) (store.Run, error) {
	state, reason := store.Working, ""
	if err != nil {
		state, reason = store.Stopped, err.Error()
		if ctx.Err() != nil {
			reason = "interrupted while images were being listed"
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
	}
	if serr := p.a.persist(ctx, func() error { return p.a.store.SetRun(ctx, p.run, state, problems, reason) }); serr != nil {
		return store.Run{ID: p.run}, errors.Join(err, fmt.Errorf("keeping the run's state: %w", serr))
	}
	if err != nil {
		return store.Run{ID: p.run}, fmt.Errorf("planning: %w", err)
	}
	if _, err := p.a.finishIfDone(ctx, p.run); err != nil {
		return store.Run{ID: p.run}, err
	}
	return p.a.store.Run(ctx, p.run)
}

// keep gives signs of life for a run that this process plans or judges, until
// forget is called: without them it is taken for abandoned.
func (a *Audit) keep(ctx context.Context, run int64) (forget func(), err error) {
	name := keeperPrefix + strconv.FormatInt(run, 10)
	if err := a.persist(ctx, func() error { return a.store.Heartbeat(ctx, name) }); err != nil {
		return nil, fmt.Errorf("giving a sign of life: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var beats sync.WaitGroup
	beats.Go(func() {
		for retry.Sleep(ctx, a.opt.Times.Heartbeat) == nil {
			_ = a.store.Heartbeat(ctx, name) // others follow
		}
	})
	return func() {
		cancel()
		beats.Wait()
		a.forget(ctx, name)
	}, nil
}

// forget tells that a worker has ended. Nobody minds if it cannot: it will look
// like one that died with no job in flight.
func (a *Audit) forget(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = a.store.Forget(ctx, name)
}

const keeperPrefix = "keeper of run "

// keptBy returns the run that a worker of this name keeps.
func keptBy(worker string) (run int64, ok bool) {
	rest, ok := strings.CutPrefix(worker, keeperPrefix)
	if !ok {
		return 0, false
	}
	run, err := strconv.ParseInt(rest, 10, 64)
	return run, err == nil
}

func (o PlanOptions) observe(e Event) {
	if o.Observe != nil {
		o.Observe(e)
	}
}
