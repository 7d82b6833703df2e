package listing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner/registry"
)

// tagsAtOnce is how many tags of one repository are asked for at once. How many
// requests a host gets is the client's to say.
const tagsAtOnce = 8

// reader lists one repository.
type reader struct {
	*listing
	repo string
	want *wanted
	at   name.Repository

	mu      sync.Mutex
	content map[string]*content // by digest

	narrowed bool
	failed   bool

	listed     []string // all tags, as the registry lists them
	tagsListed bool
	absentTags []string
}

// tagged is a reference and what it leads to.
type tagged struct {
	pinned
	named   bool // one by one, not by a list of tags
	digest  string
	content *content
	created time.Time
	err     error
}

// read returns ok false if nothing of the repository could be listed.
func (r *reader) read(ctx context.Context) (found Repository, ok bool) {
	r.content = map[string]*content{}
	ref, err := r.client.ParseReference(r.repo)
	if err != nil {
		r.fail(r.repo, err)
		return Repository{}, false
	}
	r.at = ref.Context()
	tags, ok := r.references(ctx)
	if !ok && len(tags) == 0 {
		return Repository{Name: r.repo, TagsListed: r.tagsListed}, r.tagsListed
	}
	each(ctx, tags, func(t *tagged) { r.resolve(ctx, t) })
	r.recall(tags)
	each(ctx, tags, func(t *tagged) { r.follow(ctx, t) })
	resolved := r.sound(tags)
	if r.filter.timed() {
		each(ctx, resolved, func(t *tagged) {
			if !t.named {
				t.created = t.content.when(ctx, r)
			}
		})
		resolved = r.chosen(resolved)
	}
	images := r.images(ctx, resolved)
	if ctx.Err() == nil {
		r.teach()
	}
	return Repository{Name: r.repo, Images: images, Complete: r.want.whole && ok && !r.failed, Narrowed: r.narrowed,
		TagsListed: r.tagsListed, Tags: r.listed, AbsentTags: r.absentTags}, true
}

func each(ctx context.Context, tags []*tagged, do func(*tagged)) {
	var g errgroup.Group
	g.SetLimit(tagsAtOnce)
	for _, t := range tags {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { do(t); return nil })
	}
	g.Wait()
}

// references returns the tags and images that are wanted. ok is false if the
// tags could not be listed.
func (r *reader) references(ctx context.Context) (out []*tagged, ok bool) {
	ok = true
	have := map[string]bool{}
	if r.want.whole || len(r.want.tags) > 0 {
		var tags []string
		tags, ok = r.tags(ctx)
		for _, t := range tags {
			if have[t] || !r.wantsTag(t) {
				continue
			}
			have[t] = true
			if !r.filter.tag(r.repo, t) {
				r.narrowed = true
				continue
			}
			out = append(out, &tagged{pinned: pinned{tag: t}})
		}
	}
	for _, p := range r.want.images {
		if !r.filter.tag(r.repo, p.tag) {
			r.narrowed = true
			continue
		}
		out = append(out, &tagged{pinned: p, named: true})
	}
	return out, ok
}

func (r *reader) wantsTag(tag string) bool {
	return r.want.whole || slices.ContainsFunc(r.want.tags, func(g string) bool { return matchGlob(g, tag) })
}

func (r *reader) tags(ctx context.Context) ([]string, bool) {
	tags, err := r.client.Tags(ctx, r.repo)
	switch {
	case err == nil:
		r.listed, r.tagsListed = tags, true
		return tags, true
	case r.want.listed && isNotFound(err):
		r.tagsListed = true
		return nil, true // distribution answers so for a repository without tags
	case ctx.Err() == nil:
		r.tagsListed = isNotFound(err) // it was asked for, and is not there
		r.fail(r.repo, err)
	}
	return nil, false
}

// resolve finds out the digest of a reference; what that leads to as well where
// it takes no further request.
func (r *reader) resolve(ctx context.Context, t *tagged) {
	t.digest = t.pinned.digest
	if t.digest != "" {
		if t.tag != "" {
			// The tag may lead elsewhere by now.
			if d, err := r.client.Resolve(ctx, r.at.Tag(t.tag)); err != nil || d.Digest.String() != t.digest {
				t.tag = ""
			}
		}
		return
	}
	ref := r.at.Tag(t.tag)
	if !r.remembers {
		desc, raw, err := r.client.Manifest(ctx, ref)
		if t.err = err; err == nil {
			t.digest = desc.Digest.String()
			t.content, t.err = r.parsed(ctx, desc, raw)
		}
		return
	}
	desc, err := r.client.Resolve(ctx, ref)
	if t.err = err; err == nil {
		t.digest = desc.Digest.String()
	}
}

