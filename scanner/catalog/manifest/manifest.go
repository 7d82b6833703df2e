// Package manifest reads the names and versions of packages from manifests, lock
// files and package databases, at least as leniently as the package managers
// themselves: one odd field, a line of a merge conflict or an editor's
// byte-order mark hides no package. It is the second reader beside the
// catalogers of scanner/catalog, and the only one of the formats that those do
// not know.
//
// A reader never fails. What it could not make out and might name a package is
// in [Result].Unread.
package manifest

import (
	"path"
	"strings"
)

// MaxSize is the longest file that [Format.Read] takes, in bytes. The largest
// lock files of real projects have some 20 MB.
const MaxSize = 64 << 20

// MaxPackages bounds what is read from one file.
const MaxPackages = 200_000

// Package is what a manifest says of one package.
type Package struct {
	Type       string // of package URL: "npm", "pypi", ... (https://github.com/package-url/purl-spec)
	Namespace  string // a scope, vendor or group; empty where there is none
	Name       string
	Version    string            // empty when none is given, or a range is
	Qualifiers map[string]string // of the package URL; nil for most
}

// Result is what a file says.
type Result struct {
	Packages []Package
	Unread   int    // entries or lines that may name a package and could not be read
	First    string // where the first of these is: "line 3"
}

// Role is what a format is for.
type Role uint8

// The roles.
const (
	Installed Role = iota // the record of a package that is there
	Declared              // what is to be installed: a lock file, a list of requirements
)

// Format is one format of manifest.
type Format struct {
	Name string // by which people know it: "package-lock.json"
	Type string // of the package URLs of what it names
	Role Role
	// Sole tells that no cataloger reads the format: only Read does.
	Sole bool
	// Beside tells that Read also runs where a cataloger was content, because
	// that leaves out entries: requirements without a version, development
	// dependencies.
	Beside bool

	// Wish tells that the format says what somebody would like to have: a
	// failure to read one says little.
	Wish bool

	base   string   // the file's name; "*.x" is a suffix, "a/b" has a folder
	fields []string // names of fields, spelled as usual
	header bool     // only what is before the first empty line counts
	read   func(*reading)
}

// reading is the state of one call of Read.
type reading struct {
	format *Format
	text   string
	Result
}

// Read reads a file of the format, as [Format.Normalize] returns it.
func (f *Format) Read(b []byte) Result {
	if len(b) > MaxSize {
		return Result{Unread: 1, First: "the file is too large"}
	}
	r := &reading{format: f, text: string(b)}
	if f.read == nil {
		r.miss("the format is recognized, and not read")
	} else {
		f.read(r)
	}
	return r.Result
}

// add notes a package of the format's type.
func (r *reading) add(name, version string) {
	r.addPackage(Package{Type: r.format.Type, Name: name, Version: version})
}

// addPackage notes a package. Names that no package can have are left out; a
// placeholder is no version.
func (r *reading) addPackage(p Package) {
	p.Name, p.Version = strings.TrimSpace(p.Name), strings.TrimSpace(p.Version)
	if p.Namespace == "" && (p.Type == "npm" || p.Type == "composer") {
		if ns, name, ok := strings.Cut(p.Name, "/"); ok && ns != "" {
			p.Namespace, p.Name = ns, name
		}
	}
	if p.Name == "" || len(p.Name) > maxName || strings.ContainsAny(p.Name, " \t\n\"'<>{}$\x00") || len(r.Packages) >= MaxPackages {
		return
	}
	if len(p.Version) > maxName || strings.ContainsAny(p.Version, " \n${}\x00") {
		p.Version = ""
	}
	r.Packages = append(r.Packages, p)
}

// maxName is the longest name or version that is believed, in bytes. npm allows
// 214 for a name.
const maxName = 512

// miss notes something that may name a package and could not be read.
func (r *reading) miss(where string) {
	if r.Unread++; r.First == "" {
		r.First = where
	}
}

// Reads reports whether a reader of the format is there. A format without one is
// recognized: each file of it is unread.
func (f *Format) Reads() bool { return f.read != nil }

// Find returns the format that a file has by its path; nil if none.
func Find(p string) *Format {
	base := path.Base(p)
	if f := index.names[base]; f != nil {
		return f
	}
	for _, f := range index.suffixes[path.Ext(base)] {
		if strings.HasSuffix(base, f.base[1:]) {
			return f
		}
	}
	if strings.HasSuffix(base, ".txt") && strings.Contains(base, "requirements") {
		return requirements
	}
	return index.inFolder(p, base)
}

// Formats lists all formats, by name.
func Formats() []*Format { return formats }

// index finds formats by name.
type nameIndex struct {
	names    map[string]*Format
	suffixes map[string][]*Format
	folders  map[string][]*Format // by the file's name, or "*"
}

func newIndex(all []*Format) *nameIndex {
	x := &nameIndex{map[string]*Format{}, map[string][]*Format{}, map[string][]*Format{}}
	for _, f := range all {
		switch base := path.Base(f.base); {
		case strings.Contains(f.base, "/"):
			x.folders[base] = append(x.folders[base], f)
		case strings.HasPrefix(base, "*."):
			x.suffixes[path.Ext(base)] = append(x.suffixes[path.Ext(base)], f)
		default:
			x.names[base] = f
		}
	}
	return x
}

// inFolder looks for a format whose name has folders: "lib/dpkg/status", or
// "status.d/*" for all files of a folder.
func (x *nameIndex) inFolder(p, base string) *Format {
	for _, f := range x.folders[base] {
		if strings.HasSuffix(p, "/"+f.base) {
			return f
		}
	}
	dir := path.Dir(p)
	for _, f := range x.folders["*"] {
		if strings.HasSuffix(dir, "/"+path.Dir(f.base)) && !strings.HasSuffix(base, ".md5sums") {
			return f
		}
	}
	switch ext := path.Ext(base); ext {
	case ".json", ".control":
		for _, f := range x.folders["*"+ext] {
			if strings.HasSuffix(dir, "/"+path.Dir(f.base)) {
				return f
			}
		}
	}
	if base == "METADATA" || base == "PKG-INFO" {
		if d := strings.ToLower(path.Ext(dir)); d == ".dist-info" || d == ".egg-info" || path.Base(dir) == "EGG-INFO" {
			return coreMetadata
		}
	}
	return nil
}
