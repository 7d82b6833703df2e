package listing

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-containerregistry/pkg/name"
)

// Scope is a part of what a user wants to look at: what one argument names.
type Scope struct {
	words   string
	entries []entry
}

// String returns the user's words.
func (s Scope) String() string { return s.words }

// Covers reports whether the scope names all of a repository, "host/path": if
// it does and was listed without a problem, and no filter keeps the repository
// out, then a repository that was not visited is gone.
func (s Scope) Covers(repository string) bool {
	for _, e := range s.entries {
		if e.tags == "" && e.tag == "" && e.digest == "" && e.names(repository) {
			return true
		}
	}
	return false
}

// AnyHost is the pattern of a scope whose service alone knows its registries.
const AnyHost = "*/**"

// Patterns returns what the scope covers, as patterns for [MatchPattern]: each
// repository that it names, and "host/glob" for many.
func (s Scope) Patterns() (out []string) {
	for _, e := range s.entries {
		switch {
		case e.bad != "":
		case e.repo != "":
			out = append(out, e.repo)
		case e.host == "":
			out = append(out, AnyHost)
		default:
			out = append(out, e.host+"/"+cmp.Or(e.glob, "**"))
		}
	}
	return out
}

// MatchPattern reports whether a repository, "host/path", is one of a pattern's.
func MatchPattern(pattern, repository string) bool {
	if pattern == AnyHost || pattern == repository {
		return true
	}
	host, path, _ := strings.Cut(repository, "/")
	wantHost, glob, _ := strings.Cut(pattern, "/")
	return host == wantHost && isGlob(glob) && matchGlob(glob, path)
}

// entry is one thing that a scope names.
type entry struct {
	words string
	// service is whose API lists repositories; empty for a registry that has to
	// be asked first what it is.
	service service
	api     string // host of the API, where that is not the registry
	host    string // of the registry; empty if only the API knows it
	glob    string // of repositories without host; empty for all
	repo    string // the one repository, "host/path"; empty if many are meant
	tags    string // glob of tags; empty for all
	tag     string // the one image
	digest  string
	bad     string // why it is no image, where a list has it among others
	// workload runs the image.
	workload string
}

// names reports whether a repository is one of those that the entry means.
func (e entry) names(repo string) bool {
	if e.repo != "" {
		return e.repo == repo
	}
	host, path, _ := strings.Cut(repo, "/")
	return host == e.host && (e.glob == "" || matchGlob(e.glob, path))
}

// Parse reads one argument of a user:
//
//	registry.example[:5000]               all repositories of a registry
//	registry.example/team/                all repositories below team
//	registry.example/team/*               those directly below; ** for any depth
//	registry.example/team/app             a repository, all of its tags
//	registry.example/team/app:1.0         one image; also @sha256:...
//	registry.example/team/app:1.*         its tags that match; also with globs before
//	nginx, bitnami/redis, bitnami/*       on Docker Hub, as with docker pull
//	ghcr.io/OWNER, quay.io/ORG            all repositories of an owner
//	gitlab:[HOST/]GROUP[/PROJECT]         GitLab's container registry; gitlab:HOST for all projects
//	harbor:HOST[/PROJECT]                 Harbor, by its own API
//	ghcr:OWNER                            GitHub Container Registry
//	ecr:REGION/ACCOUNT                    Amazon Elastic Container Registry
//	acr:NAME                              Azure Container Registry
//	quay:[HOST/]ORG                       Quay
//	dockerhub:OWNER                       Docker Hub
//	FILE                                  a list file: one of the above a line, # for comments;
//	                                      or what kubectl get ... -o json wrote
//	-                                     the same from standard input
//
// A file that exists comes first. Of a name without a dot, "registry:5000/"
// says that it is a registry. Errors have a hint.
func Parse(words string, stdin io.Reader) (Scope, error) {
	s := Scope{words: words}
	if words == "-" {
		if stdin == nil {
			return s, problem("name a registry, a repository or a file", "there is no standard input")
		}
		var err error
		s.entries, err = parseList(stdin)
		return s, within("standard input", err)
	}
	info, err := os.Stat(words)
	switch {
	case err == nil && info.IsDir() && (strings.HasPrefix(words, ".") || strings.HasPrefix(words, "/")):
		return s, problem("name a file of scopes, one a line", "%s is a folder", words)
	case err == nil && !info.IsDir():
		f, err := os.Open(words)
		if err != nil {
			return s, fmt.Errorf("opening a list of scopes: %w", err)
		}
		defer f.Close()
		s.entries, err = parseList(f)
		return s, within(words, err)
	case err != nil && (strings.HasPrefix(words, ".") || strings.HasPrefix(words, "/")):
		return s, fmt.Errorf("opening a list of scopes: %w", err)
	}
	e, err := parseEntry(words)
	if err != nil {
		return s, err
	}
	s.entries = []entry{e}
	return s, nil
}

// ParseImage reads a repository or an image of one, and nothing else: for words
// that are not the user's own, as what a registry's notification names. Files
// are not looked at, and no registry's API is asked.
func ParseImage(words string) (Scope, error) {
	e, err := parseEntry(words)
	if err == nil && (e.repo == "" || e.tags != "") {
		err = problem("write it as HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:...", "%q is no repository or image", words)
	}
	return Scope{words: words, entries: []entry{e}}, err
}

func within(file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading %s: %w", file, err)
}

var port = regexp.MustCompile(`^[0-9]{1,5}(/|$)`)

