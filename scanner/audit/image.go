package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/riverqueue/river"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/source"
)

// imageWorker works on the jobs of images.
type imageWorker struct {
	river.WorkerDefaults[imageJob]
	w *worker
}

// Work implements river.Worker.
func (iw *imageWorker) Work(ctx context.Context, job *river.Job[imageJob]) error {
	w := iw.w
	return w.job(ctx, job.JobRow, func(ctx context.Context, t *slot) error {
		l := &look{w: w, slot: t, job: job.Args, attempt: job.Attempt, last: job.Attempt >= job.MaxAttempts,
			outOfPatience: snoozes(job.JobRow) >= maxSnoozes}
		err := errCrashes
		if crashes(job.JobRow) <= maxCrashes {
			err = l.safely(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		return l.failed(ctx, err)
	})
}

// look is one look at one manifest.
type look struct {
	w             *worker
	slot          *slot
	job           imageJob
	attempt       int
	last          bool // no attempt follows
	outOfPatience bool // it waited long enough for its registry
	place         string
}

// safely is image, of which a panic is an error: it is some library's, over what
// is in the image, and must not end the look at others.
func (l *look) safely(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("looking at %s: %w: %v", l.job.Digest, errPanic, p)
		}
	}()
	return l.image(ctx)
}

// image looks at the manifest wherever it is, until one place gives it, and
// keeps the result.
func (l *look) image(ctx context.Context) error {
	a := l.w.a
	j, err := a.rulesets.of(ctx, l.job.Run)
	if err != nil {
		return err
	}
	known, alike, err := a.judged(ctx, l.job.Digest, l.job.Key, j)
	switch {
	case err != nil || alike:
		return err
	case known:
		return l.judgeAgain(ctx, j)
	}
	var places []store.Image
	err = a.persist(ctx, func() (err error) {
		places, err = a.store.Places(ctx, l.job.Digest)
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for %s: %w", l.job.Digest, err)
	}
	err = errNowhere
	for i, p := range places {
		l.place = p.Repository
		if i == 0 {
			l.w.observe(l.event(Started))
		}
		if err = l.at(ctx, j); err == nil || ctx.Err() != nil || store.IsDiskFull(err) {
			break
		}
	}
	return err
}

// judgeAgain judges what another run found in the meantime.
func (l *look) judgeAgain(ctx context.Context, j *judge) error {
	a := l.w.a
	text, err := a.store.BOM(ctx, l.job.Digest)
	if err != nil {
		return &databaseError{err}
	}
	r := &rejudging{a: a, opt: RejudgeOptions{Observe: l.w.opt.Observe}, run: l.job.Run, judge: j}
	return r.one(ctx, store.StoredBOM{Digest: l.job.Digest, BOM: text})
}

// errNowhere tells that an image went before anybody looked at it.
var errNowhere = &source.Error{Err: errors.New("no repository has it any more")}

func (l *look) event(k EventKind) Event {
	return Event{Kind: k, Repository: l.place, Digest: l.job.Digest, Attempt: l.attempt}
}

// at looks at the manifest in one repository.
func (l *look) at(ctx context.Context, j *judge) error {
	a := l.w.a
	target := l.place + "@" + l.job.Digest
	srcs, err := source.Open(ctx, "registry:"+target, source.Options{Platforms: []string{"all"}, Client: a.client, TempDir: a.opt.TempDir})
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range srcs {
			s.Close()
		}
	}()
	if len(srcs) != 1 || srcs[0].Subject().Digest != l.job.Digest {
		return &source.Error{Target: target, Err: errors.New("it is an index of images and not one image")}
	}
	if in, ok := srcs[0].(scanner.Incomplete); ok {
		for _, g := range in.Gaps() {
			if err := fmt.Errorf("%w: %s", errUnread, g.Detail); isUnread(g) && l.mayMend(err) {
				return err
			}
		}
	}
	read := &layersRead{diffIDs: map[string]bool{}}
	inv, err := scan.Run(ctx, srcs[0], a.scanning(l.w, j, l, read))
	if err != nil {
		return fmt.Errorf("scanning %s: %w", target, err)
	}
	return l.keep(ctx, j, target, inv, read)
}

// mayMend reports whether another look may read a layer that this one could not:
// then the image is looked at again, and no result of the rest of it is kept.
func (l *look) mayMend(err error) bool {
	switch retryClassOf(err) {
	case retryLater:
		return true
	case retrySoon:
		return l.attempt <= 2 && !l.last
	}
	return false
}

