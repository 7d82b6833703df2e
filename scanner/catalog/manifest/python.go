package manifest

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

var (
	requirement = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$`)
	pinned      = regexp.MustCompile(`^\(?\s*===?\s*([A-Za-z0-9.!+_-]+)\s*\)?$`)
	fragment    = regexp.MustCompile(`[#&]egg=([A-Za-z0-9._-]+)`)
)

// requirements reads pip's list
// (https://pip.pypa.io/en/stable/reference/requirements-file-format). What has
// no version or a range is there without one.
func (r *reading) requirements() {
	open, at := "", 0
	r.lines(func(n int, text string) {
		if open == "" {
			at = n
		}
		if before, ok := strings.CutSuffix(text, `\`); ok {
			open += before
			return
		}
		text, open = strings.TrimSpace(open+text), ""
		if strings.HasPrefix(text, "#") {
			return
		}
		if i := strings.Index(text, " #"); i >= 0 {
			text = strings.TrimSpace(text[:i])
		}
		r.requirement(at, text)
	})
	if open = strings.TrimSpace(open); open != "" {
		r.requirement(at, open)
	}
}

func (r *reading) requirement(n int, text string) {
	editable := false
	for _, option := range []string{"-e", "--editable"} {
		if rest, ok := strings.CutPrefix(text, option); ok && rest != "" && (rest[0] == ' ' || rest[0] == '=') {
			text, editable = strings.TrimSpace(rest[1:]), true
		}
	}
	if text == "" || strings.HasPrefix(text, "-") {
		return // an option of pip's
	}
	if i := strings.Index(text, " --"); i >= 0 {
		text = text[:i]
	}
	if m := fragment.FindStringSubmatch(text); m != nil {
		r.add(m[1], "")
		return
	}
	if isAddress(text) {
		if name, version := wheel(text); name != "" {
			r.add(name, version)
		} else if !editable {
			r.fromAddress(text)
		}
		return
	}
	text, _, _ = strings.Cut(text, ";") // when it applies
	m := requirement.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || m[2] != "" && !strings.ContainsRune("=<>!~@(", rune(m[2][0])) {
		r.miss(line(n))
		return
	}
	version := ""
	if v := pinned.FindStringSubmatch(m[2]); v != nil {
		version = v[1]
	} else if at, ok := strings.CutPrefix(m[2], "@"); ok {
		_, version = wheel(at)
	}
	r.add(m[1], version)
}

func isAddress(s string) bool {
	return strings.Contains(s, "://") && !strings.Contains(strings.SplitN(s, "://", 2)[0], " ") ||
		strings.HasPrefix(s, ".") || strings.HasPrefix(s, "/")
}

// fromAddress names a package after its repository. It is likely to be its name,
// and the only one that is there.
func (r *reading) fromAddress(s string) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !strings.HasPrefix(scheme, "git") {
		return
	}
	rest, _, _ = strings.Cut(rest, "#")
	base := path.Base(rest)
	base, _, _ = strings.Cut(base, "@")
	r.add(strings.TrimSuffix(base, ".git"), "")
}

// wheel reads name and version from the file name of a wheel or of a source
// archive (https://packaging.python.org/specifications/binary-distribution-format).
func wheel(address string) (name, version string) {
	address, _, _ = strings.Cut(strings.TrimSpace(address), "#")
	address, _, _ = strings.Cut(address, "?")
	base := path.Base(address)
	if u, err := url.PathUnescape(base); err == nil {
		base = u
	}
	if stem, ok := strings.CutSuffix(base, ".whl"); ok {
		if part := strings.Split(stem, "-"); len(part) >= 5 {
			return part[0], part[1]
		}
		return "", ""
	}
	for _, ext := range []string{".tar.gz", ".zip", ".tar.bz2"} {
		if stem, ok := strings.CutSuffix(base, ext); ok {
			if i := strings.LastIndexByte(stem, '-'); i > 0 && i+1 < len(stem) && stem[i+1] >= '0' && stem[i+1] <= '9' {
				return stem[:i], stem[i+1:]
			}
		}
	}
	return "", ""
}
