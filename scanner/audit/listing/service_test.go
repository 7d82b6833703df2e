package listing

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interdict/interdict/scanner/registry"
)

// fake is a server of a registry's own API: answers by "METHOD path?query".
// What it answers has the shape that the services document.
type fake struct {
	t       *testing.T
	host    string
	auth    string // that requests must have; empty for none
	answers map[string]string
	asked   []string
}

func newFake(t *testing.T, answers map[string]string) *fake {
	f := &fake{t: t, answers: answers}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.host = strings.TrimPrefix(srv.URL, "http://")
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked = append(f.asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	body, ok := f.answers[r.Method+" "+r.URL.RequestURI()]
	switch {
	case r.URL.Path == "/v2/" && !ok:
		return
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"404 Not Found"}`)
		return
	case f.auth != "" && r.Header.Get("Authorization") != f.auth && !strings.HasPrefix(r.URL.Path, "/oauth2") && r.URL.Path != "/v2/auth/token":
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}`)
		return
	}
	// "-> address" before the body is the link to the next page.
	if link, rest, ok := strings.Cut(body, "\n"); ok && strings.HasPrefix(link, "-> ") {
		w.Header().Set("Link", fmt.Sprintf(`</first>; rel="first", <%s>; rel="next"`, link[3:]))
		body = rest
	}
	io.WriteString(w, strings.ReplaceAll(body, "HOST", f.host))
}

func (f *fake) listers(env map[string]string, creds ...registry.Credential) listers {
	for k, v := range env {
		env[k] = strings.ReplaceAll(v, "HOST", f.host)
	}
	o := Options{Getenv: func(k string) string { return env[k] }, hub: "http://" + f.host}
	return listers{client(f.t, registry.Options{Credentials: creds}), o.withDefaults()}
}

// repositories writes what a lister lists, with its errors in braces.
func (f *fake) repositories(l lister) string {
	var out []string
	for repo, err := range l.Repositories(f.t.Context()) {
		if err != nil {
			if hintOf(err) == "" && !strings.Contains(err.Error(), "another server") && !strings.Contains(err.Error(), "does not end") {
				f.t.Errorf("%v: no hint", err)
			}
			repo = "{" + err.Error() + "}"
		}
		out = append(out, strings.ReplaceAll(repo, f.host, "HOST"))
	}
	return strings.Join(out, " ")
}

