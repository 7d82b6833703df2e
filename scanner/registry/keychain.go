package registry

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Credential is a login for one registry: a user name with a password, or a
// bearer token.
type Credential struct {
	// Authority is the host[:port] of the registry; empty for every host that
	// the operator named (see [Options.Named]).
	Authority string
	Username  string
	Password  string
	Token     string
}

func (c Credential) empty() bool { return c.Username == "" && c.Password == "" && c.Token == "" }

// EnvCredentials reads INTERDICT_REGISTRY_AUTH_AUTHORITY, _USERNAME, _PASSWORD
// and _TOKEN. Without an authority they are for every host that the operator
// named (see [Options.Named]).
func EnvCredentials(getenv func(string) string) []Credential {
	const p = "INTERDICT_REGISTRY_AUTH_"
	c := Credential{getenv(p + "AUTHORITY"), getenv(p + "USERNAME"), getenv(p + "PASSWORD"), getenv(p + "TOKEN")}
	if c.empty() {
		return nil
	}
	return []Credential{c}
}

// keychain finds credentials. Unlike authn.DefaultKeychain it looks on where a
// file has none for the registry, puts REGISTRY_AUTH_FILE first as Podman and
// Skopeo do, and knows Podman's keys for parts of a registry.
type keychain struct {
	given []Credential
	named func(host string) bool
	files []string
	warn  func(string)

	mu      sync.Mutex
	used    map[string]string // by registry host: where its credentials came from
	trouble map[string]error  // by registry host: a file or helper that did not work
}

func newKeychain(o Options) *keychain {
	return &keychain{
		given:   append(append([]Credential{}, o.Credentials...), EnvCredentials(o.Getenv)...),
		named:   o.Named,
		files:   authFiles(o.Getenv),
		warn:    o.Warn,
		used:    map[string]string{},
		trouble: map[string]error{},
	}
}

// authFiles are the files that may hold credentials, first the one that wins:
// containers-auth.json(5) and Docker's "docker login".
func authFiles(getenv func(string) string) []string {
	var files []string
	if f := getenv("REGISTRY_AUTH_FILE"); f != "" {
		files = append(files, f)
	}
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if d := getenv("DOCKER_CONFIG"); d != "" {
		files = append(files, filepath.Join(d, "config.json"))
	} else if home != "" {
		files = append(files, filepath.Join(home, ".docker", "config.json"))
	}
	if d := getenv("XDG_RUNTIME_DIR"); d != "" {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	}
	if d := getenv("XDG_CONFIG_HOME"); d != "" {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	} else if home != "" {
		files = append(files, filepath.Join(home, ".config", "containers", "auth.json"))
	}
	return files
}

// Resolve implements authn.Keychain. A file or helper that does not work is no
// error: the registry may need no login. If it does, the hint tells of it.
func (k *keychain) Resolve(res authn.Resource) (authn.Authenticator, error) {
	reg := res.RegistryStr()
	for _, c := range k.given {
		if c.empty() || !k.meant(c, reg) {
			continue
		}
		k.note(reg, "the credentials given", nil)
		return authn.FromConfig(authn.AuthConfig{Username: c.Username, Password: c.Password, RegistryToken: c.Token}), nil
	}
	for _, file := range k.files {
		auth, err := fromFile(file, res)
		if err != nil {
			k.note(reg, "", fmt.Errorf("%s: %w", file, err))
		}
		if auth != nil && err != nil && k.warn != nil {
			k.warn(clean(fmt.Sprintf("%s: %v; the login in the file is used for %s", file, err, display(reg))))
		}
		if auth != nil {
			k.note(reg, "the credentials of "+file, nil)
			return auth, nil
		}
	}
	return authn.Anonymous, nil
}

// meant reports whether a credential is for a registry: for the one that it
// names, else for those that the operator named. A host that a stranger named,
// in a webhook's notice, gets none that the operator did not set for it.
func (k *keychain) meant(c Credential, reg string) bool {
	if c.Authority != "" {
		return display(c.Authority) == display(reg)
	}
	return k.named == nil || k.named(display(reg))
}

func (k *keychain) note(reg, used string, trouble error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if used != "" {
		k.used[display(reg)] = used
	}
	if trouble != nil {
		k.trouble[display(reg)] = trouble
	}
}

// hint says what to do about a refused login.
func (k *keychain) hint(host string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.trouble[host]; err != nil {
		return clean(fmt.Sprintf("credentials could not be read: %v", err))
	}
	if from := k.used[host]; from != "" {
		return from + " were refused for this image: log in again (docker login " + host + ") or ask for access to it"
	}
	return "no credentials for it were found: docker login " + host + ", or set INTERDICT_REGISTRY_AUTH_USERNAME and INTERDICT_REGISTRY_AUTH_PASSWORD; the image may also not exist"
}

// fromFile returns nil if the file is not there or has nothing for res. A
// credential helper that cannot run is an error, beside the login that the file
// itself has, if any.
func fromFile(path string, res authn.Resource) (authn.Authenticator, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cf, err := config.LoadFromReader(f)
	if err != nil {
		return nil, err
	}
	cfg, err := lookUp(cf, res)
	cfg.ServerAddress = "" // GetAuthConfig sets it even where it found nothing
	if cfg == (types.AuthConfig{}) {
		return nil, err
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: cfg.Username, Password: cfg.Password, Auth: cfg.Auth,
		IdentityToken: cfg.IdentityToken, RegistryToken: cfg.RegistryToken,
	}), err
}

// lookUp asks for the repository, then for each part above it, down to the
// registry (containers-auth.json(5): the most specific wins).
func lookUp(cf *configfile.ConfigFile, res authn.Resource) (types.AuthConfig, error) {
	for key := display(res.String()); strings.Contains(key, "/"); key = key[:strings.LastIndexByte(key, '/')] {
		if cfg, ok := cf.AuthConfigs[key]; ok {
			return cfg, nil
		}
	}
	// Docker takes any key on the registry's host; Podman's for a part of it are
	// not for other parts.
	maps.DeleteFunc(cf.AuthConfigs, func(key string, _ types.AuthConfig) bool {
		_, path, _ := strings.Cut(key, "/")
		return !strings.Contains(key, "://") && path != "" && path != "v1/" && path != "v2/"
	})
	reg := res.RegistryStr()
	if reg == name.DefaultRegistry {
		// Docker's key for Docker Hub, then Podman's.
		cfg, err := get(cf, authn.DefaultAuthKey)
		if bare := cfg; err != nil || bare.Username+bare.Auth+bare.IdentityToken+bare.RegistryToken != "" {
			return cfg, err
		}
		return cf.AuthConfigs["docker.io"], nil
	}
	return get(cf, reg)
}

// get asks the credential helper, if the file names one, and takes the login in
// the file itself where the helper cannot run; its error is returned beside it.
func get(cf *configfile.ConfigFile, host string) (types.AuthConfig, error) {
	cfg, err := cf.GetAuthConfig(host)
	if err != nil {
		plain := *cf
		plain.CredentialsStore, plain.CredentialHelpers = "", nil
		cfg, _ = plain.GetAuthConfig(host)
	}
	return cfg, err
}
