package manifest

// requirements and coreMetadata are found by more than a name.
var (
	requirements = &Format{Name: "requirements.txt", Type: "pypi", Role: Declared, Beside: true, base: "requirements.txt", read: (*reading).requirements}
	coreMetadata = &Format{Name: "METADATA, PKG-INFO", Type: "pypi", base: "METADATA/PKG-INFO", read: (*reading).stanzas, header: true,
		fields: []string{"Metadata-Version", "Name", "Version", "Summary", "Home-page", "Author", "Author-email", "License", "Maintainer", "Maintainer-email"}}
)

// controlFields are the fields of a Debian control stanza that catalogers read.
// dpkg takes them in any case (deb-control(5): "Field names are not
// case-sensitive").
var controlFields = []string{
	"Package", "Status", "Version", "Architecture", "Maintainer", "Source", "Homepage", "Description", "Depends", "Pre-Depends",
	"Provides", "Conffiles", "Installed-Size", "Section", "Priority",
}

var formats = []*Format{
	// JavaScript
	{Name: "package.json", Type: "npm", Beside: true, base: "package.json", read: (*reading).packageJSON},
	{Name: "package-lock.json", Type: "npm", Role: Declared, Beside: true, base: "package-lock.json", read: (*reading).packageLock},
	{Name: "npm-shrinkwrap.json", Type: "npm", Role: Declared, Sole: true, base: "npm-shrinkwrap.json", read: (*reading).packageLock},
	{Name: "node_modules/.package-lock.json", Type: "npm", Role: Declared, Sole: true, base: "node_modules/.package-lock.json", read: (*reading).packageLock},
	{Name: "yarn.lock", Type: "npm", Role: Declared, Beside: true, base: "yarn.lock", read: (*reading).yarnLock},
	{Name: "pnpm-lock.yaml", Type: "npm", Role: Declared, Beside: true, base: "pnpm-lock.yaml", read: (*reading).pnpmLock},
	{Name: "bun.lock", Type: "npm", Role: Declared, Beside: true, base: "bun.lock", read: (*reading).bunLock},
	{Name: "bun.lockb", Type: "npm", Role: Declared, Sole: true, Wish: true, base: "bun.lockb"},
	// Python
	requirements,
	coreMetadata,
	{Name: "Pipfile.lock", Type: "pypi", Role: Declared, Beside: true, base: "Pipfile.lock", read: (*reading).pipfileLock},
	{Name: "poetry.lock", Type: "pypi", Role: Declared, Beside: true, base: "poetry.lock", read: (*reading).tables},
	{Name: "uv.lock", Type: "pypi", Role: Declared, Beside: true, base: "uv.lock", read: (*reading).tables},
	{Name: "pdm.lock", Type: "pypi", Role: Declared, Beside: true, base: "pdm.lock", read: (*reading).tables},
	{Name: "pylock.toml", Type: "pypi", Role: Declared, Sole: true, base: "pylock.toml", read: (*reading).tables},
	{Name: "*.py.lock", Type: "pypi", Role: Declared, Beside: true, base: "*.py.lock", read: (*reading).tables},
	{Name: "*.egg-info", Type: "pypi", base: "*.egg-info", read: (*reading).stanzas, header: true, fields: coreMetadata.fields},
	// Conda
	{Name: "conda-meta/*.json", Type: "conda", base: "conda-meta/*.json", read: (*reading).condaMeta},
	{Name: "environment.yml", Type: "conda", Role: Declared, Sole: true, Wish: true, base: "environment.yml", read: (*reading).condaEnvironment},
	{Name: "environment.yaml", Type: "conda", Role: Declared, Sole: true, Wish: true, base: "environment.yaml", read: (*reading).condaEnvironment},
	{Name: "pixi.lock", Type: "conda", Role: Declared, Sole: true, base: "pixi.lock", read: (*reading).pixiLock},
	// Rust, Go, Ruby, PHP
	{Name: "Cargo.lock", Type: "cargo", Role: Declared, Beside: true, base: "Cargo.lock", read: (*reading).tables},
	{Name: "go.mod", Type: "golang", Role: Declared, base: "go.mod", read: (*reading).goMod},
	{Name: "Gemfile.lock", Type: "gem", Role: Declared, base: "Gemfile.lock", read: (*reading).gemfileLock},
	{Name: "gems.locked", Type: "gem", Role: Declared, Sole: true, base: "gems.locked", read: (*reading).gemfileLock},
	{Name: "composer.lock", Type: "composer", Role: Declared, Beside: true, base: "composer.lock", read: (*reading).composer},
	{Name: "composer/installed.json", Type: "composer", base: "composer/installed.json", read: (*reading).composer},
	// Java
	{Name: "pom.xml", Type: "maven", Role: Declared, base: "pom.xml", read: (*reading).pom},
	{Name: "gradle.lockfile", Type: "maven", Role: Declared, Beside: true, base: "gradle.lockfile", read: (*reading).gradleLock},
	// .NET
	{Name: "packages.lock.json", Type: "nuget", Beside: true, base: "packages.lock.json", read: (*reading).nugetLock},
	{Name: "packages.config", Type: "nuget", Role: Declared, Sole: true, base: "packages.config", read: (*reading).nugetXML},
	{Name: "*.csproj", Type: "nuget", Role: Declared, Sole: true, Wish: true, base: "*.csproj", read: (*reading).nugetXML},
	{Name: "*.fsproj", Type: "nuget", Role: Declared, Sole: true, Wish: true, base: "*.fsproj", read: (*reading).nugetXML},
	{Name: "*.vbproj", Type: "nuget", Role: Declared, Sole: true, Wish: true, base: "*.vbproj", read: (*reading).nugetXML},
	{Name: "Directory.Packages.props", Type: "nuget", Role: Declared, Sole: true, Wish: true, base: "Directory.Packages.props", read: (*reading).nugetXML},
	{Name: "*.deps.json", Type: "nuget", base: "*.deps.json", read: (*reading).nugetDeps},
	{Name: "paket.lock", Type: "nuget", Role: Declared, Sole: true, base: "paket.lock", read: (*reading).paketLock},
	// Others
	{Name: "mix.lock", Type: "hex", Role: Declared, Beside: true, base: "mix.lock", read: (*reading).mixLock},
	{Name: "rebar.lock", Type: "hex", Role: Declared, Beside: true, base: "rebar.lock", read: (*reading).rebarLock},
	{Name: "pubspec.lock", Type: "pub", Role: Declared, Beside: true, base: "pubspec.lock", read: (*reading).pubspecLock},
	{Name: "Podfile.lock", Type: "cocoapods", Role: Declared, Beside: true, base: "Podfile.lock", read: (*reading).podfileLock},
	{Name: "Package.resolved", Type: "swift", Role: Declared, base: "Package.resolved", read: (*reading).swiftResolved},
	{Name: "vcpkg.json", Type: "vcpkg", Role: Declared, base: "vcpkg.json", read: (*reading).vcpkgManifest},
	{Name: "installed/vcpkg/status", Type: "vcpkg", Sole: true, base: "vcpkg/status", read: (*reading).stanzas, fields: controlFields},
	{Name: "snap/*/*/meta/snap.yaml", Type: "snap", Sole: true, base: "meta/snap.yaml", read: (*reading).snapYAML},
	// Operating systems: of these catalogers say more, and the text is mended for them.
	{Name: "dpkg status", Type: "deb", base: "lib/dpkg/status", read: (*reading).stanzas, fields: controlFields},
	{Name: "dpkg status.d", Type: "deb", base: "lib/dpkg/status.d/*", read: (*reading).stanzas, fields: controlFields},
	{Name: "opkg status", Type: "opkg", base: "lib/opkg/status", read: (*reading).stanzas, fields: controlFields},
	{Name: "opkg control", Type: "opkg", base: "lib/opkg/info/*.control", read: (*reading).stanzas, fields: controlFields},
	{Name: "apk installed", Type: "apk", base: "lib/apk/db/installed", read: (*reading).apkInstalled},
	{Name: "R DESCRIPTION", Type: "cran", base: "DESCRIPTION", read: (*reading).stanzas, fields: []string{"Package", "Version"}},
}

var index = newIndex(formats)
