package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Artifact is one document to attach.
type Artifact struct {
	Type        string // artifactType, "application/vnd.cyclonedx+json"
	MediaType   string // of the document; Type if empty
	Name        string // of its file; may be empty
	Data        []byte
	Annotations map[string]string // of the manifest
}

// Target is an image, by its manifest's descriptor, and what to attach to it.
type Target struct {
	Subject   v1.Descriptor
	Artifacts []Artifact
}

// PushOptions of Push.
type PushOptions struct {
	// Replace takes away what interdict attached before to the same subject,
	// about the same image, of the same artifact and predicate type.
	Replace bool
}

// Pushed is one manifest that is there after a push.
type Pushed struct {
	Subject  string
	Manifest string
	Type     string // artifactType
	Name     string // of the document's file
	New      bool   // false: the same bytes were there already
}

// Result is what a push did.
type Result struct {
	Pushed  []Pushed
	Removed []string // manifests that were replaced
	// Kept are manifests that should have been replaced, but that the registry
	// did not let go of.
	Kept []string
}

// emptyConfig is the configuration of an artifact that has none (OCI
// image-spec 1.1, manifest.md, "Guidelines for Artifact Usage").
var emptyConfig = []byte("{}")

const emptyConfigType = "application/vnd.oci.empty.v1+json"

// Push attaches documents to images of the repository: all, or none. Documents
// go first, then the manifests, in order; where the registry has no referrers
// API, nothing of it can be found before the last step, which lists all that
// belongs to one image at once. When a step fails, what was new is taken away
// again as far as the registry allows it. What is there already, byte for byte,
// is not pushed again.
func (r *Repository) Push(ctx context.Context, targets []Target, opt PushOptions) (*Result, error) {
	p := &push{repo: r, opt: opt, result: &Result{}}
	err := p.plan(ctx, targets)
	if err == nil {
		err = p.documents(ctx)
	}
	if err == nil {
		err = p.commit(ctx)
	}
	if err != nil {
		return nil, err
	}
	p.sweep(ctx)
	return p.result, nil
}

// push is one Push.
type push struct {
	repo   *Repository
	opt    PushOptions
	result *Result
	plans  []*plan
}

// plan is what is to be done for one image.
type plan struct {
	subject v1.Descriptor
	before  []v1.Descriptor // the referrers that were there
	api     bool            // the registry notes referrers by itself
	items   []*item
	old     []v1.Descriptor // to be replaced
	listed  bool            // the fallback tag was written
}

// item is one manifest to push.
type item struct {
	Artifact
	raw  []byte
	desc v1.Descriptor
	have bool // it was there before
	done bool // it was put
}

func (p *push) plan(ctx context.Context, targets []Target) error {
	for _, t := range targets {
		if err := checkDigest(t.Subject.Digest.String()); err != nil {
			return err
		}
		pl := &plan{subject: v1.Descriptor{MediaType: t.Subject.MediaType, Size: t.Subject.Size, Digest: t.Subject.Digest}}
		var err error
		if pl.before, pl.api, err = p.repo.referrers(ctx, t.Subject.Digest.String()); err != nil {
			return err
		}
		for _, a := range t.Artifacts {
			it, err := newItem(pl.subject, a)
			if err != nil {
				return err
			}
			it.have = contains(pl.before, it.desc.Digest)
			if it.have { // a listing may name what is gone
				_, err := p.repo.Resolve(ctx, it.desc.Digest.String())
				it.have = err == nil
			}
			pl.items = append(pl.items, it)
		}
		if p.opt.Replace {
			pl.old = p.superseded(ctx, pl)
		}
		p.plans = append(p.plans, pl)
	}
	return nil
}

func contains(list []v1.Descriptor, h v1.Hash) bool {
	return slices.ContainsFunc(list, func(d v1.Descriptor) bool { return d.Digest == h })
}

