package manifest

import (
	"path"
	"regexp"
	"strings"
)

// The readers here go by lines. The files are YAML that programs wrote, and a
// parser that takes all or nothing would lose them to one broken line.

// yarnLock reads both forms of Yarn's lock file
// (https://classic.yarnpkg.com/lang/en/docs/yarn-lock). A name may be an alias:
// "x@npm:@scope/name@^1".
func (r *reading) yarnLock() {
	var names []string
	version := ""
	flush := func() {
		for _, n := range names {
			r.add(n, version)
		}
		names, version = nil, ""
	}
	r.lines(func(n int, text string) {
		switch t := strings.TrimSpace(text); {
		case strings.HasPrefix(t, "#"):
		case text[0] != ' ':
			flush()
			if !strings.HasSuffix(t, ":") {
				r.miss(line(n))
				return
			}
			names = yarnNames(strings.TrimSuffix(t, ":"))
		case strings.HasPrefix(t, "version"):
			version = unquote(strings.TrimLeft(t[len("version"):], `": `))
			version = strings.Trim(version, `"`)
		case strings.HasPrefix(t, "resolution:"):
			if name, v := cutVersion(unquote(t[len("resolution:"):])); len(names) > 0 {
				if _, ok := strings.CutPrefix(v, "npm:"); ok {
					names = []string{name}
				}
			}
		}
	})
	flush()
}

// yarnNames are the names of the packages that a key asks for, each once.
func yarnNames(key string) (names []string) {
	seen := map[string]bool{}
	for _, spec := range strings.Split(key, ",") {
		spec = strings.Trim(strings.TrimSpace(spec), `"`)
		if spec == "__metadata" || strings.Contains(spec, "@workspace:") || strings.Contains(spec, "@link:") {
			continue
		}
		if at := strings.Index(spec, "@npm:"); at > 0 && strings.LastIndexByte(spec, '@') > at+5 {
			spec = spec[at+5:]
		}
		name := spec
		if i := strings.IndexByte(spec[min(1, len(spec)):], '@'); i >= 0 {
			name = spec[:i+1]
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

var (
	pnpmKey  = regexp.MustCompile(`^ {2}['"]?/?((?:@[^/@'"]+/)?[^/@'":\s]+)[@/]([0-9][^('":_\s]*)[^:]*:`)
	pubName  = regexp.MustCompile(`^ {2}"?([A-Za-z0-9_]+)"?:$`)
	pubValue = regexp.MustCompile(`^ {4}version:\s*"?([^"]+)"?$`)
)

// pnpmLock reads the packages of pnpm's lock file, whose keys are "/name/1.0.0",
// "/name@1.0.0" or "name@1.0.0" by version (https://github.com/pnpm/spec).
func (r *reading) pnpmLock() {
	packages := false
	r.lines(func(_ int, text string) {
		if text[0] != ' ' {
			packages = text == "packages:" || text == "snapshots:"
		} else if m := pnpmKey.FindStringSubmatch(text); packages && m != nil {
			r.add(m[1], m[2])
		}
	})
}

// pubspecLock reads Dart's lock file (https://dart.dev/tools/pub/glossary#lockfile).
func (r *reading) pubspecLock() {
	name := ""
	r.lines(func(_ int, text string) {
		if m := pubName.FindStringSubmatch(text); m != nil {
			name = m[1]
		} else if m := pubValue.FindStringSubmatch(text); m != nil && name != "" {
			r.add(name, m[1])
			name = ""
		}
	})
}

// condaEnvironment reads the wishes of a conda environment
// (https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html):
// "- name=1.0=build", and below "- pip:" what pip is to install.
func (r *reading) condaEnvironment() {
	inside, pip := false, -1
	r.lines(func(n int, text string) {
		t := strings.TrimSpace(text)
		indent := len(text) - len(strings.TrimLeft(text, " "))
		item, isItem := strings.CutPrefix(t, "- ")
		switch {
		case indent == 0 && !isItem:
			inside, pip = t == "dependencies:", -1
		case !inside || !isItem:
		case item == "pip:":
			pip = indent
		case pip >= 0 && indent > pip:
			r.asPip(n, unquote(item))
		default:
			pip = -1
			r.condaSpec(unquote(item))
		}
	})
}

func (r *reading) asPip(n int, text string) {
	from := len(r.Packages)
	r.requirement(n, text)
	for i := range r.Packages[from:] {
		r.Packages[from+i].Type = "pypi"
	}
}

// condaSpec is "channel::name=1.0=build" or "name>=1.0".
func (r *reading) condaSpec(spec string) {
	p := Package{Type: "conda"}
	if channel, rest, ok := strings.Cut(spec, "::"); ok {
		spec, p.Qualifiers = rest, map[string]string{"channel": channel}
	}
	end := strings.IndexAny(spec, "=<>!~ [")
	if end < 0 {
		end = len(spec)
	}
	p.Name = spec[:end]
	part := strings.Split(strings.Replace(strings.TrimSpace(spec[end:]), "==", "=", 1), "=")
	if len(part) > 1 && part[0] == "" && !strings.ContainsAny(part[1], "*<>,|") {
		if p.Version = part[1]; len(part) > 2 && part[2] != "" && part[2] != "*" {
			if p.Qualifiers == nil {
				p.Qualifiers = map[string]string{}
			}
			p.Qualifiers["build"] = part[2]
		}
	}
	r.addPackage(p)
}

// pixiLock reads the packages of pixi's lock file: addresses of conda packages
// and of wheels (https://pixi.sh/latest/workspace/lockfile).
func (r *reading) pixiLock() {
	seen := map[string]bool{}
	r.lines(func(_ int, text string) {
		kind, address, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "- "), ": ")
		if !ok || seen[address] {
			return
		}
		switch kind {
		case "conda":
			seen[address] = true
			r.condaAddress(unquote(address))
		case "pypi":
			if name, version := wheel(unquote(address)); name != "" {
				seen[address] = true
				r.addPackage(Package{Type: "pypi", Name: name, Version: version})
			}
		}
	})
}

// condaAddress is ".../CHANNEL/SUBDIR/NAME-VERSION-BUILD.conda".
func (r *reading) condaAddress(address string) {
	stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(address), ".conda"), ".tar.bz2")
	part := strings.Split(stem, "-")
	if len(part) < 3 {
		return
	}
	n := len(part)
	dir, _, _ := strings.Cut(address, "/"+path.Base(address))
	p := Package{Type: "conda", Name: strings.Join(part[:n-2], "-"), Version: part[n-2], Qualifiers: map[string]string{"build": part[n-1]}}
	if subdir := path.Base(dir); strings.Contains(address, "://") {
		p.Qualifiers["subdir"] = subdir
		p.Qualifiers["channel"] = Channel(dir, subdir)
	}
	r.addPackage(p)
}

// snapYAML reads name and version of an unpacked snap
// (https://snapcraft.io/docs/the-snap-format).
func (r *reading) snapYAML() {
	name, version := "", ""
	r.lines(func(_ int, text string) {
		key, value, _ := strings.Cut(text, ":")
		switch key {
		case "name":
			name = unquote(value)
		case "version":
			version = unquote(value)
		}
	})
	r.add(name, version)
}
