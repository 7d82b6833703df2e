package source

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/interdict/interdict/scanner"
)

// engine is a container engine with Docker's HTTP API: Docker, or Podman's
// compatible service.
type engine struct {
	name   string // for messages
	where  string
	base   string
	client *http.Client
}

func (o *opener) docker(ctx context.Context, rest string) ([]scanner.Source, error) {
	if strings.HasPrefix(rest, "//") {
		return o.registry(ctx, rest) // Skopeo's docker://
	}
	ep, err := dockerEndpoint(o.getenv)
	if err != nil {
		return nil, err
	}
	return o.fromEngine(ctx, "Docker", ep, rest)
}

func (o *opener) podman(ctx context.Context, rest string) ([]scanner.Source, error) {
	ep := endpoint{host: o.getenv("CONTAINER_HOST")}
	if ep.host == "" {
		sock := "/run/podman/podman.sock"
		if d := o.getenv("XDG_RUNTIME_DIR"); d != "" {
			if s := filepath.Join(d, "podman", "podman.sock"); exists(s) || !exists(sock) {
				sock = s
			}
		}
		ep.host = "unix://" + sock
	}
	return o.fromEngine(ctx, "Podman", ep, rest)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fromEngine opens an image of an engine. The engine exports the image as an
// archive whose manifest comes last, so it is asked twice: once for the
// archive's table of contents and small members, then, by scanner.Streamer,
// once for all layers. Nothing is put on disk.
func (o *opener) fromEngine(ctx context.Context, name string, ep endpoint, ref string) ([]scanner.Source, error) {
	e, err := newEngine(name, ep)
	if err != nil {
		return nil, err
	}
	info, err := e.inspect(ctx, ref)
	if err != nil {
		return nil, err
	}
	a := &archive{path: ref, closer: closeFunc(func() error { e.client.CloseIdleConnections(); return nil })}
	q := ""
	if len(o.want.list) == 1 && !o.want.all {
		// API 1.48; older engines have one platform of an image, and ignore it.
		p, err := json.Marshal(o.want.list[0])
		if err != nil {
			return nil, err
		}
		q = "?platform=" + url.QueryEscape(string(p))
	}
	a.start = func(ctx context.Context) (io.ReadCloser, error) {
		body, err := e.get(ctx, "/images/"+url.PathEscape(info.ID)+"/get"+q, ref)
		if err != nil {
			return nil, err
		}
		return decompressed(body)
	}
	if err := a.scan(ctx, false); err != nil {
		a.Close()
		return nil, err
	}
	if a.kind != kindDocker {
		a.Close()
		return nil, problem("save the image to a file and scan that", "%s exports %s in an unknown form", name, ref)
	}
	org := origin{name: ref}
	for _, t := range info.RepoTags {
		org.addRef(t)
	}
	return o.fromArchive(ctx, a, org, "", kindDocker, kindOCI)
}

func newEngine(name string, ep endpoint) (*engine, error) {
	u, err := url.Parse(ep.host)
	if err != nil {
		return nil, problem("it is set by DOCKER_HOST, CONTAINER_HOST or the Docker context", "the address %q of %s cannot be read", ep.host, name)
	}
	tr := &http.Transport{TLSClientConfig: ep.tls, ResponseHeaderTimeout: 10 * time.Minute}
	e := &engine{name: name, where: ep.host, base: "http://engine", client: &http.Client{Transport: tr}}
	switch u.Scheme {
	case "unix":
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
	case "tcp", "http", "https":
		e.base = "http://" + u.Host
		if ep.tls != nil || u.Scheme == "https" {
			e.base = "https://" + u.Host
		}
	default:
		return nil, problem("use unix:// or tcp://, or save the image to a file and scan that",
			"%s is reached by %s://, which is not supported", name, u.Scheme)
	}
	return e, nil
}

// inspected is what is used of the answer to /images/NAME/json.
type inspected struct {
	ID       string `json:"Id"`
	RepoTags []string
}

func (e *engine) inspect(ctx context.Context, ref string) (inspected, error) {
	var info inspected
	body, err := e.get(ctx, "/images/"+escapeRef(ref)+"/json", ref)
	if err != nil {
		return info, err
	}
	defer body.Close()
	raw, err := readAll(body, maxConfig)
	if err == nil {
		err = json.Unmarshal(raw, &info)
	}
	if err == nil && info.ID == "" {
		err = errors.New("it has no ID")
	}
	if err != nil {
		return info, fmt.Errorf("reading what %s says of %s: %w", e.name, ref, err)
	}
	return info, nil
}

// escapeRef escapes a reference for a path; engines want its slashes as they are.
func escapeRef(ref string) string {
	return strings.ReplaceAll(url.PathEscape(ref), "%2F", "/")
}

func (e *engine) get(ctx context.Context, path, ref string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, problem("check that it runs and that you may use it, or save the image to a file and scan that: docker-archive:FILE",
			"%s does not answer at %s: %w", e.name, e.where, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var said struct {
		Message string `json:"message"`
		Cause   string `json:"cause"`
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	json.Unmarshal(raw, &said)
	if resp.StatusCode == http.StatusNotFound {
		return nil, problem("pull it first ("+strings.ToLower(e.name)+" pull "+ref+"), or read it from its registry: registry:"+ref,
			"%s has no image %s", e.name, ref)
	}
	return nil, fmt.Errorf("%s answers %s: %s", e.name, resp.Status, said.Message)
}

// endpoint is where an engine listens.
type endpoint struct {
	host string // "unix:///path", "tcp://host:port"
	tls  *tls.Config
}

// dockerEndpoint finds Docker as its command line does: DOCKER_HOST, else the
// context of DOCKER_CONTEXT or of config.json, else the default socket.
func dockerEndpoint(getenv func(string) string) (endpoint, error) {
	conf := getenv("DOCKER_CONFIG")
	if conf == "" {
		conf = filepath.Join(getenv("HOME"), ".docker")
	}
	if h := getenv("DOCKER_HOST"); h != "" {
		ep := endpoint{host: h}
		if getenv("DOCKER_TLS_VERIFY") == "" && getenv("DOCKER_TLS") == "" {
			return ep, nil
		}
		dir := getenv("DOCKER_CERT_PATH")
		if dir == "" {
			dir = conf
		}
		var err error
		ep.tls, err = dockerTLS(dir, getenv("DOCKER_TLS_VERIFY") == "")
		return ep, err
	}
	name := getenv("DOCKER_CONTEXT")
	if name == "" {
		var c struct {
			CurrentContext string `json:"currentContext"`
		}
		if raw, err := os.ReadFile(filepath.Join(conf, "config.json")); err == nil {
			json.Unmarshal(raw, &c)
		}
		name = c.CurrentContext
	}
	if name == "" || name == "default" {
		return endpoint{host: "unix:///var/run/docker.sock"}, nil
	}
	return contextEndpoint(conf, name)
}
