// Package browserext reads which extensions browsers have: installed, packed,
// or ordered by a policy.
package browserext

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
)

const (
	name    = "extension"
	version = 1
)

const (
	// maxSize is how many bytes of a file are read; of a packed extension only
	// the header is.
	maxSize   = 16 << 20
	maxHeader = 1 << 20
	// maxFacts is how many extensions of one file are noted; more are a gap.
	maxFacts = 1024
)

type detector struct{}

// New returns the detector. It notes the same whatever is watched.
func New(*sbom.Watch) scanner.Detector { return detector{} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants goes by the name and by what the file begins with.
func (detector) Wants(f *scanner.File) bool { return formOf(readfile.Inner(f.Path), f.Head) != nil }

func (detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	p := readfile.Inner(f.Path)
	read := formOf(p, f.Head)
	limit := int64(maxSize)
	packed := bytes.HasPrefix(f.Head, []byte(crxMagic)) || path.Ext(p) == ".xpi"
	if packed {
		limit = min(maxHeader, f.Size)
	}
	b, gaps, err := readfile.Read(f, limit)
	if err != nil {
		return scanner.Result{}, err
	}
	if packed {
		gaps = nil // the rest is an archive, which others read
	}
	n := &notes{path: p, c: &sbom.Component{Type: sbom.FileType, Name: path.Base(p)}}
	read(n, b)
	if n.more {
		gaps = append(gaps, sbom.Gap{Reason: sbom.Limit, Detail: "only its first extensions were noted"})
	}
	if len(n.c.Evidence) == 0 {
		n.c = nil
	}
	return scanner.Result{Component: n.c, Gaps: gaps}, ctx.Err()
}

// notes gathers what one file says.
type notes struct {
	path string // inside the innermost container
	c    *sbom.Component
	more bool
}

// add notes an extension by its identifier.
func (n *notes) add(id, where string) {
	id = sbom.CleanValue(id)
	if id == "" || slices.ContainsFunc(n.c.Evidence, func(e sbom.Evidence) bool { return e.Value == id }) {
		return
	}
	if len(n.c.Evidence) >= maxFacts {
		n.more = true
		return
	}
	n.c.Evidence = append(n.c.Evidence, sbom.Evidence{Kind: sbom.Extension, Value: id, Where: where})
}

type form func(*notes, []byte)

// formOf tells what a file is; nil is none of ours.
func formOf(p string, head []byte) form {
	if bytes.HasPrefix(head, []byte(crxMagic)) {
		return crx
	}
	dir, base := path.Split(p)
	switch base {
	case "manifest.json":
		if bytes.Contains(head, []byte(`"manifest_version"`)) || idInPath(p) != "" {
			return manifest
		}
	case "install.rdf":
		return installRDF
	case "external_extensions.json":
		return externalList
	case "extensions.json":
		if bytes.Contains(head, []byte(`"addons"`)) || bytes.Contains(head, []byte(`"schemaVersion"`)) {
			return profile
		}
	case "policies.json":
		return policies
	case "Preferences", "Secure Preferences":
		if len(head) > 0 && head[0] == '{' {
			return preferences
		}
	}
	switch path.Ext(base) {
	case ".xpi":
		if geckoID.MatchString(strings.TrimSuffix(base, ".xpi")) {
			return xpiName
		}
	case ".json":
		if strings.Contains(dir, "/policies/managed/") || strings.Contains(dir, "/policies/recommended/") {
			return policies
		}
		if low := strings.ToLower(dir); chromiumID.MatchString(strings.TrimSuffix(base, ".json")) && strings.HasSuffix(low, "extensions/") {
			return external
		}
	}
	return nil
}

// chromiumID is the identifier of an extension of Chromium and its kin: the
// first 128 bits of the SHA-256 of its public key, with a to p for digits.
var chromiumID = regexp.MustCompile(`^[a-p]{32}$`)

// geckoID is that of Firefox and its kin: a GUID in braces, or the form of a
// mail address (Mozilla, "Extension ID").
var geckoID = regexp.MustCompile(`^(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[A-Za-z0-9._-]*@[A-Za-z0-9._-]+)$`)

// keyID is the identifier that belongs to a public key in DER.
func keyID(der []byte) string {
	sum := sha256.Sum256(der)
	return letters(sum[:16])
}

func letters(b []byte) string {
	id := make([]byte, 0, 2*len(b))
	for _, c := range b {
		id = append(id, 'a'+c>>4, 'a'+c&0xf)
	}
	return string(id)
}

// idInPath is the identifier in ".../Extensions/ID/VERSION/manifest.json", or
// in ".../extensions/ID/manifest.json" of an unpacked extension of Firefox.
func idInPath(p string) string {
	parts := strings.Split(p, "/")
	for i := len(parts) - 3; i >= 0 && i >= len(parts)-4; i-- {
		if !strings.EqualFold(parts[i], "extensions") {
			continue
		}
		if id := parts[i+1]; chromiumID.MatchString(id) || i == len(parts)-3 && geckoID.MatchString(id) {
			return id
		}
	}
	return ""
}

// xpiName takes the identifier from the name of a packed extension of Firefox,
// which is called by it where it is installed.
func xpiName(n *notes, _ []byte) {
	n.add(strings.TrimSuffix(path.Base(n.path), ".xpi"), "name of the package")
}