// parseEntry reads what is no file.
func parseEntry(words string) (entry, error) {
	e := entry{words: words}
	if kind, rest, ok := strings.Cut(words, ":"); ok && !port.MatchString(rest) {
		if strings.HasPrefix(rest, "//") {
			return e, problem("write it without "+kind+"://", "%q is an address", words)
		}
		if services[service(kind)] {
			return parseService(e, service(kind), rest)
		}
	}
	host, path, slash := strings.Cut(words, "/")
	switch {
	case words == "", strings.ContainsAny(words, " \t\r\n\\\"'"):
		return e, malformed(words)
	case !slash && isAmbiguous(words):
		return e, problem("write "+words+"/ for the registry, or docker.io/"+words+" for the image", "%q may be a registry or an image of Docker Hub", words)
	case !isHost(host), !slash && strings.Contains(host, ":") && !isHost(strings.Split(host, ":")[0]):
		host, path = dockerHub, words
	}
	host = canonicalHost(host)
	if _, err := name.NewRegistry(host); err != nil {
		return e, malformed(words)
	}
	e.host = host
	return parsePath(e, path)
}

func malformed(words string) error {
	return problem("write it as HOST, HOST/REPOSITORY, HOST/REPOSITORY:TAG or HOST/FOLDER/*, or name a file that exists",
		"%q is no registry, repository, image or file", words)
}

// isHost tells a registry's host from the first part of a repository, as Docker
// does.
func isHost(s string) bool {
	h, p, colon := strings.Cut(s, ":")
	if colon && !port.MatchString(p) {
		return false
	}
	return h == "localhost" || strings.Contains(h, ".") || colon
}

const dockerHub = "docker.io"

func canonicalHost(host string) string {
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return dockerHub
	}
	return strings.ToLower(host)
}

// parsePath reads what comes after a registry's host.
func parsePath(e entry, path string) (entry, error) {
	e.service = serviceOf(e.host)
	if path == "" {
		if e.service.perOwner() {
			return e, problem("name an owner: "+e.host+"/OWNER/*, or a list file", "%s does not list all of its repositories", e.host)
		}
		return e, nil
	}
	repo, digest, pinned := strings.Cut(path, "@")
	repo, tag, tagged := cutTag(repo)
	switch {
	case pinned && (isGlob(path) || strings.HasSuffix(repo, "/")), tagged && tag == "":
		return e, malformed(e.words)
	case isGlob(repo) || strings.HasSuffix(repo, "/"):
		return parseGlob(e, repo, tag)
	case !strings.Contains(repo, "/") && e.host != dockerHub && e.service.perOwner():
		if tagged || pinned {
			return e, malformed(e.words)
		}
		e.glob = repo + "/**"
		return e, nil
	}
	return parseImage(e, repo, tag, digest)
}

func parseGlob(e entry, repo, tag string) (entry, error) {
	g, err := compile(repo)
	if err != nil {
		return e, err
	}
	if !doublestar.ValidatePattern(tag) {
		return e, malformed(e.words)
	}
	e.glob, e.tags = g.repo, tag
	if e.service.perOwner() && folder(e.glob) == "" {
		return e, problem("name an owner: "+e.host+"/OWNER/*, or a list file", "%s does not list all of its repositories", e.host)
	}
	return e, nil
}

// folder is the part of a glob that is none: whole elements from the start.
func folder(pattern string) string {
	var literal []string
	parts := strings.Split(pattern, "/")
	for _, p := range parts[:len(parts)-1] {
		if isGlob(p) {
			break
		}
		literal = append(literal, p)
	}
	return strings.Join(literal, "/")
}

func parseImage(e entry, repo, tag, digest string) (entry, error) {
	var err error
	if e.repo, err = checked(e.host + "/" + repo); err != nil {
		return e, malformed(e.words)
	}
	e.service = ""
	switch {
	case isGlob(tag):
		if !doublestar.ValidatePattern(tag) {
			return e, malformed(e.words)
		}
		e.tags = tag
	case tag != "":
		if _, err := name.NewTag(e.repo+":"+tag, name.StrictValidation); err != nil {
			return e, malformed(e.words)
		}
		e.tag = tag
	}
	if digest != "" {
		if _, err := name.NewDigest(e.repo + "@" + digest); err != nil {
			return e, malformed(e.words)
		}
		e.digest = digest
	}
	return e, nil
}

// repositoryPath is what a repository may be called (distribution specification
// 1.1, "Pulling manifests"). go-containerregistry takes more.
var repositoryPath = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// checked is the one spelling of a repository's name, "host/path".
func checked(repo string) (string, error) {
	r, err := name.NewRepository(repo)
	if err != nil || !repositoryPath.MatchString(r.RepositoryStr()) {
		return "", fmt.Errorf("%q is no name of a repository", oneLine(repo))
	}
	return canonical(r), nil
}

// RepositoryName is the name of a repository as people write it, "host/path",
// and as [Repository] has it.
func RepositoryName(r name.Repository) string { return canonical(r) }

// canonical is the name of a repository as people write it.
func canonical(r name.Repository) string {
	if rest, ok := strings.CutPrefix(r.Name(), name.DefaultRegistry); ok {
		return dockerHub + rest
	}
	return r.Name()
}

// isAmbiguous is for words like "registry:5000" that Docker takes for an image
// and people for a registry.
func isAmbiguous(words string) bool {
	host, tag, _ := strings.Cut(words, ":")
	n, err := strconv.Atoi(tag)
	return !isHost(host) && err == nil && n >= 1024 && n <= 65535
}
