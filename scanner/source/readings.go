package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// reading is what one kind of reader takes from an archive. An archive that was
// made wrongly, or to deceive, holds different images for different readers.
type reading struct {
	part   string // "index.json"
	who    string // reads it
	images []*image
	err    error
}

// Readers of archives. containerd's importer takes index.json where there is an
// oci-layout file (core/images/archive/importer.go); Docker without containerd's
// store takes manifest.json of the unpacked archive (image/tarexport/load.go);
// Podman and Skopeo take the first manifest.json of a docker-archive
// (go.podman.io/image, docker/internal/tarfile/reader.go), and index.json of an
// oci-archive.
const (
	readsIndex    = "containerd, and Podman and Skopeo as oci-archive"
	readsManifest = "Docker"
	readsFirst    = "Podman and Skopeo as docker-archive"
)

// fromArchive opens the images of an archive of any kind: those that its first
// reading names and, if another names others, those too. It closes a if it
// returns an error.
func (o *opener) fromArchive(ctx context.Context, a *archive, org origin, sel string, order ...archiveKind) ([]scanner.Source, error) {
	var all []reading
	for i, v := range []*archive{a, a.first()} {
		if v == nil {
			continue
		}
		for _, k := range order {
			if r := o.reading(ctx, v, k, org, sel); r != nil {
				r.of(v)
				if i > 0 {
					r.part, r.who = "the first "+r.part, readsFirst
				}
				all = append(all, *r)
			}
		}
	}
	images, err := union(all)
	if err != nil {
		a.Close()
		return nil, err
	}
	for _, im := range images {
		if a.damage != nil {
			im.gap(sbom.Truncated, "%v", errors.Unwrap(a.damage))
		}
	}
	share(images, a)
	return streamed(images), nil
}

// reading opens what a reader of one kind takes; nil if there is nothing for it.
func (o *opener) reading(ctx context.Context, a *archive, k archiveKind, org origin, sel string) *reading {
	var r reading
	switch {
	case k == kindDocker && isDockerManifest(a):
		r = reading{part: "manifest.json", who: readsManifest}
		r.images, r.err = o.dockerImages(ctx, a, org, sel)
	case k == kindOCI && a.has("index.json"):
		r = reading{part: "index.json", who: readsIndex}
		r.images, r.err = o.layoutImages(ctx, a, org, sel)
		if errors.Is(r.err, scanner.ErrAbsent) {
			r.err = incomplete(r.err)
		}
	case k == kindDockerV1 && a.has("repositories"):
		r = reading{part: "repositories", who: "Docker before 1.10"}
		r.images, r.err = o.dockerV1Images(ctx, a, org, sel)
	case k == kindParts:
		r = reading{part: "its parts", who: "nothing"}
		r.images, r.err = o.partImages(a, org)
	default:
		return nil
	}
	return &r
}

// of notes which archive the images are in, also those that are opened later.
func (r *reading) of(a *archive) {
	for _, im := range r.images {
		im.archive = a
	}
	var e *Error
	if open := allOf(r.err); open != nil && errors.As(r.err, &e) {
		e.all = func() ([]*image, error) {
			images, err := open()
			for _, im := range images {
				im.archive = a
			}
			return images, err
		}
	}
}

// union returns the images of all readings, each once, the first reading's
// first. Where readings have different images for one platform, all are told of
// it.
func union(all []reading) ([]*image, error) {
	var images []*image
	var err error
	for i := range all {
		r := &all[i]
		if open := allOf(r.err); open != nil && slices.ContainsFunc(all, func(o reading) bool { return o.err == nil }) {
			r.images, r.err = open() // another reader is not asked to choose
		}
		if err == nil {
			err = r.err
		}
		for _, im := range r.images {
			if !slices.ContainsFunc(images, im.same) {
				images = append(images, im)
			}
		}
	}
	if len(images) == 0 {
		return nil, err
	}
	for _, im := range images {
		if text := ambiguity(all, im); text != "" {
			im.gap(sbom.Ambiguous, "%s", text)
		}
		for _, r := range all {
			if r.err != nil && !isSelection(r.err) && !errors.Is(r.err, scanner.ErrAbsent) {
				im.gap(sbom.Unreadable, "%s, which %s reads, was not examined: %v", r.part, r.who, r.err)
			}
		}
	}
	return images, nil
}

// ambiguity says which reader takes which image for the platform of im; it is
// empty if all take the same.
func ambiguity(all []reading, im *image) string {
	var first []string
	var says []string
	differ := false
	for _, r := range all {
		var ids []string
		for _, o := range r.images {
			if o.subject.Platform == im.subject.Platform {
				ids = append(ids, o.identity())
			}
		}
		if len(ids) == 0 {
			continue
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if first == nil {
			first = ids
		}
		differ = differ || !slices.Equal(first, ids)
		says = append(says, fmt.Sprintf("%s (read by %s) leads to %s", r.part, r.who, strings.Join(ids, ", ")))
	}
	if !differ {
		return ""
	}
	return "the archive holds different images for different readers: " + strings.Join(says, "; ")
}

// identity is what tells an image from others: its configuration's digest, or
// what else is known.
func (im *image) identity() string {
	return cmp.Or(im.subject.ImageID, im.subject.Digest, im.layerNames())
}

// same reports whether two images have the same configuration. It names the
// contents of each layer, and that they have them is checked when they are read.
func (im *image) same(o *image) bool {
	return im.identity() == o.identity() && len(im.layers) == len(o.layers)
}

func (im *image) layerNames() string {
	var names []string
	for _, l := range im.layers {
		if b, ok := l.(*blobLayer); ok {
			names = append(names, cmp.Or(b.desc.Digest, b.member))
		}
	}
	return "the layers " + strings.Join(names, " ")
}

func (im *image) gap(r sbom.Reason, format string, args ...any) {
	g := sbom.Gap{Reason: r, Detail: sbom.CleanValue(oneLine(fmt.Sprintf(format, args...)))}
	if !slices.Contains(im.gaps, g) {
		im.gaps = append(im.gaps, g)
	}
}

// isSelection reports whether a reading has no image of the name or platform
// that is wanted, or several.
func isSelection(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.selection || e.all != nil)
}

// allOf returns what opens all images of a reading that has several of which
// none was chosen; nil for any other error.
func allOf(err error) func() ([]*image, error) {
	var e *Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.all
}

// partImages makes one image of the layers of an archive without a manifest: it
// was cut off, or written without all of its parts.
func (o *opener) partImages(a *archive, org origin) ([]*image, error) {
	var names []string
	for name, m := range a.members {
		if m.packed {
			names = append(names, name)
		}
	}
	if a.damage == nil || len(names) == 0 || len(names) > maxLayers {
		return nil, cmp.Or(a.damage, a.notA("an image archive", ""))
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Compare(a.members[x].ordinal, a.members[y].ordinal) })
	im := &image{subject: sbom.Subject{Kind: sbom.Image, Name: org.name}}
	for _, name := range names {
		im.layers = append(im.layers, archiveLayer(a, name, sbom.Layer{}))
	}
	im.gap(sbom.Truncated, "the manifest is not in it: what is there of layers was read, in no known order")
	return []*image{im}, nil
}