func TestServices(t *testing.T) {
	basicAnn := "Basic YW5uOnMzY3JldA==" // ann:s3cret
	ann := registry.Credential{Username: "ann", Password: "s3cret"}
	for _, tt := range []struct {
		name    string
		auth    string
		env     map[string]string
		creds   []registry.Credential
		answers map[string]string
		lister  func(l listers, host string) lister
		want    string
	}{
		{name: "Harbor, all projects", auth: basicAnn, creds: []registry.Credential{ann},
			answers: map[string]string{
				"GET /api/v2.0/projects?page_size=100":                          "-> /api/v2.0/projects?page=2&page_size=100\n" + `[{"project_id":1,"name":"library","metadata":{"public":"true"}}]`,
				"GET /api/v2.0/projects?page=2&page_size=100":                   `[{"project_id":2,"name":"team"}]`,
				"GET /api/v2.0/projects/library/repositories?page_size=100":     `[{"id":1,"name":"library/app","artifact_count":3}]`,
				"GET /api/v2.0/projects/team/repositories?page_size=100":        "-> /api/v2.0/projects/team/repositories?page=2&page_size=100\n" + `[{"id":2,"name":"team/a"}]`,
				"GET /api/v2.0/projects/team/repositories?page=2&page_size=100": `[{"id":3,"name":"team/b/c"}]`,
			},
			lister: func(l listers, host string) lister { return harborLister{l, host, ""} },
			want:   "HOST/library/app HOST/team/a HOST/team/b/c"},
		{name: "Harbor, one project, by the environment", auth: basicAnn,
			env:     map[string]string{"HARBOR_URL": "https://HOST", "HARBOR_USERNAME": "ann", "HARBOR_PASSWORD": "s3cret"},
			answers: map[string]string{"GET /api/v2.0/projects/team/repositories?page_size=100": `[{"name":"team/a"}]`},
			lister:  func(l listers, host string) lister { return harborLister{l, host, "team/a"} },
			want:    "HOST/team/a"},
		{name: "Harbor without a login", auth: basicAnn,
			answers: map[string]string{"GET /api/v2.0/projects?page_size=100": `[]`},
			lister:  func(l listers, host string) lister { return harborLister{l, host, ""} },
			want:    "{Harbor (HOST) answers 401 Unauthorized (who are you?)}"},
		{name: "GitLab, a group", auth: "Bearer glpat", env: map[string]string{"GITLAB_TOKEN": "glpat", "GITLAB_HOST": "HOST"},
			answers: map[string]string{
				"GET /api/v4/groups/g%2Fsub/registry/repositories?per_page=100":        "-> http://HOST/api/v4/groups/g%2Fsub/registry/repositories?page=2&per_page=100\n" + `[{"id":1,"name":"","path":"g/sub/p","project_id":9,"location":"registry.example/g/sub/p","created_at":"2026-01-10T13:38:57.391Z"}]`,
				"GET /api/v4/groups/g%2Fsub/registry/repositories?page=2&per_page=100": `[{"id":2,"name":"x","path":"g/sub/p/x","location":"registry.example/g/sub/p/x"}]`,
			},
			lister: func(l listers, host string) lister { return gitlabLister{l, "http://" + host, "g/sub", ""} },
			want:   "registry.example/g/sub/p registry.example/g/sub/p/x"},
		{name: "GitLab, a project, with the registry's login", auth: "Bearer s3cret", creds: []registry.Credential{ann}, env: map[string]string{"GITLAB_TOKEN": "glpat"},
			answers: map[string]string{"GET /api/v4/projects/g%2Fp/registry/repositories?per_page=100": `[{"location":"registry.example/g/p"}]`},
			lister: func(l listers, host string) lister {
				return gitlabLister{l, "http://" + host, "g/p", "registry.example"}
			},
			want: "registry.example/g/p"},
		{name: "GitLab, all projects",
			answers: map[string]string{
				"GET /api/v4/projects?simple=true&per_page=100&pagination=keyset&order_by=id": `[{"id":1,"path_with_namespace":"g/p"},{"id":2,"path_with_namespace":"g/off"},{"id":3,"path_with_namespace":"g/q"}]`,
				"GET /api/v4/projects/g%2Fp/registry/repositories?per_page=100":               `[{"location":"registry.example/g/p"}]`,
				"GET /api/v4/projects/g%2Fq/registry/repositories?per_page=100":               `[{"location":"registry.example/g/q"}]`,
			},
			lister: func(l listers, host string) lister { return gitlabLister{l, "http://" + host, "", ""} },
			want:   "registry.example/g/p registry.example/g/q"},
		{name: "GitLab, nothing there",
			lister: func(l listers, host string) lister { return gitlabLister{l, "http://" + host, "g", ""} },
			want:   "{GitLab (HOST) answers 404 Not Found (404 Not Found)}"},
		{name: "GitHub, an organization", auth: "Bearer ghp", env: map[string]string{"GITHUB_TOKEN": "ghp"},
			answers: map[string]string{
				"GET /orgs/Org/packages?package_type=container&per_page=100":        "-> http://HOST/orgs/Org/packages?package_type=container&per_page=100&page=2\n" + `[{"id":1,"name":"App","package_type":"container","owner":{"login":"Org"},"visibility":"private"}]`,
				"GET /orgs/Org/packages?package_type=container&per_page=100&page=2": `[{"id":2,"name":"charts/web"}]`,
			},
			lister: func(l listers, host string) lister { return ghcrLister{l, "http://" + host, "Org"} },
			want:   "ghcr.io/org/app ghcr.io/org/charts/web"},
		{name: "GitHub, a user", auth: "Bearer s3cret", creds: []registry.Credential{ann},
			answers: map[string]string{"GET /users/me/packages?package_type=container&per_page=100": `[{"name":"app"}]`},
			lister:  func(l listers, host string) lister { return ghcrLister{l, "http://" + host, "me"} },
			want:    "ghcr.io/me/app"},
		{name: "Quay", auth: "Bearer qt", env: map[string]string{"QUAY_TOKEN": "qt", "QUAY_HOST": "HOST"},
			answers: map[string]string{
				"GET /api/v1/repository?namespace=org&public=true":                    `{"repositories":[{"namespace":"org","name":"a","kind":"image","is_public":false},{"namespace":"org","name":"chart","kind":"application"}],"next_page":"gA&="}`,
				"GET /api/v1/repository?namespace=org&public=true&next_page=gA%26%3D": `{"repositories":[{"namespace":"org","name":"b"}]}`,
			},
			lister: func(l listers, host string) lister { return quayLister{l, host, "org"} },
			want:   "HOST/org/a HOST/org/b"},
		{name: "Docker Hub", auth: "Bearer jwt", creds: []registry.Credential{ann},
			answers: map[string]string{
				"POST /v2/auth/token":                                    `{"access_token":"jwt"}`,
				"GET /v2/namespaces/o/repositories?page_size=100":        `{"count":2,"next":"http://HOST/v2/namespaces/o/repositories?page=2&page_size=100","previous":null,"results":[{"name":"a","namespace":"o","repository_type":"image","is_private":true}]}`,
				"GET /v2/namespaces/o/repositories?page=2&page_size=100": `{"count":2,"next":null,"results":[{"name":"b","namespace":"o"}]}`,
			},
			lister: func(l listers, _ string) lister { return hubLister{l, "o"} },
			want:   "docker.io/o/a docker.io/o/b"},
		{name: "Azure, by name and password", auth: "Bearer at", creds: []registry.Credential{ann},
			answers: map[string]string{
				"GET /oauth2/token?scope=registry%3Acatalog%3A%2A&service=HOST": `{"access_token":"at"}`,
				"GET /acr/v1/_catalog?n=1000":                                   "-> /acr/v1/_catalog?last=a&n=1000\n" + `{"repositories":["a"]}`,
				"GET /acr/v1/_catalog?last=a&n=1000":                            `{"repositories":["b/c"]}`,
			},
			lister: func(l listers, host string) lister { return acrLister{l, host} },
			want:   "HOST/a HOST/b/c"},
		{name: "a page on another server",
			answers: map[string]string{"GET /acr/v1/_catalog?n=1000": "-> https://evil.example/acr/v1/_catalog?last=a\n" + `{"repositories":["a"]}`},
			lister:  func(l listers, host string) lister { return acrLister{l, host} },
			want:    `HOST/a {Azure Container Registry leads to another server: "https://evil.example/acr/v1/_catalog?last=a"}`},
		{name: "a page that leads to itself",
			answers: map[string]string{"GET /acr/v1/_catalog?n=1000": "-> /acr/v1/_catalog?n=1000\n" + `{"repositories":["a"]}`},
			lister:  func(l listers, host string) lister { return acrLister{l, host} },
			want:    "HOST/a {Azure Container Registry: the listing does not end: a page leads back to itself}"},
		{name: "no JSON",
			answers: map[string]string{"GET /acr/v1/_catalog?n=1000": "<html>"},
			lister:  func(l listers, host string) lister { return acrLister{l, host} },
			want:    "{HOST answers what cannot be read: invalid character '<' looking for beginning of value}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, map[string]string{})
			for k, v := range tt.answers {
				f.answers[strings.ReplaceAll(k, "HOST", strings.ReplaceAll(f.host, ":", "%3A"))] = strings.ReplaceAll(v, "HOST", f.host)
			}
			f.auth = tt.auth
			if got := f.repositories(tt.lister(f.listers(tt.env, tt.creds...), f.host)); got != tt.want {
				t.Errorf("listed %s\nwant   %s\nasked %q", got, tt.want, f.asked)
			}
		})
	}
}

