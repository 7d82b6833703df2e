package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// parts are the members of an archive, in their order.
type parts []string

// layoutParts are the members of an OCI layout with an image; its blobs are as
// edit leaves them.
func layoutParts(img v1.Image, edit func(blobs map[string]string)) parts {
	blobs := map[string]string{
		blobPath(must(img.Digest())):     string(must(img.RawManifest())),
		blobPath(must(img.ConfigName())): string(must(img.RawConfigFile())),
	}
	for _, l := range must(img.Layers()) {
		var b bytes.Buffer
		must(b.ReadFrom(must(l.Compressed())))
		blobs[blobPath(must(l.Digest()))] = b.String()
	}
	if edit != nil {
		edit(blobs)
	}
	idx := must(json.Marshal(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{{MediaType: types.OCIManifestSchema1,
		Digest: must(img.Digest()), Size: must(img.Size())}}}))
	p := parts{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`, "index.json", string(idx)}
	for _, name := range slices.Sorted(maps.Keys(blobs)) {
		p = append(p, name, blobs[name])
	}
	return p
}

// dockerParts are the members of a docker archive with an image, whose names
// begin with a prefix.
func dockerParts(prefix string, img v1.Image) parts {
	p := parts{prefix + "c.json", string(must(img.RawConfigFile()))}
	var names []string
	for i, l := range must(img.Layers()) {
		var b bytes.Buffer
		must(b.ReadFrom(must(l.Uncompressed())))
		names = append(names, fmt.Sprintf("%s%d/layer.tar", prefix, i))
		p = append(p, names[i], b.String())
	}
	m := must(json.Marshal([]any{map[string]any{"Config": prefix + "c.json", "RepoTags": []string{"t/x:1"}, "Layers": names}}))
	return append(p, "manifest.json", string(m))
}

// says is what a source is and lacks: its image, by the mark in its layers, and
// the reasons of its gaps.
func says(srcs []scanner.Source, images map[string]v1.Image) string {
	var out []string
	for _, s := range srcs {
		word := "?"
		for name, img := range images {
			if s.Subject().ImageID == must(img.ConfigName()).String() {
				word = name
			}
		}
		for _, g := range s.(scanner.Incomplete).Gaps() {
			word += " " + string(g.Reason)
		}
		out = append(out, word)
	}
	return strings.Join(out, ", ")
}

// TestReadings opens archives that hold different images for different readers,
// and their twins in which all readers take the same.
func TestReadings(t *testing.T) {
	a, b := imageFor(t, "linux/amd64", "a"), imageFor(t, "linux/amd64", "b")
	images := map[string]v1.Image{"a": a, "b": b}
	other := strings.TrimSuffix(string(must(a.RawConfigFile())), "}") + ` }` // the same image, other bytes
	for _, tt := range []struct {
		name   string
		parts  parts
		plain  string // what opening it by its path gives
		scheme string // oci-archive:
	}{
		{"both agree", slices.Concat(layoutParts(a, nil), dockerParts("d", a)), "a", "a"},
		{"index a, manifest b", slices.Concat(layoutParts(a, nil), dockerParts("d", b)), "b ambiguous, a ambiguous", "a ambiguous, b ambiguous"},
		{"manifest.json twice", slices.Concat(dockerParts("1", a), dockerParts("2", b)), "b ambiguous, a ambiguous", ""},
		{"manifest.json twice, equal", slices.Concat(dockerParts("1", a), dockerParts("1", a)), "a", ""},
		{"index.json twice", slices.Concat(layoutParts(a, nil), layoutParts(b, nil)), "b ambiguous, a ambiguous", "b ambiguous, a ambiguous"},
		{"the configuration twice", slices.Concat(dockerParts("1", a), parts{"1c.json", other}), "? ambiguous, a ambiguous", ""},
		{"a link in the way", slices.Concat(dockerParts("1", a), dockerParts("2", b)[:6], parts{"manifest.json", "-> 2m.json", "2m.json", dockerParts("2", b)[7]}), "b ambiguous, a ambiguous", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := put(t, "x.tar", tarOf(tt.parts...))
			packed := put(t, "x.tar.gz", gz(tarOf(tt.parts...)))
			for target, want := range map[string]string{file: tt.plain, packed: tt.plain, "docker-archive:" + file: tt.plain, "oci-archive:" + file: tt.scheme} {
				if want == "" {
					continue
				}
				if target == "docker-archive:"+file && tt.name == "index.json twice" {
					continue
				}
				srcs, err := open(t, target, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := says(srcs, images); got != want {
					t.Errorf("%s: %s, want %s", target, got, want)
				}
				for _, s := range srcs {
					checkReading(t, s)
				}
			}
		})
	}
}

// checkReading reads the layers of a reading: they are the image's own.
func checkReading(t *testing.T, s scanner.Source) {
	t.Helper()
	for i, l := range s.Layers() {
		if id, err := drain(l); err != nil || id != l.Describe().DiffID {
			t.Errorf("layer %d of %s: %s, %v", i, s.Subject().ImageID, id, err)
		}
	}
	if st, ok := s.(scanner.Streamer); ok {
		checkStream(t, st)
	}
}

// TestIndexedTwice: an index with two entries for one platform, or one that
// only some machines take, leads to both.
func TestIndexedTwice(t *testing.T) {
	a, b, c := imageFor(t, "linux/amd64", "a"), imageFor(t, "linux/amd64", "b"), imageFor(t, "linux/arm64", "c")
	images := map[string]v1.Image{"a": a, "b": b, "c": c}
	at := func(img v1.Image, p v1.Platform, notes ...string) mutate.IndexAddendum {
		d := v1.Descriptor{Platform: &p}
		if p.OS == "" {
			d.Platform = nil
		}
		for _, n := range notes {
			d.Annotations = map[string]string{"vnd.docker.reference.type": n}
		}
		return mutate.IndexAddendum{Add: img, Descriptor: d}
	}
	amd64, v3, arm64, s390x := v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v3"},
		v1.Platform{OS: "linux", Architecture: "arm64"}, v1.Platform{OS: "linux", Architecture: "s390x"}
	addr := serve(t)
	for name, tt := range map[string]struct {
		adds []mutate.IndexAddendum
		want string
	}{
		"plain":     {[]mutate.IndexAddendum{at(a, amd64), at(c, arm64)}, "a"},
		"same":      {[]mutate.IndexAddendum{at(a, amd64), at(b, amd64), at(c, arm64)}, "a, b"},
		"variant":   {[]mutate.IndexAddendum{at(a, amd64), at(b, v3), at(c, arm64)}, "a, b"},
		"also":      {[]mutate.IndexAddendum{at(a, s390x), at(a, amd64), at(b, amd64)}, "a, b"},
		"note":      {[]mutate.IndexAddendum{at(a, v1.Platform{}, "attestation-manifest"), at(b, amd64)}, "a, b"},
		"attested":  {[]mutate.IndexAddendum{at(a, amd64), attestation(a)}, "a"},
		"one-by-v3": {[]mutate.IndexAddendum{at(a, v3), at(c, arm64)}, "a"},
	} {
		push(t, addr+"/"+name+":1", mutate.AppendManifests(empty.Index, tt.adds...))
		srcs, err := open(t, addr+"/"+name+":1", Options{Platforms: []string{"linux/amd64"}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := says(srcs, images); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestDamagedParts opens images of which one part is damaged or absent: the
// layers are there, and the source says what is not.
func TestDamagedParts(t *testing.T) {
	img := imageFor(t, "linux/amd64", "a")
	images := map[string]v1.Image{"a": img}
	config := blobPath(must(img.ConfigName()))
	fewer := must(img.ConfigFile()).DeepCopy()
	fewer.RootFS.DiffIDs = fewer.RootFS.DiffIDs[:1]
	history := must(img.ConfigFile()).DeepCopy()
	history.History = history.History[:1]
	docker := dockerParts("d", img)
	for _, tt := range []struct {
		name    string
		archive parts
		want    string
	}{
		{"whole", layoutParts(img, nil), "a"},
		{"whole, docker", docker, "a"},
		{"no configuration", layoutParts(img, func(b map[string]string) { delete(b, config) }), "? unreadable"},
		{"no configuration, docker", docker[2:], "? unreadable"},
		{"a changed configuration", layoutParts(img, func(b map[string]string) { b[config] += " " }), "? unreadable"},
		{"no JSON", slices.Concat(parts{docker[0], "{"}, docker[2:]), "? unreadable"},
		{"fewer diffIDs", layoutParts(must(mutate.ConfigFile(img, fewer)), nil), "? unreadable"},
		{"a shorter history", layoutParts(must(mutate.ConfigFile(img, history)), nil), "?"},
	} {
		srcs, err := open(t, put(t, "x.tar", tarOf(tt.archive...)), Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := says(srcs, images); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if n := len(srcs[0].Layers()); n != 2 {
			t.Errorf("%s: %d layers", tt.name, n)
		}
		for i, l := range srcs[0].Layers() {
			if id, err := drain(l); err != nil || id != must(must(img.Layers())[i].DiffID()).String() {
				t.Errorf("%s: layer %d: %s, %v", tt.name, i, id, err)
			}
		}
	}
}

// TestCutArchive opens archives that were cut off: what is there of their layers
// can be read.
func TestCutArchive(t *testing.T) {
	img := imageFor(t, "linux/amd64", "a")
	whole := tarOf(dockerParts(strings.Repeat("d", 64)+"/", img)...)
	for name, data := range map[string][]byte{"x.tar": whole[:len(whole)/2], "x.tar.gz": gz(whole)[:len(gz(whole))*2/3]} {
		for _, scheme := range []string{"", "docker-archive:", "oci-archive:"} {
			srcs, err := open(t, scheme+put(t, name, data), Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := srcs[0]
			if g := s.(scanner.Incomplete).Gaps(); len(g) == 0 || g[0].Reason != sbom.Truncated {
				t.Errorf("%s: gaps %v", name, g)
			}
			if id, err := drain(s.Layers()[0]); err != nil || id != must(must(img.Layers())[0].DiffID()).String() {
				t.Errorf("%s: the first layer: %s, %v", name, id, err)
			}
		}
	}
}

// TestDockerV1 opens Docker's first archive format.
func TestDockerV1(t *testing.T) {
	img := imageFor(t, "linux/amd64", "a")
	d := dockerParts("", img)
	base, top := d[3], d[5]
	archive := parts{"aa/VERSION", "1.0", "aa/json", `{"id":"aa","container_config":{"Cmd":["ADD","base.tar"]}}`, "aa/layer.tar", base,
		"bb/json", `{"id":"bb","parent":"aa","os":"linux","architecture":"amd64","config":{"Env":["A=b"]}}`, "bb/layer.tar", top}
	repos := parts{"repositories", `{"team/app":{"1":"bb","latest":"bb"}}`}
	for name, tt := range map[string]struct {
		archive parts
		layers  int
		want    string // reasons, or an error
	}{
		"whole":     {slices.Concat(archive, repos), 2, ""},
		"no parent": {slices.Concat(archive[6:], repos), 1, "unreadable"},
		"a circle":  {slices.Concat(archive, parts{"aa/json", `{"id":"aa","parent":"bb"}`}, repos), 2, "unreadable"},
		"two":       {slices.Concat(archive, parts{"repositories", `{"app":{"1":"bb","2":"aa"}}`}), 0, "several images"},
	} {
		for _, scheme := range []string{"", "docker-archive:"} {
			srcs, err := open(t, scheme+put(t, "x.tar", tarOf(tt.archive...)), Options{})
			if tt.layers == 0 {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(name, err)
			}
			var got []string
			for _, g := range srcs[0].(scanner.Incomplete).Gaps() {
				got = append(got, string(g.Reason))
			}
			sub := srcs[0].Subject()
			if n := len(srcs[0].Layers()); n != tt.layers || strings.Join(got, " ") != tt.want || sub.Platform != "linux/amd64" || len(sub.Tags) != 2 {
				t.Errorf("%s: %d layers, gaps %v, %+v", name, n, got, sub)
			}
			checkDiffs(t, srcs[0], img, 2-tt.layers)
		}
	}
}

func checkDiffs(t *testing.T, s scanner.Source, img v1.Image, from int) {
	t.Helper()
	for i, l := range s.Layers() {
		if id, err := drain(l); err != nil || id != must(must(img.Layers())[from+i].DiffID()).String() {
			t.Errorf("layer %d: %s, %v", i, id, err)
		}
	}
}
