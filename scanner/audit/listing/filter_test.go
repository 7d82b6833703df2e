package listing

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCompareVersions(t *testing.T) {
	inOrder := strings.Fields("0.9 v1.0-alpha 1.0-beta.2 1.0-rc1 v1.0-rc10 1.0 1.0-alpine 1.0.1 v1.2 1.10 2 2024-01-31 2024-02-01 latest main")
	for range 100 {
		got := slices.Clone(inOrder)
		rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		if slices.SortFunc(got, compareVersions); !slices.Equal(got, inOrder) {
			t.Fatalf("sorted %q\n want  %q", got, inOrder)
		}
	}
}

// compareVersions is an order: antisymmetric and transitive.
func FuzzCompareVersions(f *testing.F) {
	f.Add("1.0", "1.0-rc1", "1.0-alpine")
	f.Add("v1", "1", "01")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if compareVersions(a, b) != -compareVersions(b, a) || (compareVersions(a, b) == 0) != (a == b) {
			t.Errorf("%q, %q: %d, %d", a, b, compareVersions(a, b), compareVersions(b, a))
		}
		if compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0 && compareVersions(a, c) > 0 {
			t.Errorf("%q <= %q <= %q < %q", a, b, c, a)
		}
	})
}

func TestFilterNames(t *testing.T) {
	const repo = "registry.example:5000/team/app"
	for _, tt := range []struct {
		include, exclude string
		tag              string
		repo, want       bool
	}{
		{"", "", "1.0", true, true},
		{"app", "", "1.0", true, true},
		{"team/app", "", "1.0", true, true},
		{"team", "", "1.0", false, false},
		{"team/", "", "1.0", true, true},
		{"*/app", "", "1.0", true, true},
		{"**", "", "1.0", true, true},
		{"registry.example:5000/team/*", "", "1.0", true, true},
		{"registry.example/team/*", "", "1.0", false, false},
		{"app:1.*", "", "1.0", true, true},
		{"app:1.*", "", "2.0", true, false},
		{"*:latest", "", "1.0", true, false},
		{"", "app", "1.0", false, true},
		{"", "app:dev-*", "dev-1", true, false},
		{"", "app:dev-*", "1.0", true, true},
		{"app", "team/app", "1.0", false, true},
		{"app:{1,2}.0", "", "2.0", true, true},
		{"app:1.*", "", "", true, false},
	} {
		in, out := []string{tt.include}, []string{tt.exclude}
		if tt.include == "" {
			in = nil
		}
		if tt.exclude == "" {
			out = nil
		}
		f, err := Filter{Include: in, Exclude: out}.compile()
		if err != nil {
			t.Fatal(err)
		}
		if got := f.repository(repo); got != tt.repo {
			t.Errorf("include %q, exclude %q: repository %t", tt.include, tt.exclude, got)
		}
		if got := f.tag(repo, tt.tag); got != tt.want {
			t.Errorf("include %q, exclude %q: tag %q %t", tt.include, tt.exclude, tt.tag, got)
		}
	}
	for _, bad := range []Filter{{Include: []string{"["}}, {Exclude: []string{"app:["}}, {Include: []string{""}}, {Platforms: []string{"linux"}}} {
		if err := bad.Check(); err == nil || hintOf(err) == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestFilterTimes(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	tags := func() []*tagged {
		var out []*tagged
		for tag, at := range map[string]time.Time{"1.0": day(1), "1.1": day(3), "0.9.9": day(2), "repro-1": time.Unix(0, 0), "repro-2": {}, "repro-10": time.Unix(0, 0)} {
			out = append(out, &tagged{pinned: pinned{tag: tag}, created: at})
		}
		return out
	}
	for _, tt := range []struct {
		f    Filter
		want string
	}{
		{Filter{Newest: 1}, "1.1 repro-10"},
		{Filter{Newest: 2}, "1.1 0.9.9 repro-10 repro-2"},
		{Filter{Newest: 99}, "1.1 0.9.9 1.0 repro-10 repro-2 repro-1"},
		{Filter{Newest: 9, Since: day(2)}, "1.1 0.9.9 repro-10 repro-2 repro-1"},
	} {
		f, err := tt.f.compile()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range f.choose(tags()) {
			got = append(got, x.tag)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v keeps %q, want %q", tt.f, got, tt.want)
		}
	}
}