// scanning says how to scan one of the images that are looked at at once.
func (a *Audit) scanning(w *worker, j *judge, l *look, read *layersRead) scan.Options {
	memory := (a.opt.Memory - a.opt.Memory/sharedPart) / int64(fetched*w.opt.Jobs)
	return scan.Options{
		Watch: j.watch, Memory: max(memory, 1<<20), TempDir: a.opt.TempDir,
		Jobs:  max(2, min(processors(), 2*processors()/w.opt.Jobs)),
		Cache: a.cache, LayersOnly: true, Lock: yieldingLocks{a.layerLocks, l.slot}, Fatal: l.mayMend, Tool: a.opt.Tool,
		Observe: func(e scan.Event) {
			out := l.event(LayerBytes)
			out.Layer, out.N, out.Err = e.Layer, e.N, e.Err
			switch e.Kind {
			case scan.LayerBytes:
			case scan.LayerDone:
				read.add(e.Layer)
				out.Kind = LayerRead
			case scan.LayerCached:
				out.Kind = LayerCached
			case scan.CacheTrouble:
				out.Kind = Trouble
			default:
				return
			}
			w.observe(out)
		},
	}
}

// layersRead are the layers that a scan had to read.
type layersRead struct {
	mu      sync.Mutex
	diffIDs map[string]bool
}

func (r *layersRead) add(diffID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.diffIDs[diffID] = true
}

// keep judges an inventory and keeps everything.
func (l *look) keep(ctx context.Context, j *judge, target string, inv *sbom.Inventory, read *layersRead) error {
	a := l.w.a
	var bom bytes.Buffer
	if err := cyclonedx.Encode(&bom, inv, cyclonedx.Options{}); err != nil {
		return err
	}
	v, text, err := j.verdict(target, inv)
	if err != nil {
		return err
	}
	r := store.Result{Run: l.job.Run, Digest: l.job.Digest, ImageID: inv.Subject.ImageID, Key: resultKey(j, inv),
		Platform: inv.Subject.Platform, Created: inv.Subject.Created, Labels: inv.Subject.Labels,
		BOM: bom.Bytes(), Report: text, Verdict: v, At: a.opt.Now()}
	for _, d := range inv.Layers {
		r.Layers = append(r.Layers, store.Layer{DiffID: d.DiffID, Size: d.Size, Read: read.diffIDs[d.DiffID]})
	}
	if err := a.persist(ctx, func() error { return a.store.SaveResult(ctx, r) }); err != nil {
		return fmt.Errorf("keeping the result of %s: %w", target, err)
	}
	e := l.event(Scanned)
	e.Outcome, e.Findings = v.Outcome, count(v)
	l.w.observe(e)
	return nil
}

// isUnread reports whether a whole layer or the configuration could not be read.
func isUnread(g sbom.Gap) bool {
	return g.Path == "" && (g.Reason == sbom.Unreadable || g.Reason == sbom.Truncated)
}

// resultKey is what a result depends on. An image of which a layer or the
// configuration could not be read has a key of its own: the next run looks again, for a registry may have
// mended the layer or let it go.
func resultKey(j *judge, inv *sbom.Inventory) string {
	for _, g := range inv.Coverage.Gaps {
		if isUnread(g) {
			return j.key + "-unread"
		}
	}
	return j.key
}

// count counts the findings that somebody has to do something about.
func count(v denylist.Verdict) int {
	n := 0
	for i := range v.Findings {
		if l := v.Findings[i].Standing(); l == denylist.Denied || l == denylist.Review {
			n++
		}
	}
	return n
}

// maxSnoozes is how often an image waits for a registry that asked for a rest
// before that counts as a failure.
const maxSnoozes = 100

// failed decides what becomes of a look that failed, and keeps why.
func (l *look) failed(ctx context.Context, err error) error {
	if store.IsDiskFull(err) || isDatabaseAway(err) {
		return l.putBack(err)
	}
	if wait := l.rest(ctx, err); wait > 0 {
		e := l.event(Trouble)
		e.Err = err
		l.w.observe(e)
		return river.JobSnooze(wait)
	}
	final := l.last || !l.mayMend(err)
	kerr := l.w.a.persist(ctx, func() error {
		return l.w.a.store.SaveFailure(ctx, l.job.Run, l.job.Digest, err.Error(), l.attempt, final)
	})
	if kerr != nil {
		return l.putBack(kerr)
	}
	e := l.event(Retried)
	e.Err = err
	if final {
		e.Kind = Failed
	}
	l.w.observe(e)
	if final {
		return river.JobCancel(err)
	}
	return err
}

// putBack gives the job back because of what is no fault of the image.
func (l *look) putBack(err error) error {
	e := l.event(Trouble)
	e.Err = err
	l.w.observe(e)
	if store.IsDiskFull(err) {
		l.w.stop(err)
	}
	return river.JobSnooze(time.Second)
}

// rest is how long the registry that was asked last wants a rest; zero if it
// does not, and the failure counts.
func (l *look) rest(ctx context.Context, err error) time.Duration {
	if !isRateLimited(err) || l.outOfPatience {
		return 0
	}
	repo, rerr := name.NewRepository(l.place)
	if rerr != nil {
		return 0
	}
	return time.Until(l.w.a.limits.until(ctx, repo.RegistryStr()))
}