func newItem(subject v1.Descriptor, a Artifact) (*item, error) {
	if a.MediaType == "" {
		a.MediaType = a.Type
	}
	layer := descriptor(a.Data, a.MediaType)
	if a.Name != "" {
		layer.Annotations = map[string]string{AnnotationTitle: a.Name}
	}
	raw, err := json.Marshal(manifest{SchemaVersion: 2, MediaType: string(types.OCIManifestSchema1), ArtifactType: a.Type,
		Config: descriptor(emptyConfig, emptyConfigType), Layers: []v1.Descriptor{layer}, Subject: &subject, Annotations: a.Annotations})
	if err != nil {
		return nil, fmt.Errorf("writing a manifest: %w", err)
	}
	d := descriptor(raw, string(types.OCIManifestSchema1))
	d.ArtifactType, d.Annotations = a.Type, a.Annotations
	return &item{Artifact: a, raw: raw, desc: d}, nil
}

// superseded are the manifests of ours that say what one of the new ones says
// anew.
func (p *push) superseded(ctx context.Context, pl *plan) (old []v1.Descriptor) {
	for _, d := range pl.before {
		for _, doc := range p.repo.read1(ctx, Referrer, pl.subject.Digest.String(), d.Digest.String()) {
			if !doc.Ours() || contains(old, d.Digest) || slices.ContainsFunc(pl.items, func(it *item) bool { return it.desc.Digest == d.Digest }) {
				continue
			}
			if slices.ContainsFunc(pl.items, func(it *item) bool {
				return it.Type == doc.ArtifactType && same(it.Annotations, doc.Annotations, AnnotationPredicate, AnnotationImage)
			}) {
				old = append(old, d)
			}
		}
	}
	return old
}

func same(a, b map[string]string, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { return a[k] != b[k] })
}

// documents writes the blobs, each once.
func (p *push) documents(ctx context.Context) error {
	seen := map[v1.Hash]bool{}
	for _, pl := range p.plans {
		for _, it := range pl.items {
			if it.have {
				continue
			}
			for _, b := range []struct {
				data []byte
				kind string
			}{{it.Data, it.MediaType}, {emptyConfig, emptyConfigType}} {
				l := static.NewLayer(b.data, types.MediaType(b.kind))
				h, err := l.Digest()
				if err != nil || seen[h] {
					continue
				}
				seen[h] = true
				trip, err := p.repo.session(ctx, &p.repo.edit)
				if err != nil {
					return err
				}
				if err := remote.WriteLayer(p.repo.repo, l, remote.WithContext(ctx), remote.WithTransport(trip)); err != nil {
					return fmt.Errorf("pushing a document to %s: %w", p.repo.repo, p.repo.explain(err, true))
				}
			}
		}
	}
	return nil
}

// commit writes the manifests, and then the lists of those registries that
// keep none.
func (p *push) commit(ctx context.Context) error {
	for _, pl := range p.plans {
		for _, it := range pl.items {
			if it.have {
				continue
			}
			it.done = true // it may be there even if the answer is lost
			noted, err := p.repo.put(ctx, it.desc.Digest.String(), string(types.OCIManifestSchema1), it.raw)
			if err != nil {
				return p.undo(ctx, err)
			}
			pl.api = pl.api || noted
		}
	}
	if err := p.lists(ctx); err != nil {
		return p.undo(ctx, err)
	}
	for _, pl := range p.plans {
		for _, it := range pl.items {
			p.result.Pushed = append(p.result.Pushed, Pushed{pl.subject.Digest.String(), it.desc.Digest.String(), it.Type, it.Name, !it.have})
		}
	}
	return nil
}

// tries is how often the fallback tags are written when others write them too,
// and settle how long to wait, at least, before they are read again: somebody
// else may have read the tag before it was written here, and write it after.
// The specification has no lock for it.
const (
	tries  = 6
	settle = 300 * time.Millisecond
)

// lists writes the lists of those registries that keep none, and reads them
// again until what belongs in them stays in them.
func (p *push) lists(ctx context.Context) error {
	for range tries {
		wrote := ""
		for _, pl := range p.plans {
			if pl.api {
				continue
			}
			pl.listed = true
			did, err := p.list(ctx, pl)
			if err != nil {
				return err
			}
			if did {
				wrote = Fallback(pl.subject.Digest.String())
			}
		}
		if wrote == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settle + rand.N(settle)): // not in step with the others
		}
	}
	for _, pl := range p.plans {
		if pl.api {
			continue
		}
		have, err := p.repo.fallback(ctx, pl.subject.Digest.String())
		if err != nil {
			return err
		}
		if !fits(have, pl.items, pl.old) {
			return &Error{Err: fmt.Errorf("writing tag %s: somebody else writes it at the same time", Fallback(pl.subject.Digest.String())), hint: "run it again, one at a time"}
		}
	}
	return nil
}

