package registry

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentials(t *testing.T) {
	addr := inProcess(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, pass, _ := r.BasicAuth()
			if (user != "ann" || pass != "s3cret") && r.Header.Get("Authorization") != "Bearer tok" {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	push(t, addr+"/team/app:1", basic("s3cret"))
	entry := func(key, password string) string {
		return `{"auths":{"` + key + `":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("ann:"+password)) + `"}}}`
	}
	good, bad := entry(addr, "s3cret"), entry(addr, "wrong")
	helper := "#!/bin/sh\nread host\n[ \"$host\" = " + addr + " ] && echo '{\"Username\":\"ann\",\"Secret\":\"s3cret\"}' && exit 0\necho 'credentials not found in native keychain'; exit 1\n"

	for _, tt := range []struct {
		name  string
		files map[string]string // below $HOME
		env   map[string]string
		creds []Credential
		hint  string // of the error, if one is expected
		named string // the host that the operator named; empty for all

		warning string
	}{
		{name: "none", hint: "docker login"},
		{name: "given", creds: []Credential{{addr, "ann", "s3cret", ""}}},
		{name: "given for another host", creds: []Credential{{"example.com", "ann", "s3cret", ""}}, hint: "no credentials"},
		{name: "environment", env: map[string]string{"INTERDICT_REGISTRY_AUTH_USERNAME": "ann", "INTERDICT_REGISTRY_AUTH_PASSWORD": "s3cret"}},
		{name: "token of the environment", env: map[string]string{"INTERDICT_REGISTRY_AUTH_TOKEN": "tok"}},
		{name: "docker", files: map[string]string{".docker/config.json": good}},
		{name: "docker, refused", files: map[string]string{".docker/config.json": bad}, hint: ".docker/config.json were refused"},
		{name: "DOCKER_CONFIG", files: map[string]string{"d/config.json": good}, env: map[string]string{"DOCKER_CONFIG": "$HOME/d"}},
		{name: "REGISTRY_AUTH_FILE before docker", files: map[string]string{".docker/config.json": bad, "auth.json": good},
			env: map[string]string{"REGISTRY_AUTH_FILE": "$HOME/auth.json"}},
		{name: "podman, behind a docker file for others", files: map[string]string{".docker/config.json": entry("example.com", "x"), "run/containers/auth.json": good},
			env: map[string]string{"XDG_RUNTIME_DIR": "$HOME/run"}},
		{name: "podman, for a namespace", files: map[string]string{".config/containers/auth.json": entry(addr+"/team", "s3cret")}},
		{name: "podman, for another namespace", files: map[string]string{".config/containers/auth.json": entry(addr+"/tea", "s3cret")}, hint: "no credentials"},
		{name: "helper", files: map[string]string{".docker/config.json": `{"credsStore":"demo"}`, "bin/docker-credential-demo": helper}},
		{name: "helper for the host", files: map[string]string{".docker/config.json": `{"credHelpers":{"` + addr + `":"demo"}}`, "bin/docker-credential-demo": helper}},
		{name: "helper absent", files: map[string]string{".docker/config.json": `{"credsStore":"absent"}`}, hint: "docker-credential-absent"},
		{name: "helper absent, the login in the file", files: map[string]string{".docker/config.json": good[:len(good)-1] + `,"credsStore":"absent"}`}, warning: "docker-credential-absent"},
		{name: "helper of the host absent, the login in the file", files: map[string]string{".docker/config.json": good[:len(good)-1] + `,"credHelpers":{"` + addr + `":"absent"}}`}, warning: "docker-credential-absent"},
		{name: "for named hosts, and it is", creds: []Credential{{"", "ann", "s3cret", ""}}, named: addr},
		{name: "for named hosts, and it is not", creds: []Credential{{"", "ann", "s3cret", ""}}, named: "example.com", hint: "no credentials"},
		{name: "of the environment, for a host that is not named", env: map[string]string{"INTERDICT_REGISTRY_AUTH_TOKEN": "tok"}, named: "example.com", hint: "no credentials"},
		{name: "broken file", files: map[string]string{".docker/config.json": `{"auths":`}, hint: "could not be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			for path, text := range tt.files {
				write(t, filepath.Join(home, path), text)
				os.Chmod(filepath.Join(home, path), 0o700)
			}
			t.Setenv("PATH", filepath.Join(home, "bin")+":"+os.Getenv("PATH"))
			env := map[string]string{"HOME": home}
			for k, v := range tt.env {
				env[k] = strings.ReplaceAll(v, "$HOME", home)
			}
			var warned string
			o := Options{Credentials: tt.creds, Getenv: func(k string) string { return env[k] }, Warn: func(m string) { warned = m }}
			if tt.named != "" {
				o.Named = func(host string) bool { return host == tt.named }
			}
			err := pull(t.Context(), client(t, o), addr+"/team/app:1")
			if !strings.Contains(warned, tt.warning) || tt.warning == "" && warned != "" || strings.Contains(warned, "s3cret") {
				t.Errorf("warning %q, want %q in it and no secret", warned, tt.warning)
			}
			if tt.hint == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantKind(t, err, Unauthorized)
			if h := err.(*Error).Hint(); !strings.Contains(h, tt.hint) || strings.Contains(h, "s3cret") {
				t.Errorf("hint = %q, want %q in it and no secret", h, tt.hint)
			}
		})
	}
}
