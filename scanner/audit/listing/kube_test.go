package listing

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

const podList = `{
  "apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""},
  "items": [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "prod", "labels": {"a": "b"}},
     "spec": {"initContainers": [{"name": "init", "image": "busybox"}],
              "containers": [{"name": "app", "image": "registry.example/team/app:1.0", "resources": {}}, {"name": "log", "image": "ghcr.io/o/log@DIGEST"}],
              "ephemeralContainers": [{"name": "debug", "image": "registry.example/debug:2"}],
              "template": "no template"},
     "status": {"containerStatuses": [
                  {"name": "app", "image": "registry.example/team/app:1.0", "imageID": "registry.example/team/app@DIGEST"},
                  {"name": "log", "image": "sha256:1", "imageID": "docker-pullable://mirror.example/o/log@DIGEST"}],
                "initContainerStatuses": [{"name": "init", "imageID": "docker://DIGEST"}]}},
    {"kind": "Deployment", "metadata": {"name": "web", "namespace": "prod"},
     "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/team/app:1.0"}]}}}},
    {"kind": "CronJob", "metadata": {"name": "clean", "namespace": "ops"},
     "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "NOT AN IMAGE"}]}}}}}},
    {"kind": "ConfigMap", "metadata": {"name": "x"}, "spec": [1, 2]}
  ]}`

func TestParseKube(t *testing.T) {
	text := strings.ReplaceAll(podList, "DIGEST", digestA)
	s, err := Parse("-", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range s.entries {
		got = append(got, brief(e))
	}
	want := []string{
		"repo=registry.example/team/app tag=1.0 digest=" + digestA + " workload=prod/web-1/app",
		"repo=mirror.example/o/log digest=" + digestA + " workload=prod/web-1/log",
		"repo=docker.io/library/busybox tag=latest workload=prod/web-1/init",
		"repo=registry.example/debug tag=2 workload=prod/web-1/debug",
		"repo=registry.example/team/app tag=1.0 workload=prod/deployment/web/app",
		`bad="NOT AN IMAGE" is no image reference workload=ops/cronjob/clean/c`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// One object, several documents, a bare array and a list of the API itself.
	pod := `{"metadata":{"namespace":"n","name":"p"},"spec":{"containers":[{"name":"c","image":"x:1"}]}}`
	for _, text := range []string{pod, pod + "\n" + pod, "[" + pod + "]", `{"kind":"PodList","items":[` + pod + `]}`, `{"items":null}` + pod} {
		s, err := Parse("-", strings.NewReader(text))
		if err != nil || len(s.entries) != 1 || s.entries[0].workload != "n/p/c" || s.entries[0].tag != "1" {
			t.Errorf("%s = %+v, %v", text, s.entries, err)
		}
	}
	for text, want := range map[string]string{
		`{"items":[]}`:                            "no object in it has containers",
		`{"items":[` + pod:                        "unexpected EOF",
		`{"items":{}}`:                            "no array",
		`{"items":["x"]}`:                         "where an object belongs",
		`[[[[[` + pod + `]]]]]`:                   "lists lie in lists",
		`{"a":"` + strings.Repeat("x", maxObject): "larger than",
	} {
		if _, err := Parse("-", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || hintOf(err) == "" {
			t.Errorf("%.40s = %v, want %q", text, err, want)
		}
	}
}

// A cluster's list is larger than what one object may be.
func TestParseKubeStreams(t *testing.T) {
	pod := func(i int) string {
		return fmt.Sprintf(`{"kind":"Pod","metadata":{"namespace":"n","name":"p%d","annotations":{"x":%q}},"spec":{"containers":[{"name":"c","image":"app"}]}},`,
			i, strings.Repeat("x", 1<<20))
	}
	const n = 40
	parts := []io.Reader{strings.NewReader(`{"kind":"List","items":[`)}
	for i := range n {
		parts = append(parts, strings.NewReader(pod(i)))
	}
	parts = append(parts, strings.NewReader(`{"kind":"Node"}]}`))
	entries, err := parseList(io.MultiReader(parts...))
	if err != nil || len(entries) != n {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// Whatever the bytes, each entry is one image that can be asked for, or says why
// it is none.
func FuzzParseKube(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(podList, "DIGEST", digestA)))
	f.Add([]byte(`[{"spec":{"containers":[{"image":"a@b"}]}}]`))
	f.Add([]byte(`{"items":[{"spec":{"jobTemplate":null}}]}{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseKube(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range entries {
			if (e.repo == "") == (e.bad == "") || e.bad == "" && e.tag == "" && e.digest == "" {
				t.Errorf("%s", brief(e))
			}
			if e.bad == "" {
				if again, err := checked(e.repo); err != nil || again != e.repo {
					t.Errorf("repository %q is %q, %v", e.repo, again, err)
				}
			}
			if strings.ContainsAny(e.workload, "\n\x00") {
				t.Errorf("workload %q", e.workload)
			}
		}
	})
}
