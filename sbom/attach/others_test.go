package attach_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom/attach"
)

// TestOthers finds what cosign keeps under tags, what BuildKit puts into the
// index, plain referrers, and referrers that are broken.
func TestOthers(t *testing.T) {
	ctx := context.Background()
	for _, api := range []bool{true, false} {
		s := inProcess(t, api)
		img, idx := s.withOthers(t)
		docs, err := s.client(t).List(ctx, img.Digest.String(), idx.Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range docs {
			line := string(d.Form) + " " + d.ArtifactType + " " + d.PredicateType
			if d.Err != nil {
				line = string(d.Form) + " broken"
			}
			got = append(got, strings.TrimSpace(line))
		}
		want := []string{
			"buildkit application/vnd.docker.container.image.v1+json https://slsa.dev/provenance/v0.2",
			"buildkit application/vnd.docker.container.image.v1+json https://spdx.dev/Document",
			"cosign-tag .att https://cyclonedx.org/bom",
			"referrer application/vnd.cyclonedx+json",
		}
		if !api { // an API lists what is there; a tag may list anything
			want = append(want, "referrer broken", "referrer broken")
		}
		if diff := cmp.Diff(want, sorted(got)); diff != "" {
			t.Errorf("api %v:\n%s", api, diff)
		}
		best, why := attach.Choose(docs, nil)
		if best < 0 || docs[best].Form != attach.Referrer || !strings.Contains(why, "nobody vouches") {
			t.Errorf("chose %d because %s", best, why)
		}
		best, _ = attach.Choose(docs, func(d *attach.Document) bool { return d.Form == attach.CosignTag })
		if docs[best].Form != attach.CosignTag {
			t.Errorf("what is verified did not win: %v", docs[best])
		}
	}
	// A list that names what somebody deleted does not stand in the way.
	s := inProcess(t, false)
	img, _ := s.withOthers(t)
	more := attach.Artifact{Type: artifactType, Data: []byte(`{"more":1}`)}
	if _, err := s.client(t).Push(ctx, []attach.Target{{Subject: img, Artifacts: []attach.Artifact{more}}}, attach.PushOptions{}); err != nil {
		t.Error(err)
	}
	if best, _ := attach.Choose(nil, nil); best != -1 {
		t.Errorf("chose %d of nothing", best)
	}
}

func (s *server) withOthers(t *testing.T) (img, idx v1.Descriptor) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	i, err := random.Image(1024, 1)
	check(err)
	d, err := partial.Descriptor(i)
	check(err)
	layer := func(text, mediaType, key, predicate string) mutate.Addendum {
		return mutate.Addendum{Layer: static.NewLayer([]byte(text), types.MediaType(mediaType)), Annotations: map[string]string{key: predicate}}
	}
	const inToto, key = "application/vnd.in-toto+json", "in-toto.io/predicate-type"
	built, err := mutate.Append(empty.Image, layer(`{"a":1}`, inToto, key, "https://spdx.dev/Document"), layer(`{"b":1}`, inToto, key, "https://slsa.dev/provenance/v0.2"))
	check(err)
	x := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: i}, mutate.IndexAddendum{Add: built, Descriptor: v1.Descriptor{
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": d.Digest.String()}}})
	repo := s.repo(t)
	check(remote.WriteIndex(repo.Tag("1"), x))
	xd, err := partial.Descriptor(x)
	check(err)
	att, err := mutate.Append(empty.Image, layer(`{"payload":""}`, "application/vnd.dsse.envelope.v1+json", "predicateType", "https://cyclonedx.org/bom"))
	check(err)
	check(remote.Write(repo.Tag(attach.Fallback(d.Digest.String())+".att"), att))
	plain := attach.Artifact{Type: artifactType, Data: []byte(`{}`)}
	_, err = s.client(t).Push(context.Background(), []attach.Target{{Subject: *d, Artifacts: []attach.Artifact{plain}}}, attach.PushOptions{})
	check(err)
	if !s.api {
		tag := repo.Tag(attach.Fallback(d.Digest.String()))
		list, err := remote.Index(tag)
		check(err)
		im, err := list.IndexManifest()
		check(err)
		im.Manifests = append(im.Manifests, *d) // it is about something else
		check(remote.Put(tag, rawIndex{im}))
		gone := attach.Artifact{Type: artifactType, Data: []byte(`{"gone":1}`)}
		res, err := s.client(t).Push(context.Background(), []attach.Target{{Subject: *d, Artifacts: []attach.Artifact{gone}}}, attach.PushOptions{})
		check(err)
		check(remote.Delete(repo.Digest(res.Pushed[0].Manifest)))
	}
	return *d, *xd
}

// rawIndex is an index as it stands.
type rawIndex struct{ *v1.IndexManifest }

func (r rawIndex) RawManifest() ([]byte, error)        { return json.Marshal(r.IndexManifest) }
func (r rawIndex) MediaType() (types.MediaType, error) { return types.OCIImageIndex, nil }