// The refresh token that "az acr login" leaves is exchanged.
func TestAzureRefreshToken(t *testing.T) {
	var form string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oauth2/token":
			r.ParseForm()
			form = r.PostForm.Encode()
			io.WriteString(w, `{"access_token":"at"}`)
		case "/acr/v1/_catalog":
			if r.Header.Get("Authorization") == "Bearer at" {
				io.WriteString(w, `{"repositories":["a"]}`)
			}
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	f := &fake{t: t, host: host}
	home := t.TempDir()
	write(t, home+"/.docker/config.json", fmt.Sprintf(`{"auths":{%q:{"auth":"MDAwMDAwMDA6","identitytoken":"rt"}}}`, host))
	c, err := registry.New(registry.Options{Getenv: func(k string) string { return map[string]string{"HOME": home}[k] }})
	if err != nil {
		t.Fatal(err)
	}
	got := f.repositories(acrLister{listers{c, Options{}.withDefaults()}, host})
	if got != "HOST/a" || !strings.Contains(form, "grant_type=refresh_token&refresh_token=rt") || !strings.Contains(form, "scope=registry%3Acatalog%3A%2A") {
		t.Errorf("listed %s with %s", got, form)
	}
}

func TestAmazon(t *testing.T) {
	const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			RegistryID string `json:"registryId"`
			NextToken  string `json:"nextToken"`
		}
		json.NewDecoder(r.Body).Decode(&in)
		asked = append(asked, in.RegistryID+in.NextToken)
		if r.Header.Get("X-Amz-Target") != "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ecr/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"no: %s"}`, r.Header.Get("Authorization"))
			return
		}
		if in.NextToken == "" {
			fmt.Fprintf(w, `{"nextToken":"t2","repositories":[{"registryId":"123456789012","repositoryName":"a","repositoryUri":"%s/a","createdAt":1.7e9}]}`, host)
			return
		}
		fmt.Fprintf(w, `{"repositories":[{"repositoryUri":"%s/b/c"}]}`, host)
	}))
	defer srv.Close()
	f := &fake{t: t, host: strings.TrimPrefix(srv.URL, "http://")}
	env := map[string]string{"AWS_ENDPOINT_URL_ECR": srv.URL, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "st"}
	got := f.repositories(ecrLister{f.listers(env), host})
	if want := host + "/a " + host + "/b/c"; got != want || !slices.Equal(asked, []string{"123456789012", "123456789012t2"}) {
		t.Errorf("listed %s, want %s; asked %q", got, want, asked)
	}
	if got := f.repositories(ecrLister{f.listers(nil), host}); !strings.Contains(got, "there are no credentials of AWS") {
		t.Errorf("without credentials: %s", got)
	}
}

