package attach

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// session is an authenticated way to the repository, made when first needed:
// who may only read must not be asked for the right to write.
type session struct {
	scope string
	mu    sync.Mutex
	trip  http.RoundTripper
}

func (r *Repository) session(ctx context.Context, s *session) (http.RoundTripper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trip != nil {
		return s.trip, nil
	}
	auth := authn.Anonymous
	if r.opt.Keychain != nil {
		var err error
		if auth, err = authn.Resolve(ctx, r.opt.Keychain, r.repo); err != nil {
			return nil, fmt.Errorf("looking for credentials for %s: %w", r.repo.RegistryStr(), err)
		}
	}
	trip, err := transport.NewWithContext(ctx, r.repo.Registry, auth, r.opt.Transport, []string{r.repo.Scope(s.scope)})
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", r.repo.RegistryStr(), r.explain(err, s == &r.edit))
	}
	s.trip = trip
	return trip, nil
}

// url is the address of something in the repository.
func (r *Repository) url(kind, id string) string {
	u := url.URL{Scheme: r.repo.Scheme(), Host: r.repo.RegistryStr(), Path: "/v2/" + r.repo.RepositoryStr() + "/" + kind + "/" + id}
	return u.String()
}

// do sends a request and checks the answer's status. The caller closes the body.
func (r *Repository) do(ctx context.Context, s *session, req *http.Request, want ...int) (*http.Response, error) {
	trip, err := r.session(ctx, s)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: trip}).Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, want...); err != nil {
		resp.Body.Close()
		return nil, r.explain(err, s == &r.edit)
	}
	return resp, nil
}

var manifestTypes = []string{string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList)}

// manifest reads a manifest by tag or digest. Bytes that have not the digest
// that they were asked by are an error.
func (r *Repository) manifest(ctx context.Context, id string) ([]byte, v1.Descriptor, error) {
	req, err := http.NewRequest(http.MethodGet, r.url("manifests", id), nil)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	req.Header.Set("Accept", strings.Join(manifestTypes, ","))
	resp, err := r.do(ctx, &r.read, req, http.StatusOK)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	defer resp.Body.Close()
	raw, err := readBounded(resp.Body, maxManifest)
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("reading manifest %s: %w", id, err)
	}
	d := descriptor(raw, resp.Header.Get("Content-Type"))
	if strings.HasPrefix(id, "sha256:") && id != d.Digest.String() {
		return nil, d, fmt.Errorf("reading manifest %s: its bytes have the digest %s", id, d.Digest)
	}
	return raw, d, nil
}

var errTooLarge = errors.New("it is larger than its bound")

func readBounded(rd io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(rd, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = errTooLarge
	}
	return raw, err
}

func descriptor(raw []byte, mediaType string) v1.Descriptor {
	sum := sha256.Sum256(raw)
	return v1.Descriptor{MediaType: types.MediaType(mediaType), Size: int64(len(raw)),
		Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}
}

// put writes a manifest under a tag or its digest. It reports whether the
// registry says that it notes the subject by itself (OCI-Subject header,
// distribution-spec 1.1, "Pushing Manifests with Subject").
func (r *Repository) put(ctx context.Context, id, mediaType string, raw []byte) (noted bool, err error) {
	req, err := http.NewRequest(http.MethodPut, r.url("manifests", id), bytes.NewReader(raw))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := r.do(ctx, &r.edit, req, http.StatusOK, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return false, fmt.Errorf("writing manifest %s: %w", id, err)
	}
	resp.Body.Close()
	return resp.Header.Get("OCI-Subject") != "", nil
}

// remove deletes a manifest. One that is not there is removed already.
func (r *Repository) remove(ctx context.Context, digest string) error {
	req, err := http.NewRequest(http.MethodDelete, r.url("manifests", digest), nil)
	if err != nil {
		return err
	}
	resp, err := r.do(ctx, &r.edit, req, http.StatusOK, http.StatusAccepted, http.StatusNoContent, http.StatusNotFound)
	if err != nil {
		return fmt.Errorf("deleting manifest %s: %w", digest, err)
	}
	resp.Body.Close()
	return nil
}

// referrers lists what refers to a digest. api tells whether the registry
// itself knows; if not, the list is that of the fallback tag.
func (r *Repository) referrers(ctx context.Context, digest string) (list []v1.Descriptor, api bool, err error) {
	next := r.url("referrers", digest)
	for pages := 0; next != ""; pages++ {
		page, after, err := r.referrersPage(ctx, next)
		if err != nil && pages == 0 && status(err, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed,
			http.StatusNotAcceptable, http.StatusNotImplemented) || errors.Is(err, errNoAPI) {
			list, err = r.fallback(ctx, digest)
			return list, false, err
		}
		if err != nil {
			return nil, false, fmt.Errorf("listing what is attached to %s: %w", digest, err)
		}
		list = append(list, page...)
		if len(list) > maxReferrers || pages >= maxPages {
			return nil, false, fmt.Errorf("listing what is attached to %s: more than %d manifests", digest, maxReferrers)
		}
		next = after
	}
	return list, true, nil
}

var errNoAPI = errors.New("the registry has no referrers API")

func (r *Repository) referrersPage(ctx context.Context, address string) ([]v1.Descriptor, string, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", string(types.OCIImageIndex))
	resp, err := r.do(ctx, &r.read, req, http.StatusOK)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if ct, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); ct != string(types.OCIImageIndex) {
		return nil, "", errNoAPI
	}
	raw, err := readBounded(resp.Body, maxManifest)
	if err != nil {
		return nil, "", err
	}
	list, err := parseIndex(raw)
	return list, nextPage(req.URL, resp.Header.Get("Link")), err
}

// nextPage reads the Link header: <address>; rel="next". The next page is asked
// of the same host, whatever name of its own a registry behind a proxy writes.
func nextPage(from *url.URL, link string) string {
	address, rel, ok := strings.Cut(link, ">")
	if !ok || !strings.Contains(rel, "next") {
		return ""
	}
	u, err := from.Parse(strings.TrimPrefix(strings.TrimSpace(address), "<"))
	if err != nil {
		return ""
	}
	u.Scheme, u.Host, u.User = from.Scheme, from.Host, nil
	return u.String()
}

func (r *Repository) fallback(ctx context.Context, digest string) ([]v1.Descriptor, error) {
	raw, _, err := r.manifest(ctx, Fallback(digest))
	if status(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of what is attached to %s: %w", digest, err)
	}
	list, err := parseIndex(raw)
	if err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", Fallback(digest), err)
	}
	if len(list) > maxReferrers {
		return nil, fmt.Errorf("reading tag %s: it lists more than %d manifests", Fallback(digest), maxReferrers)
	}
	return list, nil
}

func parseIndex(raw []byte) ([]v1.Descriptor, error) {
	var im v1.IndexManifest
	if err := json.Unmarshal(raw, &im); err != nil {
		return nil, fmt.Errorf("it is not an image index: %w", err)
	}
	if im.SchemaVersion != 2 || im.MediaType != "" && im.MediaType != types.OCIImageIndex {
		return nil, fmt.Errorf("it is not an image index but %q", im.MediaType)
	}
	return im.Manifests, nil
}

// Resolve returns the descriptor of a manifest by tag or digest.
func (r *Repository) Resolve(ctx context.Context, id string) (v1.Descriptor, error) {
	_, d, err := r.manifest(ctx, id)
	return d, err
}
