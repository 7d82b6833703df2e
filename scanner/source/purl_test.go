package source

import "testing"

func TestDockerPURL(t *testing.T) {
	const id = "sha256:9b25"
	for _, c := range []struct {
		org  origin
		want string
	}{
		{origin{refs: []string{"bench.example:5000/team/app"}}, "pkg:docker/team/app@sha256:9b25?repository_url=bench.example:5000"},
		{origin{refs: []string{"docker.io/library/debian"}}, "pkg:docker/library/debian@sha256:9b25"},
		{origin{repo: "app"}, "pkg:docker/app@sha256:9b25"},
		{origin{refs: []string{"a", "b"}}, ""}, // two names: neither is the name
		{origin{}, ""},
	} {
		if got := dockerPURL(c.org, id); got != c.want {
			t.Errorf("dockerPURL(%+v) = %q, want %q", c.org, got, c.want)
		}
	}
}
