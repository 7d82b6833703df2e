package sbom_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
)

func TestFacts(t *testing.T) {
	ev := sbom.Evidence{Kind: sbom.ELFSoname, Value: "libacme.so.1", Path: "/l", Where: "dynamic section", Detector: "elf@1"}
	inv := sbom.Inventory{Subject: sbom.Subject{Kind: sbom.Image, Name: "localhost/acme/app:1", Labels: map[string]string{"vendor": "Acme", "a": "b"}}}
	inv.Components = []sbom.Component{
		{PURL: "pkg:npm/%40acme/app@1.0?x=y", Group: "@other", Name: "app", Evidence: []sbom.Evidence{ev, {Kind: sbom.Symbol}}},
		{PURL: "pkg:maven/org.acme/app@1"}, {PURL: "pkg:golang/acme.example/a/b@v1#sub"}, {PURL: "pkg:pypi/acme@2"}, {PURL: "pkg:deb/debian/acme@3"},
		{PURL: "pkg:docker/acme/app@sha256:1"}, {PURL: "pkg:generic/x"}, {PURL: "acme"},
		{Group: "@acme", Name: "app"}, {Group: "org.acme", Name: "app"}, {Group: "acme", Name: "app"},
		{CPEs: []string{`cpe:2.3:a:ac\!me:app:1:*:*:*:*:*:*:*`, "cpe:/a:acme:app", "cpe:2.3:a:*:app", "nothing"}},
		{Supplier: "S", Publisher: "P", Manufacturer: "M", Authors: []string{"A", ""}},
		{References: []sbom.Reference{{Type: "website", URL: "https://u:p@acme.example:8080/x?y"}, {Type: "vcs", URL: "git@acme.example:a/b"}, {Type: "issue-tracker", URL: "https://x"}}},
	}
	var got []string
	add := func(what string, f sbom.Fact) {
		e := f.AsEvidence()
		if e.Kind != f.Kind || e.Value != f.Value || (f.Evidence == nil) == (f.Field == "") || f.Evidence == nil && e.Where != f.Field {
			t.Errorf("%+v is not %+v", e, f)
		}
		got = append(got, fmt.Sprintf("%s %s=%s %s", what, f.Kind, f.Value, f.Field))
	}
	for f := range inv.Subject.Facts() {
		add("subject", f)
	}
	for i := range inv.Components {
		for f := range inv.Components[i].Facts() {
			add(fmt.Sprint(i), f)
		}
	}
	want := strings.Split(`subject image_label=a=b label
subject image_label=vendor=Acme label
subject container_image=localhost/acme/app:1 reference
subject registry_host=localhost reference
0 elf_soname=libacme.so.1 
0 purl=pkg:npm/%40acme/app@1.0?x=y purl
0 npm_package=@acme/app purl
1 purl=pkg:maven/org.acme/app@1 purl
1 maven_group=org.acme purl
2 purl=pkg:golang/acme.example/a/b@v1#sub purl
2 go_module=acme.example/a/b purl
3 purl=pkg:pypi/acme@2 purl
3 python_package=acme purl
4 purl=pkg:deb/debian/acme@3 purl
4 package_name=acme purl
5 purl=pkg:docker/acme/app@sha256:1 purl
5 container_image=acme/app purl
6 purl=pkg:generic/x purl
7 purl=acme purl
8 npm_package=@acme/app group and name
9 maven_group=org.acme group
11 cpe_vendor=ac!me cpe
11 cpe_vendor=acme cpe
12 entity_name=S supplier
12 entity_name=P publisher
12 entity_name=M manufacturer
12 entity_name=A author
13 homepage_host=acme.example website
13 repo_host=acme.example vcs`, "\n")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for n := range want { // every iteration can be left
		left := 0
		for f := range inv.Components[n%len(inv.Components)].Facts() {
			if left++; f.Value != "" {
				break
			}
		}
		if left > 1 {
			t.Fatal("it went on")
		}
	}
}

