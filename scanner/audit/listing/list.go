package listing

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner/registry"
)

// Bounds of a listing.
const (
	maxProblems     = 1000 // that are told one by one, in all
	maxTagProblems  = 20   // of one repository
	maxRepositories = 4 << 20
)

// List lists what the scopes name. visit is called once for each repository
// that could be listed, in no order, never twice at once. What could not be
// listed is among the problems, and no error: err is that of visit, of ctx, or
// of a filter that cannot be read. A repository that a registry lists and that
// has no tags is visited with no images.
//
// Without [Options.Known] a repository costs one list of its tags and one GET
// for each, and one more for each manifest of an index that does not say what
// it is. With it, each tag costs a HEAD, and a GET if its digest is not known.
// [Filter.Newest], [Filter.Since] and [Filter.Platforms] read the configuration
// of images whose time or platform is not known.
func List(ctx context.Context, client *registry.Client, scopes []Scope, o Options, visit func(Repository) error) (Result, error) {
	remembers := o.Known != nil
	o = o.withDefaults()
	f, err := o.Filter.compile()
	if err != nil {
		return Result{}, err
	}
	l := &listing{client: client, o: o, filter: f, remembers: remembers, visit: visit, single: map[string]*wanted{}, seen: map[string]bool{}}
	l.plan(scopes)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Jobs)
	l.walk(gctx, g)
	err = g.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return Result{l.told(), l.absent}, err
}

// listing is one call of List.
type listing struct {
	client    *registry.Client
	o         Options
	filter    filter
	remembers bool // Known is the caller's
	many      []entry
	single    map[string]*wanted // by repository: what is named one by one
	seen      map[string]bool    // repositories that were begun, or left out by the filter
	complete  []entry            // of many, whose lists of repositories were read whole

	visiting sync.Mutex
	visit    func(Repository) error

	mu       sync.Mutex
	problems []Problem
	more     int // problems beyond maxProblems
}

// wanted is what the scopes want of one repository.
type wanted struct {
	whole  bool
	tags   []string // globs
	images []pinned
	listed bool // a registry says that it is there
}

// pinned is an image that is named by tag or digest.
type pinned struct {
	tag, digest string
	workloads   []string
}

// plan sorts the entries of the scopes: what repositories they name, and where
// to ask for others.
func (l *listing) plan(scopes []Scope) {
	many := map[entry]bool{}
	for _, s := range scopes {
		for _, e := range s.entries {
			switch {
			case e.bad != "":
				l.problem(Problem{What: e.workload, Reason: e.bad})
			case e.repo == "":
				key := e
				key.words = ""
				if !many[key] {
					many[key] = true
					l.many = append(l.many, e)
				}
			default:
				w := l.single[e.repo]
				if w == nil {
					w = &wanted{}
					l.single[e.repo] = w
				}
				w.add(e)
			}
		}
	}
	for _, w := range l.single {
		w.join()
	}
}

func (w *wanted) add(e entry) {
	switch {
	case e.tag != "" || e.digest != "":
		p := pinned{tag: e.tag, digest: e.digest}
		if e.workload != "" {
			p.workloads = []string{e.workload}
		}
		w.images = append(w.images, p)
	case e.tags == "":
		w.whole = true
	case !slices.Contains(w.tags, e.tags):
		w.tags = append(w.tags, e.tags)
	}
}

// join makes one of the images that are named several times.
func (w *wanted) join() {
	at := map[[2]string]int{}
	var images []pinned
	for _, p := range w.images {
		key := [2]string{p.tag, p.digest}
		i, ok := at[key]
		if !ok {
			at[key] = len(images)
			images = append(images, p)
			continue
		}
		images[i].workloads = append(images[i].workloads, p.workloads...)
	}
	w.images = images
}

// walk begins each repository once, as soon as it is known and there is a place
// for it.
func (l *listing) walk(ctx context.Context, g *errgroup.Group) {
	ls := listers{l.client, l.o}
	for _, e := range l.many {
		complete := true
		for repo, err := range ls.of(e).Repositories(ctx) {
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				repo, err = checked(repo)
			}
			if err == nil && len(l.seen) >= maxRepositories {
				err = fmt.Errorf("it has more than %d repositories", maxRepositories)
			}
			if err != nil {
				complete = false
				l.fail(e.words, err)
				continue
			}
			if e.host == "" || e.names(repo) {
				l.begin(ctx, g, repo, l.wanted(repo, e))
			}
		}
		if complete && ctx.Err() == nil {
			l.complete = append(l.complete, e)
		}
	}
	for repo, w := range l.single {
		l.begin(ctx, g, repo, w)
	}
	for _, e := range l.many {
		if ctx.Err() == nil && !l.found(e) {
			l.fail(e.words, problem("check the spelling, and that the login may see it", "no repository matches"))
		}
	}
}

// absent is [Result.Absent].
func (l *listing) absent(repository string) bool {
	return !l.seen[repository] && slices.ContainsFunc(l.complete, func(e entry) bool { return e.names(repository) })
}

// wanted joins what all entries want of a repository that the entry by listed.
func (l *listing) wanted(repo string, by entry) *wanted {
	w := &wanted{listed: true}
	if s := l.single[repo]; s != nil {
		*w = *s
		w.listed = true
	}
	w.add(by)
	for _, e := range l.many {
		if e.names(repo) {
			w.add(e)
		}
	}
	return w
}

func (l *listing) begin(ctx context.Context, g *errgroup.Group, repo string, w *wanted) {
	if l.seen[repo] || ctx.Err() != nil {
		return
	}
	l.seen[repo] = true
	if !l.filter.repository(repo) {
		return
	}
	g.Go(func() error {
		r := reader{listing: l, repo: repo, want: w}
		found, ok := r.read(ctx)
		if err := ctx.Err(); err != nil || !ok {
			return err
		}
		l.visiting.Lock()
		defer l.visiting.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		return l.visit(found)
	})
}

// found reports whether an entry of many repositories led to any, or to a
// problem of its own.
func (l *listing) found(e entry) bool {
	for repo := range l.seen {
		if e.host == "" || e.names(repo) {
			return true
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.What == e.words })
}

func (l *listing) fail(what string, err error) {
	l.problem(Problem{What: what, Reason: oneLine(err.Error()), Hint: hintOf(err), Absent: isNotFound(err)})
}

func (l *listing) problem(p Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) >= maxProblems {
		l.more++
		return
	}
	if !slices.Contains(l.problems, p) {
		l.problems = append(l.problems, p)
	}
}

// told returns the problems, sorted.
func (l *listing) told() []Problem {
	slices.SortFunc(l.problems, func(a, b Problem) int {
		return slices.Compare([]string{a.What, a.Reason}, []string{b.What, b.Reason})
	})
	if l.more > 0 {
		l.problems = append(l.problems, Problem{What: "others", Reason: fmt.Sprintf("there are %d more problems", l.more)})
	}
	return l.problems
}