// The example of AWS's documentation of Signature Version 4.
func TestSignature(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	key := awsKey{id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	key.sign(r, nil, "us-east-1", "iam", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, " +
		"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A registry that refuses its catalog is asked by the API of what it says that
// it is. Tokens of the environment are not for any server that says so.
func TestCatalogRefused(t *testing.T) {
	harbor := map[string]string{"GET /api/v2.0/projects/team/repositories?page_size=100": `[{"name":"team/a"},{"name":"team/a/b"}]`}
	gitlab := map[string]string{"GET /api/v4/groups/team/registry/repositories?per_page=100": `[{"location":"HOST/team/a"}]`}
	quay := map[string]string{"GET /api/v1/repository?namespace=team&public=true": `{"repositories":[{"namespace":"team","name":"a"}]}`}
	for _, tt := range []struct {
		name, challenge string
		answers         map[string]string
		want            string
	}{
		{"Harbor", `Bearer realm="http://HOST/service/token",service="harbor-registry"`, harbor, "HOST/team/a"},
		{"GitLab", `Bearer realm="http://HOST/jwt/auth",service="container_registry"`, gitlab, "HOST/team/a"},
		{"Quay", `Bearer realm="http://HOST/v2/auth",service="HOST"`, quay, "HOST/team/a"},
		{"unknown", `Basic realm="x"`, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, tt.answers)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/v2/") {
					w.Header().Set("WWW-Authenticate", strings.ReplaceAll(tt.challenge, "HOST", r.Host))
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				f.ServeHTTP(w, r)
			}))
			defer srv.Close()
			f.host = strings.TrimPrefix(srv.URL, "http://")
			l := f.listers(map[string]string{"GITLAB_TOKEN": "glpat", "QUAY_TOKEN": "qt", "HARBOR_USERNAME": "ann", "HARBOR_PASSWORD": "p"})
			e, err := parseEntry(f.host + "/team/*")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for repo, err := range l.of(e).Repositories(t.Context()) {
				if err != nil && (tt.want != "" || hintOf(err) == "") {
					t.Errorf("%v (%s)", err, hintOf(err))
				}
				if err == nil && e.names(repo) {
					got = append(got, strings.ReplaceAll(repo, f.host, "HOST"))
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("listed %q, want %s; asked %q", got, tt.want, f.asked)
			}
			for _, a := range f.asked {
				if !strings.HasSuffix(a, " ") {
					t.Errorf("%s got credentials that are not for it", a)
				}
			}
		})
	}
}
