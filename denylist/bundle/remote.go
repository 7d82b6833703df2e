package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom/attest"
)

// Scheme is how a list in a registry is written: "oci://HOST/REPOSITORY:TAG",
// "oci://HOST/REPOSITORY@sha256:...".
const Scheme = "oci://"

// Options say how to reach registries. The zero value is anonymous.
type Options struct {
	Transport http.RoundTripper // http.DefaultTransport if nil
	Keychain  authn.Keychain    // anonymous if nil
	Insecure  bool              // allow plain HTTP
	// Mirrors are repositories ("HOST/REPOSITORY") that may have the same list
	// under the same tag or digest. They are asked in order, before the one
	// that is named. One that cannot be reached or does not have it is passed
	// over; one that has a list which the policy refuses ends the search.
	Mirrors []string
}

func (o Options) remote(ctx context.Context) []remote.Option {
	opts := []remote.Option{remote.WithContext(ctx)}
	if o.Transport != nil {
		opts = append(opts, remote.WithTransport(o.Transport))
	}
	if o.Keychain != nil {
		opts = append(opts, remote.WithAuthFromKeychain(o.Keychain))
	}
	return opts
}

func (o Options) parse(ref string) (name.Reference, error) {
	var opts []name.Option
	if o.Insecure {
		opts = append(opts, name.Insecure)
	}
	r, err := name.ParseReference(strings.TrimPrefix(ref, Scheme), opts...)
	if err != nil {
		return nil, fmt.Errorf("reading the reference of a denylist: %q is not HOST/REPOSITORY:TAG or @sha256:DIGEST", ref)
	}
	return r, nil
}

// Fetch gets a list that ref names, a reference in a registry (see [Scheme]) or
// a file, and holds it against the policy.
func Fetch(ctx context.Context, ref string, p Policy, o Options) (*Accepted, error) {
	if !strings.HasPrefix(ref, Scheme) {
		b, err := ReadFile(ref)
		if err != nil {
			return nil, err
		}
		return Check(b, ref, p)
	}
	refs, err := o.candidates(ref)
	if err != nil {
		return nil, err
	}
	var misses []error
	for _, r := range refs {
		b, err := o.read(ctx, r)
		if err == nil {
			return Check(b, Scheme+r.Name(), p)
		}
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) || ctx.Err() != nil {
			return nil, err
		}
		misses = append(misses, fmt.Errorf("fetching denylist %s: %w", r.Name(), err))
	}
	return nil, errors.Join(misses...)
}

// candidates are the mirrors' references, then the one that is named.
func (o Options) candidates(ref string) ([]name.Reference, error) {
	origin, err := o.parse(ref)
	if err != nil {
		return nil, err
	}
	var all []name.Reference
	for _, m := range o.Mirrors {
		sep := ":"
		if _, ok := origin.(name.Digest); ok {
			sep = "@"
		}
		r, err := o.parse(strings.TrimPrefix(m, Scheme) + sep + origin.Identifier())
		if err != nil {
			return nil, fmt.Errorf("reading the mirror %q: write it as HOST/REPOSITORY", m)
		}
		all = append(all, r)
	}
	return append(all, origin), nil
}

