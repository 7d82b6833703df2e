package attach

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// manifest is what is read of a manifest that holds documents.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        v1.Descriptor     `json:"config"`
	Layers        []v1.Descriptor   `json:"layers"`
	Subject       *v1.Descriptor    `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// List returns all documents that are attached to an image, in a stable order:
// the referrers of its manifest, what lies under cosign's tags, and what
// BuildKit put in the image's index. index is the digest of that index; without
// one ("") there is nothing of BuildKit to find. A document that cannot be read
// is in the list with its error.
func (r *Repository) List(ctx context.Context, subject, index string) ([]Document, error) {
	if err := checkDigest(subject); err != nil {
		return nil, err
	}
	refs, _, err := r.referrers(ctx, subject)
	if err != nil {
		return nil, err
	}
	found := make([][]Document, len(refs))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, d := range refs {
		g.Go(func() error {
			found[i] = r.read1(gctx, Referrer, subject, d.Digest.String())
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	docs := slices.Concat(found...)
	for _, suffix := range []string{".att", ".sbom", ".sig"} {
		more, err := r.cosignTag(ctx, subject, Fallback(subject)+suffix)
		if err != nil {
			return nil, err
		}
		docs = append(docs, more...)
	}
	more, err := r.buildKit(ctx, subject, index)
	if err != nil {
		return nil, err
	}
	docs = append(docs, more...)
	slices.SortStableFunc(docs, func(a, b Document) int {
		return strings.Compare(string(a.Form)+a.Manifest+a.Digest, string(b.Form)+b.Manifest+b.Digest)
	})
	return docs, nil
}

// read1 reads the documents of one manifest. One that is broken, or that is
// about something else, is a document with an error.
func (r *Repository) read1(ctx context.Context, form Form, subject, digest string) []Document {
	raw, _, err := r.manifest(ctx, digest)
	var docs []Document
	if err == nil && len(raw) > maxReferrer { // there may be many, and all are kept
		err = fmt.Errorf("reading manifest %s: %w", digest, errTooLarge)
	}
	if err == nil {
		docs, err = parse(raw, form, subject, digest)
	}
	if err != nil {
		return []Document{{Form: form, Subject: subject, Manifest: digest, Err: err}}
	}
	return docs
}

func parse(raw []byte, form Form, subject, digest string) ([]Document, error) {
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", digest, err)
	}
	if form == Referrer && (m.Subject == nil || m.Subject.Digest.String() != subject) {
		return nil, fmt.Errorf("reading manifest %s: it is listed as attached to %s and says otherwise", digest, subject)
	}
	if len(m.Layers) == 0 || len(m.Layers) > 100 {
		return nil, fmt.Errorf("reading manifest %s: it has %d documents", digest, len(m.Layers))
	}
	var docs []Document
	for _, l := range m.Layers {
		d := Document{Form: form, Subject: subject, Manifest: digest, Digest: l.Digest.String(), Size: l.Size,
			ArtifactType: m.ArtifactType, MediaType: string(l.MediaType), Name: l.Annotations[AnnotationTitle], Annotations: m.Annotations}
		if d.ArtifactType == "" {
			d.ArtifactType = string(m.Config.MediaType)
		}
		for _, p := range []string{m.Annotations[AnnotationPredicate], l.Annotations["predicateType"], l.Annotations["in-toto.io/predicate-type"]} {
			if d.PredicateType == "" {
				d.PredicateType = p
			}
		}
		d.Created, _ = time.Parse(time.RFC3339, m.Annotations[AnnotationCreated])
		docs = append(docs, d)
	}
	return docs, nil
}

// cosignTag reads what cosign before version 3 puts under a tag
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
func (r *Repository) cosignTag(ctx context.Context, subject, tag string) ([]Document, error) {
	raw, d, err := r.manifest(ctx, tag)
	if status(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", tag, err)
	}
	docs, err := parse(raw, CosignTag, subject, d.Digest.String())
	if err != nil {
		docs = []Document{{Form: CosignTag, Subject: subject, Manifest: d.Digest.String(), Err: err}}
	}
	for i := range docs {
		docs[i].ArtifactType = tag[strings.LastIndexByte(tag, '.'):]
	}
	return docs, nil
}

// buildKit reads the attestation manifests of an index
// (https://docs.docker.com/build/metadata/attestations/attestation-storage/).
func (r *Repository) buildKit(ctx context.Context, subject, index string) ([]Document, error) {
	if index == "" {
		return nil, nil
	}
	raw, _, err := r.manifest(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("reading the image's index: %w", err)
	}
	var im v1.IndexManifest
	if err := json.Unmarshal(raw, &im); err != nil {
		return nil, fmt.Errorf("reading the image's index: %w", err)
	}
	var docs []Document
	for _, d := range im.Manifests {
		if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" &&
			(d.Annotations["vnd.docker.reference.digest"] == subject || subject == index) && len(docs) < maxReferrers {
			docs = append(docs, r.read1(ctx, BuildKit, subject, d.Digest.String())...)
		}
	}
	return docs, nil
}

// Fetch reads a document and checks its size and digest.
func (r *Repository) Fetch(ctx context.Context, d Document) ([]byte, error) {
	if d.Err != nil {
		return nil, d.Err
	}
	if d.Size > MaxDocument {
		return nil, fmt.Errorf("reading document %s: it is larger than %d bytes", d.Digest, MaxDocument)
	}
	req, err := http.NewRequest(http.MethodGet, r.url("blobs", d.Digest), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.do(ctx, &r.read, req, http.StatusOK)
	if err != nil {
		return nil, fmt.Errorf("reading document %s: %w", d.Digest, err)
	}
	defer resp.Body.Close()
	raw, err := readBounded(resp.Body, max(d.Size, 0)) // no more than its manifest promises
	if err != nil {
		return nil, fmt.Errorf("reading document %s: %w", d.Digest, err)
	}
	if got := descriptor(raw, "").Digest.String(); got != d.Digest {
		return nil, &Error{Err: fmt.Errorf("reading document %s: it was changed, its bytes have the digest %s", d.Digest, got),
			hint: "the registry's storage is damaged, or somebody altered it"}
	}
	return raw, nil
}
