package listing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/scanner/registry"
)

// Filter says which images of the scopes are wanted. The zero value wants all.
//
// Include and Exclude hold globs for "repository" or "repository:tag". They
// match the repository with or without its host: in them "*" is any part of a
// name, "**" any number of folders, "{a,b}" one of both. A pattern whose
// repository has no slash matches its last element, as in .gitignore: "app"
// matches registry.example/team/app, and "*:latest" all tags of that name.
// One that ends in a slash stands for everything below it. What is excluded is
// left out whether or not it is included. Both hold for images that are named
// one by one as well.
//
// Newest and Since choose among the tags of a repository by when their images
// were made. They do not touch images that are named one by one.
type Filter struct {
	Include []string // none means all
	Exclude []string
	// Newest is how many tags of each repository are wanted, the newest by the
	// time in the image's configuration; zero means all. Tags whose images tell no
	// time, or one before 1990, as reproducible builds do, are counted apart: of
	// these as many are taken, by the order of versions in their names.
	Newest int
	// Since leaves out tags whose images say that they were made before it. Those
	// that tell no time are kept: to look is never wrong.
	Since time.Time
	// Platforms are "os/arch[/variant]"; none, or "all", means all. What is not
	// known to be of another platform is kept.
	Platforms []string
}

// Check returns an error, with a hint, if the filter cannot be read.
func (f Filter) Check() error {
	_, err := f.compile()
	return err
}

// filter is a Filter made ready.
type filter struct {
	include, exclude []glob
	newest           int
	since            time.Time
	platforms        []v1.Platform
}

func (f Filter) compile() (filter, error) {
	out := filter{newest: max(0, f.Newest), since: f.Since}
	for _, p := range f.Include {
		g, err := compile(p)
		if err != nil {
			return out, err
		}
		out.include = append(out.include, g)
	}
	for _, p := range f.Exclude {
		g, err := compile(p)
		if err != nil {
			return out, err
		}
		out.exclude = append(out.exclude, g)
	}
	all := false
	for _, words := range f.Platforms {
		for w := range strings.SplitSeq(words, ",") {
			if strings.TrimSpace(w) == "all" {
				all = true
				continue
			}
			p, err := registry.ParsePlatform(w)
			if err != nil {
				return out, problem("write it as os/arch[/variant], for example linux/arm64, or all", "%w", err)
			}
			out.platforms = append(out.platforms, p)
		}
	}
	if all {
		out.platforms = nil
	}
	return out, nil
}

// repository reports whether anything of a repository may be wanted.
func (f filter) repository(repo string) bool {
	out := func(g glob) bool { return g.tag == "" && g.matches(repo) }
	in := func(g glob) bool { return g.matches(repo) }
	return !slices.ContainsFunc(f.exclude, out) && (len(f.include) == 0 || slices.ContainsFunc(f.include, in))
}

// tag reports whether a tag of a wanted repository is wanted. An image that is
// named by its digest alone has an empty one.
func (f filter) tag(repo, tag string) bool {
	out := func(g glob) bool { return g.tag != "" && matchGlob(g.tag, tag) && g.matches(repo) }
	in := func(g glob) bool { return (g.tag == "" || matchGlob(g.tag, tag)) && g.matches(repo) }
	return !slices.ContainsFunc(f.exclude, out) && (len(f.include) == 0 || slices.ContainsFunc(f.include, in))
}

// timed reports whether the time of an image is asked for.
func (f filter) timed() bool { return f.newest > 0 || !f.since.IsZero() }

// accept keeps those of the images that one reference leads to that are for a
// wanted platform.
func (f filter) accept(images []*leaf) []*leaf {
	if len(f.platforms) == 0 {
		return images
	}
	have := make([]v1.Platform, len(images))
	for i, im := range images {
		have[i], _ = registry.ParsePlatform(im.Platform)
	}
	keep := make([]bool, len(images))
	for _, want := range f.platforms {
		for _, i := range registry.MatchPlatform(want, have) {
			keep[i] = true
		}
	}
	var out []*leaf
	for i, im := range images {
		if keep[i] || im.Platform == "" {
			out = append(out, im)
		}
	}
	return out
}

// firstTime is the earliest time that is taken for one: tools that make builds
// reproducible write the start of an epoch, 1970 or 1980.
var firstTime = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// choose keeps the tags that Newest and Since want.
func (f filter) choose(tags []*tagged) []*tagged {
	var timed, untimed []*tagged
	for _, t := range tags {
		switch {
		case t.created.Before(firstTime):
			untimed = append(untimed, t)
		case !t.created.Before(f.since):
			timed = append(timed, t)
		}
	}
	if f.newest > 0 {
		slices.SortFunc(timed, func(a, b *tagged) int {
			return cmp.Or(b.created.Compare(a.created), compareVersions(b.tag, a.tag))
		})
		slices.SortFunc(untimed, func(a, b *tagged) int { return compareVersions(b.tag, a.tag) })
		timed, untimed = timed[:min(f.newest, len(timed))], untimed[:min(f.newest, len(untimed))]
	}
	return append(timed, untimed...)
}
