package manifest

import (
	"fmt"
	"path"
	"strings"
)

// packageJSON reads npm's manifest
// (https://docs.npmjs.com/cli/configuring-npm/package-json). Of a text with two
// roots, as a conflict leaves it, both names count.
func (r *reading) packageJSON() {
	root, j := r.json()
	root.members(func(key string, v *node) {
		if key == "name" && v.kind == '"' {
			r.add(v.text, root.get("version").str())
		}
	})
	if len(r.Packages) == 0 && j.odd > 0 && strings.Contains(r.text, `"name"`) {
		r.miss(line(j.first))
	}
}

func line(n int) string { return fmt.Sprintf("line %d", n) }

// list reads a text of which every part may name a package.
func (r *reading) list() *node {
	root, j := r.json()
	if j.odd > 0 {
		r.Unread, r.First = j.odd, line(j.first)
	}
	return root
}

// packageLock reads npm's lock files and its record of an install
// (https://docs.npmjs.com/cli/configuring-npm/package-lock-json), all versions.
func (r *reading) packageLock() {
	root := r.list()
	root.members(func(key string, v *node) {
		switch key {
		case "packages":
			v.members(r.lockedPackage)
		case "dependencies":
			r.lockedTree(v)
		}
	})
}

// lockedPackage is one of "packages": what is not below a node_modules folder
// is of the project itself, and has its name in the entry.
func (r *reading) lockedPackage(place string, p *node) {
	if p.get("link").text == "true" {
		return // another entry is what it leads to
	}
	name := p.get("name").str()
	if name == "" {
		i := strings.LastIndex("/"+place, "/node_modules/")
		if i < 0 {
			return
		}
		name = place[i+len("node_modules/"):]
	}
	r.add(name, p.get("version").str())
}

// lockedTree is "dependencies" of versions 1 and 2. A package under another
// name has its own in its version: "npm:name@1.0.0".
func (r *reading) lockedTree(deps *node) {
	deps.members(func(name string, p *node) {
		version := p.get("version").str()
		if alias, ok := strings.CutPrefix(version, "npm:"); ok {
			name, version = cutVersion(alias)
		}
		if strings.Contains(version, ":") { // a file or an address
			version = ""
		}
		r.add(name, version)
		r.lockedTree(p.get("dependencies"))
	})
}

// cutVersion splits "name@version"; a scope begins with an "@".
func cutVersion(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// bunLock reads bun's text lock file (https://bun.sh/docs/install/lockfile).
func (r *reading) bunLock() {
	r.list().get("packages").members(func(_ string, p *node) {
		if len(p.list) > 0 && p.kind == '[' {
			name, version := cutVersion(p.list[0].str())
			if !strings.Contains(version, ":") {
				r.add(name, version)
			}
		}
	})
}

// pipfileLock reads all groups of Pipenv's lock file but the one that is about
// the file itself (https://pipenv.pypa.io/en/latest/pipfile.html).
func (r *reading) pipfileLock() {
	r.list().members(func(group string, v *node) {
		if group == "_meta" {
			return
		}
		v.members(func(name string, p *node) {
			version := p.get("version").str()
			r.add(name, strings.TrimPrefix(version, "=="))
		})
	})
}

// composer reads Composer's lock file and its record of what is installed,
// which is a list in version 1 (https://getcomposer.org/doc/01-basic-usage.md).
func (r *reading) composer() {
	root := r.list()
	for _, all := range []*node{root, root.get("packages"), root.get("packages-dev")} {
		if all.kind != '[' {
			continue
		}
		for _, p := range all.list {
			r.add(p.get("name").str(), p.get("version").str())
		}
	}
}

// nugetLock reads NuGet's lock file
// (https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files).
func (r *reading) nugetLock() {
	r.list().get("dependencies").members(func(_ string, framework *node) {
		framework.members(func(name string, p *node) {
			if !strings.EqualFold(p.get("type").str(), "Project") {
				r.add(name, p.get("resolved").str())
			}
		})
	})
}

// nugetDeps reads the list that the .NET host reads
// (https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md).
func (r *reading) nugetDeps() {
	r.list().get("libraries").members(func(key string, p *node) {
		if name, version, ok := strings.Cut(key, "/"); ok && p.get("type").str() == "package" {
			r.add(name, version)
		}
	})
}

// condaMeta reads the record of one installed conda package
// (https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html).
func (r *reading) condaMeta() {
	root, j := r.json()
	name := root.get("name").str()
	if name == "" {
		if j.odd > 0 && strings.Contains(r.text, `"name"`) {
			r.miss(line(j.first))
		}
		return
	}
	p := Package{Type: "conda", Name: name, Version: root.get("version").str(), Qualifiers: map[string]string{}}
	for _, q := range []struct{ key, value string }{
		{"build", root.get("build").str()}, {"subdir", root.get("subdir").str()},
		{"channel", Channel(root.get("channel").str(), root.get("subdir").str())},
	} {
		if q.value != "" {
			p.Qualifiers[q.key] = q.value
		}
	}
	r.addPackage(p)
}

// Channel is the name of a conda channel, which records give as an address that
// may end in the folder of a platform.
func Channel(address, subdir string) string {
	address = strings.TrimSuffix(address, "/")
	if subdir != "" {
		address = strings.TrimSuffix(address, "/"+subdir)
	}
	if i := strings.Index(address, "://"); i >= 0 {
		_, address, _ = strings.Cut(address[i+3:], "/")
	}
	return path.Clean("/" + address)[1:]
}

// swiftResolved reads the pins of Swift's package manager, versions 1 to 3.
func (r *reading) swiftResolved() {
	root := r.list()
	for _, pins := range []*node{root.get("pins"), root.get("object").get("pins")} {
		for _, p := range pins.list {
			address := p.get("location").str() + p.get("repositoryURL").str()
			pkg := Package{Type: "swift", Name: strings.TrimSuffix(path.Base(address), ".git"), Version: p.get("state").get("version").str()}
			if _, rest, ok := strings.Cut(address, "://"); ok {
				pkg.Namespace = path.Dir(rest)
			}
			r.addPackage(pkg)
		}
	}
}

// vcpkgManifest reads the dependencies of a vcpkg manifest
// (https://learn.microsoft.com/vcpkg/reference/vcpkg-json).
func (r *reading) vcpkgManifest() {
	for _, d := range r.list().get("dependencies").list {
		if d.kind == '"' {
			r.add(d.text, "")
		} else {
			r.add(d.get("name").str(), d.get("version>=").str())
		}
	}
}
