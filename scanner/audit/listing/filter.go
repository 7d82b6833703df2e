package listing

import "time"

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
