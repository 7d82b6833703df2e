package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
)

// Annotations that name an image in a layout's index.json.
const (
	refName        = "org.opencontainers.image.ref.name" // OCI image-spec annotations.md
	containerdName = "io.containerd.image.name"          // written by BuildKit and containerd
)

// members are named bytes: a folder or a tar.
type members interface {
	// open opens a member; fs.ErrNotExist if there is none.
	open(ctx context.Context, name string) (io.ReadCloser, error)
	io.Closer
}

// folder has its members in a folder.
type folder string

func (f folder) open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), filepath.FromSlash(name)))
}

func (f folder) Close() error { return nil }

// layoutStore is an OCI image layout (image-spec image-layout.md).
type layoutStore struct{ members }

func (s layoutStore) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	rc, err := s.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return readAll(rc, maxManifest)
}

func (s layoutStore) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	rc, err := s.open(ctx, blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, scanner.ErrAbsent)
	}
	if err != nil {
		return nil, err
	}
	return verify(rc, d)
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	_, err2 := os.Stat(filepath.Join(dir, "index.json"))
	return err == nil && err2 == nil
}

func (o *opener) ociDir(ctx context.Context, rest string) ([]scanner.Source, error) {
	path, sel, err := splitSelector(rest)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, "index.json")); err != nil {
		return nil, problem("an OCI image layout is a folder with oci-layout, index.json and blobs/; for any other folder write dir:"+path,
			"%s is not an OCI image layout: it has no index.json", path)
	}
	return o.fromLayout(ctx, folder(path), origin{name: rest}, sel)
}

// fromLayout opens the images of a layout in a folder.
func (o *opener) fromLayout(ctx context.Context, m folder, org origin, sel string) ([]scanner.Source, error) {
	images, err := o.layoutImages(ctx, m, org, sel)
	if err != nil {
		if errors.Is(err, scanner.ErrAbsent) {
			err = incomplete(err)
		}
		return nil, err
	}
	return sources(images), nil
}

func (o *opener) layoutImages(ctx context.Context, m members, org origin, sel string) ([]*image, error) {
	idx, err := readIndexJSON(ctx, m)
	if err != nil {
		return nil, err
	}
	st := layoutStore{m}
	tops, err := selectTops(idx.Manifests, sel)
	if e := (*Error)(nil); errors.As(err, &e) && !e.selection && len(tops) > 1 {
		e.all = func() ([]*image, error) { return o.indexed(ctx, st, tops, org) }
	}
	if err != nil {
		return nil, err
	}
	org.nameFrom(tops[0])
	if len(tops) == 1 {
		return o.resolve(ctx, st, tops[0], org)
	}
	// Several manifests without names of their own: index.json is the index.
	w := walker{st: st}
	if err := w.entries(ctx, tops, 0); err != nil {
		return nil, err
	}
	if err := distinct(w.found); err != nil {
		err.all = func() ([]*image, error) { return o.chosen(ctx, st, w.found, org) }
		return nil, err
	}
	return o.chosen(ctx, st, w.found, org)
}

// indexed opens the images of all entries of an index.json, each under its name.
func (o *opener) indexed(ctx context.Context, st store, tops []v1.Descriptor, org origin) ([]*image, error) {
	var images []*image
	var failed error
	for _, d := range tops {
		at := org
		at.tags, at.refs = slices.Clone(org.tags), slices.Clone(org.refs)
		at.nameFrom(d)
		found, err := o.resolve(ctx, st, d, at)
		if err != nil && !isSelection(err) {
			failed = cmp.Or(failed, err)
		}
		images = append(images, found...)
	}
	return images, failed
}

func incomplete(err error) error {
	return problem("it is truncated, or was written without all of its parts: copy or save the image again", "the image's parts are not all there: %w", err)
}

