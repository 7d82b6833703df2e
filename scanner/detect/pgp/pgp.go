// Package pgp reads keyrings of OpenPGP public keys: those by which package
// managers know their repositories, and those that people imported.
package pgp

import (
	"context"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/openpgp"
	"github.com/interdict/interdict/scanner/detect/internal/readfile"
)

const (
	name    = "pgp"
	version = 1
)

const (
	// maxSize is how many bytes of a keyring are read. That of all developers
	// of Debian has 30 MiB.
	maxSize = 64 << 20
	// maxNoted is how many user IDs of one keyring are noted all. Of a larger
	// one, which holds people and not publishers, only those watched.
	maxNoted = 64
)

type detector struct{ watch *sbom.Watch }

// New returns the detector. Of keyrings with more than 64 user IDs it notes
// those that w watches.
func New(w *sbom.Watch) scanner.Detector { return detector{w} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants is true for files with a name that keyrings have, and that begin as one.
func (detector) Wants(f *scanner.File) bool {
	return named(path.Base(f.Path)) && openpgp.IsKeyring(f.Head)
}

func named(base string) bool {
	switch strings.ToLower(path.Ext(base)) {
	case ".gpg", ".pgp", ".asc", ".key", ".kbx", ".pub":
		return true
	}
	return strings.HasPrefix(base, "RPM-GPG-KEY") || strings.HasSuffix(base, "keyring")
}

func (d detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	b, gaps, err := readfile.Read(f, maxSize)
	if err != nil {
		return scanner.Result{}, err
	}
	ids, err := openpgp.Read(b)
	if err != nil && len(gaps) == 0 {
		gaps = append(gaps, sbom.Gap{Reason: sbom.Malformed, Detail: err.Error()})
	}
	c := &sbom.Component{Type: sbom.Data, Name: path.Base(f.Path)}
	for _, id := range ids {
		if e := id.Evidence(); e.Value != "" && (len(ids) <= maxNoted || d.watch.Matches(e.Kind, e.Value)) {
			c.Evidence = append(c.Evidence, e)
		}
	}
	if len(c.Evidence) == 0 {
		c = nil
	}
	return scanner.Result{Component: c, Gaps: gaps}, ctx.Err()
}