// follow finds out what the digest of a reference leads to.
func (r *reader) follow(ctx context.Context, t *tagged) {
	if t.err == nil && t.content == nil {
		t.content, t.err = r.get(ctx, r.at.Digest(t.digest), t.digest)
	}
}

// sound drops references that led to nothing, and tells of them.
func (r *reader) sound(tags []*tagged) []*tagged {
	var out []*tagged
	bad := 0
	for _, t := range tags {
		if t.err == nil {
			if t.content != nil {
				out = append(out, t)
			}
			continue
		}
		if bad++; bad <= maxTagProblems {
			r.fail(r.name(t), r.explained(t))
		}
		if t.named && t.pinned.digest == "" && isNotFound(t.err) {
			r.absentTags = append(r.absentTags, t.tag)
		}
		r.failed = r.failed || t.named || !isNotFound(t.err) // an absent tag is gone
	}
	if bad > maxTagProblems {
		r.fail(r.repo, fmt.Errorf("%d more tags could not be read", bad-maxTagProblems))
	}
	return out
}

// name is a reference as people write it.
func (r *reader) name(t *tagged) string {
	if t.tag == "" || t.named && t.pinned.digest != "" {
		return r.repo + "@" + t.pinned.digest
	}
	return r.repo + ":" + t.tag
}

func (r *reader) explained(t *tagged) error {
	if !isNotFound(t.err) {
		return t.err
	}
	switch {
	case len(t.workloads) > 0:
		return problem("push the image, or look at the node's copy", "the image that runs is not in the registry (%w)", t.err)
	case !t.named:
		return problem("delete the tag, or exclude it", "the registry lists the tag and has no manifest for it (%w)", t.err)
	}
	return t.err
}

func isNotFound(err error) bool {
	var e *registry.Error
	return errors.As(err, &e) && e.Kind == registry.NotFound
}

// chosen applies Newest and Since.
func (r *reader) chosen(tags []*tagged) []*tagged {
	var named, listed []*tagged
	for _, t := range tags {
		if t.named {
			named = append(named, t)
		} else {
			listed = append(listed, t)
		}
	}
	kept := r.filter.choose(listed)
	r.narrowed = r.narrowed || len(kept) < len(listed)
	return append(named, kept...)
}

// images makes one image of each manifest.
func (r *reader) images(ctx context.Context, tags []*tagged) []Image {
	if len(r.filter.platforms) > 0 {
		each(ctx, tags, func(t *tagged) { t.content.platforms(ctx, r) })
	}
	byDigest := map[string]*Image{}
	for _, t := range tags {
		kept := r.filter.accept(t.content.leaves)
		r.narrowed = r.narrowed || len(kept) < len(t.content.leaves)
		for _, leaf := range kept {
			im := byDigest[leaf.Digest]
			if im == nil {
				copied := leaf.Image
				im = &copied
				im.Repository, im.Tags, im.Workloads = r.repo, nil, nil
				byDigest[leaf.Digest] = im
			}
			im.join(leaf.Image)
			if t.tag != "" {
				im.Tags = append(im.Tags, t.tag)
			}
			im.Workloads = append(im.Workloads, t.workloads...)
		}
	}
	out := make([]Image, 0, len(byDigest))
	for _, im := range byDigest {
		slices.Sort(im.Tags)
		slices.Sort(im.Workloads)
		im.Tags, im.Workloads = slices.Compact(im.Tags), slices.Compact(im.Workloads)
		out = append(out, *im)
	}
	slices.SortFunc(out, func(a, b Image) int { return strings.Compare(a.Digest, b.Digest) })
	return out
}

// join adds what another way to the same manifest knows.
func (im *Image) join(other Image) {
	if im.Index == "" || other.Index != "" && other.Index < im.Index {
		im.Index = other.Index
	}
	im.Platform = cmp.Or(im.Platform, other.Platform)
	im.MediaType = cmp.Or(im.MediaType, other.MediaType)
	if im.Created.IsZero() {
		im.Created = other.Created
	}
}

// teach tells Learned of what was read.
func (r *reader) teach() {
	for digest, c := range r.content {
		if c.err != nil || !c.learned {
			continue
		}
		images := make([]Image, len(c.leaves))
		for i, leaf := range c.leaves {
			images[i] = leaf.Image
		}
		r.o.Learned(digest, images)
	}
}