// How a field of the inventory takes part in a verdict.
const (
	fact    = "a fact"    // Facts depends on it
	shown   = "shown"     // part of a verdict's text, for people
	context = "a context" // no fact, but judged: which file facts are of, what contains what, what was not examined
)

// judged says of every field of an inventory how it takes part in a verdict, or
// why it is "not judged, because".
var judged = map[string]string{
	"Subject.Kind":                  fact,
	"Subject.Name":                  fact,
	"Subject.Digest":                context, // waivers name it
	"Subject.ImageID":               "not judged, because it is a digest of contents that are judged",
	"Subject.IndexedBy":             "not judged, because it is a digest of contents that are judged",
	"Subject.Platform":              "not judged, because no law and no rule depends on the platform",
	"Subject.PURL":                  context, // of the finding's component
	"Subject.Labels":                fact,
	"Subject.Tags":                  "not judged, because a tag is not of the image, but of where it lies",
	"Subject.Created":               "not judged, because the day of a verdict is the policy's",
	"Tool.Name":                     "not judged, because it says who looked and not what is there",
	"Tool.Version":                  "not judged, because it says who looked and not what is there",
	"Tool.Detectors":                "not judged, because it says who looked; what was not looked for follows from Watched",
	"Tool.Watched":                  context,
	"Created":                       "not judged, because the day of a verdict is the policy's",
	"Layers.DiffID":                 "not judged, because places name the layer themselves",
	"Layers.Digest":                 "not judged, because places name the layer themselves",
	"Layers.ChainID":                "not judged, because places name the layer themselves",
	"Layers.MediaType":              "not judged, because it says how a layer is stored",
	"Layers.Size":                   "not judged, because it says how a layer is stored",
	"Layers.CreatedBy":              "not judged, because the subject has it as evidence",
	"Components.Ref":                context,
	"Components.Type":               context,
	"Components.Group":              fact,
	"Components.Name":               fact,
	"Components.Version":            context, // of the finding's component
	"Components.PURL":               fact,
	"Components.CPEs":               fact,
	"Components.Supplier":           fact,
	"Components.Publisher":          fact,
	"Components.Manufacturer":       fact,
	"Components.Authors":            fact,
	"Components.Copyright":          "not judged, because it is a text in which others are named too; a detector takes the holder from it",
	"Components.Description":        "not judged, because it is prose, in which any name may occur",
	"Components.FoundBy":            "not judged, because it says who looked and not what is there",
	"Components.Language":           "not judged, because no rule depends on it",
	"Components.Scope":              context,
	"Components.DependsOn":          "not judged, because what a component needs is judged as a component, if it is there",
	"Components.Contains":           context,
	"Components.Licenses":           "not judged, because a license says nothing of who made it",
	"Components.Hashes":             "not judged, because a file's digest is evidence (file_sha256) where a rule asks for it",
	"Components.Properties":         "not judged, because they are notes for people",
	"Coverage.FilesSeen":            "not judged, because it is a count",
	"Coverage.FilesExamined":        "not judged, because it is a count",
	"Coverage.BytesSeen":            "not judged, because it is a count",
	"Subject.Evidence.Kind":         fact,
	"Subject.Evidence.Value":        fact,
	"Subject.Evidence.Path":         context,
	"Subject.Evidence.Layer":        context,
	"Subject.Evidence.Format":       context,
	"Subject.Evidence.Where":        shown,
	"Subject.Evidence.Detector":     shown,
	"Subject.Evidence.Count":        context,
	"Subject.Evidence.Group":        shown,
	"Components.Evidence.Kind":      fact,
	"Components.Evidence.Value":     fact,
	"Components.Evidence.Path":      context,
	"Components.Evidence.Layer":     context,
	"Components.Evidence.Format":    context,
	"Components.Evidence.Where":     shown,
	"Components.Evidence.Detector":  shown,
	"Components.Evidence.Count":     context,
	"Components.Evidence.Group":     shown,
	"Components.Occurrences.Path":   context,
	"Components.Occurrences.Layer":  context,
	"Components.Occurrences.Hidden": context,
	"Components.Occurrences.Digest": context, // waivers name it
	"Components.References.Type":    fact,
	"Components.References.URL":     fact,
	"Coverage.Gaps.Path":            shown,
	"Coverage.Gaps.Layer":           shown,
	"Coverage.Gaps.Reason":          context,
	"Coverage.Gaps.Detail":          shown,
	"Coverage.Gaps.Detector":        shown,
	"Foreign":                       context,
}

