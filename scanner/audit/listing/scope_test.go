package listing

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// brief writes an entry so that a table can hold it.
func brief(e entry) string {
	var b strings.Builder
	for _, p := range []struct{ name, value string }{
		{"service", string(e.service)}, {"api", e.api}, {"host", e.host}, {"glob", e.glob}, {"repo", e.repo},
		{"tags", e.tags}, {"tag", e.tag}, {"digest", e.digest}, {"bad", e.bad}, {"workload", e.workload},
	} {
		if p.value != "" && !(p.name == "host" && e.repo != "") {
			fmt.Fprintf(&b, " %s=%s", p.name, p.value)
		}
	}
	return strings.TrimPrefix(b.String(), " ")
}

const digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestParse(t *testing.T) {
	for words, want := range map[string]string{
		"registry.example":                             "host=registry.example",
		"registry.example/":                            "host=registry.example",
		"registry.example:5000":                        "host=registry.example:5000",
		"localhost:5000":                               "host=localhost:5000",
		"registry:5000/":                               "host=registry:5000",
		"registry.example/team/app":                    "repo=registry.example/team/app",
		"registry.example:5000/app":                    "repo=registry.example:5000/app",
		"registry.example/team/app:1.0":                "repo=registry.example/team/app tag=1.0",
		"registry.example/team/app:1.*":                "repo=registry.example/team/app tags=1.*",
		"registry.example/team/app@" + digestA:         "repo=registry.example/team/app digest=" + digestA,
		"registry.example/team/app:1@" + digestA:       "repo=registry.example/team/app tag=1 digest=" + digestA,
		"registry.example/team/*":                      "host=registry.example glob=team/*",
		"registry.example/team/":                       "host=registry.example glob=team/**",
		"registry.example/**:1.*":                      "host=registry.example glob=** tags=1.*",
		"nginx":                                        "repo=docker.io/library/nginx",
		"nginx:1.27":                                   "repo=docker.io/library/nginx tag=1.27",
		"redis:7":                                      "repo=docker.io/library/redis tag=7",
		"bitnami/redis":                                "repo=docker.io/bitnami/redis",
		"bitnami/*":                                    "service=dockerhub host=docker.io glob=bitnami/*",
		"docker.io/bitnami/*":                          "service=dockerhub host=docker.io glob=bitnami/*",
		"index.docker.io/library/nginx":                "repo=docker.io/library/nginx",
		"ghcr.io/Owner":                                "service=ghcr host=ghcr.io glob=Owner/**",
		"ghcr.io/owner/app":                            "repo=ghcr.io/owner/app",
		"quay.io/org/*":                                "service=quay host=quay.io glob=org/*",
		"registry.gitlab.com/group/sub/*":              "service=gitlab host=registry.gitlab.com glob=group/sub/*",
		"gitlab:group/sub":                             "service=gitlab api=gitlab.com host=registry.gitlab.com glob=group/sub/**",
		"gitlab:git.example/group":                     "service=gitlab api=git.example glob=group/**",
		"gitlab:git.example":                           "service=gitlab api=git.example",
		"harbor:h.example":                             "service=harbor host=h.example",
		"harbor:h.example:8443/team":                   "service=harbor host=h.example:8443 glob=team/**",
		"harbor:5000/team/app":                         "repo=harbor:5000/team/app",
		"ghcr:Owner":                                   "service=ghcr host=ghcr.io glob=owner/**",
		"ecr:eu-central-1/123456789012":                "service=ecr host=123456789012.dkr.ecr.eu-central-1.amazonaws.com",
		"ecr:123456789012/cn-north-1":                  "service=ecr host=123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
		"acr:Contoso":                                  "service=acr host=contoso.azurecr.io",
		"quay:org":                                     "service=quay api=quay.io host=quay.io glob=org/**",
		"quay:q.example/org":                           "service=quay api=q.example host=q.example glob=org/**",
		"dockerhub:owner":                              "service=dockerhub host=docker.io glob=owner/**",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com": "host=123456789012.dkr.ecr.us-east-1.amazonaws.com",
	} {
		s, err := Parse(words, nil)
		if err != nil || len(s.entries) != 1 {
			t.Errorf("Parse(%q) = %d entries, %v", words, len(s.entries), err)
			continue
		}
		if got := brief(s.entries[0]); got != want {
			t.Errorf("Parse(%q)\n got %s\nwant %s", words, got, want)
		}
	}
	for words, want := range map[string]string{
		"":                                "no registry",
		"https://registry.example":        "is an address",
		"docker://nginx":                  "is an address",
		"registry:5000":                   "may be a registry or an image",
		"docker.io":                       "does not list all",
		"ghcr.io":                         "does not list all",
		"ghcr.io/*/app":                   "does not list all",
		"registry.example/team/app:":      "no registry",
		"registry.example/team/[":         "no pattern",
		"registry.example/Team/app":       "no registry",
		"registry.example/team/app@md5:":  "no registry",
		"registry.example/a b":            "no registry",
		"harbor:team":                     "names nothing of harbor",
		"ecr:eu-central-1":                "names nothing of ecr",
		"ecr:evil.example/x/123456789012": "names nothing of ecr",
		"acr:evil.example":                "names nothing of acr",
		"ghcr:a/b":                        "names nothing of ghcr",
		"gitlab:../x":                     "names nothing of gitlab",
		"quay:q.example":                  "names nothing of quay",
		"./absent":                        "no such file",
		"/":                               "is a folder",
		"-":                               "no standard input",
	} {
		_, err := Parse(words, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q", words, err, want)
			continue
		}
		if !errors.Is(err, os.ErrNotExist) && hintOf(err) == "" {
			t.Errorf("Parse(%q): %v has no hint", words, err)
		}
	}
}

