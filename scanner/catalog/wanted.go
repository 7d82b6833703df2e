package catalog

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/catalog/manifest"
)

// maxKept is the largest file that Keep asks for, in bytes. Only models for
// machine learning and disk images with a program's name are larger.
const maxKept = 1 << 30

// Wants reports, by name and head alone, whether catalogers may read the
// contents of a file of this kind of target. It is the cheap question before
// [Kind.Keep]. It may be called from many goroutines.
func (k Kind) Wants(f *scanner.File) bool {
	return f.Depth == 0 && f.Size <= maxKept && (k.named(f) || executable(f.Head) != notExecutable)
}

// Keep reports whether the contents must be kept until [Components] runs. A
// file whose name a cataloger asks for is kept. An executable of another name
// is kept only if it holds what one of the catalogers that look at all
// executables reads from it: Go build information, Rust audit data, a package
// note, GraalVM's bill of materials, a .NET bundle. It reads f.ReaderAt.
//
// The answers to syft's questions by MIME type then list only the executables
// that were kept. That changes no result: from the others these catalogers get
// nothing, and they report nothing about a file that they get nothing from.
func (k Kind) Keep(f *scanner.File) bool {
	if f.Depth > 0 || f.Size > maxKept {
		return false
	}
	return k.named(f) || hasMarker(f)
}

// Wants is [Image].Wants.
func Wants(f *scanner.File) bool { return Image.Wants(f) }

// Keep is [Image].Keep.
func Keep(f *scanner.File) bool { return Image.Keep(f) }

// secondary are the files that catalogers look up once they have found a
// package: next to it, or at a path that they make from its name. They come
// from the source of syft's catalogers; what is missing here comes out as a gap.
var secondary = []string{
	// environment, see environment.go
	"/etc/os-release", "/usr/lib/os-release", "/etc/system-release-cpe", "/etc/redhat-release", "/etc/debian_version", "/bin/busybox",
	// deb, opkg
	"**/dpkg/info/*.md5sums", "**/dpkg/info/*.conffiles", "**/opkg/info/*.conffiles", "/usr/share/doc/*/copyright",
	// apk, alpm, portage, nix
	"**/etc/apk/repositories", "**/var/lib/pacman/local/*/mtree", "**/var/lib/pacman/local/*/files",
	"**/var/db/pkg/*/*/{LICENSE,SIZE}", "/etc/portage/license_groups", "**/nix/var/nix/db/schema",
	// databases that a cataloger's pattern matches only through a symlinked folder
	"**/db/installed", "**/dpkg/status", "**/rpmdb.sqlite", "**/{rpmdb,db}.sqlite-wal", "**/rpm/{Packages,Packages.db}",
	// python, perl, dotnet, models
	"**/*.dist-info/**", "**/*.egg-info/**", "**/EGG-INFO/*",
	"**/MYMETA.json", "**/perllocal.pod", "**/site_perl/**/*.pm", "**/local/**/perl/**/*.pm",
	"**/libman.json", "**/config.json",
	// supporting evidence of binary classifiers
	"**/VERSION*", "**/application.ini", "**/libjli.so", "**/libpython*", "**/libruby.so*", "**/libjulia.so*",
	// what a name that classifiers ask for is often a symlink to
	"**/redis-check-*", "**/valkey-check-*", "**/mariadbd", "**/nodejs", "**/*gcc-[0-9]*", "**/ruby[0-9]*", "**/go-[0-9]*",
}

// secondaryFolder are those of the catalogers that only folders have.
var secondaryFolder = []string{
	"**/go.sum", "**/yarn.lock", "**/package-lock.json", "**/vcpkg.json", "**/vcpkg-configuration.json", "**/.git/HEAD", "**/*.pom",
}

// The names that are kept, by kind.
var (
	imageNames  = sync.OnceValue(func() *globSet { return wantedNames(Image, secondary) })
	folderNames = sync.OnceValue(func() *globSet { return wantedNames(Folder, append(secondaryFolder, secondary...)) })
)

func wantedNames(k Kind, patterns []string) *globSet {
	asked := requestsOf(k)
	patterns = slices.Clone(patterns)
	for _, r := range asked {
		patterns = append(patterns, r.Globs...)
	}
	slices.Sort(patterns)
	return newGlobSet(slices.Compact(patterns))
}

func (k Kind) named(f *scanner.File) bool {
	base := path.Base(f.Path)
	names := imageNames()
	if k&Folder != 0 {
		names = folderNames()
	}
	return licenseFile(base) || names.matches(f.Path) || manifest.Find(f.Path) != nil ||
		base == "README.md" && bytes.HasPrefix(f.Head, []byte("---")) // front matter of a model card
}

// licenseFile reports whether syft takes the name for a license's: its
// catalogers list the folder of what they found and read these.
// The rule is that of syft/pkg/cataloger/internal/licenses/names.go.
func licenseFile(name string) bool {
	u := strings.ToUpper(name)
	u = strings.TrimPrefix(strings.TrimPrefix(u, "UN"), "MIT-")
	for _, p := range []string{"LICENS", "LICENC", "LICEN|", "COPYING", "NOTICE"} {
		if strings.HasPrefix(u, p) {
			return true
		}
	}
	switch u {
	case "AL2.0", "LGPL2.1", "MIT_LICENSE", "MIT_LICENCE":
		return true
	}
	return false
}

// The formats of executable, by magic.
const (
	notExecutable = iota
	elfExecutable
	peExecutable
	machoExecutable
)

func executable(head []byte) int {
	if len(head) < 8 {
		return notExecutable
	}
	switch string(head[:4]) {
	case "\x7fELF":
		return elfExecutable
	case "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return machoExecutable
	case "\xca\xfe\xba\xbe": // a fat Mach-O, or a Java class: the latter has a version from 45 here
		if binary.BigEndian.Uint32(head[4:]) < 45 {
			return machoExecutable
		}
	}
	if head[0] == 'M' && head[1] == 'Z' {
		return peExecutable
	}
	return notExecutable
}
