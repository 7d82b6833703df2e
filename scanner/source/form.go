package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// form is what a manifest describes.
type form int

const (
	formImage    form = iota // its layers are laid over each other
	formFiles                // an artifact: its layers are files, or tars of files
	formDocument             // a signature or an attestation: signed JSON about an image
)

// documents are the media types of signatures and attestations, and what people
// call them: cosign's (specs/SIGNATURE_SPEC.md, specs/ATTESTATION_SPEC.md in
// github.com/sigstore/cosign), in-toto's and Sigstore's own bundle.
var documents = map[string]string{
	"application/vnd.dev.cosign.simplesigning.v1+json": "a cosign signature",
	"application/vnd.dsse.envelope.v1+json":            "a cosign attestation",
	"application/vnd.in-toto+json":                     "an attestation",
	"application/vnd.dev.sigstore.bundle":              "a Sigstore signature",
}

func documentType(mt string) string {
	mt, _, _ = strings.Cut(mt, ";")
	if strings.HasPrefix(mt, "application/vnd.dev.sigstore.bundle") {
		mt = "application/vnd.dev.sigstore.bundle"
	}
	return documents[mt]
}

// formOf tells an image from what else registries keep. Media types are claims:
// an image has a configuration that lists its layers, whatever that is called,
// and a signature's layers are JSON.
func formOf(ctx context.Context, st store, m *v1.Manifest, cfg *v1.ConfigFile) (form, error) {
	if len(m.Layers) > 0 {
		documents, err := allDocuments(ctx, st, m)
		if err != nil {
			return 0, err
		}
		if documents {
			return formDocument, nil
		}
	}
	if !m.Config.MediaType.IsConfig() && len(cfg.RootFS.DiffIDs) == 0 {
		return formFiles, nil
	}
	return formImage, nil
}

// maxDocument is the largest signed document, in bytes, that counts as one.
const maxDocument = 32 << 20

// allDocuments reports whether all layers are called signatures or attestations,
// and are JSON: no runtime unpacks that.
func allDocuments(ctx context.Context, st store, m *v1.Manifest) (bool, error) {
	for _, l := range m.Layers {
		if documentType(string(l.MediaType)) == "" || l.Size > maxDocument {
			return false, nil
		}
	}
	for _, l := range m.Layers {
		rc, err := st.blob(ctx, l)
		if err == nil {
			var raw []byte
			raw, err = readAll(rc, maxDocument)
			rc.Close()
			if err == nil && !json.Valid(raw) {
				return false, nil
			}
		}
		if err != nil && !isFinal(err) {
			return false, err
		}
	}
	return true, nil
}

// NotImage is the error of a target that is a signature or an attestation: there
// is nothing in it to examine. Audits pass over it.
type NotImage struct {
	What   string // "a cosign signature"
	Digest string // of its manifest
	Of     string // digest of the image that it is about, if the manifest names it
}

func (e *NotImage) Error() string { return "not an image: " + e.What }

// Hint says what to scan in its place.
func (e *NotImage) Hint() string {
	if e.Of != "" {
		return "scan the image that it is about: " + e.Of
	}
	return "scan the image that it is about"
}

// IsNotImage reports whether an error says that the target is a signature or an
// attestation.
func IsNotImage(err error) bool {
	var e *NotImage
	return errors.As(err, &e)
}

func notImage(d v1.Descriptor, m *v1.Manifest) error {
	e := &NotImage{What: documentType(string(m.Layers[0].MediaType)), Digest: d.Digest.String()}
	if m.Subject != nil {
		e.Of = m.Subject.Digest.String()
	}
	return e
}

func artifactType(m *v1.Manifest) string {
	return cmp.Or(m.ArtifactType, string(m.Config.MediaType))
}
