package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/registry"
)

// Detector is the name and version under which evidence of an image's
// configuration is noted. What could be a secret is written "[redacted]": the
// value of an environment variable or build argument, unless it is plainly
// something else (a path, a version, a switch); the value of a label whose name
// speaks of a password, secret, token, key or credential; the password in an
// address; and what has the form of an access token or a private key.
const Detector = "imageconfig@2"

// subject is what an image's configuration says of it; a nil raw is one that
// could not be read. Digest, and the PURL of an image that has one, are the
// caller's.
func subject(cfg *v1.ConfigFile, raw []byte, org origin) sbom.Subject {
	s := sbom.Subject{
		Kind: sbom.Image, Name: org.name,
		IndexedBy: org.indexedBy,
		Platform:  registry.PlatformString(platformOf(cfg)),
		Tags:      slices.Compact(slices.Sorted(slices.Values(org.tags))),
		Created:   cfg.Created.UTC(),
	}
	if raw != nil {
		sum := sha256.Sum256(raw)
		s.ImageID = "sha256:" + hex.EncodeToString(sum[:])
	}
	if len(cfg.Config.Labels) > 0 {
		s.Labels = make(map[string]string, len(cfg.Config.Labels))
		for k, v := range cfg.Config.Labels {
			s.Labels[k] = redactPair(k, v)
		}
	}
	s.PURL = dockerPURL(org, s.ImageID)
	s.Evidence = append(nameEvidence(org), configEvidence(cfg)...)
	return s
}

func evidence(k sbom.Kind, value, where string) sbom.Evidence {
	return sbom.Evidence{Kind: k, Value: sbom.CleanValue(value), Where: where, Detector: Detector}
}

// nameEvidence notes the repository: whole, without its host, and its last part.
func nameEvidence(org origin) []sbom.Evidence {
	var out []sbom.Evidence
	note := func(k sbom.Kind, value, where string) {
		e := evidence(k, value, where)
		if value != "" && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	for i, repo := range append([]string{org.repo}, org.refs...) {
		if repo == "" {
			continue
		}
		where := "reference"
		if i > 0 {
			where = "tag in the archive"
		}
		host, rest, ok := strings.Cut(repo, "/")
		if ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
			note(sbom.ImageHost, host, where)
			note(sbom.ImageRef, repo, where)
			repo = rest
		}
		note(sbom.ImageRef, repo, where)
		note(sbom.ImageRef, path.Base(repo), where)
	}
	return out
}