func (o Options) read(ctx context.Context, ref name.Reference) (Bundle, error) {
	d, err := remote.Get(ref, o.remote(ctx)...)
	if err != nil {
		return Bundle{}, err
	}
	var m struct {
		ArtifactType string          `json:"artifactType"`
		Layers       []v1.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(d.Manifest, &m); err != nil || m.ArtifactType != ArtifactType {
		return Bundle{}, refuse(NoList, Scheme+ref.Name(), "push one with: interdict denylist push", "it is not a denylist but %q", m.ArtifactType)
	}
	var b Bundle
	for _, l := range m.Layers {
		into := map[types.MediaType]*[]byte{MediaType: &b.YAML, attest.BundleType: &b.Signature}[l.MediaType]
		if into == nil || *into != nil {
			continue
		}
		if *into, err = o.layer(ctx, ref.Context().Digest(l.Digest.String()), l.Size); err != nil {
			return Bundle{}, err
		}
	}
	if b.YAML == nil {
		return Bundle{}, refuse(NoList, Scheme+ref.Name(), "", "the artifact has no list in it")
	}
	return b, nil
}

func (o Options) layer(ctx context.Context, d name.Digest, size int64) ([]byte, error) {
	if size > MaxSize {
		return nil, refuse(NoList, Scheme+d.Name(), "", "it is larger than %d bytes", MaxSize)
	}
	l, err := remote.Layer(d, o.remote(ctx)...)
	if err != nil {
		return nil, err
	}
	rc, err := l.Compressed() // checks the digest
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := readBounded(rc)
	if err != nil {
		return nil, refuse(Altered, Scheme+d.Context().Name(), "the registry's storage is damaged, or somebody altered it", "its bytes are not those that its manifest names: %w", err)
	}
	return data, nil
}

// Push writes a list to a registry, under a tag or by digest alone
// ("oci://HOST/REPOSITORY"), and returns its digest, "sha256:...". Equal bundles
// give equal digests. created is what the manifest states; the day of issue if
// it is zero.
func Push(ctx context.Context, ref string, b Bundle, created time.Time, o Options) (string, error) {
	r, err := o.parse(ref)
	if err != nil {
		return "", err
	}
	l, err := denylist.Parse(bytes.NewReader(b.YAML), ref)
	if err != nil {
		return "", err
	}
	raw, layers, err := manifestOf(b, l, created)
	if err != nil {
		return "", err
	}
	for _, layer := range layers {
		if err := remote.WriteLayer(r.Context(), layer, o.remote(ctx)...); err != nil {
			return "", fmt.Errorf("pushing the denylist to %s: %w", r.Context(), err)
		}
	}
	id := digest(raw)
	if _, pinned := r.(name.Digest); pinned && r.Identifier() != id {
		return "", fmt.Errorf("pushing the denylist to %s: its digest is %s", r.Name(), id)
	}
	if err := remote.Put(r, taggable(raw), o.remote(ctx)...); err != nil {
		return "", fmt.Errorf("pushing the denylist to %s: %w", r.Name(), err)
	}
	return id, nil
}

// taggable is a manifest as it stands.
type taggable []byte

func (t taggable) RawManifest() ([]byte, error)        { return t, nil }
func (t taggable) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func manifestOf(b Bundle, l *denylist.List, created time.Time) ([]byte, []v1.Layer, error) {
	if created.IsZero() {
		created = l.Issued().Time
	}
	notes := map[string]string{"org.opencontainers.image.title": l.Name, "org.opencontainers.image.version": l.Version}
	if !created.IsZero() {
		notes["org.opencontainers.image.created"] = created.UTC().Format(time.RFC3339)
	}
	m := struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		ArtifactType  string            `json:"artifactType"`
		Config        v1.Descriptor     `json:"config"`
		Layers        []v1.Descriptor   `json:"layers"`
		Annotations   map[string]string `json:"annotations"`
	}{2, string(types.OCIManifestSchema1), ArtifactType, v1.Descriptor{}, nil, notes}
	var layers []v1.Layer
	add := func(data []byte, mediaType types.MediaType, title string) (v1.Descriptor, error) {
		layer := static.NewLayer(data, mediaType)
		h, err := layer.Digest()
		d := v1.Descriptor{MediaType: mediaType, Digest: h, Size: int64(len(data))}
		if title != "" {
			d.Annotations = map[string]string{"org.opencontainers.image.title": title}
		}
		layers = append(layers, layer)
		return d, err
	}
	var err error
	if m.Config, err = add([]byte("{}"), "application/vnd.oci.empty.v1+json", ""); err != nil {
		return nil, nil, err
	}
	for _, part := range []struct {
		data  []byte
		kind  types.MediaType
		title string
	}{{b.YAML, MediaType, "denylist.yaml"}, {b.Signature, attest.BundleType, "denylist.yaml" + Suffix}} {
		if part.data == nil {
			continue
		}
		d, err := add(part.data, part.kind, part.title)
		if err != nil {
			return nil, nil, err
		}
		m.Layers = append(m.Layers, d)
	}
	raw, err := json.Marshal(m)
	return raw, layers, err
}
