package catalog

import (
	"github.com/anchore/syft/syft/cataloging/pkgcataloging"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/ai"
	"github.com/anchore/syft/syft/pkg/cataloger/alpine"
	"github.com/anchore/syft/syft/pkg/cataloger/apple"
	"github.com/anchore/syft/syft/pkg/cataloger/arch"
	"github.com/anchore/syft/syft/pkg/cataloger/binary"
	"github.com/anchore/syft/syft/pkg/cataloger/bitnami"
	"github.com/anchore/syft/syft/pkg/cataloger/conda"
	"github.com/anchore/syft/syft/pkg/cataloger/cpp"
	"github.com/anchore/syft/syft/pkg/cataloger/dart"
	"github.com/anchore/syft/syft/pkg/cataloger/debian"
	"github.com/anchore/syft/syft/pkg/cataloger/dotnet"
	"github.com/anchore/syft/syft/pkg/cataloger/elixir"
	"github.com/anchore/syft/syft/pkg/cataloger/erlang"
	"github.com/anchore/syft/syft/pkg/cataloger/gentoo"
	"github.com/anchore/syft/syft/pkg/cataloger/githubactions"
	"github.com/anchore/syft/syft/pkg/cataloger/golang"
	"github.com/anchore/syft/syft/pkg/cataloger/haskell"
	"github.com/anchore/syft/syft/pkg/cataloger/homebrew"
	"github.com/anchore/syft/syft/pkg/cataloger/java"
	"github.com/anchore/syft/syft/pkg/cataloger/javascript"
	"github.com/anchore/syft/syft/pkg/cataloger/kernel"
	"github.com/anchore/syft/syft/pkg/cataloger/lua"
	"github.com/anchore/syft/syft/pkg/cataloger/nix"
	"github.com/anchore/syft/syft/pkg/cataloger/ocaml"
	"github.com/anchore/syft/syft/pkg/cataloger/perl"
	"github.com/anchore/syft/syft/pkg/cataloger/php"
	"github.com/anchore/syft/syft/pkg/cataloger/python"
	"github.com/anchore/syft/syft/pkg/cataloger/r"
	"github.com/anchore/syft/syft/pkg/cataloger/redhat"
	"github.com/anchore/syft/syft/pkg/cataloger/ruby"
	"github.com/anchore/syft/syft/pkg/cataloger/rust"
	"github.com/anchore/syft/syft/pkg/cataloger/snap"
	"github.com/anchore/syft/syft/pkg/cataloger/swift"
	"github.com/anchore/syft/syft/pkg/cataloger/swipl"
	"github.com/anchore/syft/syft/pkg/cataloger/terraform"
	"github.com/anchore/syft/syft/pkg/cataloger/wordpress"
	"sync"
)

// Kind is a kind of target: it decides which catalogers run, as in syft.
type Kind uint8

// The kinds of target.
const (
	Image  Kind = 1 << iota // what is installed in it
	Folder                  // also what its manifests and lock files declare
)

const both = Image | Folder

// cataloger is one of syft's, with what we need to know of it.
type cataloger struct {
	pkg.Cataloger
	kinds Kind
	// whole tells that it joins what several files say into one package. A
	// layer that brings any of its files is then cataloged in the view of all
	// layers up to it.
	whole bool
	// declares tells that what it finds was not seen installed, by what it reads
	// alone: lock files and lists of requirements.
	declares bool
}

// catalogers lists syft's catalogers with the kinds of target that syft itself
// selects them for, and more where that is of use: a test compares. Conda's is
// for folders only in syft; conda environments are found in images all the same.
// What npm, composer, gem and Conan installed is for images only in syft; a
// folder may well be an unpacked image.
// They keep state while they run: make new ones for each layer.
func catalogers(cfg pkgcataloging.Config) []cataloger {
	return append(installed(cfg), declared(cfg)...)
}

