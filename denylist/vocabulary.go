package denylist

import "github.com/interdict/interdict/sbom"

// The words that a file may use.
var (
	effects       = []Effect{UseBan, ProcurementBan, SaleBan, ExportControl, AssetFreeze, Warning, Authorization, FundingBan}
	identifiables = []Identifies{Product, Engine, Driver, OpenSource, Maker, Residue, Data}
	answers       = []Answer{Covered, Excluded, Open}
	strengths     = []Strength{Decisive, Strong, Corroborating, Weak}
	matches       = []Operator{Exact, ExactFold, Prefix, PrefixFold, Suffix, Glob, Regex, Entity, Elements, Host, Image, Subject}
)

// ruleKinds are the kinds that a rule may name: all that sbom knows, but the
// ones that a rule of another kind stands for.
var ruleKinds = []sbom.Kind{
	sbom.Path, sbom.Filename, sbom.FileHash,
	sbom.PECompanyName, sbom.PEProductName, sbom.PELegalCopyright, sbom.PELegalTrademarks,
	sbom.PEFileDescription, sbom.PEOriginalFilename, sbom.PEInternalName, sbom.PEExportName,
	sbom.PEExport, sbom.PEImport, sbom.PEPDBPath, sbom.PEAssembly, sbom.PEImphash,
	sbom.SignerO, sbom.SignerCN, sbom.SignerOClaimed, sbom.SignerCNClaimed, sbom.SignerProgram,
	sbom.CodesignCN, sbom.CodesignCNClaimed, sbom.CodesignO, sbom.CodesignOClaimed, sbom.AppleTeamID, sbom.AppleTeamClaimed,
	sbom.JarSigner, sbom.JarSignerClaimed, sbom.KmodSigner, sbom.X509Subject, sbom.PGPUserID,
	sbom.ELFSoname, sbom.ELFNeeded, sbom.ELFComment, sbom.ELFBuildID, sbom.ELFNote, sbom.ELFVendorCert,
	sbom.ModinfoName, sbom.ModinfoAuthor, sbom.ModinfoLicense, sbom.ModinfoInTree, sbom.Packer,
	sbom.Symbol, sbom.SymbolFamily, sbom.SymbolImport, sbom.CXXNamespace, sbom.BinaryString,
	sbom.MachOInstallName, sbom.MachODylib, sbom.BundleID, sbom.BundleName, sbom.BundleCopyright,
	sbom.JavaPackage, sbom.JavaVendor, sbom.JavaTitle, sbom.MavenGroup, sbom.AndroidPackage,
	sbom.PackageName, sbom.PackageVendor, sbom.PackageOrigin, sbom.PackageKey,
	sbom.NPMPackage, sbom.PythonPackage, sbom.GoModule, sbom.GradlePlugin, sbom.PURL, sbom.CPEVendor,
	sbom.EntityName, sbom.HomepageHost, sbom.RepoHost, sbom.SWIDEntity, sbom.ComponentName,
	sbom.MSIVendor, sbom.MSIProduct, sbom.MSICode, sbom.InstallerID,
	sbom.SystemdUnit, sbom.ServiceName, sbom.InitScript, sbom.CronCommand, sbom.Autostart,
	sbom.RepoURL, sbom.ModuleConfig, sbom.Extension, sbom.RegistryKey, sbom.Uninstall,
	sbom.ImageRef, sbom.ImageHost, sbom.ImageEnv, sbom.ImageLabel, sbom.ImageEntrypoint,
	sbom.ImageHistory, sbom.ImageUser, sbom.HelmChart,
}

func words[T ~string](ts []T) []string {
	s := make([]string, len(ts))
	for i, t := range ts {
		s[i] = string(t)
	}
	return s
}

// nearest returns the word that is at most two edits away from s, or "".
func nearest(s string, of []string) string {
	best, at := "", 3
	for _, w := range of {
		if d := distance(s, w); d < at && d < len(s) {
			best, at = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
