package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

func TestSubject(t *testing.T) {
	img := imageFor(t, "linux/arm64/v8", "s")
	addr := serve(t)
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}})
	push(t, addr+"/kaspersky/app:1.2", idx)
	srcs, err := open(t, addr+"/kaspersky/app:1.2", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := srcs[0].Subject()
	digest := must(img.Digest()).String()
	got := fmt.Sprintf("%s %s %s %q\n%s\n", s.Name, s.Platform, s.IndexedBy, s.Tags, s.PURL)
	for _, e := range s.Evidence {
		got += fmt.Sprintf("%s %q (%s) %s\n", e.Kind, e.Value, e.Where, e.Detector)
	}
	want := fmt.Sprintf(`%[1]s/kaspersky/app:1.2 linux/arm64 %[2]s ["1.2"]
pkg:oci/app@%[3]s?arch=arm64&repository_url=%[1]s/kaspersky/app&tag=1.2
registry_host "%[1]s" (reference) imageconfig@2
container_image "%[1]s/kaspersky/app" (reference) imageconfig@2
container_image "kaspersky/app" (reference) imageconfig@2
container_image "app" (reference) imageconfig@2
image_env "PATH=/bin" (Env) imageconfig@2
image_env "KRAS4D_MODE=on" (Env) imageconfig@2
image_env "DB_PASSWORD=[redacted]" (Env) imageconfig@2
image_label "api.token=[redacted]" (Labels) imageconfig@2
image_label "vendor=Acme" (Labels) imageconfig@2
image_entrypoint "/bin/app --token [redacted] serve" (Entrypoint, Cmd) imageconfig@2
image_history "ADD base.tar /" (history 1) imageconfig@2
image_history "ENV DB_PASSWORD=[redacted]" (history 2) imageconfig@2
image_history "COPY app /bin/" (history 3) imageconfig@2
image_user "app" (User) imageconfig@2
`, addr, must(idx.Digest()), digest)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", s), "hunter2") {
		t.Error("a secret is in the subject")
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"RUN apt-get install -y kesl":                       "RUN apt-get install -y kesl",
		"|2 NPM_TOKEN=abc VERSION=1 /bin/sh -c npm ci":      "|2 NPM_TOKEN=[redacted] VERSION=1 /bin/sh -c npm ci",
		`ENV API_KEY="a b" X=1`:                             "ENV API_KEY=[redacted] X=1",
		"curl https://ann:hunter2@example.com/kesl.rpm":     "curl https://ann:[redacted]@example.com/kesl.rpm",
		"login --password hunter2 && mysql -ppass":          "login --password [redacted] && mysql -ppass",
		"KRAS4D_MODE=on kaspersky --keyboard":               "KRAS4D_MODE=on kaspersky --keyboard",
		"git clone https://example.com:8443/a@b KEYWORDS=x": "git clone https://example.com:8443/a@b KEYWORDS=x",
		"Secret='a b'; deploy_keys=1 TOKENIZER=bpe":         "Secret=[redacted]; deploy_keys=[redacted] TOKENIZER=bpe",
		`RUN X=1 SSH_KEY=-----BEGIN echo`:                   `RUN X=1 SSH_KEY=-----[redacted] echo`,
	} {
		if got := redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestNoSecretLeaves scatters canaries over an image's configuration: their
// names come out, they do not.
func TestNoSecretLeaves(t *testing.T) {
	const canary = "c4nary-Zx81-correct-horse"
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Env: []string{"DSN=" + canary, "KRAS4D_LOGIN=" + canary, "PW=" + canary, "NUGET=https://u:" + canary + "@x.example/", "KL_PLUGINS_PATH=/opt/kaspersky/ppl", "MODE=on",
				"NODE_VERSION=20.11.0", "LIST=a " + canary},
			Labels:     map[string]string{"app.password": canary, "vendor": "Acme"},
			Entrypoint: []string{"/bin/app", "--api-key", canary, "ghp_" + strings.Repeat("a1B2", 9)},
		},
		History: []v1.History{
			{CreatedBy: "ENV DSN=" + canary + " MODE=on", EmptyLayer: true},
			{CreatedBy: "/bin/sh -c #(nop)  ENV FOO=" + canary, EmptyLayer: true},
			{CreatedBy: "RUN |2 ACCESS=" + canary + " VERSION=1.2.3 /bin/sh -c make", EmptyLayer: true},
			{CreatedBy: "RUN curl -H 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijk' https://x", EmptyLayer: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	img = must(mutate.AppendLayers(img, layerOf(t, tarOf("etc/x", "x"))))
	srcs, err := open(t, put(t, "x.tar", tarOf(layoutParts(img, nil)...)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%+v %+v", srcs[0].Subject(), srcs[0].Layers()[0].Describe())
	for _, secret := range []string{canary, "correct-horse", "ghp_", "eyJhbGci"} {
		if strings.Contains(said, secret) {
			t.Errorf("%s is in %s", secret, said)
		}
	}
	for _, name := range []string{"DSN=[redacted]", "KRAS4D_LOGIN=[redacted]", "KL_PLUGINS_PATH=/opt/kaspersky/ppl", "MODE=on", "NODE_VERSION=20.11.0", "VERSION=1.2.3", "vendor=Acme", "app.password"} {
		if !strings.Contains(said, name) {
			t.Errorf("%s is not in %s", name, said)
		}
	}
}
