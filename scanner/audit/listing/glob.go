package listing

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// isGlob reports whether a name has one of the characters that no repository
// and no tag has.
func isGlob(s string) bool { return strings.ContainsAny(s, "*?[{") }

// glob matches repositories, and tags of them if tag is set.
type glob struct {
	repo string
	tag  string
}

func compile(pattern string) (glob, error) {
	g := glob{repo: pattern}
	g.repo, g.tag, _ = cutTag(pattern)
	if strings.HasSuffix(g.repo, "/") {
		g.repo += "**"
	}
	if g.repo == "" || !doublestar.ValidatePattern(g.repo) || !doublestar.ValidatePattern(g.tag) {
		return glob{}, problem(`write it as team/*, team/** or team/app:1.*`, "%q is no pattern of repositories or tags", pattern)
	}
	return g, nil
}

// cutTag splits "name:tag". A colon before the last slash is a port's.
func cutTag(s string) (name, tag string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < strings.LastIndexByte(s, '/') || i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// matches takes a repository as "host/path".
func (g glob) matches(repo string) bool {
	_, path, _ := strings.Cut(repo, "/")
	if !strings.Contains(g.repo, "/") {
		return matchGlob(g.repo, path[strings.LastIndexByte(path, '/')+1:])
	}
	return matchGlob(g.repo, path) || matchGlob(g.repo, repo)
}

func matchGlob(pattern, s string) bool {
	return pattern == s || doublestar.MatchUnvalidated(pattern, s)
}