func configEvidence(cfg *v1.ConfigFile) []sbom.Evidence {
	var out []sbom.Evidence
	for _, env := range cfg.Config.Env {
		name, value, _ := strings.Cut(env, "=")
		out = append(out, evidence(sbom.ImageEnv, name+"="+redactEnv(name, value), "Env"))
	}
	for _, k := range sortedKeys(cfg.Config.Labels) {
		out = append(out, evidence(sbom.ImageLabel, k+"="+redactPair(k, cfg.Config.Labels[k]), "Labels"))
	}
	if line := strings.Join(slices.Concat(cfg.Config.Entrypoint, cfg.Config.Cmd), " "); line != "" {
		out = append(out, evidence(sbom.ImageEntrypoint, redact(line), "Entrypoint, Cmd"))
	}
	layer := 0
	for i, h := range cfg.History {
		e := evidence(sbom.ImageHistory, redactHistory(h.CreatedBy), fmt.Sprintf("history %d", i+1))
		if !h.EmptyLayer {
			if layer < len(cfg.RootFS.DiffIDs) {
				e.Layer = cfg.RootFS.DiffIDs[layer].String()
			}
			layer++
		}
		if h.CreatedBy != "" {
			out = append(out, e)
		}
	}
	if cfg.Config.User != "" {
		out = append(out, evidence(sbom.ImageUser, cfg.Config.User, "User"))
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

const redacted = "[redacted]"

var (
	// KEY and TOKEN end a word, so that keywords and tokenizers are none.
	secretName = regexp.MustCompile(`(?i)PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|(TOKEN|KEY)S?([^a-z]|$)`)
	// NAME=value or --name value, with the value bare or quoted.
	namedValue = regexp.MustCompile(`([\w.-]+=-*|--[\w-]+\s+)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;|&"'-][^\s;|&]*)`)
	// scheme://user:password@host
	secretURL = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)
	// Tokens by their documented prefixes (GitHub, GitLab, AWS, Slack, npm, PyPI),
	// JSON web tokens (RFC 7519), and private keys (RFC 7468).
	secretForm = regexp.MustCompile(`gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|A[KS]IA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}|npm_\w{30,}|pypi-[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"']*`)
	// plainValue is the value of a variable that is no secret: a switch, a number
	// or a version, a list of paths. Four characters are none either.
	plainValue = regexp.MustCompile(`^(.{0,4}|true|false|v?\d+([._+:-][0-9a-z]{1,8})*|(:?(/[\w.+@-]{1,40})+/?)+)$`)
	// publicName is a variable that is never a secret.
	publicName = regexp.MustCompile(`^(PATH|HOME|USER|SHELL|TERM|TZ|LANG|LANGUAGE|LC_\w+|\w+_VERSION)$`)
	// setsEnv begins the history line of an instruction that sets variables or
	// is run with build arguments (BuildKit, and Docker before it).
	setsEnv = regexp.MustCompile(`^(ENV |ARG |/bin/sh -c #\(nop\) +(ENV|ARG) |RUN \|\d+ |\|\d+ )`)
)

// redactEnv is the value of an environment variable as far as it is plainly no
// secret: nobody can tell by a name that its value is none.
func redactEnv(name, value string) string {
	if v := redactPair(name, value); v == redacted || publicName.MatchString(name) || plainValue.MatchString(v) {
		return v
	}
	return redacted
}

// redactHistory is redact for the line that made a layer.
func redactHistory(line string) string {
	line = redact(line)
	if !setsEnv.MatchString(line) {
		return line
	}
	return namedValue.ReplaceAllStringFunc(line, func(pair string) string {
		m := namedValue.FindStringSubmatch(pair)
		name, isEnv := strings.CutSuffix(m[1], "=")
		if value := strings.Trim(m[2], `"'`); !isEnv || redactEnv(name, value) == value {
			return pair
		}
		return m[1] + redacted
	})
}

func redactPair(name, value string) string {
	if value != "" && secretName.MatchString(name) {
		return redacted
	}
	return redact(value)
}

// redact hides secrets in a command line.
func redact(s string) string {
	s = secretForm.ReplaceAllString(secretURL.ReplaceAllString(s, "${1}"+redacted+"@"), redacted)
	return namedValue.ReplaceAllStringFunc(s, func(pair string) string {
		m := namedValue.FindStringSubmatch(pair)
		if name := strings.TrimRight(m[1], "=- \t"); secretName.MatchString(name) {
			return m[1] + redacted
		}
		return pair
	})
}

// repository is the one that the image is known by, or empty.
func (org origin) repository() string {
	if org.repo == "" && len(org.refs) == 1 {
		return org.refs[0]
	}
	return org.repo
}

// encode writes a part of a package URL. A colon is not encoded: ECMA-427, 5.4.
func encode(s string) string {
	s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	return strings.NewReplacer("%3A", ":", "%2F", "/").Replace(s)
}

// dockerPURL is the package URL of an image that has no manifest, as what
// "docker save" wrote has none: its version is the image ID (purl-spec, type
// "docker"). It is empty for an image without a name.
func dockerPURL(org origin, imageID string) string {
	repo := org.repository()
	if repo == "" || imageID == "" {
		return ""
	}
	host := ""
	if first, rest, ok := strings.Cut(repo, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		host, repo = first, rest
	}
	p := "pkg:docker/" + encode(repo) + "@" + encode(imageID)
	if host != "" && host != "docker.io" {
		p += "?repository_url=" + encode(host)
	}
	return p
}

// purl is the package URL of an image that is known by repository and manifest
// digest (purl-spec, type "oci"), else empty.
func purl(org origin, digest, arch string) string {
	repo := org.repository()
	if repo == "" || digest == "" {
		return ""
	}
	var q []string
	if arch != "" {
		q = append(q, "arch="+encode(arch))
	}
	if strings.Contains(repo, "/") {
		q = append(q, "repository_url="+encode(strings.ToLower(repo)))
	}
	if len(org.tags) == 1 {
		q = append(q, "tag="+encode(org.tags[0]))
	}
	p := "pkg:oci/" + encode(strings.ToLower(path.Base(repo))) + "@" + encode(digest)
	if len(q) > 0 {
		p += "?" + strings.Join(q, "&")
	}
	return p
}
