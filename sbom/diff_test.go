package sbom

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	c := func(name, version, path, sum string) Component {
		out := Component{Type: Library, Name: name, Version: version, PURL: "pkg:npm/%40s/" + name + "@" + version + "?a=b", Ref: name + version + path}
		if path != "" {
			out.Occurrences = []Occurrence{{Path: path}}
		}
		if sum != "" {
			out.Hashes = []Hash{{"SHA-256", sum}}
		}
		return out
	}
	a := &Inventory{Components: []Component{
		c("same", "1", "/a", ""), c("up", "1", "/a", ""), c("gone", "1", "/a", ""), c("moved", "1", "/a", ""),
		c("two", "1", "/x", ""), c("two", "2", "/y", ""), c("bytes", "", "/f", "aa"), c("fewer", "1", "/a", ""), c("fewer", "2", "/b", ""),
	}}
	b := &Inventory{Components: []Component{
		c("same", "1", "/a", ""), c("up", "2", "/a", ""), c("new", "1", "/a", ""), c("moved", "1", "/b", ""),
		c("two", "2", "/x", ""), c("two", "3", "/y", ""), c("bytes", "", "/f", "bb"), c("fewer", "2", "/b", ""),
	}}
	want := Difference{
		Added:   []Component{c("new", "1", "/a", "")},
		Removed: []Component{c("fewer", "1", "/a", ""), c("gone", "1", "/a", "")},
		Changed: []Change{
			{c("bytes", "", "/f", "aa"), c("bytes", "", "/f", "bb")},
			{c("two", "1", "/x", ""), c("two", "3", "/y", "")},
			{c("up", "1", "/a", ""), c("up", "2", "/a", "")},
		},
	}
	if diff := cmp.Diff(want, Diff(a, b)); diff != "" {
		t.Error(diff)
	}
	if !Diff(a, a).Empty() {
		t.Error("an inventory differs from itself")
	}
	back := Diff(b, a)
	if len(back.Added) != 2 || len(back.Removed) != 1 || len(back.Changed) != 3 {
		t.Errorf("the other way round it is %+v", back)
	}
}
