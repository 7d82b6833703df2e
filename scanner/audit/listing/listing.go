// Package listing turns what a user names, a registry, a repository, a list
// file or the output of kubectl, into the images that are there: repository by
// repository, each manifest once.
package listing

import (
	"os"
	"time"
)

// Image is the manifest of one image in one repository.
type Image struct {
	Repository string // "host/path", as in "docker.io/library/nginx"
	Digest     string // of the manifest
	// Platform is "os/arch[/variant]" by the index, or by the image's
	// configuration where that was read. Empty if neither told.
	Platform string
	// Tags lead to the manifest, directly or by an index; sorted. Empty if only
	// its digest was named.
	Tags []string
	// Index is the digest of an index that has the manifest, the least one if
	// several do. Empty if none does.
	Index string
	// Workloads run the image: "namespace/pod/container" of a pod, and
	// "namespace/kind/name/container" of what makes pods; sorted.
	Workloads []string
	// Created is when the image says that it was made. Zero if it does not, or
	// if nothing asked for it ([Filter.Newest], [Filter.Since]).
	Created   time.Time
	MediaType string // of the manifest
}

// Repository is what a listing found in one repository.
type Repository struct {
	Name string // "host/path"
	// Images are sorted by digest. There may be none.
	Images []Image
	// Complete tells that all tags of the repository were asked for and could be
	// read. An image that was there once and is not in Images is then gone,
	// unless Narrowed.
	Complete bool
	// Narrowed tells that the filter left tags or platforms out.
	Narrowed bool
	// TagsListed tells that the registry gave the list of tags, Tags, whatever a
	// filter chose of them and whichever could be read. A tag that is not in it is
	// gone. Of a repository that is gone itself the list is empty.
	TagsListed bool
	Tags       []string
	// AbsentTags were named one by one, and the registry has them no more.
	AbsentTags []string
}

// Result is what List could not list, and what it knows to be gone.
type Result struct {
	Problems []Problem // sorted
	absent   func(repository string) bool
}

// Absent reports whether a repository is known not to be there: a registry gave
// the whole list of the repositories that a scope names, and it is not in it.
func (r *Result) Absent(repository string) bool { return r.absent != nil && r.absent(repository) }

// Problem is a part of a scope that could not be listed.
type Problem struct {
	What   string // a scope in the user's words, a repository, or "repository:tag"
	Reason string // one line
	Hint   string // what to do about it, one line; may be empty
	Absent bool   // it was asked for by name, and is not there
}

// Options say what to list and how. The zero value lists all images.
type Options struct {
	Filter Filter
	// Jobs is how many repositories are listed at once, 8 if zero. How many
	// requests a host gets at once is the client's to say.
	Jobs int
	// Known, if set, answers what digests led to when they were read before, by
	// digest: the images of an index, the one image of a manifest, or none for
	// what is no image. Those that it does not know are not in its answer.
	// Digest, Platform, Created, MediaType and Index of its images are taken.
	// Then a tag costs one HEAD. It is called from many goroutines, once for a
	// repository.
	Known func(digests []string) map[string][]Image
	// Learned, if set, is told what a digest that Known did not know leads to,
	// in the form that Known gives it back. Digests name content: it holds for
	// all repositories and all time. It is called from many goroutines.
	Learned func(digest string, images []Image)
	// Getenv stands for os.Getenv in tests: tokens of the registries' own APIs.
	Getenv func(string) string

	hub string // stands for https://hub.docker.com in tests
}

func (o Options) withDefaults() Options {
	if o.Jobs <= 0 {
		o.Jobs = 8
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Known == nil {
		o.Known = func([]string) map[string][]Image { return nil }
	}
	if o.Learned == nil {
		o.Learned = func(string, []Image) {}
	}
	if o.hub == "" {
		o.hub = "https://hub.docker.com"
	}
	return o
}
