package manifest

import (
	"path"
	"regexp"
	"strings"
)

// lines calls fn for each line that is neither empty nor a mark of a conflict.
func (r *reading) lines(fn func(n int, text string)) {
	n := 0
	for text := range strings.Lines(r.text) {
		n++
		if text = strings.TrimRight(text, " \t\r\n"); text != "" && !isConflict(text) {
			fn(n, text)
		}
	}
}

var keyValue = regexp.MustCompile(`^\s*"?([A-Za-z0-9_.-]+)"?\s*=\s*(\S.*)$`)

// tables reads lock files in TOML with a table a package: Poetry's, uv's, PDM's,
// Cargo's, and pylock.toml (https://packaging.python.org/specifications/pylock-toml).
// It goes by lines: those lock files are written by programs.
func (r *reading) tables() {
	inPackage, depth := false, 0
	name, version := "", ""
	flush := func() {
		if name != "" {
			r.add(name, version)
		}
		name, version = "", ""
	}
	r.lines(func(n int, text string) {
		t := strings.TrimSpace(text)
		header := depth == 0 && strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]")
		switch {
		case header || t == "[[package]]" || t == "[[packages]]":
			depth = 0
			if inPackage = t == "[[package]]" || t == "[[packages]]"; inPackage {
				flush()
			}
			return
		case strings.HasPrefix(t, "#"):
			return
		case depth > 0:
			depth += brackets(t)
			return
		}
		m := keyValue.FindStringSubmatch(t)
		if m == nil {
			r.miss(line(n))
			return
		}
		depth = max(0, brackets(m[2]))
		if !inPackage {
			return
		}
		switch m[1] {
		case "name":
			if name != "" { // the other side of a conflict
				flush()
			}
			name = unquote(m[2])
		case "version":
			version = unquote(m[2])
		}
	})
	flush()
}

// brackets is how many lists and tables a line opens more than it closes,
// outside of strings.
func brackets(s string) (depth int) {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return depth
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
	}
	return depth
}

// unquote returns a text without the quotes and the comment around it.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') {
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return s[1 : 1+end]
		}
		return s[1:]
	}
	s, _, _ = strings.Cut(s, " #")
	return strings.TrimSpace(s)
}

// stanzas reads packages of a Debian-like control file: of dpkg, opkg, vcpkg, R,
// and Python's core metadata, which ends at the first empty line.
func (r *reading) stanzas() {
	name, version, status := "", "", ""
	flush := func() {
		if name != "" && !Gone(status) {
			r.add(name, version)
		}
		name, version, status = "", "", ""
	}
	body := false
	for text := range strings.Lines(r.text) {
		text = strings.TrimRight(text, "\n")
		if text == "" {
			flush()
			body = r.format.header
		}
		key, value, ok := strings.Cut(text, ":")
		if !ok || body {
			continue
		}
		switch strings.ToLower(strings.TrimRight(key, " \t")) {
		case "package", "name":
			name = strings.TrimSpace(value)
		case "version":
			version = strings.TrimSpace(value)
		case "status":
			status = strings.TrimSpace(value)
		}
	}
	flush()
}

// Gone reports whether the Status of a stanza says that no file of the package
// is there: its third word counts, as for dpkg -l. "deinstall ok installed" is
// installed, and only to be removed.
func Gone(status string) bool {
	f := strings.Fields(strings.ToLower(status))
	return len(f) > 2 && (f[2] == "not-installed" || f[2] == "config-files")
}

// apkInstalled reads apk's database (https://wiki.alpinelinux.org/wiki/Apk_spec).
func (r *reading) apkInstalled() {
	name, version := "", ""
	for text := range strings.Lines(r.text + "\n\n") {
		text = strings.TrimRight(text, "\n")
		switch {
		case text == "":
			r.add(name, version)
			name, version = "", ""
		case strings.HasPrefix(text, "P:"):
			name = text[2:]
		case strings.HasPrefix(text, "V:"):
			version = text[2:]
		}
	}
}

var gemSpec = regexp.MustCompile(`^ {4}([^\s(]+) \(([^)]*)\)$`)

// gemfileLock reads Bundler's lock file: four spaces before what is locked, six
// before what that needs. A platform follows the version
// (https://guides.rubygems.org/specification-reference, "platform").
func (r *reading) gemfileLock() {
	r.lines(func(n int, text string) {
		m := gemSpec.FindStringSubmatch(text)
		if m == nil {
			if strings.HasPrefix(text, "    ") && !strings.HasPrefix(text, "     ") && strings.ContainsRune(text, '(') {
				r.miss(line(n))
			}
			return
		}
		p := Package{Type: "gem", Name: m[1]}
		p.Version, p.Qualifiers = GemVersion(m[2])
		r.addPackage(p)
	})
}

