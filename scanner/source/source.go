// Package source opens what a user names: an image in a registry, in a
// container engine or in an archive, a folder, a filesystem tarball, a file.
package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
)

// Options of Open. The zero value opens the host's platform with the user's
// credentials.
type Options struct {
	// Platforms are the platforms wanted of an image, "os/arch[/variant]", or
	// "all". Empty means the host's if the image has it, else its only one.
	Platforms []string
	// Client reads registries. Nil means a new one with the options Registry.
	Client   *registry.Client
	Registry registry.Options
	// TempDir is for blobs of an artifact while they are read; empty means
	// os.TempDir.
	TempDir string
	// Getenv stands for os.Getenv in tests.
	Getenv func(string) string
}

// schemes are those that a target may begin with.
var schemes = []struct {
	name string
	open func(*opener, context.Context, string) ([]scanner.Source, error)
}{
	{"registry", (*opener).registry},
	{"docker", (*opener).docker},
	{"podman", (*opener).podman},
	{"docker-archive", (*opener).dockerArchive},
	{"oci-archive", (*opener).ociArchive},
	{"oci-dir", (*opener).ociDir},
	{"rootfs", (*opener).rootfs},
	{"dir", (*opener).dir},
	{"file", (*opener).file},
}

// Open opens a target. It is one of
//
//	registry:REFERENCE            an image in a registry
//	docker:NAME, podman:NAME      an image in a container engine
//	docker-archive:FILE[:TAG]     what "docker save" writes
//	oci-archive:FILE[:TAG]        an OCI image layout in a tar
//	oci-dir:FOLDER[:TAG]          an OCI image layout
//	rootfs:FILE                   a filesystem tarball, as "docker export" writes
//	dir:FOLDER                    a folder
//	file:FILE                     one file, looked into if it is an archive
//
// or, without a scheme, a path that exists, whose kind is found by its
// contents, or else a reference. In place of ":TAG" a "@sha256:..." selects an
// image by digest (OCI) or image ID (docker-archive). Archives may be plain,
// gzip, zstd, xz or bzip2.
//
// The result is one Source for each platform wanted, the index's order kept, and
// one more for each other image that some reader would take from an archive. Of
// an image only manifest and configuration are read; layers are read when they
// are opened. An OCI artifact is a folder of its files. A signature or an
// attestation is the error [NotImage]. What is damaged is a gap of its Source
// (see [scanner.Incomplete]): only a target of which nothing can be read is an
// error. ctx bounds the reading of an artifact's files too. The caller closes
// every Source. Errors have a hint; see [Error].
func Open(ctx context.Context, target string, opt Options) ([]scanner.Source, error) {
	o := &opener{opt: opt, getenv: opt.Getenv}
	if o.getenv == nil {
		o.getenv = os.Getenv
	}
	var err error
	if o.want, err = parsePlatforms(opt.Platforms); err != nil {
		return nil, err
	}
	if strings.TrimSpace(target) == "" {
		return nil, problem("name an image, a folder or a file", "the target is empty")
	}
	srcs, err := o.open(ctx, target)
	if err != nil {
		return nil, withTarget(target, err)
	}
	return srcs, nil
}

type opener struct {
	opt    Options
	getenv func(string) string
	want   platforms
}

func (o *opener) open(ctx context.Context, target string) ([]scanner.Source, error) {
	if scheme, rest, ok := strings.Cut(target, ":"); ok {
		for _, s := range schemes {
			if s.name != scheme {
				continue
			}
			if rest == "" {
				return nil, problem("write it as "+scheme+":NAME", "the target is empty")
			}
			return s.open(o, ctx, rest)
		}
	}
	fi, err := os.Stat(target)
	switch {
	case err == nil && fi.IsDir():
		if isLayout(target) {
			return o.ociDir(ctx, target)
		}
		return o.dir(ctx, target)
	case err == nil:
		return o.anyFile(ctx, target)
	case looksLikePath(target):
		return nil, noSuchFile(target, err)
	}
	return o.registry(ctx, target)
}

// looksLikePath reports whether a target that does not exist was meant as a
// path: no reference begins like that, or ends like an archive.
func looksLikePath(s string) bool {
	if filepath.IsAbs(s) || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "~") {
		return true
	}
	for _, ext := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".exe", ".dll", ".so", ".zip"} {
		if strings.HasSuffix(strings.ToLower(s), ext) {
			return true
		}
	}
	return false
}

func noSuchFile(path string, err error) error {
	if os.IsNotExist(err) {
		hint := "check the path"
		if !strings.ContainsAny(path[:1], "/.~") { // no reference begins like that
			hint += "; write registry:" + path + " if it is an image"
		}
		return problem(hint, "there is no file or folder %s", path)
	}
	return fmt.Errorf("opening %s: %w", path, err)
}

// anyFile opens a file by what is in it.
func (o *opener) anyFile(ctx context.Context, path string) ([]scanner.Source, error) {
	a, err := openArchive(ctx, path, true)
	if err != nil {
		return nil, err
	}
	switch a.kind {
	case kindDocker, kindOCI:
		return o.fromArchive(ctx, a, origin{name: path}, "", kindDocker, kindOCI)
	case kindDockerV1, kindParts:
		return o.fromArchive(ctx, a, origin{name: path}, "", a.kind)
	}
	a.Close()
	if a.kind == kindRootFS {
		return o.rootfs(ctx, path)
	}
	return o.file(ctx, path)
}

func (o *opener) dockerArchive(ctx context.Context, rest string) ([]scanner.Source, error) {
	path, sel, err := splitSelector(rest)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, path, false)
	if err != nil {
		return nil, err
	}
	switch a.kind {
	case kindDocker:
		return o.fromArchive(ctx, a, origin{name: rest}, sel, kindDocker, kindOCI)
	case kindDockerV1:
		return o.fromArchive(ctx, a, origin{name: rest}, sel, kindDockerV1)
	case kindParts:
		if a.damage != nil {
			return o.fromArchive(ctx, a, origin{name: rest}, sel, kindParts)
		}
	}
	a.Close()
	return nil, a.notA("a docker archive", "docker save")
}

func (o *opener) ociArchive(ctx context.Context, rest string) ([]scanner.Source, error) {
	path, sel, err := splitSelector(rest)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, path, false)
	if err != nil {
		return nil, err
	}
	switch {
	case a.has("index.json"):
		return o.fromArchive(ctx, a, origin{name: rest}, sel, kindOCI, kindDocker)
	case a.kind == kindParts && a.damage != nil:
		return o.fromArchive(ctx, a, origin{name: rest}, sel, kindParts)
	}
	a.Close()
	return nil, a.notA("an OCI archive", "skopeo copy ... oci-archive:FILE")
}

// splitSelector splits "PATH[:TAG]" or "PATH[@DIGEST]" at the longest PATH that
// exists. The selector keeps its first character.
func splitSelector(s string) (path, sel string, err error) {
	_, err = os.Stat(s)
	if err == nil {
		return s, "", nil
	}
	for i := len(s) - 1; i > 0; i-- {
		if s[i] != ':' && s[i] != '@' {
			continue
		}
		if _, err := os.Stat(s[:i]); err == nil {
			return s[:i], s[i:], nil
		}
	}
	return "", "", noSuchFile(s, err)
}