func installed(cfg pkgcataloging.Config) []cataloger {
	return []cataloger{
		{Cataloger: arch.NewDBCataloger(), kinds: both},
		{Cataloger: alpine.NewDBCataloger(), kinds: both},
		{Cataloger: debian.NewDBCataloger(), kinds: both},
		{Cataloger: gentoo.NewPortageCataloger(), kinds: both},
		{Cataloger: redhat.NewDBCataloger(), kinds: both},
		{Cataloger: cpp.NewConanInfoCataloger(), kinds: both},
		{Cataloger: javascript.NewPackageCataloger(), kinds: both},
		{Cataloger: php.NewComposerInstalledCataloger(), kinds: both},
		{Cataloger: r.NewPackageCataloger(), kinds: both},
		{Cataloger: ruby.NewInstalledGemSpecCataloger(), kinds: both},
		{Cataloger: rust.NewAuditBinaryCataloger(), kinds: both},
		{Cataloger: php.NewPearCataloger(), kinds: both},
		{Cataloger: dotnet.NewDotnetDepsBinaryCataloger(cfg.Dotnet), kinds: both, whole: true},
		{Cataloger: dotnet.NewDotnetPackagesLockCataloger(), kinds: both},
		{Cataloger: python.NewInstalledPackageCataloger(), kinds: both},
		{Cataloger: golang.NewGoModuleBinaryCataloger(cfg.Golang), kinds: both},
		{Cataloger: java.NewArchiveCataloger(cfg.JavaArchive), kinds: both},
		{Cataloger: java.NewNativeImageCataloger(), kinds: both},
		{Cataloger: nix.NewCataloger(cfg.Nix), kinds: both, whole: true},
		{Cataloger: lua.NewPackageCataloger(), kinds: both},
		{Cataloger: perl.NewCpanInstalledCataloger(), kinds: both},
		{Cataloger: binary.NewClassifierCataloger(cfg.Binary), kinds: both},
		{Cataloger: binary.NewELFPackageCataloger(), kinds: both},
		{Cataloger: binary.NewPEPackageCataloger(), kinds: both},
		{Cataloger: java.NewJvmDistributionCataloger(), kinds: both},
		{Cataloger: kernel.NewLinuxKernelCataloger(cfg.LinuxKernel), kinds: both},
		{Cataloger: php.NewInterpreterCataloger(), kinds: both, whole: true},
		{Cataloger: bitnami.NewCataloger(), kinds: Image},
		{Cataloger: wordpress.NewWordpressPluginCataloger(), kinds: both},
		{Cataloger: homebrew.NewCataloger(), kinds: both},
		{Cataloger: apple.NewAppBundleCataloger(), kinds: both},
		{Cataloger: conda.NewCondaMetaCataloger(), kinds: both},
		{Cataloger: snap.NewCataloger(), kinds: both},
		{Cataloger: ai.NewGGUFCataloger(), kinds: both, whole: true},
		{Cataloger: ai.NewSafeTensorsCataloger(), kinds: both, whole: true},
	}
}

func declared(cfg pkgcataloging.Config) []cataloger {
	return []cataloger{
		{Cataloger: redhat.NewArchiveCataloger(), kinds: Folder},
		{Cataloger: debian.NewArchiveCataloger(), kinds: Folder},
		{Cataloger: cpp.NewConanCataloger(), kinds: both, declares: true},
		{Cataloger: cpp.NewVcpkgManifestCataloger(cfg.Cpp), kinds: Folder},
		{Cataloger: dart.NewPubspecLockCataloger(), kinds: both, declares: true},
		{Cataloger: dart.NewPubspecCataloger(), kinds: Folder},
		{Cataloger: elixir.NewMixLockCataloger(), kinds: both, declares: true},
		{Cataloger: erlang.NewRebarLockCataloger(), kinds: both, declares: true},
		{Cataloger: erlang.NewOTPCataloger(), kinds: Folder},
		{Cataloger: haskell.NewHackageCataloger(), kinds: both, declares: true},
		{Cataloger: golang.NewGoModuleFileCataloger(cfg.Golang), kinds: both, declares: true},
		{Cataloger: java.NewGradleLockfileCataloger(), kinds: both, declares: true},
		{Cataloger: java.NewPomCataloger(cfg.JavaArchive), kinds: both, declares: true},
		{Cataloger: javascript.NewLockCataloger(cfg.JavaScript), kinds: both, declares: true},
		{Cataloger: php.NewComposerLockCataloger(), kinds: both, declares: true},
		{Cataloger: python.NewPackageCataloger(cfg.Python), kinds: both, declares: true},
		{Cataloger: ruby.NewGemFileLockCataloger(), kinds: both, declares: true},
		{Cataloger: ruby.NewGemSpecCataloger(), kinds: Folder},
		{Cataloger: rust.NewCargoLockCataloger(), kinds: both, declares: true},
		{Cataloger: swift.NewCocoapodsCataloger(), kinds: both, declares: true},
		{Cataloger: swift.NewSwiftPackageManagerCataloger(), kinds: both, declares: true},
		{Cataloger: swipl.NewSwiplPackCataloger(), kinds: Folder},
		{Cataloger: ocaml.NewOpamPackageManagerCataloger(), kinds: Folder},
		{Cataloger: perl.NewCpanMetaCataloger(), kinds: Folder},
		{Cataloger: githubactions.NewActionUsageCataloger(), kinds: Folder},
		{Cataloger: githubactions.NewWorkflowUsageCataloger(), kinds: Folder},
		{Cataloger: terraform.NewLockCataloger(), kinds: Folder},
	}
}

// configuration switches off whatever would leave the machine or look outside
// the target: remote license look-ups, Maven, the user's own module cache, and
// the go command. It is made once, of hundreds of patterns, and only read.
var configuration = sync.OnceValue(func() pkgcataloging.Config {
	c := pkgcataloging.DefaultConfig()
	c.Golang.SearchLocalModCacheLicenses = false
	c.Golang.SearchRemoteLicenses = false
	c.Golang.SearchLocalVendorLicenses = false
	c.Golang.UsePackagesLib = false
	c.Golang.LocalModCacheDir = ""
	c.JavaArchive.UseNetwork = false
	c.JavaArchive.UseMavenLocalRepository = false
	c.JavaScript.SearchRemoteLicenses = false
	c.Python.SearchRemoteLicenses = false
	return c
})
