package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/linux"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
)

// environmentPaths are the files by which syft tells the distribution (package
// linux, identify_release.go), in its order. Catalogers ask for them whatever
// layer they look at; the answer is always that of the whole image, because a
// purl names the distribution that a package is in, not that of its layer.
var environmentPaths = []string{
	"/etc/os-release", "/usr/lib/os-release", "/etc/system-release-cpe", "/etc/redhat-release",
	"/etc/debian_version",
	"/bin/busybox", // last: syft reads it only where there is none of the others
}

// environmentFS marks the locations of environment files.
const environmentFS = "environment"

// maxEnvironmentFile is syft's own bound on a file of this sort, in bytes.
const maxEnvironmentFile = 5 << 20

// environment is what tells the distribution.
type environment struct {
	files   map[string][]byte // by the path that syft asks for
	release *linux.Release
	where   layer.Node // the file that told it
	missing []Missing
	digest  string
}

func newEnvironment(tree *layer.Tree) *environment {
	env := &environment{files: map[string][]byte{}}
	h := sha256.New()
	var first layer.Node
	for _, p := range environmentPaths {
		n, ok := tree.Lookup(p)
		if !ok || n.Entry.Type != scanner.Regular || p == "/bin/busybox" && len(env.files) > 0 {
			continue
		}
		b, err := readNode(tree, n, maxEnvironmentFile)
		if err != nil {
			env.missing = append(env.missing, Missing{Layer: n.Layer, Path: n.Path})
			continue
		}
		if len(env.files) == 0 {
			first = n
		}
		env.files[p] = b
		fmt.Fprintf(h, "%s %d\n", p, len(b))
		h.Write(b)
	}
	env.digest = hex.EncodeToString(h.Sum(nil)[:16])
	env.release = linux.IdentifyRelease(&environmentOnly{env: env})
	env.where = first
	return env
}

func readNode(tree *layer.Tree, n layer.Node, limit int64) ([]byte, error) {
	c, err := tree.Open(n)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	b := make([]byte, min(c.Size(), limit))
	if _, err := c.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// locate answers for a path that syft asks for; ok tells that it is one of the
// environment's.
func (e *environment) locate(path string) (loc []file.Location, ok bool) {
	for _, p := range environmentPaths {
		if p != path {
			continue
		}
		if _, held := e.files[p]; held {
			loc = append(loc, file.NewVirtualLocationFromCoordinates(file.NewCoordinates(p, environmentFS), p))
		}
		return loc, true
	}
	return nil, false
}

// environmentOnly is a tree of nothing but the environment's files.
type environmentOnly struct {
	recorder
	env *environment
}

func (e *environmentOnly) FilesByPath(paths ...string) (all []file.Location, err error) {
	for _, p := range paths {
		loc, _ := e.env.locate(p)
		all = append(all, loc...)
	}
	return all, nil
}

func (e *environmentOnly) FilesByGlob(globs ...string) ([]file.Location, error) {
	return e.FilesByPath(globs...) // syft asks for /etc/debian_version by glob
}

func (e *environmentOnly) FileContentsByLocation(l file.Location) (io.ReadCloser, error) {
	return openBytes(e.env.files[l.RealPath]), nil
}
