package listing

import (
	"context"
	"iter"
	"net/url"
	"regexp"
	"strings"

	"github.com/interdict/interdict/scanner/registry"
)

// service is a kind of registry that has its own API to list repositories.
type service string

const (
	gitlab service = "gitlab"
	harbor service = "harbor"
	ghcr   service = "ghcr"
	ecr    service = "ecr"
	acr    service = "acr"
	quay   service = "quay"
	hub    service = "dockerhub"
)

var services = map[service]bool{gitlab: true, harbor: true, ghcr: true, ecr: true, acr: true, quay: true, hub: true}

// perOwner reports whether repositories are listed of one owner only.
func (s service) perOwner() bool { return s == ghcr || s == quay || s == hub || s == gitlab }

const (
	gitlabHost = "gitlab.com"
	gitlabReg  = "registry.gitlab.com"
	ghcrHost   = "ghcr.io"
	quayHost   = "quay.io"
)

// ecrHost is the host of a private registry: account, region, DNS suffix
// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html).
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn)$`)

// acrHost is the host of a registry in one of Azure's clouds.
var acrHost = regexp.MustCompile(`^[a-z0-9-]+\.azurecr\.(io|cn|us)$`)

// serviceOf knows the registries that have one host for all of their users.
func serviceOf(host string) service {
	switch {
	case host == dockerHub:
		return hub
	case host == ghcrHost:
		return ghcr
	case host == quayHost:
		return quay
	case host == gitlabReg:
		return gitlab
	}
	return ""
}

// parseService reads what follows "service:".
func parseService(e entry, s service, rest string) (entry, error) {
	e.service = s
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, "/*"), "/")
	first, more, _ := strings.Cut(rest, "/")
	if rest == "" || isGlob(rest) || strings.ContainsAny(rest, "@ \t\"'\\?#%") || strings.Contains("/"+rest+"/", "//") || strings.Contains("/"+rest+"/", "/../") {
		return e, serviceError(e.words, s)
	}
	switch s {
	case gitlab, quay:
		if e.host, e.api = quayHost, quayHost; s == gitlab {
			e.host, e.api = gitlabReg, gitlabHost
		}
		if isHost(first) {
			if first != e.api {
				e.host, e.api = first, first
			}
			rest = more
		}
		if s == gitlab && e.api != gitlabHost {
			e.host = "" // its registry may be on any host: the API tells
		}
		if s == quay && (rest == "" || strings.Contains(rest, "/")) || s == gitlab && rest == "" && e.api == gitlabHost {
			return e, serviceError(e.words, s)
		}
	case harbor:
		if !isHost(first) || strings.Contains(more, "/") {
			return e, serviceError(e.words, s)
		}
		e.host, rest = first, more
	case ghcr, hub:
		if strings.Contains(rest, "/") {
			return e, serviceError(e.words, s)
		}
		if e.host = ghcrHost; s == hub {
			e.host = dockerHub
		}
	default:
		return parseCloud(e, s, first, more)
	}
	if rest != "" {
		e.glob = strings.ToLower(rest) + "/**"
	}
	return e, nil
}

var (
	awsAccount = regexp.MustCompile(`^[0-9]{12}$`)
	awsRegion  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	acrName    = regexp.MustCompile(`^[a-z0-9-]{2,}$`)
)

func parseCloud(e entry, s service, first, more string) (entry, error) {
	if s == acr {
		e.host = strings.ToLower(first)
		if acrName.MatchString(e.host) {
			e.host += ".azurecr.io"
		}
		if !acrHost.MatchString(e.host) || more != "" {
			return e, serviceError(e.words, s)
		}
		return e, nil
	}
	region, account := first, more
	if awsAccount.MatchString(region) {
		region, account = account, region
	}
	if !awsRegion.MatchString(region) || !awsAccount.MatchString(account) {
		return e, serviceError(e.words, s)
	}
	e.host = account + ".dkr.ecr." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		e.host += ".cn"
	}
	return e, nil
}

func serviceError(words string, s service) error {
	forms := map[service]string{
		gitlab: "gitlab:GROUP, gitlab:HOST/GROUP/PROJECT, or gitlab:HOST for all projects of an instance of your own",
		harbor: "harbor:HOST or harbor:HOST/PROJECT", ghcr: "ghcr:OWNER", ecr: "ecr:REGION/ACCOUNT, as ecr:eu-central-1/123456789012",
		acr: "acr:NAME", quay: "quay:ORG or quay:HOST/ORG", hub: "dockerhub:OWNER",
	}
	return problem("write it as "+forms[s], "%q names nothing of %s", words, s)
}

// lister lists the repositories of a registry, or of an owner in it, as
// "host/path". An error is of one repository or ends the listing.
type lister interface {
	Repositories(ctx context.Context) iter.Seq2[string, error]
}

// listers makes the listers of one listing.
type listers struct {
	client *registry.Client
	o      Options
}

func (l listers) of(e entry) lister {
	switch e.service {
	case gitlab:
		return gitlabLister{l, "https://" + e.api, e.path(), ""}
	case harbor:
		return harborLister{l, e.host, e.path()}
	case ghcr:
		return ghcrLister{l, "https://api.github.com", e.path()}
	case ecr:
		if l.o.Getenv("AWS_ACCESS_KEY_ID") != "" {
			return ecrLister{l, e.host}
		}
	case acr:
		return acrLister{l, e.host}
	case quay:
		return quayLister{l, e.host, e.path()}
	case hub:
		return hubLister{l, e.path()}
	}
	return catalogLister{l, e}
}

// path is the folder that all repositories of the entry are in: a group, a
// project, an owner.
func (e entry) path() string { return folder(e.glob) }

// catalogLister asks a registry's catalog (distribution specification 1.1 does
// not have it, most registries do), and where that is refused, the API of
// whatever software the registry says that it is.
type catalogLister struct {
	listers
	e entry
}

func (c catalogLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		repos, refused := c.client.Catalog(ctx, c.e.host)
		for _, r := range repos {
			if !yield(c.e.host+"/"+r, nil) {
				return
			}
		}
		if refused == nil || ctx.Err() != nil {
			if refused == nil && len(repos) == 0 {
				yield("", problem("check the login: registries do not show what it may not read", "%s shows no repository", c.e.host))
			}
			return
		}
		own := c.own(ctx)
		if own == nil {
			yield("", withoutListing(c.e.host, refused))
			return
		}
		for repo, err := range own.Repositories(ctx) {
			if !yield(repo, err) {
				return
			}
		}
	}
}

// own is the lister of the registry's own API, or nil.
func (c catalogLister) own(ctx context.Context) lister {
	switch {
	case acrHost.MatchString(c.e.host):
		return acrLister{c.listers, c.e.host}
	case ecrHost.MatchString(c.e.host):
		return ecrLister{c.listers, c.e.host}
	}
	g, err := c.client.Ping(ctx, c.e.host)
	if err != nil {
		return nil
	}
	realm, err := url.Parse(g.Realm)
	if err != nil || realm.Host == "" {
		return nil
	}
	switch {
	case g.Service == "harbor-registry":
		return harborLister{c.listers, c.e.host, c.e.path()}
	case strings.HasSuffix(realm.Path, "/jwt/auth") && g.Service == "container_registry":
		return gitlabLister{c.listers, realm.Scheme + "://" + realm.Host, c.e.path(), c.e.host}
	case strings.HasSuffix(realm.Path, "/v2/auth") && c.e.path() != "":
		return quayLister{c.listers, c.e.host, c.e.path()}
	}
	return nil
}

// withoutListing adds to a refused catalog what can be done.
func withoutListing(host string, refused error) error {
	hint := "name repositories or a list file instead"
	if h := hintOf(refused); h != "" {
		hint = h + "; or " + hint
	}
	return problem(hint, "listing the repositories of %s: %w", host, refused)
}
