package sbom

// Kind says what sort of fact an Evidence is. A denylist's rule names the kind
// that it matches. The names are those of the field the fact is read from.
type Kind string

// Class is the sort of source that a kind of evidence comes from. Two
// evidences are independent when their classes differ.
type Class string

// The classes.
const (
	ClassName      Class = "name"      // what the file or unit is called
	ClassIdentity  Class = "identity"  // what the file says of itself in a field made for it
	ClassSignature Class = "signature" // who signed it
	ClassCode      Class = "code"      // exports, imports, symbols, namespaces, embedded strings
	ClassMetadata  Class = "metadata"  // what a package manager or manifest says
	ClassConfig    Class = "config"    // what the system or image configuration says
)

// Kinds of evidence. What each means, and how it is judged, is in the table of
// [Kinds].
const (
	// The place itself.
	Path     Kind = "path"     // "/opt/acme/bin/acme": an existing file, absolute
	Filename Kind = "filename" // "klif.sys": its last element, as written
	FileHash Kind = "file_sha256"

	// Portable Executable.
	PECompanyName      Kind = "pe_company_name"      // VersionInfo CompanyName
	PEProductName      Kind = "pe_product_name"      // VersionInfo ProductName
	PELegalCopyright   Kind = "pe_legal_copyright"   // VersionInfo LegalCopyright
	PELegalTrademarks  Kind = "pe_legal_trademarks"  // VersionInfo LegalTrademarks
	PEFileDescription  Kind = "pe_file_description"  // VersionInfo FileDescription
	PEOriginalFilename Kind = "pe_original_filename" // VersionInfo OriginalFilename
	PEInternalName     Kind = "pe_internal_name"     // VersionInfo InternalName
	PEExportName       Kind = "pe_export_name"       // name in the export directory
	PEExport           Kind = "pe_export"            // one exported function
	PEImport           Kind = "pe_import"            // DLL that it imports
	PEPDBPath          Kind = "pe_pdb_path"          // path in the debug directory
	PEAssembly         Kind = "pe_assembly"          // assemblyIdentity name of the embedded manifest, or .NET assembly
	PEImphash          Kind = "pe_imphash"           // MD5 of the import table

	// Signers. The subject's organisation (O), or its common name (CN) where no O is.
	// The plain kinds are for signatures whose digest matches the file and whose chain
	// verifies up to the certificate inside; the claimed kinds are for all others.
	SignerO           Kind = "authenticode_subject_o"
	SignerCN          Kind = "authenticode_subject_cn"
	SignerOClaimed    Kind = "authenticode_subject_o_claimed"
	SignerCNClaimed   Kind = "authenticode_subject_cn_claimed"
	SignerProgram     Kind = "authenticode_program" // SpcSpOpusInfo program name or URL
	CodesignCN        Kind = "codesign_cn"          // leaf of a Mach-O CMS signature, verified
	CodesignCNClaimed Kind = "codesign_cn_claimed"
	CodesignO         Kind = "codesign_o" // its organisation
	CodesignOClaimed  Kind = "codesign_o_claimed"
	AppleTeamID       Kind = "apple_team_id" // CodeDirectory team identifier, of a verified signature
	AppleTeamClaimed  Kind = "apple_team_id_claimed"
	JarSigner         Kind = "jar_signer" // subject O of a JAR or APK signer, verified
	JarSignerClaimed  Kind = "jar_signer_claimed"
	KmodSigner        Kind = "kmod_signer" // signer named in the appended PKCS#7
	X509Subject       Kind = "x509_subject"
	PGPUserID         Kind = "pgp_user_id" // of a keyring or a package signature

	// ELF.
	ELFSoname      Kind = "elf_soname"
	ELFNeeded      Kind = "elf_needed"
	ELFComment     Kind = "elf_comment" // who compiled it: never who made it
	ELFBuildID     Kind = "elf_build_id"
	ELFNote        Kind = "elf_note_package" // JSON of .note.package
	ELFVendorCert  Kind = "elf_vendor_cert"  // subject of a certificate in .vendor_cert
	ModinfoName    Kind = "kernel_module"    // name of a kernel module
	ModinfoAuthor  Kind = "modinfo_author"
	ModinfoLicense Kind = "modinfo_license"
	ModinfoInTree  Kind = "modinfo_intree" // "Y": built from the kernel's own source tree
	Packer         Kind = "packer"         // "UPX 4.2"

	// Symbols of any binary format. SymbolFamily's value is a common prefix and
	// Count how many symbols have it.
	Symbol       Kind = "symbol"
	SymbolFamily Kind = "symbol_prefix"
	CXXNamespace Kind = "cxx_namespace"
	// SymbolImport is a watched symbol, prefix or namespace that the file takes
	// from others: it is a client of that code and does not hold it.
	SymbolImport Kind = "symbol_import"
	BinaryString Kind = "binary_string" // a watched string in the bytes

	// Mach-O and bundles.
	MachOInstallName Kind = "macho_install_name"
	BundleID         Kind = "macos_bundle_id" // CFBundleIdentifier, macOS or iOS
	BundleName       Kind = "macos_bundle_name"
	BundleCopyright  Kind = "macos_bundle_copyright" // NSHumanReadableCopyright
	MachODylib       Kind = "macho_dylib"            // library that it links to

	// Java and Android.
	JavaPackage    Kind = "java_package" // "com/acme/app/": namespace of classes, slash-terminated
	JavaVendor     Kind = "java_manifest_vendor"
	JavaTitle      Kind = "java_manifest_title"
	MavenGroup     Kind = "maven_group"
	AndroidPackage Kind = "android_package"

	// Packages.
	PackageName   Kind = "package_name"      // of a deb, rpm or apk
	PackageVendor Kind = "package_vendor"    // rpm Vendor, deb Maintainer or Origin, apk packager
	PackageOrigin Kind = "package_origin"    // repository that it came from
	PackageKey    Kind = "package_signature" // key that signed it
	NPMPackage    Kind = "npm_package"
	PythonPackage Kind = "python_package"
	GoModule      Kind = "go_module"
	GradlePlugin  Kind = "gradle_plugin"
	PURL          Kind = "purl"
	CPEVendor     Kind = "cpe_vendor"
	EntityName    Kind = "entity_name"   // supplier, publisher, author or maker in metadata
	HomepageHost  Kind = "homepage_host" // host of a package's home page
	RepoHost      Kind = "repo_host"     // host of a package's source repository
	SWIDEntity    Kind = "swid_entity"
	// ComponentName is the name that another tool's document gives to a
	// component without saying which package it is. See [Component.NoteName].
	ComponentName Kind = "component_name"
	MSIVendor     Kind = "msi_manufacturer"
	MSIProduct    Kind = "msi_product_name"
	MSICode       Kind = "product_code"
	InstallerID   Kind = "installer_component"

	// System configuration.
	SystemdUnit  Kind = "systemd_unit" // without suffix
	ServiceName  Kind = "windows_service"
	InitScript   Kind = "init_script"
	CronCommand  Kind = "cron_command"
	Autostart    Kind = "autostart"
	RepoURL      Kind = "package_repository" // address in apt, yum or apk sources
	ModuleConfig Kind = "module_config"      // modules-load, modprobe.d
	Extension    Kind = "browser_extension_id"
	RegistryKey  Kind = "registry_key"
	Uninstall    Kind = "uninstall_publisher"

	// Image configuration.
	ImageRef        Kind = "container_image"
	ImageHost       Kind = "registry_host"
	ImageEnv        Kind = "image_env" // "NAME=value"
	ImageLabel      Kind = "image_label"
	ImageEntrypoint Kind = "image_entrypoint"
	ImageHistory    Kind = "image_history"
	ImageUser       Kind = "image_user"
	HelmChart       Kind = "helm_chart"
)
