// Package attach puts documents beside an image in its registry, lists what is
// there, and reads it: referrers of a digest (OCI distribution-spec 1.1,
// "Listing Referrers"), by the referrers API or, where the registry lacks it,
// by the tag that the specification has for that case ("Referrers Tag Schema").
// It also reads what others attach in other ways: cosign under tags, BuildKit
// inside the index.
package attach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Annotations of the manifests that are pushed. Those that begin with
// "dev.interdict." mark them as ours.
const (
	AnnotationTool  = "dev.interdict.tool"     // "interdict v1.2.0"
	AnnotationList  = "dev.interdict.denylist" // name and version of the list that judged
	AnnotationImage = "dev.interdict.image"    // digest of the platform's manifest that it is about
	// AnnotationCreated is RFC 3339.
	AnnotationCreated = "org.opencontainers.image.created"
	// AnnotationTitle names the file, on the layer: "oras pull" writes it.
	AnnotationTitle = "org.opencontainers.image.title"
	// AnnotationPredicate and AnnotationContent are those of cosign's bundles.
	AnnotationPredicate = "dev.sigstore.bundle.predicateType"
	AnnotationContent   = "dev.sigstore.bundle.content"
)

// Form is how a document is tied to its image.
type Form string

// The forms.
const (
	Referrer  Form = "referrer"   // a manifest whose subject is the image
	CosignTag Form = "cosign-tag" // under the tag "sha256-....att", ".sbom" or ".sig"
	BuildKit  Form = "buildkit"   // in an attestation manifest of the image's own index
)

// Document is one document that is attached to an image. What it says, and
// whether it is signed, is not known before it is fetched.
type Document struct {
	Form          Form
	Subject       string // digest of the image's manifest
	Manifest      string // digest of the manifest that holds it
	Digest        string // its own
	Size          int64  // in bytes
	ArtifactType  string
	MediaType     string
	PredicateType string // what its annotations say; empty if nothing
	Name          string // of its file, if it has one
	Created       time.Time
	Annotations   map[string]string // of the manifest
	// Err tells that the manifest could not be read: only Form, Subject and
	// Manifest are set then.
	Err error
}

// Ours reports whether interdict attached it, by its annotations.
func (d *Document) Ours() bool { return d.Annotations[AnnotationTool] != "" }

// Options say how to reach the registry. The zero value is anonymous.
type Options struct {
	Transport http.RoundTripper // http.DefaultTransport if nil
	Keychain  authn.Keychain    // anonymous if nil
}

// Repository is one repository of a registry. Its methods may be called from
// many goroutines. Where the registry has no referrers API, pushes to one image
// at a time share one tag: each looks again whether it was overwritten, which a
// slow network may still hide.
type Repository struct {
	repo name.Repository
	opt  Options
	read session
	edit session
}

// New returns a client of a repository. It asks the registry nothing yet.
func New(repo name.Repository, opt Options) *Repository {
	if opt.Transport == nil {
		opt.Transport = http.DefaultTransport
	}
	r := &Repository{repo: repo, opt: opt}
	r.read.scope, r.edit.scope = transport.PullScope, transport.DeleteScope
	return r
}

// Bounds of what is read.
const (
	maxManifest  = 8 << 20 // bytes of a manifest or an index
	maxReferrer  = 1 << 20 // bytes of a manifest that holds documents
	maxPages     = 50      // of a listing of referrers
	maxReferrers = 1000    // of one image
	// MaxDocument is the largest document that is fetched, in bytes.
	MaxDocument = 256 << 20
)

// Error is a request that the registry refused, with advice.
type Error struct {
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.hint }

// explain adds advice to the registry's own words.
func (r *Repository) explain(err error, writing bool) error {
	var te *transport.Error
	if err == nil || errors.Is(err, context.Canceled) || !errors.As(err, &te) {
		return err
	}
	hint := ""
	host := r.repo.RegistryStr()
	switch te.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = "log in as a user who may read it: docker login " + host
		if writing {
			hint = "log in as a user who may push to it: docker login " + host
		}
	case http.StatusMethodNotAllowed:
		hint = "the registry is read-only, or does not allow this"
	case http.StatusRequestEntityTooLarge:
		hint = "the registry does not take documents of this size"
	}
	return &Error{Err: err, hint: hint}
}

func status(err error, codes ...int) bool {
	var te *transport.Error
	return errors.As(err, &te) && slices.Contains(codes, te.StatusCode)
}

// Fallback is the tag that lists the referrers of a digest where the registry
// has no referrers API.
func Fallback(digest string) string {
	alg, value, _ := strings.Cut(digest, ":")
	if len(alg) > 32 {
		alg = alg[:32]
	}
	if len(value) > 64 {
		value = value[:64]
	}
	return alg + "-" + value
}

func checkDigest(digest string) error {
	if _, err := name.NewDigest("example.test/x@" + digest); err != nil {
		return fmt.Errorf("reading the image's digest: %q is not a digest", digest)
	}
	return nil
}
