package source

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// archiveKind is what a file's table of contents shows.
type archiveKind int

const (
	kindOther    archiveKind = iota // no tar, or none of the others
	kindDocker                      // manifest.json of "docker save"
	kindDockerV1                    // repositories of "docker save" before Docker 1.10
	kindOCI                         // index.json of an OCI image layout
	kindParts                       // an image's parts without a manifest
	kindRootFS                      // a root filesystem
)

// classifier looks at the first names of a tar. An image has parts with
// telling names; a root filesystem has the folders of the Filesystem Hierarchy
// Standard, or the .dockerenv that "docker export" puts first.
type classifier struct {
	guess   bool
	seen    int
	image   bool
	other   bool
	roots   map[string]bool
	stopped bool
	bytes   int64 // of the members
}

var (
	partName = regexp.MustCompile(`^(sha256:)?[0-9a-f]{64}(\.json|\.tar(\.gz)?|/.*)?$`)
	fhs      = map[string]bool{
		"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib32": true,
		"lib64": true, "media": true, "mnt": true, "opt": true, "proc": true, "root": true, "run": true,
		"sbin": true, "srv": true, "sys": true, "tmp": true, "usr": true, "var": true,
		"Files": true, "Hives": true, // a Windows layer: OCI image-spec layer.md
	}
)

// unknownNames is how many names may come before the first telling one.
const unknownNames = 64

func (c *classifier) see(name string, size int64) {
	c.bytes += size
	if name == "" {
		return
	}
	c.seen++
	top, _, _ := strings.Cut(name, "/")
	switch {
	case name == "manifest.json" || name == "index.json" || name == "oci-layout" || name == "repositories",
		strings.HasPrefix(name, "blobs/sha"), partName.MatchString(name):
		c.image = true
	case name == ".PKGINFO" || strings.HasPrefix(name, ".SIGN."):
		c.other = true // a package of Alpine or Arch Linux
	case top == ".dockerenv":
		c.roots = map[string]bool{"": true, top: true}
	case fhs[top]:
		if c.roots == nil {
			c.roots = map[string]bool{}
		}
		c.roots[top] = true
	}
	c.stopped = c.guess && !c.image && (c.other || c.root() || c.seen >= unknownNames || c.bytes > maxGuess)
}

// root reports whether there is enough of a root filesystem: one folder alone
// may be anything.
func (c *classifier) root() bool { return len(c.roots) >= 2 }

func (c *classifier) kind(a *archive) archiveKind {
	switch {
	case c.other:
		return kindOther
	case c.root() && !a.has("oci-layout"):
		return kindRootFS
	case a.has("manifest.json") && c.image && isDockerManifest(a):
		return kindDocker
	case a.has("index.json") && a.has("oci-layout"):
		return kindOCI
	case a.has("repositories") && hasV1Layers(a):
		return kindDockerV1
	case c.image && (hasPrefix(a, "blobs/") || hasParts(a)):
		return kindParts
	case len(c.roots) > 0 && len(a.members) > 0:
		return kindRootFS
	}
	return kindOther
}

func hasPrefix(a *archive, prefix string) bool {
	for name := range a.members {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func hasParts(a *archive) bool {
	for name := range a.members {
		if partName.MatchString(name) {
			return true
		}
	}
	return false
}

// hasV1Layers reports whether a repositories file is one of docker save.
func hasV1Layers(a *archive) bool {
	tops, err := topLayers(context.Background(), a)
	return err == nil && slices.ContainsFunc(tops, func(t topLayer) bool { return a.has(path.Join(t.id, "json")) })
}

// notA says what an archive is when it is not what its scheme says.
func (a *archive) notA(what, writer string) error {
	is, hint := "", "such a file is written by: "+writer
	switch a.kind {
	case kindDocker, kindDockerV1:
		is, hint = ", but one of docker save", "write docker-archive:"+a.path
	case kindOCI:
		is, hint = ", but an OCI archive", "write oci-archive:"+a.path
	case kindRootFS:
		is, hint = ", but a filesystem tarball", "write rootfs:"+a.path
	case kindParts:
		is, hint = ": its manifest is missing", "it is truncated, or was written without all of its parts: copy or save the image again"
	}
	return &Error{Err: fmt.Errorf("%s is not %s%s", a.path, what, is), hint: hint}
}
