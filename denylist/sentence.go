package denylist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// maxQuote is how much of a value a sentence quotes, in characters.
const maxQuote = 80

// why says in a sentence how the evidence came to its level.
func (w *weighed) why() string {
	p := &w.proofs[0]
	switch {
	case w.identity == Denied && p.Strength == Decisive && p.decides:
		return fmt.Sprintf("%s is decisive for %s.", capital(p.fact()), w.vendor.Name)
	case w.identity == Denied:
		a, b := w.independent()
		return fmt.Sprintf("Two independent facts name %s: %s, and %s.", w.vendor.Name, a.fact(), b.fact())
	case w.identity == Review && strengthOrder[p.Strength] >= strengthOrder[Strong]:
		return fmt.Sprintf("%s points to %s, and nothing independent confirms it%s.", capital(p.fact()), w.vendor.Name, p.reservation())
	case w.identity == Review:
		return fmt.Sprintf("Several weak facts point to %s, among them %s.", w.vendor.Name, p.fact())
	}
	return fmt.Sprintf("%s names %s and proves nothing%s.", capital(p.fact()), w.vendor.Name, p.reservation())
}

// independent returns two strong proofs of different classes.
func (w *weighed) independent() (a, b *proof) {
	a = &w.proofs[0]
	for i := range w.proofs {
		p := &w.proofs[i]
		if !p.decides || strengthOrder[p.Strength] < strengthOrder[Strong] {
			continue
		}
		if !a.decides {
			a = p
		} else if p.class != a.class {
			return a, p
		}
	}
	return a, a
}

// reservation says why a proof is not worth more.
func (p *proof) reservation() string {
	switch {
	case p.limit != "":
		return ": " + p.limit
	case !p.Verified:
		return ": the rule was not checked against its source"
	case p.Identifies == Residue:
		return ": it is a trace, not the product"
	}
	return ""
}

// fact names a proof: `the signer "AO Kaspersky Lab"`.
func (p *proof) fact() string {
	s := fmt.Sprintf("%s %q", kindName(p.Kind), quote(p.Value))
	if p.Count > 1 {
		s += fmt.Sprintf(" (%d of them)", p.Count)
	}
	return s
}

func kindName(k sbom.Kind) string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "the " + strings.ReplaceAll(string(k), "_", " ")
}

func quote(s string) string {
	r := []rune(s)
	if len(r) > maxQuote {
		return string(r[:maxQuote-1]) + "…"
	}
	return s
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// change says which evidence would change the level.
func (w *weighed) change() string {
	p := &w.proofs[0]
	switch w.identity {
	case Denied:
		if p.Strength == Decisive && p.decides {
			n := slices.IndexFunc(w.proofs, func(q proof) bool { return !q.decides || q.Strength != Decisive })
			if n == 1 || len(w.proofs) == 1 {
				return fmt.Sprintf("Without %s it would not be denied by one fact alone.", p.fact())
			}
			return "Several facts decide, each alone."
		}
		a, b := w.independent()
		return fmt.Sprintf("Without either of %s and %s it would be for review.", a.fact(), b.fact())
	case Review:
		return "A verified signature of the vendor, or strong evidence of another kind in the same place, would make it denied; a maker that is known to be another would clear it."
	}
	return "Evidence of the product itself, such as a signature, an exported interface or a package of the vendor, would raise it."
}

// kindNames names the kinds for readers.
var kindNames = map[sbom.Kind]string{
	sbom.Path: "the path", sbom.Filename: "the file name", sbom.PECompanyName: "the company name",
	sbom.PELegalCopyright: "the copyright line", sbom.PEOriginalFilename: "the original file name",
	sbom.PEInternalName: "the internal name", sbom.PEExportName: "the name in the export directory",
	sbom.PEExport: "the exported function", sbom.PEImport: "the imported library", sbom.PEPDBPath: "the path of the debug file",
	sbom.SignerO: "the verified signer", sbom.SignerCN: "the verified signer",
	sbom.SignerOClaimed: "the claimed signer", sbom.SignerCNClaimed: "the claimed signer",
	sbom.SignerProgram: "the program name in the signature", sbom.CodesignCN: "the verified signer",
	sbom.CodesignCNClaimed: "the claimed signer", sbom.CodesignO: "the verified signer", sbom.CodesignOClaimed: "the claimed signer", sbom.MachODylib: "the linked library",
	sbom.AppleTeamID:      "the Apple team",
	sbom.AppleTeamClaimed: "the claimed Apple team", sbom.X509Subject: "the certificate",
	sbom.ELFSoname: "the SONAME", sbom.ELFNeeded: "the needed library",
	sbom.Symbol: "the symbol", sbom.SymbolFamily: "the family of symbols", sbom.SymbolImport: "the imported symbol",
	sbom.CXXNamespace: "the C++ namespace", sbom.BinaryString: "the string", sbom.BundleID: "the bundle identifier",
	sbom.JavaPackage: "the Java package", sbom.JavaVendor: "the manifest's vendor", sbom.MavenGroup: "the Maven group",
	sbom.AndroidPackage: "the Android package", sbom.PackageName: "the package name", sbom.PackageVendor: "the package's vendor",
	sbom.NPMPackage: "the npm package", sbom.PythonPackage: "the Python package", sbom.GoModule: "the Go module",
	sbom.PURL: "the package URL", sbom.CPEVendor: "the CPE vendor", sbom.EntityName: "the name in the metadata",
	sbom.HomepageHost: "the home page's host", sbom.RepoHost: "the source repository's host",
	sbom.MSIVendor: "the installer's manufacturer", sbom.SystemdUnit: "the systemd unit",
	sbom.ServiceName: "the Windows service", sbom.RegistryKey: "the registry key", sbom.Uninstall: "the uninstall entry's publisher",
	sbom.ImageRef: "the image reference", sbom.ImageHost: "the registry", sbom.ImageEnv: "the environment variable",
	sbom.ImageHistory: "the history line", sbom.ModinfoAuthor: "the kernel module's author", sbom.ModinfoName: "the kernel module",
	sbom.RepoURL: "the package repository", sbom.ComponentName: "the component's name",
}