// GemVersion splits a gem's version from its platform, which becomes a
// qualifier.
func GemVersion(s string) (version string, qualifiers map[string]string) {
	version, platform, _ := strings.Cut(s, "-")
	if platform == "" || platform == "ruby" {
		return version, nil
	}
	return version, map[string]string{"platform": platform}
}

var (
	modRequire = regexp.MustCompile(`^(?:require\s+)?([^\s()]+\.[^\s()]*|[^\s()]+/[^\s()]+)\s+(v[0-9][^\s]*)`)
	modReplace = regexp.MustCompile(`^(?:replace\s+)?(\S+)(?:\s+(v\S+))?\s+=>\s+(\S+)(?:\s+(v\S+))?`)
)

// goMod reads the requirements of a Go module (https://go.dev/ref/mod#go-mod-file).
// A replacement stands for what it replaces.
func (r *reading) goMod() {
	block := ""
	replaced := map[string]bool{}
	var required []Package
	r.lines(func(n int, text string) {
		t, _, _ := strings.Cut(strings.TrimSpace(text), "//")
		t = strings.TrimSpace(t)
		switch {
		case t == "":
		case t == ")":
			block = ""
		case strings.HasSuffix(t, "("):
			block = strings.TrimSpace(strings.TrimSuffix(t, "("))
		case strings.HasPrefix(t, "replace ") || block == "replace":
			if m := modReplace.FindStringSubmatch(t); m != nil {
				replaced[m[1]] = true
				if m[4] != "" {
					r.addModule(m[3], m[4])
				}
			} else {
				r.miss(line(n))
			}
		case strings.HasPrefix(t, "require ") || block == "require":
			if m := modRequire.FindStringSubmatch(t); m != nil {
				required = append(required, Package{Name: m[1], Version: m[2]})
			} else {
				r.miss(line(n))
			}
		}
	})
	for _, p := range required {
		if !replaced[p.Name] {
			r.addModule(p.Name, p.Version)
		}
	}
}

func (r *reading) addModule(name, version string) {
	p := Package{Type: "golang", Name: path.Base(name), Version: version}
	if dir := path.Dir(name); dir != "." {
		p.Namespace = dir
	}
	r.addPackage(p)
}

// gradleLock reads Gradle's lock file
// (https://docs.gradle.org/current/userguide/dependency_locking.html).
func (r *reading) gradleLock() {
	r.lines(func(n int, text string) {
		if strings.HasPrefix(text, "#") || strings.HasPrefix(text, "empty=") {
			return
		}
		coordinates, _, _ := strings.Cut(text, "=")
		part := strings.Split(coordinates, ":")
		if len(part) < 3 {
			r.miss(line(n))
			return
		}
		r.addPackage(Package{Type: "maven", Namespace: part[0], Name: part[1], Version: part[2]})
	})
}

var (
	mixHex  = regexp.MustCompile(`"([^"]+)":\s*\{:hex,\s*:"?([\w.-]+)"?,\s*"([^"]*)"`)
	mixGit  = regexp.MustCompile(`"([^"]+)":\s*\{:(?:git|path),`)
	rebar   = regexp.MustCompile(`\{pkg,<<"([^"]+)">>,<<"([^"]*)">>`)
	podLine = regexp.MustCompile(`^ {2}- "?([^\s"(]+)(?: \(([^)]*)\))?"?:?$`)
	paket   = regexp.MustCompile(`^ {4}([^\s(]+) \(([^)]*)\)`)
)

// mixLock reads Elixir's lock file: an Elixir map with an entry a line.
func (r *reading) mixLock() {
	r.lines(func(n int, text string) {
		if m := mixHex.FindStringSubmatch(text); m != nil {
			r.add(m[2], m[3])
		} else if strings.Contains(text, "{:") && !mixGit.MatchString(text) {
			r.miss(line(n))
		}
	})
}

// rebarLock reads Erlang's lock file.
func (r *reading) rebarLock() {
	for _, m := range rebar.FindAllStringSubmatch(r.text, -1) {
		r.add(m[1], m[2])
	}
}

// podfileLock reads the pods of CocoaPods' lock file. A subspec is a part of its
// pod.
func (r *reading) podfileLock() {
	pods := false
	r.lines(func(_ int, text string) {
		if text[0] != ' ' {
			pods = text == "PODS:"
		} else if m := podLine.FindStringSubmatch(text); pods && m != nil {
			name, _, _ := strings.Cut(m[1], "/")
			r.add(name, m[2])
		}
	})
}

// paketLock reads the NuGet packages of Paket's lock file
// (https://fsprojects.github.io/Paket/lock-file.html).
func (r *reading) paketLock() {
	nuget := false
	r.lines(func(_ int, text string) {
		if text[0] != ' ' {
			nuget = strings.HasPrefix(text, "NUGET")
		} else if m := paket.FindStringSubmatch(text); nuget && m != nil {
			r.add(m[1], m[2])
		}
	})
}
