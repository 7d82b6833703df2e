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
)

// kinds of target that a cataloger is for.
type kinds uint8

const (
	image  kinds = 1 << iota // what is installed
	folder                   // also manifests and lock files
)

const both = image | folder

// cataloger is one of syft's, with what we need to know of it.
type cataloger struct {
	pkg.Cataloger
	kinds kinds
	// whole tells that it joins what several files say into one package. A
	// layer that brings any of its files is then catalogued in the view of all
	// layers up to it.
	whole bool
}

// catalogers lists syft's catalogers with the kinds of target that syft itself
// selects them for, and more where that is of use: a test compares. Conda's is
// for folders only in syft; conda environments are found in images all the same.
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
		{Cataloger: cpp.NewConanInfoCataloger(), kinds: image},
		{Cataloger: javascript.NewPackageCataloger(), kinds: image},
		{Cataloger: php.NewComposerInstalledCataloger(), kinds: image},
		{Cataloger: r.NewPackageCataloger(), kinds: both},
		{Cataloger: ruby.NewInstalledGemSpecCataloger(), kinds: image},
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
		{Cataloger: bitnami.NewCataloger(), kinds: image},
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
		{Cataloger: redhat.NewArchiveCataloger(), kinds: folder},
		{Cataloger: debian.NewArchiveCataloger(), kinds: folder},
		{Cataloger: cpp.NewConanCataloger(), kinds: folder},
		{Cataloger: cpp.NewVcpkgManifestCataloger(cfg.Cpp), kinds: folder},
		{Cataloger: dart.NewPubspecLockCataloger(), kinds: folder},
		{Cataloger: dart.NewPubspecCataloger(), kinds: folder},
		{Cataloger: elixir.NewMixLockCataloger(), kinds: folder},
		{Cataloger: erlang.NewRebarLockCataloger(), kinds: folder},
		{Cataloger: erlang.NewOTPCataloger(), kinds: folder},
		{Cataloger: haskell.NewHackageCataloger(), kinds: folder},
		{Cataloger: golang.NewGoModuleFileCataloger(cfg.Golang), kinds: folder},
		{Cataloger: java.NewGradleLockfileCataloger(), kinds: folder},
		{Cataloger: java.NewPomCataloger(cfg.JavaArchive), kinds: folder},
		{Cataloger: javascript.NewLockCataloger(cfg.JavaScript), kinds: folder},
		{Cataloger: php.NewComposerLockCataloger(), kinds: folder},
		{Cataloger: python.NewPackageCataloger(cfg.Python), kinds: folder},
		{Cataloger: ruby.NewGemFileLockCataloger(), kinds: folder},
		{Cataloger: ruby.NewGemSpecCataloger(), kinds: folder},
		{Cataloger: rust.NewCargoLockCataloger(), kinds: folder},
		{Cataloger: swift.NewCocoapodsCataloger(), kinds: folder},
		{Cataloger: swift.NewSwiftPackageManagerCataloger(), kinds: folder},
		{Cataloger: swipl.NewSwiplPackCataloger(), kinds: folder},
		{Cataloger: ocaml.NewOpamPackageManagerCataloger(), kinds: folder},
		{Cataloger: perl.NewCpanMetaCataloger(), kinds: folder},
		{Cataloger: githubactions.NewActionUsageCataloger(), kinds: folder},
		{Cataloger: githubactions.NewWorkflowUsageCataloger(), kinds: folder},
		{Cataloger: terraform.NewLockCataloger(), kinds: folder},
	}
}

// configuration switches off whatever would leave the machine or look outside
// the target: remote licence look-ups, Maven, the user's own module cache, and
// the go command.
func configuration() pkgcataloging.Config {
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
}
