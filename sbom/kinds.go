package sbom

// Of is what a kind of evidence tells something of.
type Of string

// What evidence can be of. Evidence of a file is weighed with that file's, of a
// package with the package's, of an installation with all that one vendor's
// product left in the system, of the image with its configuration. A signer is
// weighed with the file that it signed.
const (
	OfFile         Of = "file"
	OfPackage      Of = "package"
	OfSigner       Of = "signer"
	OfInstallation Of = "installation"
	OfImage        Of = "image"
)

// Trust is whether evidence of who signed something was verified.
type Trust string

// The kinds of trust. Most evidence has neither.
const (
	Verified Trust = "verified" // digest, signature and chain are right
	Claimed  Trust = "claimed"  // they are not: it is the file's own word
)

// NameForm is how a value carries the name of a maker, a legal entity.
type NameForm uint8

// The forms of names.
const (
	NameNone          NameForm = iota // it carries none
	NamePlain                         // the value is the name
	NameContact                       // "Name <mail> (address)"
	NameCopyright                     // "Copyright (c) 2001-2020 Name. All rights reserved."
	NameDistinguished                 // a distinguished name: its O and CN
	NameDeveloperID                   // "Developer ID Application: Name (TEAM)"
	NameLabel                         // "key=Name", for keys that name a vendor
)

// Traits are further properties of a kind.
type Traits uint16

// The traits.
const (
	Imported    Traits = 1 << iota // what a file takes from others, and does not hold
	SelfName                       // the name that a program gives its own file: renaming hides nothing
	IsPath                         // the value is a path
	IsLibrary                      // the value names a library: with folder and version, or without
	AlwaysNoted                    // in every inventory; others are noted where a list asks for them
	OfProduct                      // only a product has it: a file that has it is no mere file
	StatesMaker                    // the field that is made to say who made the file
	OwnIdentity                    // it says what the file is, apart from code that is embedded in it
)

// KindInfo is a row of the table of kinds.
type KindInfo struct {
	Kind    Kind
	Label   string // names a value in a sentence: "the SONAME"
	Meaning string
	Form    string // of the value, with an example in backquotes

	Of     Of
	Class  Class
	Trust  Trust
	Format FileFormat // the only format of file that has such evidence; empty for no certain one
	Name   NameForm
	Traits Traits
	// Under are other kinds whose rules hold for this kind too: a rule for a file
	// name holds for the name that a program gives itself.
	Under []Kind
}

// Is reports whether the kind has all of the traits.
func (k *KindInfo) Is(t Traits) bool { return k.Traits&t == t }