// Of foreign words, only images are taken.
func TestParseImage(t *testing.T) {
	for words, ok := range map[string]bool{
		"registry.example/team/app:1": true, "registry.example/team/app": true, "registry.example/app@" + digestA: true,
		"/etc/hosts": false, "scope.go": false, "-": false, "registry.example": false, "registry.example/team/*": false,
		"gitlab:git.example/x": false, "registry.example/app:*": false, "ghcr.io/owner": false,
	} {
		if _, err := ParseImage(words); (err == nil) != ok || err != nil && hintOf(err) == "" {
			t.Errorf("ParseImage(%q) = %v", words, err)
		}
	}
}

func TestParseListFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scope.txt")
	text := "\ufeff# ours\r\nregistry.example/team/app  # the app\r\n\r\n  nginx:1.27\ngitlab:group"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := Parse(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	fromInput, err := Parse("-", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Scope{fromFile, fromInput} {
		var got []string
		for _, e := range s.entries {
			got = append(got, brief(e))
		}
		want := "repo=registry.example/team/app; repo=docker.io/library/nginx tag=1.27; service=gitlab api=gitlab.com host=registry.gitlab.com glob=group/**"
		if strings.Join(got, "; ") != want {
			t.Errorf("%s:\n got %s\nwant %s", s, strings.Join(got, "; "), want)
		}
	}
	for text, want := range map[string]string{
		"":                                    "it is empty",
		"# nothing\n":                         "it names nothing",
		"nginx\nhttps://x.example":            "line 2:",
		"apiVersion: v1\n":                    "it is YAML",
		"nginx\n" + strings.Repeat("x", 9999): "line 2:",
	} {
		if _, err := Parse("-", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || hintOf(err) == "" {
			t.Errorf("a list %.20q = %v (hint %q), want %q", text, err, hintOf(err), want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		words, repo string
		want        bool
	}{
		{"registry.example", "registry.example/a/b", true},
		{"registry.example", "other.example/a", false},
		{"registry.example/team/*", "registry.example/team/app", true},
		{"registry.example/team/*", "registry.example/team/sub/app", false},
		{"registry.example/team/**", "registry.example/team/sub/app", true},
		{"registry.example/team/**:1.*", "registry.example/team/app", false},
		{"registry.example/team/app", "registry.example/team/app", true},
		{"registry.example/team/app:1", "registry.example/team/app", false},
		{"nginx", "docker.io/library/nginx", true},
		{"ghcr:Owner", "ghcr.io/owner/app/sub", true},
		{"gitlab:git.example/group", "registry.git.example/group/app", false},
	} {
		s, err := Parse(tt.words, nil)
		if err != nil || s.Covers(tt.repo) != tt.want {
			t.Errorf("%s covers %s: not %t (%v)", tt.words, tt.repo, tt.want, err)
		}
	}
}

// What is parsed is one thing that can be asked for, whatever the words.
func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{"nginx", "a.b/c:1", "a.b/**:1.*", "gitlab:x/y", "ecr:eu-central-1/123456789012", "localhost:5000/x@" + digestA, "x:5000", "a/b/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, words string) {
		e, err := parseEntry(words)
		if err != nil {
			if hintOf(err) == "" {
				t.Errorf("%q: %v has no hint", words, err)
			}
			return
		}
		if e.repo == "" && e.host == "" && e.service != gitlab || e.repo != "" && e.glob != "" {
			t.Errorf("%q is %s", words, brief(e))
		}
		if strings.ContainsAny(e.repo+e.host+e.api, " \t\n\\@?#%") {
			t.Errorf("%q is %s", words, brief(e))
		}
		if e.repo != "" {
			if again, err := checked(e.repo); err != nil || again != e.repo {
				t.Errorf("%q: repository %q is %q, %v", words, e.repo, again, err)
			}
		}
	})
}