// TestEveryFieldIsJudgedOrNot: each field of an inventory is a fact, or judged
// as context, or listed as not judged with the reason; Facts and Reduce agree
// with the list. A new field fails here until somebody decides.
func TestEveryFieldIsJudgedOrNot(t *testing.T) {
	seen := map[string]bool{}
	for _, path := range fields(reflect.TypeFor[sbom.Inventory](), "") {
		seen[path] = true
		how, ok := judged[path]
		if !ok {
			t.Errorf("%s is neither a fact nor listed as not judged", path)
			continue
		}
		inv := filled()
		before := facts(inv)
		kept := false
		each(reflect.ValueOf(inv.Reduce()).Elem(), path, func(v reflect.Value) { kept = kept || !v.IsZero() })
		if kept == strings.HasPrefix(how, "not judged") {
			t.Errorf("%s is %q; Reduce keeps it: %v", path, how, kept)
		}
		each(reflect.ValueOf(inv).Elem(), path, func(v reflect.Value) { v.SetZero() })
		if changes := !slices.Equal(before, facts(inv)); changes != (how == fact) {
			t.Errorf("%s is %q; Facts depends on it: %v", path, how, changes)
		}
	}
	for path := range judged {
		if !seen[path] {
			t.Errorf("%s is listed, and no field", path)
		}
	}
}

// apart are types of which the fields are not told apart.
var apart = []reflect.Type{reflect.TypeFor[sbom.License](), reflect.TypeFor[sbom.Hash](), reflect.TypeFor[sbom.Property](), reflect.TypeFor[time.Time]()}

// fields returns the paths of the fields that hold values.
func fields(t reflect.Type, path string) (out []string) {
	if t.Kind() == reflect.Slice {
		return fields(t.Elem(), path)
	}
	if t.Kind() != reflect.Struct || slices.Contains(apart, t) {
		return []string{path}
	}
	for i := range t.NumField() {
		out = append(out, fields(t.Field(i).Type, strings.TrimPrefix(path+"."+t.Field(i).Name, "."))...)
	}
	return out
}

// each calls fn with the field at a path; of lists, with that of each item.
func each(v reflect.Value, path string, fn func(reflect.Value)) {
	if path == "" {
		fn(v)
		return
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			each(v.Index(i), path, fn)
		}
		return
	}
	name, rest, _ := strings.Cut(path, ".")
	each(v.FieldByName(name), rest, fn)
}

// filled is an inventory of which every field has a value.
func filled() *sbom.Inventory {
	inv := &sbom.Inventory{}
	fill(reflect.ValueOf(inv).Elem())
	inv.Subject.Kind = sbom.Image
	second := inv.Components[0]
	second.PURL, second.Group = "", "@scope" // Name and Group count where there is no package URL
	inv.Components = []sbom.Component{inv.Components[0], second}
	inv.Components[0].References[0].Type = "website"
	return inv
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	case reflect.String:
		v.SetString("cpe:/a:b")
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	}
}

func facts(inv *sbom.Inventory) (out []string) {
	for f := range inv.Subject.Facts() {
		out = append(out, string(f.Kind)+"="+f.Value)
	}
	for i := range inv.Components {
		for f := range inv.Components[i].Facts() {
			out = append(out, string(f.Kind)+"="+f.Value)
		}
	}
	return out
}