// kinds is the one table of kinds. The vocabulary and the schema of denylists,
// the matcher, the CycloneDX identity and the reference page (KINDS.md) follow
// from it. A new kind is a row here and a constant in kind.go.
var kinds = []KindInfo{
	// The place itself.
	{Kind: Path, Label: "the path", Meaning: "the place of an existing file", Form: "absolute path: `/opt/acme/bin/acme`",
		Of: OfFile, Class: ClassName, Traits: IsPath},
	{Kind: Filename, Label: "the file name", Meaning: "the last element of a file's path, as written", Form: "`klif.sys`",
		Of: OfFile, Class: ClassName, Traits: IsLibrary | OwnIdentity},
	{Kind: FileHash, Label: "the file's digest", Meaning: "the digest of a file's bytes", Form: "SHA-256, lower-case hexadecimal",
		Of: OfFile, Class: ClassIdentity},

	// Portable Executable.
	{Kind: PECompanyName, Label: "the company name", Meaning: "VersionInfo CompanyName", Form: "text",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE, Name: NamePlain, Traits: OfProduct | StatesMaker | OwnIdentity},
	{Kind: PEProductName, Label: "the product name", Meaning: "VersionInfo ProductName", Form: "text",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE},
	{Kind: PELegalCopyright, Label: "the copyright line", Meaning: "VersionInfo LegalCopyright", Form: "text",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE, Name: NameCopyright},
	{Kind: PELegalTrademarks, Label: "the trademarks", Meaning: "VersionInfo LegalTrademarks", Form: "text",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE},
	{Kind: PEFileDescription, Label: "the file description", Meaning: "VersionInfo FileDescription", Form: "text",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE},
	{Kind: PEOriginalFilename, Label: "the original file name", Meaning: "VersionInfo OriginalFilename", Form: "file name",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE, Traits: SelfName, Under: []Kind{Filename}},
	{Kind: PEInternalName, Label: "the internal name", Meaning: "VersionInfo InternalName", Form: "file name",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE, Traits: SelfName, Under: []Kind{Filename}},
	{Kind: PEExportName, Label: "the name in the export directory", Meaning: "the name in the export directory", Form: "file name",
		Of: OfFile, Class: ClassCode, Format: FormatPE, Traits: SelfName, Under: []Kind{Filename}},
	{Kind: PEExport, Label: "the exported function", Meaning: "one exported function", Form: "symbol",
		Of: OfFile, Class: ClassCode, Format: FormatPE, Under: []Kind{Symbol}},
	{Kind: PEImport, Label: "the imported library", Meaning: "a library that it imports", Form: "file name: `acme.dll`",
		Of: OfFile, Class: ClassCode, Format: FormatPE, Traits: Imported, Under: []Kind{Filename, PEExportName}},
	{Kind: PEPDBPath, Label: "the path of the debug file", Meaning: "the path in the debug directory", Form: "path of the machine that built it",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE},
	{Kind: PEAssembly, Label: "the assembly", Meaning: "the assemblyIdentity of the embedded manifest, or the .NET assembly", Form: "name",
		Of: OfFile, Class: ClassIdentity, Format: FormatPE},
	{Kind: PEImphash, Label: "the digest of the imports", Meaning: "the digest of the import table", Form: "MD5, lower-case hexadecimal",
		Of: OfFile, Class: ClassCode, Format: FormatPE},

	// Signers.
	{Kind: SignerO, Label: "the verified signer", Meaning: "the organization (O) of an Authenticode signer whose signature and chain verify", Form: "name; the common name where there is no O",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Format: FormatPE, Name: NamePlain, Traits: OfProduct | OwnIdentity},
	{Kind: SignerCN, Label: "the verified signer", Meaning: "the common name (CN) of such a signer", Form: "name",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Format: FormatPE, Name: NamePlain, Traits: OfProduct | OwnIdentity, Under: []Kind{SignerO}},
	{Kind: SignerOClaimed, Label: "the claimed signer", Meaning: "the organization of a signer whose signature does not verify", Form: "name",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Format: FormatPE, Name: NamePlain, Under: []Kind{SignerO}},
	{Kind: SignerCNClaimed, Label: "the claimed signer", Meaning: "the common name of such a signer", Form: "name",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Format: FormatPE, Name: NamePlain, Under: []Kind{SignerO, SignerCN}},
	{Kind: SignerProgram, Label: "the program name in the signature", Meaning: "the program name or address in a signature (SpcSpOpusInfo)", Form: "text",
		Of: OfSigner, Class: ClassSignature, Format: FormatPE, Name: NamePlain},
	{Kind: CodesignCN, Label: "the verified signer", Meaning: "the leaf of a Mach-O signature that verifies", Form: "`Developer ID Application: Name (TEAM)`",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Format: FormatMachO, Name: NameDeveloperID, Traits: OfProduct},
	{Kind: CodesignCNClaimed, Label: "the claimed signer", Meaning: "the leaf of a Mach-O signature that does not", Form: "`Developer ID Application: Name (TEAM)`",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Format: FormatMachO, Name: NameDeveloperID, Under: []Kind{CodesignCN}},
	{Kind: CodesignO, Label: "the verified signer", Meaning: "the organization of the leaf of a Mach-O signature that verifies", Form: "name",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Format: FormatMachO, Name: NamePlain},
	{Kind: CodesignOClaimed, Label: "the claimed signer", Meaning: "the organization of the leaf of one that does not", Form: "name",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Format: FormatMachO, Name: NamePlain, Under: []Kind{CodesignO}},
	{Kind: AppleTeamID, Label: "the Apple team", Meaning: "the team identifier of a Mach-O signature that verifies", Form: "ten letters and digits",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Format: FormatMachO},
	{Kind: AppleTeamClaimed, Label: "the claimed Apple team", Meaning: "the team identifier of one that does not", Form: "ten letters and digits",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Format: FormatMachO, Under: []Kind{AppleTeamID}},
	{Kind: JarSigner, Label: "the verified signer", Meaning: "the signer of a JAR or APK, verified", Form: "distinguished name, or its organization",
		Of: OfSigner, Class: ClassSignature, Trust: Verified, Name: NameDistinguished, Traits: OfProduct},
	{Kind: JarSignerClaimed, Label: "the claimed signer", Meaning: "the signer of a JAR or APK, not verified", Form: "distinguished name, or its organization",
		Of: OfSigner, Class: ClassIdentity, Trust: Claimed, Name: NameDistinguished, Under: []Kind{JarSigner}},
	{Kind: KmodSigner, Label: "the kernel module's signer", Meaning: "the signer that a kernel module's appended signature names", Form: "name, or a key identifier",
		Of: OfSigner, Class: ClassSignature, Name: NamePlain},
	{Kind: X509Subject, Label: "the certificate", Meaning: "the subject of a certificate that lies in a file", Form: "distinguished name",
		Of: OfSigner, Class: ClassConfig, Name: NameDistinguished},
	{Kind: PGPUserID, Label: "the OpenPGP user ID", Meaning: "a user ID of an OpenPGP key or keyring", Form: "`Name <mail>`",
		Of: OfSigner, Class: ClassConfig, Name: NameContact},

	// ELF.
	{Kind: ELFSoname, Label: "the SONAME", Meaning: "the name of a shared library (DT_SONAME)", Form: "`libacme.so.1`",
		Of: OfFile, Class: ClassName, Format: FormatELF, Traits: SelfName | IsLibrary, Under: []Kind{Filename}},
	{Kind: ELFNeeded, Label: "the needed library", Meaning: "a library that it needs (DT_NEEDED)", Form: "`libacme.so.1`",
		Of: OfFile, Class: ClassCode, Format: FormatELF, Traits: Imported | IsLibrary, Under: []Kind{Filename, ELFSoname}},
	{Kind: ELFComment, Label: "the compiler's comment", Meaning: "what compiled it: never who made it", Form: "text",
		Of: OfFile, Class: ClassCode, Format: FormatELF},
	{Kind: ELFBuildID, Label: "the build ID", Meaning: "the build identifier", Form: "hexadecimal",
		Of: OfFile, Class: ClassIdentity, Format: FormatELF},
	{Kind: ELFNote, Label: "the package note", Meaning: "the package that it was built for (.note.package)", Form: "JSON",
		Of: OfFile, Class: ClassMetadata, Format: FormatELF},
	{Kind: ELFVendorCert, Label: "the vendor certificate", Meaning: "the subject of a certificate in .vendor_cert", Form: "distinguished name",
		Of: OfFile, Class: ClassIdentity, Format: FormatELF, Name: NameDistinguished},
	{Kind: ModinfoName, Label: "the kernel module", Meaning: "the name of a kernel module", Form: "name",
		Of: OfFile, Class: ClassIdentity},
	{Kind: ModinfoAuthor, Label: "the kernel module's author", Meaning: "the author of a kernel module", Form: "`Name <mail>`",
		Of: OfFile, Class: ClassMetadata, Format: FormatELF, Name: NameContact},
	{Kind: ModinfoLicense, Label: "the kernel module's license", Meaning: "the license that a kernel module states", Form: "text",
		Of: OfFile, Class: ClassMetadata, Format: FormatELF},
	{Kind: ModinfoInTree, Label: "the mark of the kernel's own tree", Meaning: "the module was built from the kernel's own source tree", Form: "`Y`",
		Of: OfFile, Class: ClassMetadata, Format: FormatELF},
	{Kind: Packer, Label: "the packer", Meaning: "the packer that compressed a program", Form: "`UPX 4.2`",
		Of: OfFile, Class: ClassCode},

	// Symbols and strings of programs.
	{Kind: Symbol, Label: "the symbol", Meaning: "a watched symbol that the file defines", Form: "symbol",
		Of: OfFile, Class: ClassCode, Under: []Kind{PEExport}},
	{Kind: SymbolFamily, Label: "the family of symbols", Meaning: "symbols that the file defines and that begin alike; Count says how many", Form: "prefix: `NET_DVR_`",
		Of: OfFile, Class: ClassCode},
	{Kind: CXXNamespace, Label: "the C++ namespace", Meaning: "a watched C++ namespace of symbols that it defines", Form: "namespace without `::`",
		Of: OfFile, Class: ClassCode},
	{Kind: SymbolImport, Label: "the imported symbol", Meaning: "a watched symbol, prefix or namespace that the file takes from others", Form: "symbol, prefix or namespace",
		Of: OfFile, Class: ClassCode, Traits: Imported, Under: []Kind{Symbol, PEExport, SymbolFamily, CXXNamespace}},
	{Kind: BinaryString, Label: "the string", Meaning: "a watched string in the bytes", Form: "text",
		Of: OfFile, Class: ClassCode},

	// Mach-O and bundles.
	{Kind: MachOInstallName, Label: "the install name", Meaning: "the install name of a library", Form: "`@rpath/libacme.dylib`",
		Of: OfFile, Class: ClassName, Format: FormatMachO, Traits: SelfName | IsLibrary, Under: []Kind{Filename, ELFSoname}},
	{Kind: BundleID, Label: "the bundle identifier", Meaning: "CFBundleIdentifier of a macOS or iOS bundle", Form: "`com.acme.app`",
		Of: OfFile, Class: ClassIdentity, Traits: OfProduct | OwnIdentity},
	{Kind: BundleName, Label: "the bundle name", Meaning: "CFBundleName of a bundle", Form: "text",
		Of: OfFile, Class: ClassIdentity},
	{Kind: BundleCopyright, Label: "the copyright line", Meaning: "NSHumanReadableCopyright of a bundle", Form: "text",
		Of: OfFile, Class: ClassIdentity, Name: NameCopyright},
	{Kind: MachODylib, Label: "the linked library", Meaning: "a library that it links to", Form: "`@rpath/libacme.dylib`",
		Of: OfFile, Class: ClassCode, Format: FormatMachO, Traits: Imported | IsLibrary, Under: []Kind{Filename, ELFSoname}},

	// Java and Android.
	{Kind: JavaPackage, Label: "the Java package", Meaning: "the namespace of classes", Form: "slash-terminated: `com/acme/app/`",
		Of: OfFile, Class: ClassCode},
	{Kind: JavaVendor, Label: "the manifest's vendor", Meaning: "Implementation-Vendor or Specification-Vendor of a manifest", Form: "text",
		Of: OfFile, Class: ClassIdentity, Name: NamePlain, Traits: OfProduct | StatesMaker | OwnIdentity},
	{Kind: JavaTitle, Label: "the java manifest title", Meaning: "the title in a manifest", Form: "text",
		Of: OfFile, Class: ClassIdentity},
	{Kind: MavenGroup, Label: "the Maven group", Meaning: "the Maven group", Form: "`org.acme`",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted | OwnIdentity},
	{Kind: AndroidPackage, Label: "the Android package", Meaning: "the package of an Android application", Form: "`com.acme.app`",
		Of: OfFile, Class: ClassIdentity, Traits: OfProduct | OwnIdentity},

	// Packages.
	{Kind: PackageName, Label: "the package name", Meaning: "the name of a deb, rpm or apk", Form: "name",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted | OfProduct | OwnIdentity},
	{Kind: PackageVendor, Label: "the package's vendor", Meaning: "an rpm's Vendor, a deb's Maintainer or Origin, an apk's packager", Form: "`Name <mail>`",
		Of: OfPackage, Class: ClassMetadata, Name: NameContact, Traits: AlwaysNoted | OfProduct},
	{Kind: PackageOrigin, Label: "the package origin", Meaning: "the repository that a package came from", Form: "text",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: PackageKey, Label: "the package signature", Meaning: "the key that signed a package", Form: "key identifier",
		Of: OfPackage, Class: ClassSignature, Traits: AlwaysNoted},
	{Kind: NPMPackage, Label: "the npm package", Meaning: "a package of npm", Form: "`@scope/name`",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted | OwnIdentity},
	{Kind: PythonPackage, Label: "the Python package", Meaning: "a package of Python", Form: "name",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted | OwnIdentity},
	{Kind: GoModule, Label: "the Go module", Meaning: "a module of Go", Form: "module path",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted | OwnIdentity},
	{Kind: GradlePlugin, Label: "the gradle plugin", Meaning: "a plugin of Gradle", Form: "plugin ID",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: PURL, Label: "the package URL", Meaning: "the package URL", Form: "`pkg:type/namespace/name@version`",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: CPEVendor, Label: "the CPE vendor", Meaning: "the vendor of a CPE", Form: "name",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: EntityName, Label: "the name in the metadata", Meaning: "supplier, publisher, author or manufacturer in metadata", Form: "`Name <mail>`",
		Of: OfPackage, Class: ClassMetadata, Name: NameContact, Traits: OwnIdentity},
	{Kind: HomepageHost, Label: "the home page's host", Meaning: "the host of a package's home page", Form: "host name",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: RepoHost, Label: "the source repository's host", Meaning: "the host of a package's source repository", Form: "host name",
		Of: OfPackage, Class: ClassMetadata, Traits: AlwaysNoted},
	{Kind: SWIDEntity, Label: "the SWID entity", Meaning: "an entity of a software identification tag", Form: "name",
		Of: OfPackage, Class: ClassMetadata, Name: NamePlain},
	{Kind: ComponentName, Label: "the component's name", Meaning: "the name of a component of another tool's document that says no package", Form: "name",
		Of: OfPackage, Class: ClassName, Under: []Kind{PackageName, NPMPackage, PythonPackage, PEProductName, MSIProduct}},
	{Kind: MSIVendor, Label: "the installer's manufacturer", Meaning: "the manufacturer of a Windows installer", Form: "text",
		Of: OfFile, Class: ClassIdentity, Name: NamePlain, Traits: OfProduct | StatesMaker},
	{Kind: MSIProduct, Label: "the installer's product", Meaning: "the product of a Windows installer", Form: "text",
		Of: OfFile, Class: ClassIdentity},
	{Kind: MSICode, Label: "the product code", Meaning: "the product code of a Windows installer", Form: "GUID",
		Of: OfFile, Class: ClassIdentity},
	{Kind: InstallerID, Label: "the installer component", Meaning: "a component or product that an installer registers", Form: "identifier",
		Of: OfInstallation, Class: ClassIdentity},

	// System configuration.
	{Kind: SystemdUnit, Label: "the systemd unit", Meaning: "a unit of systemd", Form: "name without suffix",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: ServiceName, Label: "the Windows service", Meaning: "a service of Windows", Form: "name",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: InitScript, Label: "the init script", Meaning: "a script of init", Form: "name",
		Of: OfInstallation, Class: ClassConfig, Under: []Kind{SystemdUnit}},
	{Kind: CronCommand, Label: "the cron command", Meaning: "a command of cron", Form: "path",
		Of: OfInstallation, Class: ClassConfig, Traits: IsPath, Under: []Kind{Path}},
	{Kind: Autostart, Label: "the autostart", Meaning: "a program that is started at boot or login", Form: "path",
		Of: OfInstallation, Class: ClassConfig, Traits: IsPath, Under: []Kind{Path}},
	{Kind: RepoURL, Label: "the package repository", Meaning: "an address in the sources of apt, yum or apk", Form: "URL",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: ModuleConfig, Label: "the module config", Meaning: "a kernel module in modules-load or modprobe.d", Form: "name",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: Extension, Label: "the browser extension id", Meaning: "an extension of a browser", Form: "identifier",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: RegistryKey, Label: "the registry key", Meaning: "a key of the Windows registry", Form: "`HKLM\\SOFTWARE\\Acme`",
		Of: OfInstallation, Class: ClassConfig},
	{Kind: Uninstall, Label: "the uninstall entry's publisher", Meaning: "the publisher of an uninstall entry", Form: "text",
		Of: OfInstallation, Class: ClassConfig, Name: NamePlain},

	// Image configuration.
	{Kind: ImageRef, Label: "the image reference", Meaning: "the reference of an image", Form: "`registry/repository:tag`",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: ImageHost, Label: "the registry", Meaning: "the registry that an image reference names", Form: "host",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: ImageEnv, Label: "the environment variable", Meaning: "a variable of the environment", Form: "`NAME=value`",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: ImageLabel, Label: "the image label", Meaning: "a label", Form: "`key=value`",
		Of: OfImage, Class: ClassConfig, Name: NameLabel, Traits: AlwaysNoted},
	{Kind: ImageEntrypoint, Label: "the image entrypoint", Meaning: "entry point or command", Form: "command line",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: ImageHistory, Label: "the history line", Meaning: "a line of the history", Form: "command line",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: ImageUser, Label: "the image user", Meaning: "the user", Form: "name",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
	{Kind: HelmChart, Label: "the helm chart", Meaning: "a chart of Helm", Form: "name",
		Of: OfImage, Class: ClassConfig, Traits: AlwaysNoted},
}

var kindIndex = func() map[Kind]*KindInfo {
	m := make(map[Kind]*KindInfo, len(kinds))
	for i := range kinds {
		m[kinds[i].Kind] = &kinds[i]
	}
	return m
}()

// Kinds returns the table of all kinds of evidence. It must not be changed.
func Kinds() []KindInfo { return kinds }

// Info returns the row of a kind. A kind that is not known is one of the
// configuration, with a label made of its name.
func (k Kind) Info() *KindInfo {
	if i := kindIndex[k]; i != nil {
		return i
	}
	return &KindInfo{Kind: k, Label: "the " + string(k), Of: OfFile, Class: ClassConfig}
}

// Class returns the class of a kind. Kinds that are not known are [ClassConfig].
func (k Kind) Class() Class { return k.Info().Class }
