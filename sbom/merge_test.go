package sbom

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func platform(arch string) *Inventory {
	inv := &Inventory{
		Subject: Subject{Kind: Image, Name: "example.test/app:1", Platform: "linux/" + arch, Digest: "sha256:" + arch, Labels: map[string]string{"vendor": "acme"}},
		Tool:    Tool{Name: "interdict", Version: "1", Watched: []string{"both", "only-" + arch}},
		Layers:  []Layer{{DiffID: "base"}, {DiffID: arch}},
		Components: []Component{
			{Ref: "pkg:npm/a@1", Type: Library, Name: "a", PURL: "pkg:npm/a@1", Occurrences: []Occurrence{{Path: "/a", Layer: arch}},
				Evidence: []Evidence{{Kind: NPMPackage, Value: "a", Path: "/a", Layer: arch}}, DependsOn: []string{"x", "nowhere"}},
			{Ref: "x", Type: Library, Name: "x", Hashes: []Hash{{"SHA-256", arch}}, Occurrences: []Occurrence{{Path: "/x", Layer: arch}}},
			{Ref: "base", Type: Library, Name: "base", Contains: []string{"pkg:npm/a@1"}, Occurrences: []Occurrence{{Path: "/base", Layer: "base"}}},
		},
		Coverage: Coverage{FilesSeen: 10, Gaps: []Gap{{Path: "/z", Layer: arch, Reason: Encrypted}, {Reason: Absent}}},
	}
	inv.Normalize()
	return inv
}

func TestMerge(t *testing.T) {
	a, b := platform("amd64"), platform("arm64")
	got := Merge("release", []*Inventory{a, b})
	if diff := cmp.Diff(got, Merge("release", []*Inventory{b, a})); diff != "" {
		t.Errorf("the order matters:\n%s", diff)
	}
	if diff := cmp.Diff(platform("amd64"), a); diff != "" {
		t.Errorf("an inventory was changed:\n%s", diff)
	}
	byName := map[string][]Component{}
	refs := map[string]Component{}
	for _, c := range got.Components {
		byName[c.Name] = append(byName[c.Name], c)
		refs[c.Ref] = c
	}
	if len(byName["a"]) != 1 || len(byName["x"]) != 2 || len(byName["base"]) != 1 || len(byName["example.test/app:1"]) != 2 {
		t.Fatalf("components: %v", refs)
	}
	one := byName["a"][0]
	if len(one.Occurrences) != 2 || len(one.Evidence) != 2 {
		t.Errorf("places and evidence of both are not there: %+v", one)
	}
	var needs []string
	for _, r := range one.DependsOn {
		needs = append(needs, refs[r].Name)
	}
	if slices.Sort(needs); !slices.Equal(needs, []string{"", "x", "x"}) {
		t.Errorf("it needs %v", needs)
	}
	image := byName["example.test/app:1"][0]
	if len(image.DependsOn) != 2 || refs[image.DependsOn[0]].Name == "" {
		t.Errorf("the image's parts are %v", image.DependsOn)
	}
	if !slices.Equal(got.Tool.Watched, []string{"both"}) {
		t.Errorf("watched: %v", got.Tool.Watched)
	}
	if len(got.Layers) != 3 || got.Coverage.FilesSeen != 20 || len(got.Coverage.Gaps) != 4 {
		t.Errorf("layers %v, coverage %+v", got.Layers, got.Coverage)
	}
	// Merging what is merged changes nothing but the name.
	again := Merge("release", []*Inventory{got})
	if len(again.Components) != len(got.Components) || again.Subject.Kind != Collection {
		t.Errorf("merged again there are %d components, were %d", len(again.Components), len(got.Components))
	}
}