func readIndexJSON(ctx context.Context, m members) (*v1.IndexManifest, error) {
	rc, err := m.open(ctx, "index.json")
	if err != nil {
		return nil, fmt.Errorf("opening index.json: %w", err)
	}
	defer rc.Close()
	raw, err := readAll(rc, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("reading index.json: %w", err)
	}
	var idx v1.IndexManifest
	if err := json.Unmarshal(raw, &idx); err != nil {
		return nil, problem("the file is damaged: copy or save the image again", "index.json is malformed: %v", err)
	}
	return &idx, nil
}

// names are what an entry of index.json is called.
func names(d v1.Descriptor) []string {
	var out []string
	for _, k := range []string{containerdName, refName} {
		if n := d.Annotations[k]; n != "" {
			out = append(out, n)
		}
	}
	return out
}

// selectTops returns the entries that are meant: those that sel (":TAG" or
// "@DIGEST") names, or all if they have one name or none.
func selectTops(ds []v1.Descriptor, sel string) ([]v1.Descriptor, error) {
	ds = slices.DeleteFunc(slices.Clone(ds), func(d v1.Descriptor) bool {
		return d.MediaType != "" && !d.MediaType.IsIndex() && !d.MediaType.IsImage()
	})
	if len(ds) == 0 {
		return nil, problem(malformedHint, "there is no image in it")
	}
	var picked []v1.Descriptor
	var called []string
	for _, d := range ds {
		n := append(names(d), "@"+d.Digest.String())
		called = append(called, n[0])
		if sel == "" || slices.ContainsFunc(n, func(n string) bool { return sameName(n, sel) }) {
			picked = append(picked, d)
		}
	}
	slices.Sort(called)
	called = slices.Compact(called)
	if len(picked) == 0 {
		return nil, noSuchImage(sel, called)
	}
	first := names(picked[0])
	for _, d := range picked[1:] {
		if sel == "" && !slices.Equal(names(d), first) {
			return picked, severalImages(called)
		}
	}
	return picked, nil
}

func noSuchImage(sel string, called []string) *Error {
	return noneSuch("choose one of those", "there is no image %s in it; there are: %s", sel, strings.Join(called, ", "))
}

func severalImages(called []string) *Error {
	return problem("choose one with SCHEME:PATH:NAME or SCHEME:PATH@DIGEST, for example :"+strings.TrimPrefix(called[0], ":"),
		"there are several images in it: %s", strings.Join(called, ", "))
}

// sameName compares a name in a layout or archive with a selector.
func sameName(n, sel string) bool {
	if sel[0] == '@' {
		return n == sel
	}
	sel = sel[1:]
	if n == sel {
		return true
	}
	a, errA := name.NewTag(n)
	b, errB := name.NewTag(sel)
	return errA == nil && errB == nil && a.Name() == b.Name()
}

// distinct refuses several images for one platform that nothing tells apart.
func distinct(images []found) *Error {
	seen := map[string]bool{}
	var called []string
	double := false
	for _, f := range images {
		p := registry.PlatformString(f.platform) + f.platform.OSVersion
		double = double || seen[p]
		seen[p] = true
		called = append(called, "@"+f.desc.Digest.String())
	}
	if double {
		return severalImages(called)
	}
	return nil
}

// nameFrom takes over what index.json calls an image.
func (org *origin) nameFrom(d v1.Descriptor) {
	for _, n := range names(d) {
		org.addRef(n)
	}
}

// addRef notes "repository:tag" or a bare tag.
func (org *origin) addRef(n string) {
	repo, tag := n, ""
	if i := strings.LastIndexByte(n, ':'); i > strings.LastIndexByte(n, '/') {
		repo, tag = n[:i], n[i+1:]
	} else if !strings.Contains(n, "/") {
		repo, tag = "", n
	}
	if tag != "" && !slices.Contains(org.tags, tag) {
		org.tags = append(org.tags, tag)
	}
	if repo != "" && !slices.Contains(org.refs, repo) {
		org.refs = append(org.refs, repo)
	}
}
