package source

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// contextEndpoint reads a Docker context: contexts/meta/ID/meta.json and
// contexts/tls/ID/docker, where ID is the SHA-256 of the name
// (github.com/docker/cli, cli/context/store).
func contextEndpoint(conf, name string) (endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	raw, err := os.ReadFile(filepath.Join(conf, "contexts", "meta", id, "meta.json"))
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err == nil {
		err = json.Unmarshal(raw, &meta)
	}
	ep := endpoint{host: meta.Endpoints["docker"].Host}
	if err == nil && ep.host == "" {
		err = fmt.Errorf("it names no host")
	}
	if err != nil {
		return ep, problem("see: docker context ls; or set DOCKER_HOST", "reading the Docker context %q: %w", name, err)
	}
	dir := filepath.Join(conf, "contexts", "tls", id, "docker")
	if exists(dir) {
		ep.tls, err = dockerTLS(dir, meta.Endpoints["docker"].SkipTLSVerify)
	}
	return ep, err
}

// dockerTLS reads ca.pem, cert.pem and key.pem, those that are there.
func dockerTLS(dir string, insecure bool) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if pem, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err == nil {
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AppendCertsFromPEM(pem)
	}
	if exists(filepath.Join(dir, "cert.pem")) {
		cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate for Docker: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}
