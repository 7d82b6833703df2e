package scantest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// DockerOptions say how docker-registry is configured. The zero value lets
// everybody push, lets nobody delete, and tells nobody.
type DockerOptions struct {
	Password string // of the user "ann", who alone is let in; empty lets everybody in
	Delete   bool   // what is pushed can be deleted
	ReadOnly bool   // nothing can be pushed or deleted
	Webhook  string // the URL that is told of every push; empty for none
	Token    string // the bearer token that Webhook is told with
}

// DockerRegistry starts Debian's docker-registry, which has no referrers API,
// on a free port, and returns its host:port once it answers. What is pushed is
// kept below dir, with its configuration; one started later with the same dir
// has it. The caller calls stop, which ends it.
func DockerRegistry(dir string, o DockerOptions) (addr string, stop func(), err error) {
	bin, err := exec.LookPath("docker-registry")
	if err != nil {
		return "", nil, fmt.Errorf("docker-registry is not installed (apt-get install docker-registry): %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("looking for a free port: %w", err)
	}
	addr = l.Addr().String()
	l.Close()
	config, err := o.configure(dir, addr)
	if err != nil {
		return "", nil, fmt.Errorf("configuring docker-registry: %w", err)
	}
	cmd := exec.Command(bin, "serve", config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting docker-registry: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for range 200 {
		if resp, err := http.Get("http://" + addr + "/v2/"); err == nil {
			resp.Body.Close()
			return addr, stop, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("docker-registry does not answer: %s", said.String())
}

// configure writes the files that docker-registry reads and returns the path of
// its configuration
// (https://distribution.github.io/distribution/about/configuration/), YAML that
// is JSON.
func (o DockerOptions) configure(dir, addr string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	type m = map[string]any
	config := m{
		"version": "0.1",
		"log":     m{"level": "error"},
		"http":    m{"addr": addr},
		"storage": m{
			"filesystem":  m{"rootdirectory": filepath.Join(dir, "data")},
			"delete":      m{"enabled": o.Delete},
			"maintenance": m{"uploadpurging": m{"enabled": false}, "readonly": m{"enabled": o.ReadOnly}},
		},
	}
	if o.Password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(o.Password), bcrypt.MinCost)
		if err != nil {
			return "", err
		}
		users := filepath.Join(dir, "htpasswd")
		if err := os.WriteFile(users, fmt.Appendf(nil, "ann:%s\n", hash), 0o600); err != nil {
			return "", err
		}
		config["auth"] = m{"htpasswd": m{"realm": "test", "path": users}}
	}
	if o.Webhook != "" {
		config["notifications"] = m{"endpoints": []m{{
			"name": "test", "url": o.Webhook, "headers": m{"Authorization": []string{"Bearer " + o.Token}},
			"timeout": "5s", "threshold": 5, "backoff": "100ms",
		}}}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.yml")
	return path, os.WriteFile(path, text, 0o600)
}