// list writes the new manifests into the fallback tag and takes the old ones
// out, if that is not so already. It reports whether it wrote.
func (p *push) list(ctx context.Context, pl *plan) (bool, error) {
	subject := pl.subject.Digest.String()
	have, err := p.repo.fallback(ctx, subject)
	if err != nil || fits(have, pl.items, pl.old) {
		return false, err
	}
	next := slices.DeleteFunc(slices.Clone(have), func(d v1.Descriptor) bool { return contains(pl.old, d.Digest) })
	for _, it := range pl.items {
		if !contains(next, it.desc.Digest) {
			next = append(next, it.desc)
		}
	}
	err = p.writeList(ctx, subject, next)
	if status(err, http.StatusBadRequest, http.StatusNotFound) { // the list may name what somebody deleted
		err = p.writeList(ctx, subject, p.existing(ctx, next))
	}
	return err == nil, err
}

// existing leaves out what is not in the registry.
func (p *push) existing(ctx context.Context, list []v1.Descriptor) []v1.Descriptor {
	return slices.DeleteFunc(list, func(d v1.Descriptor) bool {
		_, err := p.repo.Resolve(ctx, d.Digest.String())
		return status(err, http.StatusNotFound)
	})
}

func fits(have []v1.Descriptor, in []*item, out []v1.Descriptor) bool {
	return !slices.ContainsFunc(in, func(it *item) bool { return !contains(have, it.desc.Digest) }) &&
		!slices.ContainsFunc(out, func(d v1.Descriptor) bool { return contains(have, d.Digest) })
}

func (p *push) writeList(ctx context.Context, subject string, list []v1.Descriptor) error {
	slices.SortFunc(list, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: list})
	if err != nil {
		return fmt.Errorf("writing tag %s: %w", Fallback(subject), err)
	}
	_, err = p.repo.put(ctx, Fallback(subject), string(types.OCIImageIndex), raw)
	return err
}

// undo takes away what this push brought, also when ctx is done already.
func (p *push) undo(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var left []error
	for _, pl := range p.plans {
		if pl.listed {
			left = append(left, p.unlist(ctx, pl))
		}
		for _, it := range pl.items {
			if !it.done {
				continue
			}
			err := p.repo.remove(ctx, it.desc.Digest.String())
			if pl.api { // else it is on no list: nobody finds it
				left = append(left, err)
			}
		}
	}
	if err := errors.Join(left...); err != nil {
		return &Error{Err: fmt.Errorf("%w; taking back what was pushed: %w", cause, err),
			hint: "the push is not complete: run it again, what is there already is not pushed twice"}
	}
	return cause
}

// unlist brings the fallback tag back to what it had before.
func (p *push) unlist(ctx context.Context, pl *plan) error {
	have, err := p.repo.fallback(ctx, pl.subject.Digest.String())
	if err != nil {
		return err
	}
	n := len(have)
	have = slices.DeleteFunc(have, func(d v1.Descriptor) bool {
		return slices.ContainsFunc(pl.items, func(it *item) bool { return !it.have && it.desc.Digest == d.Digest })
	})
	lost := slices.DeleteFunc(slices.Clone(pl.old), func(d v1.Descriptor) bool { return contains(have, d.Digest) })
	if len(have) == n && len(lost) == 0 {
		return nil
	}
	return p.writeList(ctx, pl.subject.Digest.String(), append(have, lost...))
}

// sweep deletes what was replaced. A registry that does not allow it may keep
// it: where there is a fallback tag, nobody finds it any more.
func (p *push) sweep(ctx context.Context) {
	for _, pl := range p.plans {
		for _, d := range pl.old {
			err := p.repo.remove(ctx, d.Digest.String())
			if err == nil || !pl.api {
				p.result.Removed = append(p.result.Removed, d.Digest.String())
			} else {
				p.result.Kept = append(p.result.Kept, d.Digest.String())
			}
		}
	}
}
