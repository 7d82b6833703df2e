package sbom

import "slices"

// FileFormat is what sort of file an evidence was read from, as far as it
// matters to a rule: the same name says less on a text than on a program.
type FileFormat string

// The formats of files. A file of none of the others is [FormatData].
const (
	FormatPE      FileFormat = "pe"      // Portable Executable
	FormatELF     FileFormat = "elf"     // ELF
	FormatMachO   FileFormat = "macho"   // Mach-O, thin or universal
	FormatScript  FileFormat = "script"  // text that begins with "#!"
	FormatArchive FileFormat = "archive" // an archive or a compressed file
	FormatData    FileFormat = "data"
	FormatSymlink FileFormat = "symlink" // no file, but the name of one
)

// FileFormats returns all formats of files.
func FileFormats() []FileFormat {
	return []FileFormat{FormatPE, FormatELF, FormatMachO, FormatScript, FormatArchive, FormatData, FormatSymlink}
}

// Known reports whether f is one of [FileFormats].
func (f FileFormat) Known() bool { return slices.Contains(FileFormats(), f) }

// IsProgram reports whether files of the format can be run.
func (f FileFormat) IsProgram() bool {
	return f == FormatPE || f == FormatELF || f == FormatMachO || f == FormatScript
}

// Outdated reports whether the evidence is of a document in which interdict
// said in Where alone what has a typed form now: see [UpgradeEvidence].
func (e *Evidence) Outdated() bool {
	switch e.Kind {
	case Filename, Path:
		return e.Format == "" && FileFormat(e.Where).Known()
	case ModinfoAuthor:
		return e.Where == ".modinfo, intree"
	}
	return false
}

// UpgradeEvidence brings the evidence of one component, as a document that
// interdict wrote has it, into today's form. It may change es.
func UpgradeEvidence(es []Evidence) []Evidence {
	for i := range es {
		e := &es[i]
		if !e.Outdated() {
			continue
		}
		if e.Kind != ModinfoAuthor {
			e.Format, e.Where = FileFormat(e.Where), ""
			continue
		}
		tree := Evidence{Kind: ModinfoInTree, Value: "Y", Path: e.Path, Layer: e.Layer, Where: ".modinfo", Detector: e.Detector}
		if e.Where = ".modinfo"; !slices.Contains(es, tree) {
			es = append(es, tree)
		}
	}
	return es
}
